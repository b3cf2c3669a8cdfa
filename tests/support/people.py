"""Three departments with one table each, in a running federation; the one called east is the one under test."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from federation import operate
from federation.audit.events import read_event
from federation.audit.record import RecordReader
from federation.governance.roster import Roster
from federation.runtime.home import Home
from federation.settings import read_settings
from tests.support.city import federation_toml
from tests.support.stores import write_duckdb

COLUMNS = {
    "sex": {"type": "text", "uses": ["group_by"], "values": ["f", "m"]},
    "age": {"type": "integer", "uses": ["aggregate"], "bounds": [0, 120]},
}
SQL = "SELECT sex, COUNT(*), SUM(age) FROM people GROUP BY sex"
# Twenty of each in each department, aged 20 to 59.
ROWS = [("f" if index % 2 else "m", 20 + index) for index in range(40)]
ANSWER = (("f", 60, 3 * sum(range(21, 60, 2))), ("m", 60, 3 * sum(range(20, 60, 2))))

# What docs/adapters.md tells a stranger to write is what is run here.
GUIDE = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text("utf-8")
MINE = GUIDE.partition("```python\n")[2].partition("```")[0]


def write_lines(folder: Path, name: str) -> None:
    (folder / name).write_text("".join(json.dumps({"sex": sex, "age": age}) + "\n" for sex, age in ROWS), "utf-8")


def write_people(folder: Path) -> None:
    """What the departments that are not under test hold."""
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("sex", "age"), *ROWS])
    if not (folder / "people.duckdb").exists():
        write_duckdb(folder / "people.duckdb", ("sex", "age"), ROWS)


@contextmanager
def federation(
    folder: Path, east: dict[str, object], *, deadline_s: int = 60, further: dict[str, object] | None = None
) -> Iterator[tuple[Home, Callable[[], object]]]:
    """Start three departments; `east` is how the one under test reaches its table, `further` its other keys."""
    write_people(folder)
    stores = {
        "east": east,
        "west": {"adapter": "csv", "path": "people.csv"},
        "north": {"adapter": "duckdb", "path": "people.duckdb", "table": "people"},
    }
    toml = federation_toml(
        departments={name: {"people": store} for name, store in stores.items()},
        tables={"people": COLUMNS},
        rules={"name": "people", "key_bits": 512, "deadline_s": deadline_s, "approvals": "automatic"},
        further={"east": further or {}},
    )
    (folder / "federation.toml").write_text(toml, "utf-8")
    settings, home = read_settings(folder / "federation.toml", minimum_key_bits=512), Home(folder / "home")
    operate.up(settings, home, minimum_key_bits=512)
    try:
        analyst = operate.open_analyst(settings, home, minimum_key_bits=512)
        yield home, lambda: analyst.ask(analyst.plan(SQL, "test")).answer.rows
    finally:
        operate.down(home)


def started(home: Home, party: str) -> dict[str, object]:
    signers = Roster.from_bytes(home.roster.read_bytes()).signers
    events = [read_event(entry, signers) for entry in RecordReader(home.path).journal(party)]
    return next(event.data for event in reversed(events) if event.type == "start")


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def outcomes(home: Home) -> list[str]:
    """How the jobs ended, by the record."""
    signers = Roster.from_bytes(home.roster.read_bytes()).signers
    events = [read_event(entry, signers) for entry in RecordReader(home.path).entries()]
    return [str(event.data["outcome"]) for event in events if event.type == "job.end"]


def wait_until_restarted(home: Home, party: str, times: int) -> None:
    """Wait until a party has come up again as often as that, and everybody is ready."""
    end = time.monotonic() + 20
    while True:
        parties = {p["name"]: p for p in operate.status(home)["parties"]}
        if parties[party]["restarts"] >= times and all(p["state"] == "ready" for p in parties.values()):
            return
        assert time.monotonic() < end, parties
        time.sleep(0.02)  # the launcher is asked; it tells nobody of its own accord
