"""The demonstration: a synthetic city, real separate departments, queries compared with the clear answer, the record.

The clear answers come from the city's generator, in the lab, never through a department: that is what a demonstration
can do and a real federation cannot. Gains and amounts are those the generator was given.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from federation import operate
from federation.audit.record import RecordReader
from federation.demo.city import CITIZENS, SEED, built_in_settings, is_demonstration
from federation.demo.evidence import hand_over, outcome, tamper, verify_settled
from federation.demo.promises import promises
from federation.demo.queries import approving, ask, officers_of, refuse, stop
from federation.demo.questions import QUESTIONS, REFUSALS, Question, Refusal
from federation.demo.report import (
    Asked,
    DepartmentLine,
    Drilled,
    HandedOver,
    Promise,
    Refused,
    Report,
    ScriptRun,
    Stopped,
    Trained,
)
from federation.demo.teller import Teller
from federation.drills.record import drill_record
from federation.governance.identity import write_whole
from federation.runtime.home import Home
from federation.settings import Settings, read_settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CITIZENS",
    "QUESTIONS",
    "REFUSALS",
    "Asked",
    "DepartmentLine",
    "Drilled",
    "HandedOver",
    "Promise",
    "Question",
    "Refusal",
    "Refused",
    "Report",
    "ScriptRun",
    "Stopped",
    "Teller",
    "Trained",
    "approving",
    "built_in_settings",
    "is_demonstration",
    "officers_of",
    "run",
    "verify_settled",
]


def run(home: Home, *, citizens: int = CITIZENS, teller: Teller) -> Report:
    """Run the demonstration in a home; leaves the federation running.

    Raises:
        KeyongError: what kept it from running to the end.
    """
    # Only here: they bring pandas along, and every command knows this package.
    from federation.demo.scripts import run_scripts
    from federation.demo.training import train

    begun = time.monotonic()
    teller.stage("生成合成城市（合成数据，无真实个人）", "making the synthetic city (no real person in it)")
    settings = read_settings(built_in_settings(home, citizens=citizens))
    city = json.loads((home.path / "city.json").read_text())
    citizens = int(city["citizens"])
    teller.stage("启动：每个部门一个隔离进程，一次性密钥仪式", "starting: one confined process each, one key ceremony")
    first = not home.roster.exists()
    if operate.status(home) is None:
        start_seconds = operate.up(settings, home, progress=teller.ready)
    else:
        start_seconds = 0.0
    analyst = operate.open_analyst(settings, home)
    officers = officers_of(home, settings)
    if first:
        for desk in officers.values():
            desk.sign_roster()

    teller.stage("数据目录：申请方只看到数据卡与模拟样例", "the catalogue: an analyst sees cards and made-up rows only")
    datasets = analyst.datasets()
    teller.catalogued(datasets)

    teller.stage("这些请求必须被拒绝", "what must be refused")
    refused = tuple(refuse(analyst, refusal, teller) for refusal in REFUSALS)

    teller.stage("密文统计：结果逐一与明文答案比对", "encrypted statistics, each compared with the clear answer")
    import jincheng

    clear = jincheng.tables(citizens=citizens, seed=SEED)
    queries = []
    for question in QUESTIONS:
        result, asked = ask(analyst, question, clear, officers)
        queries.append(asked)
        teller.asked(question, result, asked)

    teller.stage("联合训练：六家医院共训一个模型", "joint training: six hospitals, one model")
    trained = train(analyst, officers, settings, home, teller, citizens=citizens, seed=SEED)

    teller.stage("代码进数据：脚本到税务局的数据旁运行", "code to data: a script goes to the tax bureau's rows")
    scripted = run_scripts(analyst, officers, settings, lambda: tax_payers(citizens), teller)

    teller.stage(
        "审批：一个部门拒绝；执行到一半撤回", "the officers: one department denies; one takes its word back halfway"
    )
    stopped = tuple(stop(analyst, officers, code, teller) for code in ("refused.denied", "refused.revoked"))

    teller.stage("攻防演练：逐个攻击记录与审批", "drills: attacks on the record and on approvals, one by one")
    drills = drill_record()
    teller.drilled(drills)

    teller.stage(
        "封存记录，重算，改动副本；导出证据包，用随包程序离线核验",
        "sealing and recomputing the record, altering a copy; a bundle, checked offline by the program in it",
    )
    operate.seal(home)
    verdict = verify_settled(home)
    tampered = tamper(home)
    handed = hand_over(home, outcome(drills))
    teller.handed_over(handed)
    public = RecordReader(home.path).public()
    report = Report(
        promises=promises(queries, refused, stopped, trained, scripted, verdict, tampered, drills, handed),
        departments=_departments(settings, city.get("rows", {})),
        isolation=public.unconfined or "confined",
        citizens=citizens,
        synthetic=True,
        queries=tuple(queries),
        refused=refused,
        stopped=stopped,
        datasets=len(datasets),
        trained=trained,
        scripted=scripted,
        record=verdict,
        tampered=tampered,
        drills=Drilled(
            expected=sum(one.expected for one in drills.outcomes),
            caught=drills.caught,
            missed=drills.missed,
            failed=drills.failed,
        ),
        handed_over=handed,
        start_seconds=round(start_seconds, 2),
        seconds=round(time.monotonic() - begun, 2),
    )
    # For the dashboard, which can say what was compared but has no clear data to compare with.
    write_whole(home.path / "demo.json", msgspec.json.encode(report))
    return report


def tax_payers(citizens: int) -> pd.DataFrame:
    """Draw the tax bureau's rows in the lab."""
    import jincheng

    bureau = [department for department in jincheng.DEPARTMENTS if department.key == "tax"]
    return jincheng.tables(citizens=citizens, seed=SEED, departments=bureau)["pit"]


def _departments(settings: Settings, rows: Mapping[str, Mapping[str, int]]) -> tuple[DepartmentLine, ...]:
    return tuple(
        DepartmentLine(
            name=department.name,
            label=department.label,
            adapter=", ".join(sorted({store.adapter for store in department.stores})),
            rows=dict(rows.get(department.name, {})),
        )
        for department in settings.departments
    )
