"""Data and adapters that go wrong while the federation runs: one sentence each, nothing released, and it goes on.

Whatever happens, the analyst is told a code, the party and the next step; what a row holds is in nobody's words; and
when the fault is gone, the next query is answered.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from federation import operate
from federation.demo import verify_settled
from federation.errors import KeyongError
from federation.runtime.home import Home
from tests.support.people import (
    ANSWER,
    MINE,
    ROWS,
    everything_written,
    federation,
    outcomes,
    wait_until_restarted,
    write_lines,
    write_people,
)
from tests.support.postgres import PASSWORD, Server

pytestmark = pytest.mark.xdist_group("adapters")

SECRET = "secret4711"
DEADLINE_S = 5


class Running:
    """A running federation, and what is seen of it."""

    def __init__(self, folder: Path, home: Home, ask: Callable[[], object]) -> None:
        self.folder, self.home, self.ask = folder, home, ask

    def refused(self, code: str, party: str) -> KeyongError:
        """Ask, and be refused by this code, which is on record; nothing out of a row is written anywhere."""
        with pytest.raises(KeyongError) as caught:
            self.ask()
        error = caught.value
        assert (error.code, error.details["party"]) == (code, party)
        for language in ("zh", "en"):
            assert error.message(language) and error.next_step(language)
            assert SECRET not in error.message(language)
        assert outcomes(self.home)[-1] == code
        assert SECRET.encode() not in everything_written(self.home.path)
        return error

    def log(self, party: str) -> str:
        """What the owner alone reads."""
        return (self.home.party(party) / "log.txt").read_text("utf-8")

    def restarts(self, party: str) -> int:
        """How often a party has been started again."""
        return {p["name"]: p["restarts"] for p in operate.status(self.home)["parties"]}[party]


# -- adapters ----------------------------------------------------------------------------------------------------------

# The guide's adapter, with a fault that its data calls for. A line that is only a fault is a row in no group.
FAULTY = f'''{MINE}

class Faulty(Lines):
    def fault(self):
        return json.loads(self._path.read_text("utf-8").splitlines()[-1]).get("fault")

    def batches(self, columns, where=()):
        for batch in super().batches(columns, where):
            yield batch.select([0]) if self.fault() == "other columns" else batch

    def aggregate(self, query):
        fault = self.fault()
        if fault == "raises":
            raise ValueError("{SECRET}")
        if fault == "nan":
            return {{0: (float("nan"),) * len(query.measures)}}
        if fault == "foreign group":
            return {{99: (1,) * len(query.measures)}}
        if fault == "leaves":
            import os
            os._exit(3)
        if fault == "crashes":
            import ctypes
            ctypes.string_at(0)
        if fault == "loops":
            while True:
                pass
        if fault == "hangs in C":
            import ctypes
            ctypes.PyDLL(None).sleep(600)
        return super().aggregate(query)
'''


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "mine.py").write_text(FAULTY, "utf-8")
    write_lines(folder, "people.jsonl")
    east = {"adapter": "./mine.py:Faulty", "path": "people.jsonl"}
    with federation(folder, east, deadline_s=DEADLINE_S) as (home, ask):
        yield Running(folder, home, ask)
    verify_settled(home)


def fault(running: Running, name: str) -> None:
    # In the same file: what a department sees is bound by its place on the disk.
    with (running.folder / "people.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(f'{{"fault": "{name}", "{SECRET}": 1}}\n')


def mend(running: Running) -> None:
    write_lines(running.folder, "people.jsonl")


@pytest.mark.parametrize(
    ("name", "code", "told_to_its_owner"),
    [
        ("raises", "data.adapter_failed", "ValueError in mine.py, line"),
        ("nan", "data.adapter_answer", "not counts and sums"),
        ("foreign group", "data.adapter_answer", "not counts and sums"),
        ("other columns", "data.adapter_failed", "adapter ./mine.py:Faulty: "),
    ],
)
def test_an_adapter_that_breaks_the_contract_is_named(running, name, code, told_to_its_owner):
    fault(running, name)
    running.refused(code, "east")
    assert told_to_its_owner in running.log("east")
    mend(running)
    assert running.ask() == ANSWER


@pytest.mark.parametrize(("name", "code"), [("leaves", "node.gone"), ("crashes", "node.killed")])
def test_an_adapter_that_ends_its_process_is_named_and_begins_anew(running, name, code):
    fault(running, name)
    before = running.restarts("east")
    running.refused(code, "east")
    mend(running)
    wait_until_restarted(running.home, "east", before + 1)
    assert running.ask() == ANSWER


@pytest.mark.slow
@pytest.mark.parametrize("name", ["loops", "hangs in C"])
def test_an_adapter_that_hangs_is_late_ended_with_its_place_in_the_log_and_begins_anew(running, name):
    fault(running, name)
    before = running.restarts("east")
    running.refused("node.late", "east")
    mend(running)
    wait_until_restarted(running.home, "east", before + 1)
    assert "Timeout" in running.log("east") and "in aggregate" in running.log("east")
    assert "east ended with status 1: node.hung" in running.home.log.read_text("utf-8")
    assert running.ask() == ANSWER


# -- files -------------------------------------------------------------------------------------------------------------


def write_west(running: Running, text: str, encoding: str = "utf-8") -> None:
    (running.folder / "people.csv").write_bytes(text.encode(encoding))


@pytest.mark.parametrize(
    ("text", "encoding", "code", "told_to_its_owner"),
    [
        (f"sex,age\nf,21\n女性,{SECRET}\n", "gb18030", "data.encoding", ""),
        (f"sex,age\nf,21\nm,{SECRET}\n", "utf-8", "data.type", "column 'age', row 2: not of the declared type"),
        ("sex,years\nf,21\n", "utf-8", "data.column_missing", ""),
        (f"sex,age\nf,21,{SECRET}\n", "utf-8", "data.unreadable", "duckdb cannot read the file"),
        ("", "utf-8", "data.unreadable", "no header"),
    ],
    ids=["GB18030 in a UTF-8 file", "another type", "another column", "a field too many", "emptied"],
)
def test_a_file_that_changes_while_it_is_in_use_is_named(running, text, encoding, code, told_to_its_owner):
    write_west(running, text, encoding)
    running.refused(code, "west")
    assert told_to_its_owner in running.log("west")
    write_people(running.folder)
    assert running.ask() == ANSWER


def test_ten_thousand_columns_are_no_fault(running):
    more = [f"c{index}" for index in range(9_998)]
    with (running.folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("sex", *more, "age"), *((sex, *more, age) for sex, age in ROWS)])
    assert running.ask() == ANSWER
    write_people(running.folder)


def test_a_file_that_is_taken_away_is_named(running):
    file = running.folder / "people.duckdb"
    content = file.read_bytes()
    os.truncate(file, 0)
    running.refused("data.unreadable", "north")
    assert "duckdb cannot read the table" in running.log("north")
    file.write_bytes(content)
    assert running.ask() == ANSWER


# -- a database server -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory, postgres: Server) -> Iterator[Running]:
    postgres.create("people", ("sex", "age"), ROWS, ("text", "integer"))
    east = {"adapter": "postgres", "url": postgres.url, "table": "people", "password_env": "READER_PASSWORD"}
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("READER_PASSWORD", PASSWORD)
        with federation(folder, east, deadline_s=DEADLINE_S) as (home, ask):
            yield Running(folder, home, ask)
    with postgres.owner() as owner:
        owner.execute("DROP TABLE people")
    verify_settled(home)


@pytest.mark.postgres
def test_a_database_that_goes_down_is_named_and_used_again_when_it_is_back(served, postgres):
    assert served.ask() == ANSWER
    postgres.stop()
    try:
        served.refused("data.unreachable", "east")
    finally:
        postgres.start()
    assert served.ask() == ANSWER


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("spoil", "mend", "code"),
    [
        (f"ALTER ROLE reader PASSWORD '{SECRET}'", f"ALTER ROLE reader PASSWORD '{PASSWORD}'", "data.login"),
        ("ALTER TABLE people RENAME TO moved", "ALTER TABLE moved RENAME TO people", "data.table_missing"),
        (
            f"ALTER TABLE people ALTER age TYPE text USING age || '{SECRET}'",
            f"ALTER TABLE people ALTER age TYPE integer USING replace(age, '{SECRET}', '')::integer",
            "data.type",
        ),
        ("REVOKE SELECT ON people FROM reader", "GRANT SELECT ON people TO reader", "data.privilege"),
        ("GRANT INSERT ON people TO reader", "REVOKE INSERT ON people FROM reader", "data.account_writes"),
    ],
    ids=["another password", "a renamed table", "another type", "no privilege", "too much privilege"],
)
def test_what_changes_in_a_database_is_named(served, postgres, spoil, mend, code):
    with postgres.owner() as owner:
        owner.execute(spoil)
    try:
        served.refused(code, "east")
        assert PASSWORD not in served.log("east")
    finally:
        with postgres.owner() as owner:
            owner.execute(mend)
    assert served.ask() == ANSWER
