"""The launcher's program with one party turned hostile or curious: `hostile_program.py MODE PARTY`.

Everything else is the product's own code: the tests that use this see what the real parties make of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crypto.signing import SigningKey
from federation import assemble
from federation.errors import KeyongError
from federation.governance.identity import Identity
from federation.node.department import Department
from federation.runtime import frames
from federation.sandbox.limits import Limits

MODE, PARTY = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)


def outcome(action) -> str:
    """What came of an attempt: REACHED, or how it was refused."""
    try:
        return f"REACHED {action()!r}"[:100]
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:100]


def must(result: int) -> int:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def alone(action) -> None:
    """Try it in a child, which has one thread as new namespaces demand, and takes with it what it has changed."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    errno = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if errno:
        raise OSError(errno, os.strerror(errno))


def mount() -> None:
    """Mount over our own folder, and take it back: unconfined, and as root, this is the machine's own tree."""
    folder = os.getcwd().encode()
    must(libc.mount(b"none", folder, b"tmpfs", 0, None))
    must(libc.umount2(folder, 2))


def connect(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        return path


def look_around() -> None:
    """Try everything a hostile party would, from inside; leave the answers in our own home."""
    # The test leaves a note of what exists outside in the home of the party, before it is confined.
    told = json.loads(Path("outside.json").read_text())
    others = [name for name in told["parties"] if name != PARTY]
    attempts = {
        "internet": lambda: socket.create_connection(("192.0.2.1", 53), 1),
        "loopback": lambda: socket.create_connection(("127.0.0.1", told["port"]), 1),
        "abstract socket": lambda: connect("\0" + told["abstract"]),
        "control socket": lambda: connect(told["sockets"] + "/control.sock"),
        "launcher socket": lambda: connect(told["sockets"] + "/launcher.sock"),
        "desk socket": lambda: connect(told["sockets"] + "/desk.sock"),
        "run-time folder": lambda: os.listdir(told["sockets"]),
        "homes": lambda: os.listdir(told["home"] + "/parties"),
        "other home": lambda: os.listdir(f"{told['home']}/parties/{others[0]}"),
        "other key": lambda: Path(f"{told['home']}/parties/{others[0]}/identity.key").read_bytes()[:1],
        "other database": lambda: Path(told["data"][others[-1]]).read_bytes()[:1],
        "analyst's key": lambda: os.listdir(told["home"] + "/analysts"),
        "launcher's folder": lambda: os.listdir(told["home"] + "/launcher"),
        "parent's memory": lambda: Path(f"/proc/{os.getppid() or 1}/mem").read_bytes()[:1],
        "other processes": lambda: [p for p in os.listdir("/proc") if p.isdigit() and p != str(os.getpid())] or 1 / 0,
        "kill others": lambda: [os.kill(pid, 0) for pid in others()] or 1 / 0,
        "trace": lambda: must(libc.ptrace(16, 2, 0, 0)),
        "new namespace": lambda: alone(lambda: must(libc.unshare(0x10000000))),
        "mount": mount,
        "unmount": lambda: must(libc.umount2(told["home"].encode(), 2)),
        "write to the code": lambda: Path(assemble.__file__).open("a"),
        "write outside": lambda: Path(told["home"] + "/outside.txt").write_text("x"),
        "shadow file": lambda: Path("/etc/shadow").read_bytes()[:1],
        "own home": lambda: Path("mine.txt").write_text("ok"),
    }
    answers = {name: outcome(attempt) for name, attempt in attempts.items()}
    answers["descriptors"] = json.dumps(sorted(kind(fd) for fd in os.listdir("/proc/self/fd")))
    answers["capabilities"] = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if "CapEff" in line
    )
    answers["no_new_privs"] = str(libc.prctl(39, 0, 0, 0, 0))
    answers["dumpable"] = str(libc.prctl(3, 0, 0, 0, 0))
    answers["proc is our own"] = str(os.readlink("/proc/self") == str(os.getpid()))
    answers["interfaces"] = json.dumps([name for _, name in socket.if_nameindex()])
    Path("seen.json").write_text(json.dumps(answers))


def others() -> list[int]:
    """Processes that are there and are no thread of ours; threads of libraries come and go meanwhile."""
    before = own_threads()
    found = [pid for pid in range(1, 400) if alive(pid)]
    return [pid for pid in found if pid not in before | own_threads()]


def own_threads() -> set[int]:
    tasks = map(int, os.listdir("/proc/self/task"))
    return {os.getpid(), *tasks, *(thread.native_id for thread in threading.enumerate())}


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def kind(descriptor: str) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/self/fd/{descriptor}").split(":")[0].split("/")[-1]
    return "closed"


def in_department(before) -> None:
    """Run `before` inside the party, confined and enrolled, before it serves."""
    serve = assemble._serve

    def serve_after(stream, department, *others) -> None:
        if department._office.name == PARTY:
            before(stream, department)
        serve(stream, department, *others)

    assemble._serve = serve_after


def answers_become(change) -> None:
    """Let every answer of the party pass through `change`."""
    answer = Department.answer

    def changed(self, data, known=0):
        packet = answer(self, data, known)
        return change(self, packet) if self._office.name == PARTY else packet

    Department.answer = changed


if MODE == "look" and PARTY == "coordinator":
    make_app = assemble.server_app

    def server_app_after(*arguments):
        look_around()
        return make_app(*arguments)

    assemble.server_app = server_app_after
elif MODE == "look":
    in_department(lambda stream, department: look_around())
elif MODE in ("garbage", "garbage-message"):
    streams = []
    in_department(lambda stream, department: streams.append(stream))
    # More than any honest frame: a recorded frame that the kill keeps back must not make up for it.
    noise = os.urandom(100_000)

    def noisy(department, packet):
        if b"agreement" in packet.envelope:
            streams[0].sendall(b"\xff\xff\xff\xff" + noise if MODE == "garbage" else frames.frame(noise))
        return packet

    answers_become(noisy)
elif MODE == "foreign":

    def resigned(department, packet):
        mine = department._office.identity
        stranger = Identity(name=mine.name, signing=SigningKey.generate(), box=mine.box)
        from federation.messages import Envelope, Packet, decode

        envelope = Envelope.from_bytes(packet.envelope)
        return Packet(envelope=stranger.sign(envelope.header, decode(envelope.payload)), entries=packet.entries)

    answers_become(resigned)
elif MODE == "replay":
    kept = []

    def repeated(department, packet):
        from federation.messages import Packet

        kept.append(packet.envelope)
        return Packet(envelope=kept[-2] if len(kept) > 3 else packet.envelope, entries=packet.entries)

    answers_become(repeated)
elif MODE == "full-disk":

    def fill(stream, department) -> None:
        db = department._journal._db
        # Room for what stands there now and a little more: the next job finds the disk full.
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")

    in_department(fill)
elif MODE == "bench":
    # Not hostile, but early: it takes the scripts of its home to its bench before it serves.

    def to_the_bench(stream, department) -> None:
        for script in sorted(Path("to-run").iterdir()):
            folder = Path("scripts", script.stem, "data")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "given.csv").write_text("town,income\na,1\na,3\nb,5\n")
            try:
                ran = department._office.runner.run(script.stem, {script.name: script.read_text()}, Limits())
                said = [ran.status, ran.output.decode()]
            except KeyongError as error:
                said = [error.code]
            Path(f"{script.stem}.json").write_text(json.dumps(said))

    in_department(to_the_bench)
else:
    raise SystemExit(f"no mode {MODE}")

if __name__ == "__main__":
    status = assemble.main()
    os._exit(status)
