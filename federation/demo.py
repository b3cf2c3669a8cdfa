"""The demonstration: a synthetic city, real separate departments, queries compared with the clear answer, the record.

The clear answers come from the city's generator, in the lab, never through a department: that is what a demonstration
can do and a real federation cannot. Gains and amounts are those the generator was given.
"""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from crypto.keyfile import MIN_COST
from federation import operate
from federation.analyst import Analyst, Result, job_name
from federation.audit.record import RecordReader
from federation.audit.verify import Verdict, verify_record
from federation.errors import KeyongError, RecordError, RefusedError, RequestError, SettingsError
from federation.governance.identity import write_whole
from federation.governance.officers import create_officer
from federation.governance.roster import OfficerRole
from federation.officer import OfficerDesk
from federation.runtime.home import Home
from federation.settings import Settings, read_settings

if TYPE_CHECKING:
    import pandas as pd

    import jincheng

CITIZENS = 20_000
LEAST_CITIZENS, MOST_CITIZENS = 1_000, 1_000_000
SEED = 7

# Different bureaus, different stores: the same three tables in all of them.
FORMATS = {
    "chengqu": "csv",
    "gaoping": "csv-gb18030",
    "zezhou": "sqlite",
    "yangcheng": "parquet",
    "lingchuan": "duckdb",
    "qinshui": "csv",
}
# One passphrase for all, known to everybody: nothing but synthetic data is behind it, and the program says so.
DEMO_PASSPHRASE = "keyong-demo-2026"  # noqa: S105 - no secret, as said

# What the analyst is told while a request lies on desks, and the step at which one officer takes back the word.
WAITING, HALFWAY = "wait ", "counts.encrypt"
STOPPER = "yangcheng"

# Made-up persons in the three separate roles.
OFFICERS: tuple[tuple[str, OfficerRole, str], ...] = (
    ("operator@city", "operator", "甲（虚构）"),
    ("auditor@city", "auditor", "乙（虚构）"),
    ("officer@chengqu", "officer", "丙（虚构）"),
    ("officer@gaoping", "officer", "丁（虚构）"),
    ("officer@zezhou", "officer", "戊（虚构）"),
    ("officer@yangcheng", "officer", "己（虚构）"),
    ("officer@lingchuan", "officer", "庚（虚构）"),
    ("officer@qinshui", "officer", "辛（虚构）"),
)
ADAPTERS = {"csv-gb18030": "csv"}  # where the format's name is not the adapter's

Row = tuple[object, ...]
Officers = dict[str, OfficerDesk]
Clear = Callable[["Mapping[str, pd.DataFrame]"], "pd.DataFrame"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One query of the demonstration, and how pandas answers it on the pooled clear data.

    Attributes:
        keys: how many leading columns name the group.
    """

    zh: str
    en: str
    sql: str
    keys: int
    clear: Clear


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A query that must be refused, and the code it must be refused with."""

    zh: str
    en: str
    sql: str
    code: str


def _by_age(t: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    rows = t["insured"][t["insured"].months_12 >= 6]
    return rows.groupby("age_band").base_fen.agg(["size", "sum", "mean"]).reset_index()


def _relief(t: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return (
        t["dibao"]
        .groupby("dibao_type")
        .agg(n=("amount_fen", "size"), s=("amount_fen", "sum"), b=("balance_fen", "sum"), d=("amount_fen", "std"))
        .reset_index()
    )


def _unemployed(t: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    rows = t["insured"][t["insured"].unemployed]
    return rows.groupby(["sex", "age_band"]).size().reset_index()


def _bands(t: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas

    rows = t["insured"][t["insured"].employment == "职工"]
    cuts = [370000, 500000, 700000, 1000000, 1500000]
    labels = [f"< {cuts[0]}", *(f"[{low}, {high})" for low, high in pairwise(cuts)), f">= {cuts[-1]}"]
    banded = pandas.cut(rows.base_fen.astype("float"), [-math.inf, *cuts, math.inf], right=False, labels=labels)
    return rows.groupby(banded, observed=True).size().reset_index()


QUESTIONS = (
    Question(
        zh="近一年缴费满六个月的职工：人数、缴费基数合计与平均，按年龄段",
        en="employees who paid for six months or more: number, total and mean base, by age band",
        sql="SELECT age_band, COUNT(*), SUM(base_fen), AVG(base_fen) FROM insured WHERE months_12 >= 6"
        " GROUP BY age_band",
        keys=1,
        clear=_by_age,
    ),
    Question(
        zh="低保：人数、月救助金合计、上年核减补差（可为负）、标准差，按类别",
        en="basic allowance: number, monthly total, last year's corrections (signed), deviation, by kind",
        sql="SELECT dibao_type, COUNT(*), SUM(amount_fen), SUM(balance_fen), STDDEV(amount_fen) FROM dibao"
        " GROUP BY dibao_type",
        keys=1,
        clear=_relief,
    ),
    Question(
        zh="登记失业人数，按性别与年龄段（小组被抑制）",
        en="registered unemployed by sex and age band (small groups are suppressed)",
        sql="SELECT sex, age_band, COUNT(*) FROM insured WHERE unemployed GROUP BY sex, age_band",
        keys=2,
        clear=_unemployed,
    ),
    Question(
        zh="职工缴费基数的直方图（公开分界点）",
        en="histogram of employees' bases by public cut points",
        sql="SELECT BAND(base_fen), COUNT(*) FROM insured WHERE employment = '职工' GROUP BY BAND(base_fen)",
        keys=1,
        clear=_bands,
    ),
)

REFUSALS = (
    Refusal(
        zh="查询逐行数据",
        en="asking for rows",
        sql="SELECT sex, age FROM hukou",
        code="request.rows",
    ),
    Refusal(
        zh="按身份证号查人",
        en="looking a person up by id",
        sql="SELECT COUNT(*) FROM hukou WHERE id = '140591199001010011'",
        code="request.join_key",
    ),
    Refusal(
        zh="按持有部门分组",
        en="grouping by the holder",
        sql="SELECT department, COUNT(*) FROM hukou GROUP BY department",
        code="request.by_holder",
    ),
    Refusal(
        zh="只问一个县的部门",
        en="asking one bureau only",
        sql="SELECT COUNT(*) FROM lingchuan.dibao",
        code="request.one_department",
    ),
    Refusal(
        zh="用任意界限逼近个人",
        en="walking up to a person with free limits",
        sql="SELECT COUNT(*) FROM insured WHERE base_fen >= 1999990",
        code="request.cut",
    ),
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one query.

    Attributes:
        compared: numbers compared with the clear answer.
        different: how many of them differ.
    """

    sql: str
    job: str
    seconds: float
    bytes: int
    rows: int
    suppressed_groups: int
    compared: int
    different: int


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a query that must be refused; `code` is "" if it was not."""

    sql: str
    expected: str
    code: str


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request that an officer stopped.

    Attributes:
        code: "" if it was not stopped.
        seconds: from the officer's word to the refusal at the analyst.
    """

    sql: str
    expected: str
    code: str
    department: str
    seconds: float


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One of the four promises: whether it holds, on what figure, and why not.

    Attributes:
        reason: "" if it holds; "not built" if a part of it does not exist yet.
        missing: what is not built yet.
    """

    holds: bool
    figure: str
    figure_zh: str
    reason: str = ""
    missing: tuple[str, ...] = ()


class DepartmentLine(msgspec.Struct, frozen=True, kw_only=True):
    """One department of the demonstration."""

    name: str
    label: str
    adapter: str
    rows: dict[str, int]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole demonstration."""

    promises: dict[str, Promise]
    departments: tuple[DepartmentLine, ...]
    isolation: str
    citizens: int
    synthetic: bool
    queries: tuple[Asked, ...]
    refused: tuple[Refused, ...]
    stopped: tuple[Stopped, ...]
    record: Verdict
    tampered: str
    start_seconds: float
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether a promise that is built does not hold."""
        return any(not promise.holds and promise.reason != "not built" for promise in self.promises.values())


class Teller(Protocol):
    """Where the demonstration tells what it does; the command prints it."""

    def stage(self, zh: str, en: str) -> None:
        """Say that a stage begins."""
        ...

    def ready(self, party: str) -> None:
        """Say that a party is ready."""
        ...

    def asked(self, question: Question, result: Result | None, asked: Asked) -> None:
        """Show a query and its answer; None if every group was too small to be shown."""
        ...

    def refused(self, refusal: Refusal, error: KeyongError | None) -> None:
        """Show a refusal."""
        ...

    def stopped(self, stopped: Stopped, error: KeyongError | None) -> None:
        """Show a request that an officer stopped."""
        ...


def is_demonstration(home: Home) -> bool:
    """Whether a home was made for the built-in demonstration, so that nobody's data is in it."""
    return (home.path / "city.json").exists()


def built_in_settings(home: Home, *, citizens: int = CITIZENS) -> Path:
    """Make the synthetic city in the home, unless it is there, and return its federation.toml.

    Raises:
        SettingsError: the size is out of range.
    """
    import jincheng

    home.prepare()
    file = home.path / "federation.toml"
    if not file.exists():
        if not LEAST_CITIZENS <= citizens <= MOST_CITIZENS:
            raise SettingsError("settings.citizens", citizens=citizens)
        city = jincheng.generate(
            home.path / "parties", citizens=citizens, seed=SEED, workers=2 if citizens > 200_000 else 1, formats=FORMATS
        )
        write_whole(home.path / "city.json", json.dumps({"citizens": citizens, "seed": SEED}).encode())
        lines = [f"# synthetic city of {citizens} citizens, seed {SEED}: nothing in it is a real person", *_toml(city)]
        write_whole(file, ("\n".join(lines) + "\n").encode())
    for name, role, person in OFFICERS:
        if not (home.officer(name) / "key").exists():
            create_officer(
                home.officer(name), name=name, role=role, person=person, passphrase=DEMO_PASSPHRASE, cost=MIN_COST
            )
    return file


def run(home: Home, *, citizens: int = CITIZENS, teller: Teller) -> Report:
    """Run the demonstration in a home; leaves the federation running.

    Raises:
        KeyongError: what kept it from running to the end.
    """
    begun = time.monotonic()
    teller.stage("生成合成城市（合成数据，无真实个人）", "making the synthetic city (no real person in it)")
    settings = read_settings(built_in_settings(home, citizens=citizens))
    citizens = int(json.loads((home.path / "city.json").read_text())["citizens"])
    teller.stage("启动：每个部门一个隔离进程，一次性密钥仪式", "starting: one confined process each, one key ceremony")
    if operate.status(home) is None:
        start_seconds = operate.up(settings, home, progress=teller.ready)
    else:
        start_seconds = 0.0
    analyst = operate.open_analyst(settings, home)
    officers = officers_of(home, settings)

    teller.stage("密文统计：结果逐一与明文答案比对", "encrypted statistics, each compared with the clear answer")
    import jincheng

    clear = jincheng.tables(citizens=citizens, seed=SEED)
    queries = []
    for question in QUESTIONS:
        result, asked = _ask(analyst, question, clear, officers)
        queries.append(asked)
        teller.asked(question, result, asked)

    teller.stage("这些请求必须被拒绝", "what must be refused")
    refused = tuple(_refuse(analyst, refusal, teller) for refusal in REFUSALS)

    teller.stage(
        "审批：一个部门拒绝；执行到一半撤回", "the officers: one department denies; one takes its word back halfway"
    )
    stopped = tuple(_stop(analyst, officers, code, teller) for code in ("refused.denied", "refused.revoked"))

    teller.stage("重算审计记录，并在副本上改动一处", "recomputing the record, and altering one entry of a copy")
    verdict = verify_settled(home)
    tampered = _tamper(home)
    public = RecordReader(home.path).public()
    report = Report(
        promises=_promises(queries, refused, stopped, verdict, tampered),
        departments=_departments(settings, clear),
        isolation=public.unconfined or "confined",
        citizens=citizens,
        synthetic=True,
        queries=tuple(queries),
        refused=refused,
        stopped=stopped,
        record=verdict,
        tampered=tampered,
        start_seconds=round(start_seconds, 2),
        seconds=round(time.monotonic() - begun, 2),
    )
    # For the dashboard, which can say what was compared but has no clear data to compare with.
    write_whole(home.path / "demo.json", msgspec.json.encode(report))
    return report


def verify_settled(home: Home) -> Verdict:
    """Verify the record of a home; if a federation runs there, with the counts of this moment.

    Raises:
        RecordError: it does not hold.
    """
    for attempt in range(5):
        operate.status(home)  # makes the launcher write its counts
        try:
            return verify_record(RecordReader(home.path))
        except RecordError:
            # A frame may be between its ledger entry and the count right now; at five looks it is no accident.
            if attempt == 4 or operate.status(home) is None:
                raise
            time.sleep(0.2)  # nothing tells when a frame has been counted; the record is files of other processes
    raise AssertionError("unreachable")


def officers_of(home: Home, settings: Settings) -> Officers:
    """Every department's officer at its desk, the key opened."""
    desks = {}
    for officer in settings.officers:
        if officer.role == "officer":
            desk = operate.open_desk(home, officer.name)
            desk.unlock(DEMO_PASSPHRASE)
            desks[desk.officer.department] = desk
    return desks


def approving(officers: Officers, job: str) -> Callable[[str], None]:
    """Let every officer approve as soon as a request lies on the desks."""
    left = set(officers)

    def step(name: str) -> None:
        if name.startswith(WAITING):
            for department in sorted(left & set(name.split(" "))):
                officers[department].approve(job)
                left.discard(department)

    return step


def _ask(
    analyst: Analyst, question: Question, clear: Mapping[str, pd.DataFrame], officers: Officers
) -> tuple[Result | None, Asked]:
    plan = analyst.plan(question.sql, question.zh)
    try:
        result = analyst.ask(plan, approving(officers, job_name(plan)))
        return result, _compare(question, result, clear)
    except RefusedError as error:
        # In a very small city every group of a question can be too small, and then nothing is the right answer.
        if error.code != "refused.too_small":
            raise
        groups = plan.local.group_count
        nothing = dict.fromkeys(("bytes", "rows", "compared", "different"), 0)
        return None, Asked(sql=question.sql, job="", seconds=0.0, suppressed_groups=groups, **nothing)


def _compare(question: Question, result: Result, tables: Mapping[str, pd.DataFrame]) -> Asked:
    """Compare every released number with pandas on the pooled clear data; nothing may be missing or made up."""
    clear = [tuple(row) for row in question.clear(tables).itertuples(index=False)]
    keys = question.keys
    expected = {tuple(str(cell) for cell in row[:keys]): row[keys:] for row in clear}
    compared = different = 0
    for row in result.answer.rows:
        want = expected.pop(tuple(str(cell) for cell in row[:keys]), None)
        for index, cell in enumerate(row[keys:]):
            compared += 1
            different += want is None or not _equal(cell, want[index])
    left = {key for key in expected if key not in set(result.answer.suppressed)}
    return Asked(
        sql=result.sql,
        job=result.job,
        seconds=result.seconds,
        bytes=result.bytes,
        rows=len(result.answer.rows),
        suppressed_groups=len(result.answer.suppressed),
        compared=compared,
        different=different + len(left),
    )


def _equal(ours: object, clear: object) -> bool:
    """Integers exactly; pandas' means and deviations to twelve digits, which is what its floats can bear."""
    if isinstance(ours, int):
        return float(clear) == ours  # type: ignore[arg-type]  # a pandas number
    return isinstance(ours, float) and math.isclose(ours, float(clear), rel_tol=1e-12)  # type: ignore[arg-type]


def _refuse(analyst: Analyst, refusal: Refusal, teller: Teller) -> Refused:
    error: KeyongError | None = None
    try:
        analyst.ask(analyst.plan(refusal.sql, refusal.zh))
    except RequestError as refused:
        error = refused
    teller.refused(refusal, error)
    return Refused(sql=refusal.sql, expected=refusal.code, code=error.code if error else "")


def _stop(analyst: Analyst, officers: Officers, expected: str, teller: Teller) -> Stopped:
    """Ask something that would be allowed, and let one department's officer stop it."""
    plan = analyst.plan(QUESTIONS[0].sql, "演示：被安全管理员中止的请求")
    job, approve = job_name(plan), approving(officers, job_name(plan))
    spoken = 0.0

    def step(name: str) -> None:
        nonlocal spoken
        if expected == "refused.denied" and name.startswith(WAITING):
            officers[STOPPER].reject(job, "用途不明确（演示）")
            spoken = time.monotonic()
        elif expected == "refused.revoked" and name == HALFWAY:
            officers[STOPPER].revoke(job, "发现数据质量问题（演示）")
            spoken = time.monotonic()
        else:
            approve(name)

    error: KeyongError | None = None
    try:
        analyst.ask(plan, step)
    except KeyongError as refused:
        error = refused
    stopped = Stopped(
        sql=plan.sql,
        expected=expected,
        code=error.code if error else "",
        department=STOPPER,
        seconds=round(time.monotonic() - spoken, 3),
    )
    teller.stopped(stopped, error)
    return stopped


def _tamper(home: Home) -> str:
    """Alter one entry in a copy of the record; return what the verifier says, "" if it notices nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for file in (*home.path.glob("*/*/roster.json"), *home.path.glob("launcher/*.json")):
            target = copy / file.relative_to(home.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        for file in (*home.path.glob("parties/*/journal.db"), home.path / "parties" / "coordinator" / "log.db"):
            _copy_database(file, copy / file.relative_to(home.path))
        with sqlite3.connect(copy / "parties" / "coordinator" / "log.db") as db:
            db.execute("DROP TRIGGER leaf_no_update")
            index, entry = db.execute("SELECT idx, entry FROM leaf ORDER BY idx LIMIT 1 OFFSET 20").fetchone()
            altered = bytearray(entry)
            altered[100] ^= 1
            db.execute("UPDATE leaf SET entry = ? WHERE idx = ?", (bytes(altered), index))
        try:
            verify_record(RecordReader(copy))
        except RecordError as error:
            return str(error.details["where"])
        return ""


def _copy_database(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True) as old, sqlite3.connect(target) as new:
        old.backup(new)


def _promises(
    queries: list[Asked],
    refused: tuple[Refused, ...],
    stopped: tuple[Stopped, ...],
    verdict: Verdict,
    tampered: str,
) -> dict[str, Promise]:
    compared, different = sum(q.compared for q in queries), sum(q.different for q in queries)
    leaked = verdict.ledger_bytes - verdict.counted_bytes
    kept = sum(r.code == r.expected for r in refused)
    held = kept == len(refused) and all(stop.code == stop.expected for stop in stopped)
    return {
        "usable": Promise(
            holds=different == 0 and compared > 0,
            figure=f"{compared} released numbers equal the clear answer, {different} differ",
            figure_zh=f"{compared} 个发布数值与明文答案一致，{different} 个不同",
            reason="" if different == 0 else "a released number differs from the clear answer",
        ),
        "invisible": Promise(
            holds=False,
            figure=f"ledger {verdict.ledger_bytes} B = counted {verdict.counted_bytes} B, difference {leaked}",
            figure_zh=f"账目 {verdict.ledger_bytes} 字节 = 代理计数 {verdict.counted_bytes} 字节，差额 {leaked}",
            reason="not built" if leaked == 0 else "bytes left that the ledgers do not record",
            missing=("receipts signed by receivers", "fingerprints of raw cells"),
        ),
        "controllable": Promise(
            holds=held,
            figure=f"{kept} of {len(refused)} forbidden requests refused; every run approved by every department's"
            f" officer; one denied, one revoked halfway and stopped after {stopped[-1].seconds} s",
            figure_zh=f"{len(refused)} 个禁止的请求拒绝了 {kept} 个；每次执行均经各部门安全管理员批准；"
            f"拒绝一次，执行中撤回一次（{stopped[-1].seconds} 秒后中止）",
            reason="" if held else "a request that must be refused or stopped was not",
        ),
        "auditable": Promise(
            holds=False,
            figure=f"{verdict.size} entries and {verdict.checkpoints} checkpoints recomputed; altered copy: "
            + (f"caught at {tampered}" if tampered else "not noticed"),
            figure_zh=f"重算 {verdict.size} 条记录、{verdict.checkpoints} 个检查点；改动的副本："
            + (f"在 {tampered} 处发现" if tampered else "未发现"),
            reason="not built" if tampered else "the verifier did not notice an altered entry",
            missing=("departments as witnesses", "evidence bundle"),
        ),
    }


def _departments(settings: Settings, clear: Mapping[str, pd.DataFrame]) -> tuple[DepartmentLine, ...]:
    return tuple(
        DepartmentLine(
            name=department.name,
            label=department.label,
            adapter=", ".join(sorted({store.adapter for store in department.stores})),
            rows={name: int((table.county == department.name).sum()) for name, table in clear.items()},
        )
        for department in settings.departments
    )


def _toml(city: jincheng.CityFiles) -> list[str]:
    import jincheng

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = ["version = 1", "", "[federation]", 'name = "示范市（合成数据）"', "min_group_size = 10", "threshold = 3"]
    lines += ["min_contributors = 3", "key_bits = 2048", 'approvals = "officers"']
    for name, role, person in OFFICERS:
        lines += ["", "[[officer]]", f"name = {text(name)}", f"role = {text(role)}", f"person = {text(person)}"]
    for county in jincheng.COUNTIES:
        lines += ["", "[[department]]", f"name = {text(county.key)}", f"label = {text(county.label_zh + '分局')}"]
        lines += [f"label_en = {text(county.label_en + ' bureau')}"]
        for table in jincheng.TABLES.values():
            kind, path = FORMATS[county.key], city.path(county.key, table.name)
            head = f"department.tables.{table.name}"
            lines += ["", f"[{head}]", f"adapter = {text(ADAPTERS.get(kind, kind))}"]
            lines += [f"path = {text(str(path.relative_to(city.folder.parent)))}", f"id = {text(table.id_column)}"]
            lines += [f"table = {text(table.name)}"] if kind in ("sqlite", "duckdb") else []
            lines += ['encoding = "gb18030"'] if kind == "csv-gb18030" else []
            lines += [f"label = {text(table.label_zh)}", f"label_en = {text(table.label_en)}"]
            for column in table.columns:
                lines += [f"[{head}.columns.{column.name}]", f"type = {text(column.type)}"]
                lines += [f"uses = {text(list(column.uses))}", f"label = {text(column.label_zh)}"]
                lines += [f"label_en = {text(column.label_en)}", f"unit = {text(column.unit)}"]
                lines += [f"bounds = {text(list(column.bounds))}"] if column.bounds else []
                lines += [f"values = {text(list(column.values))}"] if column.values else []
                lines += [f"cuts = {text(list(column.cuts))}"] if column.cuts else []
    return lines
