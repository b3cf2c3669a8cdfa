"""From inside a department and from inside the coordinator: what a confined party can reach, and what it cannot."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import msgspec
import pytest

from federation import operate
from federation.runtime import confinement
from federation.runtime.home import Home
from federation.settings import read_settings

pytestmark = [pytest.mark.isolation, pytest.mark.xdist_group("confinement")]
HOSTILE = Path(__file__).parents[1] / "support" / "hostile_program.py"


def look_from(
    party: str, small_city: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *, networked: str = ""
) -> dict[str, str]:
    """Start a federation whose party looks around before it serves; return what it found.

    Args:
        networked: the department that keeps the network.
    """
    settings, home = read_settings(small_city, minimum_key_bits=512), Home(folder / "home")
    departments = tuple(msgspec.structs.replace(d, network=d.name == networked) for d in settings.departments)
    settings = msgspec.structs.replace(settings, departments=departments)
    home.prepare()
    with socket.socket() as port, socket.socket(socket.AF_UNIX) as abstract, socket.socket(socket.AF_UNIX) as desk:
        port.bind(("127.0.0.1", 0))
        port.listen()
        abstract.bind(f"\0keyong-test-{os.getpid()}")
        abstract.listen()
        home.sockets.mkdir(mode=0o700, exist_ok=True)
        desk.bind(str(home.sockets / "desk.sock"))
        desk.listen()
        outside = {
            "port": port.getsockname()[1],
            "abstract": f"keyong-test-{os.getpid()}",
            "sockets": str(home.sockets),
            "home": str(home.path),
            "parties": ["coordinator", *(d.name for d in settings.departments)],
            "data": {d.name: d.stores[0].options["path"] for d in settings.departments},
        }
        own = home.party(party)
        own.mkdir(parents=True, mode=0o700)
        (own / "outside.json").write_text(json.dumps(outside))
        monkeypatch.setattr(operate, "LAUNCHER_PROGRAM", ("-P", str(HOSTILE), "look", party))
        try:
            operate.up(settings, home, minimum_key_bits=512)
            analyst = operate.open_analyst(settings, home, minimum_key_bits=512)
            # The party looks before it serves; once it has answered, it has looked.
            assert analyst.ask(analyst.plan("SELECT COUNT(*) FROM hukou", "test")).answer.rows == ((4000,),)
        finally:
            operate.down(home)
    return json.loads((own / "seen.json").read_text())


LOOKS = [("zezhou", ""), ("coordinator", ""), ("zezhou", "gaoping"), ("coordinator", "gaoping")]


@pytest.fixture(scope="module", params=LOOKS, ids=["department", "coordinator", "beside TCP", "coordinator beside TCP"])
def seen(request, bubblewrap, small_city, tmp_path_factory):
    party, networked = request.param
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield look_from(party, small_city, tmp_path_factory.mktemp("look"), monkeypatch, networked=networked)


ATTEMPTS = [
    "internet", "loopback", "abstract socket", "control socket", "launcher socket", "desk socket",
    "run-time folder", "homes", "other home", "other key", "other database", "analyst's key", "launcher's folder",
    "parent's memory", "other processes", "kill others", "trace", "new namespace", "mount", "unmount",
    "write to the code", "write outside", "shadow file",
]  # fmt: skip


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_out_of_reach(seen, attempt):
    assert not seen[attempt].startswith("REACHED"), seen[attempt]


def test_own_home_is_in_reach(seen):
    assert seen["own home"].startswith("REACHED")


def test_no_capability_no_privilege_no_dump(seen):
    assert seen["capabilities"].split()[-1] == "0" * 16
    assert (seen["no_new_privs"], seen["dumpable"]) == ("1", "0")


def test_only_loopback_of_its_own_and_that_is_down(seen):
    assert json.loads(seen["interfaces"]) == ["lo"]


def test_only_its_own_descriptors_are_open(seen):
    # Standard three, its sockets, its SQLite files, and the folder being listed; no pipe of the launcher, no lock.
    names = [name for name in json.loads(seen["descriptors"]) if name not in ("closed", "socket")]
    databases = ("journal.db", "witness.db", "log.db")
    allowed = {"null", "log.txt", "fd", *(f"{db}{end}" for db in databases for end in ("", "-wal", "-shm", ".lock"))}
    assert set(names) <= allowed, names


# What comes with the network: services of this machine on loopback, and sockets that have no place on a disk.
NETWORK = ("loopback", "abstract socket")


def test_a_department_that_keeps_the_network_reaches_that_and_nothing_else(
    bubblewrap, small_city, tmp_path, monkeypatch
):
    seen = look_from("zezhou", small_city, tmp_path, monkeypatch, networked="zezhou")
    reached = {attempt for attempt in ATTEMPTS if seen[attempt].startswith("REACHED")}
    assert reached - {"internet"} == set(NETWORK)
    assert seen["capabilities"].split()[-1] == "0" * 16
    assert (seen["no_new_privs"], seen["dumpable"]) == ("1", "0")


def test_the_same_attempts_reach_without_confinement(small_city, tmp_path, monkeypatch):
    """The positive control: unconfined, the very same party reaches what it must not."""
    monkeypatch.setattr(operate, "why_not", lambda _: "the test wants plain processes")
    seen = look_from("zezhou", small_city, tmp_path, monkeypatch)
    for attempt in ("loopback", "abstract socket", "control socket", "desk socket", "other home", "other database"):
        assert seen[attempt].startswith("REACHED"), (attempt, seen[attempt])


def test_why_not_names_a_missing_bubblewrap(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert confinement.why_not(tmp_path) == "bubblewrap is not installed"


def test_why_not_passes_on_what_the_kernel_said(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert confinement.why_not(tmp_path) == "the kernel refused: bwrap: setting up uid map: Permission denied"


def test_a_refused_isolation_is_named_on_the_record(monkeypatch, small_city, tmp_path):
    monkeypatch.setattr(operate, "why_not", lambda _: "the kernel refused: Permission denied")
    settings, home = read_settings(small_city, minimum_key_bits=512), Home(tmp_path / "home")
    operate.up(settings, home, minimum_key_bits=512)
    operate.down(home)
    from federation.audit.events import read_event
    from federation.audit.record import RecordReader
    from federation.governance.roster import Roster

    signers = Roster.from_bytes(home.roster.read_bytes()).signers
    starts = [read_event(e, signers) for e in RecordReader(home.path).journal("zezhou")][:1]
    assert starts[0].data["isolation"] == "the kernel refused: Permission denied"
