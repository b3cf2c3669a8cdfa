"""What hostile scripts, coordinators and colleagues try: every test here is an attack that must fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.errors import KeyongError, RefusedError
from federation.governance.statements import Revoke
from federation.messages import Envelope, Propose, RunScript, ScriptOutput, decode
from federation.plan import ScriptFile
from federation.sandbox.limits import Ran
from federation.scripting.job import read_released
from federation.scripting.release import release
from tests.scripting.test_release import ALONE, MANY, PLAN, table
from tests.support.memory import ANALYST, COLUMNS, MemoryFederation, MemoryWire, column
from tests.support.scripts import OWNER, Wrote, federation_of, rows, script_plan

TABLE = rows(young=8, middle=9, old=10)
GOOD = "age,people,median\nyoung,8,3.5\nmiddle,9,12\nold,10,21.5\n"


def code_of(federation: MemoryFederation, plan, *, job: str = "s-1", **wishes) -> str:
    with pytest.raises(KeyongError) as refused:
        federation.seal(plan, job=job, **wishes)
    return refused.value.code


def outputs(federation: MemoryFederation) -> list[ScriptOutput]:
    said = [decode(Envelope.from_bytes(envelope).payload) for _, envelope in federation.sent]
    return [payload for payload in said if isinstance(payload, ScriptOutput)]


# --- code that is not the approved one ---


@pytest.mark.parametrize("content", [b"print('not what was approved')", b"", b"\xff\xfe"])
def test_code_swapped_in_the_departments_folder_does_not_run(tmp_path, content):
    federation = federation_of(tmp_path / "home", TABLE, runner=Wrote(GOOD))
    planted = federation.folder(OWNER) / "scripts" / "s-1" / "code" / "medians.py"
    planted.parent.mkdir(parents=True)
    planted.write_bytes(content)
    assert code_of(federation, script_plan(federation)) == "refused.script_code"
    assert federation.events(OWNER, "script") == []


def test_file_added_to_the_departments_folder_does_not_run(tmp_path):
    federation = federation_of(tmp_path / "home", TABLE, runner=Wrote(GOOD))
    planted = federation.folder(OWNER) / "scripts" / "s-1" / "code" / "pandas.py"  # imported instead of the true one
    planted.parent.mkdir(parents=True)
    planted.write_text("print('not what was approved')")
    assert code_of(federation, script_plan(federation)) == "refused.script_code"


def test_code_swapped_while_the_rows_are_written_does_not_run(tmp_path):
    federation = federation_of(tmp_path / "home", TABLE, runner=Wrote(GOOD))
    store, code = federation.stores[OWNER], federation.folder(OWNER) / "scripts" / "s-1" / "code" / "medians.py"

    def swap(columns, where=()):
        code.write_text("print('not what was approved')")
        return type(store).batches(store, columns, where)

    store.batches = swap
    assert code_of(federation, script_plan(federation)) == "refused.script_code"
    assert list(federation.folder(OWNER).rglob("*.parquet")) == []


def test_plan_with_other_code_is_none_that_the_analyst_signed(tmp_path):
    federation = federation_of(tmp_path / "home", TABLE, runner=Wrote(GOOD))
    plan = script_plan(federation)
    swapped = msgspec.structs.replace(plan, files=(ScriptFile(name="medians.py", text="print(1)"),))
    signed = federation.request(plan, job="s-1")
    with pytest.raises(KeyongError):  # the request of the one in the job of the other
        MemoryWire(federation, "s-1", swapped.hash).ask({OWNER: Propose(request=signed)})
    with pytest.raises(KeyongError):  # a request of its own, signed by whoever is no analyst
        signed = federation.request(swapped, job="s-1", signer="analyst@tax")
        MemoryWire(federation, "s-1", swapped.hash).ask({OWNER: Propose(request=signed)})


def test_nothing_runs_that_has_not_begun_with_everybodys_word(tmp_path):
    federation = federation_of(tmp_path / "home", TABLE, runner=Wrote(GOOD))
    plan = script_plan(federation)
    wire = MemoryWire(federation, "s-1", plan.hash)
    with pytest.raises(RefusedError) as refused:
        wire.ask({OWNER: RunScript()})
    assert refused.value.code == "refused.order"
    wire.ask({OWNER: Propose(request=federation.request(plan, job="s-1"))})
    with pytest.raises(RefusedError) as refused:
        wire.ask({OWNER: RunScript()})
    assert refused.value.code == "refused.order"


# --- a word taken back ---


@dataclass
class Interrupted:
    """While it runs, the officer takes back the word; whoever runs it may or may not notice."""

    federation: list[MemoryFederation] = field(default_factory=list)
    word: str = ""
    notices: bool = False

    def __call__(self, _) -> Interrupted:
        return self

    def run(self, job, files, limits) -> Ran:
        self.federation[0].approvals[OWNER].hear(self.word, {})
        if self.notices:
            raise RefusedError("refused.revoked", party=OWNER)
        return Ran(status="done", seconds=1.0, output=GOOD.encode())


@pytest.mark.parametrize("notices", [False, True])
def test_word_taken_back_while_it_runs_keeps_the_result_in(tmp_path, notices):
    runner = Interrupted(notices=notices)
    federation = federation_of(tmp_path / "home", TABLE, runner=runner, approvals="officers")
    plan = script_plan(federation)
    runner.federation.append(federation)
    runner.word = federation.say_no(Revoke, OWNER, plan, job="s-1")
    wire = MemoryWire(federation, "s-1", plan.hash)
    wire.ask({OWNER: Propose(request=federation.request(plan, job="s-1"))})
    federation.approvals[OWNER].hear(federation.grant(OWNER, plan, job="s-1"), {})
    assert code_of(federation, plan) == "refused.revoked"
    assert outputs(federation) == []
    assert federation.events(OWNER, "script") == []  # nothing is said in a job after a revocation


# --- a raw cell ---

PHONE = column("phone", "text", "aggregate")


def called(number: int) -> list[dict[str, object]]:
    return [{**row, "phone": f"1380{number + n:07}"} for n, row in enumerate(TABLE)]


@pytest.mark.parametrize("written", ["13800000003", "13800000003.0", "0.13800000003"])
def test_raw_cell_in_the_text_as_it_was_written_is_found_before_rounding_hides_it(tmp_path, written):
    wishes = {"runner": Wrote(GOOD.replace("21.5", written)), "columns": (*COLUMNS, PHONE)}
    federation = federation_of(tmp_path / "home", called(0), fingerprints=True, **wishes)
    assert code_of(federation, script_plan(federation)) == "refused.fingerprint"
    (denied,) = federation.events(OWNER, "egress.deny")
    assert (denied.data["class"], denied.data["column"]) == ("output", "phone")
    assert [event.data["status"] for event in federation.events(OWNER, "script")] == ["refused.fingerprint"]
    assert outputs(federation) == []


def test_without_the_search_the_same_cell_would_have_left_in_four_digits(tmp_path):
    wishes = {"runner": Wrote(GOOD.replace("21.5", "13800000003")), "columns": (*COLUMNS, PHONE)}
    federation = federation_of(tmp_path / "home", called(0), **wishes)
    plan = script_plan(federation)
    released = read_released(
        federation.identities[ANALYST], federation.roster, plan, "s-1", federation.seal(plan, job="s-1")
    )
    assert released.table.lines[-1] == ("old", "10", "13800000000")


# --- rows hidden in numbers ---


@given(secret=st.integers(0, 2**30 - 1))
@settings(max_examples=50)
def test_row_hidden_in_low_digits_does_not_survive(secret):
    honest, hostile = "1234.0", f"1234.0000{secret:010}"
    assert release(table(f"young,1,{hostile}"), PLAN, MANY) == release(table(f"young,1,{honest}"), PLAN, MANY)


def test_what_one_number_can_tell_is_within_the_capacity_that_the_card_names():
    plan = msgspec.structs.replace(ALONE, digits=1)
    told = set()
    for sign, digits, exponent in product("+-", range(100), range(-120, 120)):
        try:
            told.add(release(f"gini\n{sign}{digits}e{exponent}\n".encode(), plan, {0: (99,)}))
        except RefusedError:
            told.add(None)  # a line that is left out
    assert len(told) == 2 * 9 * 199 + 1 + 1
    assert len(told) <= 2**plan.capacity_bits < 2 * len(told)


def test_capacity_is_named_before_it_is_approved_and_on_the_result(tmp_path):
    federation = federation_of(tmp_path / "home", TABLE, runner=Wrote(GOOD))
    plan = script_plan(federation)
    assert f"{plan.capacity_bits} bits" in " ".join(sight.en for sight in plan.visibility())
    assert f"{plan.capacity_bits} 比特" in " ".join(sight.zh for sight in plan.visibility())
    sealed = federation.seal(plan, job="s-1")
    released = read_released(federation.identities[ANALYST], federation.roster, plan, "s-1", sealed)
    assert released.card.capacity_bits == plan.capacity_bits
    assert released.table.columns == ("age", "people", "median")


@given(
    order=st.permutations(["young", "middle", "old"]),
    forms=st.lists(
        st.sampled_from(["1000", "1000.0", "1e3", "1E+3", "+1000", "1000.000000001", "999.99999"]), min_size=3
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    quote=st.sampled_from(["", '"']),
    more=st.booleans(),
)
@settings(max_examples=100)
def test_nothing_hides_in_order_spelling_or_line_ends(order, forms, end, quote, more):
    lines = ["age,people,median", *(f"{quote}{age}{quote},7,{form}" for age, form in zip(order, forms, strict=False))]
    written = end.join(lines) + end * more
    plain = table("young,7,1000", "middle,7,1000", "old,7,1000")
    assert release(written.encode(), PLAN, MANY) == release(plain, PLAN, MANY)


def test_group_that_nobody_is_in_carries_nothing_out():
    counts = {0: (50,), 1: (60,)}
    tables = {release(table("young,1,2", "middle,3,4", f"old,{n},{n}"), PLAN, counts) for n in range(10)}
    assert len(tables) == 1


def test_group_that_is_withheld_carries_nothing_out():
    counts = {0: (50,), 1: (3,), 2: (3,)}
    tables = {release(table("young,1,2", f"middle,{n},{n}", f"old,{n},"), PLAN, counts) for n in range(10)}
    assert len(tables) == 1


@pytest.mark.parametrize("seconds", [0.4004, 0.9991])
def test_milliseconds_tell_nothing(tmp_path, seconds):
    federation = federation_of(tmp_path / "home", TABLE, runner=Wrote(GOOD, seconds=seconds))
    plan = script_plan(federation)
    sealed = federation.seal(plan, job="s-1")
    released = read_released(federation.identities[ANALYST], federation.roster, plan, "s-1", sealed)
    assert released.card.seconds == 1
    assert [event.data["milliseconds"] for event in federation.events(OWNER, "script")] == [1000]


# --- what a script is given ---


@pytest.mark.usefixtures("bubblewrap")
def test_script_finds_neither_identifiers_nor_any_other_department(tmp_path):
    federation = federation_of(tmp_path / "home", TABLE)
    looking = (
        "import os, pandas as pd\n"
        "print(sorted(os.listdir('data')), list(pd.read_parquet('data/insured.parquet').columns))\n"
        f"print(os.path.exists({str(federation.home)!r}), dict(os.environ).get('KEYONG_PASSPHRASE'))\n"
        f"open({str(federation.folder(OWNER) / 'journal.db')!r})\n"
    )
    assert code_of(federation, script_plan(federation, looking)) == "refused.script_failed"
    log = (federation.folder(OWNER) / "scripts" / "s-1" / "log.txt").read_text()
    assert "['insured.parquet']" in log
    assert "person_id" not in log
    assert "'name'" not in log
    assert "False None" in log
    assert "FileNotFoundError" in log
