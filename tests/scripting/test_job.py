"""Code to data, the whole protocol in one process and a real sandbox: what comes out, and what stays."""

from __future__ import annotations

import stat
import statistics

import msgspec
import pytest

from federation.aggregation.agreement import propose
from federation.audit.journal import commitment
from federation.errors import KeyongError, NodeError, RefusedError
from federation.messages import Envelope, Failure, RunScript, ScriptOutput, decode
from federation.plan import MAX_RELEASED, GroupKey, ScriptFile
from federation.queries.sums import SealedTotals
from federation.sandbox.limits import NoRunner
from federation.scripting.job import read_released
from federation.scripting.result import Released
from tests.support.memory import ANALYST, COORDINATOR, MemoryFederation, MemoryWire
from tests.support.scripts import MEDIANS, OTHERS, OWNER, Wrote, federation_of, rows, script_plan

TABLE = rows(young=8, middle=9, old=10)
LOUD = "import sys\nprint('140500198001010000 said aloud')\nprint('and to the other', file=sys.stderr)\n"
GOOD = "age,people,median\nyoung,8,3.5\nmiddle,9,12\nold,10,21.5\n"


def read(federation: MemoryFederation, plan, sealed, *, job: str = "s-1", reader: str = ANALYST) -> Released:
    return read_released(federation.identities[reader], federation.roster, plan, job, sealed)


def folder(federation: MemoryFederation, job: str = "s-1"):
    return federation.folder(OWNER) / "scripts" / job


def run_with(tmp_path, runner, *, plan=None, job: str = "s-1", table=TABLE, **wishes):
    federation = federation_of(tmp_path / "home", table, runner=runner, **wishes)
    return federation, plan or script_plan(federation)


def code_of(federation: MemoryFederation, plan, *, job: str = "s-1") -> str:
    with pytest.raises(KeyongError) as refused:
        federation.seal(plan, job=job)
    return refused.value.code


# --- good ---


@pytest.fixture(scope="module")
def ran(tmp_path_factory, bubblewrap):
    """One job, run in the sandbox, that prints a row besides: its federation, plan, sealed result."""
    federation = federation_of(tmp_path_factory.mktemp("job") / "home", TABLE)
    plan = script_plan(federation, LOUD + MEDIANS)
    return federation, plan, federation.seal(plan, job="s-1")


def test_analyst_reads_the_medians_that_the_rows_have(ran):
    released = read(*ran)
    months = {age: [row["months"] for row in TABLE if row["age"] == age] for age in ("young", "middle", "old")}
    expected = [(age, str(len(of)), f"{statistics.median(of):g}") for age, of in months.items()]
    assert list(released.table.lines) == expected
    assert released.table.withheld == ()


def test_leakage_card_names_the_code_and_its_capacity(ran):
    _, plan, _ = ran
    card = read(*ran).card
    assert (card.code, card.digits, card.capacity_bits) == (plan.code, 4, plan.capacity_bits)
    assert card.seconds >= 1


def test_record_says_that_it_was_released_and_commits_to_the_table(ran):
    federation, plan, _ = ran
    (event,) = federation.events(OWNER, "script")
    assert event.job == "s-1"
    assert (event.data["status"], event.data["code"], event.data["digits"]) == ("done", plan.code, 4)
    assert event.data["bits"] == plan.capacity_bits
    assert event.data["milliseconds"] % 1000 == 0  # in milliseconds a script could tell something
    body = (folder(federation) / "released").read_bytes()
    (salt,) = federation.journals[OWNER]._db.execute("SELECT salt FROM event WHERE type = 'script'").fetchone()
    assert commitment(salt, body) == event.data["commitment"]
    assert Released.from_bytes(body) == read(*ran)


def test_output_leaves_as_output_after_the_event_that_tells_of_it(ran):
    federation, _, _ = ran
    told = [(event.type, event.data.get("class")) for event in federation.events(OWNER) if event.job == "s-1"]
    assert told.index(("script", None)) < told.index(("egress", "output"))
    assert told.count(("egress", "output")) == 1


def test_rows_are_gone_and_code_log_and_plan_stay_for_the_owner_alone(ran):
    federation, plan, _ = ran
    assert sorted(file.name for file in folder(federation).iterdir()) == ["code", "log.txt", "plan.json", "released"]
    assert (folder(federation) / "code" / "medians.py").read_text() == plan.files[0].text
    for file in (path for path in folder(federation).rglob("*") if path.is_file()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(federation.folder(OWNER).rglob("*.parquet")) == []


def test_log_stays_with_the_owner_and_is_in_no_message_and_no_event(ran):
    federation, _, sealed = ran
    assert "said aloud" in (folder(federation) / "log.txt").read_text()
    assert "and to the other" in (folder(federation) / "log.txt").read_text()
    everything = [envelope for _, envelope in federation.sent] + federation.journals[OWNER].entries() + [*sealed.shares]
    assert not any(b"said aloud" in data or b"to the other" in data for data in everything)
    assert "said aloud" not in str(read(*ran))


def test_others_have_no_part_in_it(ran):
    federation, _, _ = ran
    assert all(federation.stores[name].asked == 0 for name in federation.departments)
    assert all(event.job != "s-1" for name in OTHERS for event in federation.events(name))


def test_nobody_but_the_analyst_opens_the_box(ran):
    federation, plan, sealed = ran
    for other in (COORDINATOR, "analyst@tax", OTHERS[0]):
        with pytest.raises(NodeError):
            read(federation, plan, sealed, reader=other)


# --- withheld ---


def test_small_groups_are_withheld_whatever_the_script_says_of_them(tmp_path):
    federation, plan = run_with(tmp_path, Wrote(GOOD), table=rows(young=2, middle=9, old=10))
    table = read(federation, plan, federation.seal(plan, job="s-1")).table
    assert table.withheld == (("young",), ("middle",))
    assert table.lines == (("old", "10", "21.5"),)


def test_minimum_of_the_plan_counts_where_it_is_stricter(tmp_path):
    federation, plan = run_with(tmp_path, Wrote(GOOD))
    plan = msgspec.structs.replace(plan, minimum_group=10)
    assert read(federation, plan, federation.seal(plan, job="s-1")).table.withheld == (("young",), ("middle",))


@pytest.mark.parametrize(("least", "withheld"), [(10, (("young",), ("middle",))), (4, ())])
def test_minimum_that_an_officer_granted_it_for_counts_where_it_is_stricter(tmp_path, least, withheld):
    federation, plan = run_with(tmp_path, Wrote(GOOD), approvals="officers")
    propose(MemoryWire(federation, "s-1", plan.hash), plan, federation.request(plan, job="s-1"), {})
    federation.approvals[OWNER].hear(federation.grant(OWNER, plan, job="s-1", minimum_group=least), {})
    assert read(federation, plan, federation.seal(plan, job="s-1")).table.withheld == withheld


# --- refused ---


def test_refused_output_leaves_a_code_and_its_reason_stays_in_the_owners_log(tmp_path):
    federation, plan = run_with(tmp_path, Wrote("age,people,median\n140500198001010007,8,3\n"))
    assert code_of(federation, plan) == "refused.result_keys"
    party, last = federation.sent[-1]
    assert (party, decode(Envelope.from_bytes(last).payload)) == (OWNER, Failure(code="refused.result_keys"))
    (event,) = federation.events(OWNER, "script")
    assert event.data["status"] == "refused.result_keys"
    assert "commitment" not in event.data
    assert "public value" in (folder(federation) / "log.txt").read_text()
    assert not (folder(federation) / "released").exists()


@pytest.mark.parametrize("status", ["failed", "time", "memory", "output", "stopped"])
def test_run_that_ends_badly_is_told_by_a_code_only(tmp_path, status):
    federation, plan = run_with(tmp_path, Wrote(status=status, log=b"row 7: \xff\xfe"))
    assert code_of(federation, plan) == f"refused.script_{status}"
    (event,) = federation.events(OWNER, "script")
    assert event.data["status"] == status
    assert (folder(federation) / "log.txt").read_bytes().startswith(b"row 7: \xff\xfe")


def test_text_of_an_exception_never_leaves(tmp_path, bubblewrap):
    federation = federation_of(tmp_path / "home", TABLE)
    script = "import pandas as pd\nraise ValueError(pd.read_parquet('data/insured.parquet').to_csv())\n"
    assert code_of(federation, script_plan(federation, script)) == "refused.script_failed"
    log = (folder(federation) / "log.txt").read_text()
    assert "ValueError" in log
    assert "area 003" in log
    everything = [envelope for _, envelope in federation.sent] + federation.journals[OWNER].entries()
    assert not any(b"area 003" in data or b"ValueError" in data for data in everything)


def test_department_without_a_sandbox_refuses_and_writes_no_run(tmp_path):
    federation, plan = run_with(tmp_path, lambda _: NoRunner())
    assert code_of(federation, plan) == "refused.no_sandbox"
    assert federation.events(OWNER, "script") == []
    assert list(federation.folder(OWNER).rglob("*.parquet")) == []


def test_script_runs_once(tmp_path):
    federation, plan = run_with(tmp_path, Wrote(GOOD))
    federation.seal(plan, job="s-1")
    wire = MemoryWire(federation, "s-1", plan.hash)
    with pytest.raises(RefusedError) as again:
        wire.ask({OWNER: RunScript()})
    assert again.value.code == "refused.replayed"


def test_script_does_not_run_in_a_job_of_another_kind_nor_a_sum_in_its(tmp_path):
    federation, _ = run_with(tmp_path, Wrote(GOOD))
    query = federation.plan("SELECT sex, COUNT(*) FROM insured GROUP BY sex")
    wire = federation.agreed(query, job="q-1")
    with pytest.raises(RefusedError) as refused:
        wire.ask({OWNER: RunScript()})
    assert refused.value.code == "refused.order"


def test_rows_of_a_run_that_a_crash_cut_short_are_deleted_when_the_department_comes_back(tmp_path):
    federation, _ = run_with(tmp_path, Wrote(GOOD))
    left = folder(federation, "s-0") / "data" / "insured.parquet"
    left.parent.mkdir(parents=True)
    left.write_text("rows")
    (left.parents[1] / "log.txt").write_text("what it printed")
    federation.start(OWNER)
    assert [file.name for file in folder(federation, "s-0").iterdir()] == ["log.txt"]


def test_rows_are_deleted_even_if_the_sandbox_breaks(tmp_path):
    class Broken:
        def run(self, job, files, limits):
            raise OSError("the bench is on fire")

    federation, plan = run_with(tmp_path, lambda _: Broken())
    assert code_of(federation, plan) == "node.failed"
    assert list(federation.folder(OWNER).rglob("*.parquet")) == []


# --- budget ---


def test_numbers_of_one_epoch_are_limited_for_each_requester(tmp_path):
    areas = GroupKey(column="area", values=tuple(f"area {i:03}" for i in range(300)))
    numbers = tuple(f"n{i}" for i in range(MAX_RELEASED // 300 // 2))
    lines = [f"area {i:03}," + ",".join("1" * len(numbers)) for i in range(7)]
    federation, _ = run_with(tmp_path, Wrote("\n".join([",".join(("area", *numbers)), *lines, ""])))
    asked = [script_plan(federation, group_by=(areas,), numbers=numbers) for _ in range(3)]
    federation.seal(asked[0], job="s-1")
    federation.seal(asked[1], job="s-2")
    assert code_of(federation, asked[2], job="s-3") == "refused.script_budget"
    other = msgspec.structs.replace(asked[2], requester="analyst@tax")
    assert federation.seal(other, job="s-4").shares


def test_what_was_refused_costs_one_number_since_its_code_and_its_time_tell_something(tmp_path, monkeypatch):
    federation, plan = run_with(tmp_path, Wrote("bad"))
    assert plan.released_numbers == 6
    monkeypatch.setattr("federation.scripting.job.MAX_RELEASED", 7)
    for number in range(2):
        assert code_of(federation, plan, job=f"s-{number}") == "refused.result_columns"
    assert code_of(federation, plan, job="s-2") == "refused.script_budget"
    assert not folder(federation, "s-2").exists()  # it did not run


# --- what the analyst does not take ---


def answer(
    federation: MemoryFederation, plan, *, sender: str = OWNER, job: str = "s-1", box: bytes = b""
) -> SealedTotals:
    header = federation.header(sender, COORDINATOR, job=job, plan=plan.hash)
    return SealedTotals(decision=b"", shares=(federation.identities[sender].sign(header, ScriptOutput(box=box)),))


def test_result_of_one_job_is_none_of_another(tmp_path):
    federation, plan = run_with(tmp_path, Wrote(GOOD))
    other = script_plan(federation)
    sealed = federation.seal(plan, job="s-1")
    federation.seal(other, job="s-2")
    for wrong in ((other, "s-2"), (plan, "s-2"), (other, "s-1")):
        with pytest.raises(NodeError) as replayed:
            read(federation, wrong[0], sealed, job=wrong[1])
        assert replayed.value.code == "node.replayed"
    # The same box in an envelope of the other job does not open either.
    box = decode(Envelope.from_bytes(sealed.shares[0]).payload).box
    with pytest.raises(NodeError) as garbage:
        read(federation, other, answer(federation, other, job="s-2", box=box), job="s-2")
    assert garbage.value.code == "node.garbage"


def test_result_by_another_department_is_not_taken(tmp_path):
    federation, plan = run_with(tmp_path, Wrote(GOOD))
    with pytest.raises(NodeError) as foreign:
        read(federation, plan, answer(federation, plan, sender=OTHERS[0]))
    assert foreign.value.code == "node.replayed"


def test_table_of_another_form_than_agreed_is_not_taken(ran):
    from crypto.sealing import seal
    from federation.aggregation.office import box_context

    federation, plan, _ = ran
    good = read(*ran)
    table, card = good.table, good.card
    replace = msgspec.structs.replace
    reader = federation.roster.party(ANALYST)
    for wrong in (
        replace(good, card=replace(card, code="0" * 64)),
        replace(good, card=replace(card, digits=6)),
        replace(good, card=replace(card, capacity_bits=1)),
        replace(good, table=replace(table, columns=("age", "people", "mean"))),
        replace(good, table=replace(table, lines=(*table.lines, table.lines[0]))),
        replace(good, table=replace(table, lines=(("ancient", "1", "2"),))),
        replace(good, table=replace(table, lines=(("young", "1.2345", "2"),))),
        replace(good, table=replace(table, lines=(("young", "1"),))),
        replace(good, table=replace(table, withheld=(("young",),))),
    ):
        box = seal(reader.box, wrong.to_bytes(), context=box_context("script", "s-1", "", OWNER, ANALYST))
        with pytest.raises(NodeError) as garbage:
            read(federation, plan, answer(federation, plan, box=box))
        assert garbage.value.code == "node.garbage"


def test_two_files_with_other_texts_have_another_code():
    plan_files = (ScriptFile(name="a.py", text="1"), ScriptFile(name="b.py", text="2"))
    swapped = (ScriptFile(name="a.py", text="2"), ScriptFile(name="b.py", text="1"))
    assert [file.sha256 for file in plan_files] == [file.sha256 for file in reversed(swapped)]
