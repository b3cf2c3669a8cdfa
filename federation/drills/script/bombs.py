"""What a script tries to use up: time, memory, processes, threads, disk. Each is a short run of its own."""

from __future__ import annotations

import gzip
import socket
import tempfile
import threading
from pathlib import Path

from federation.drills.script.drill import Drill, ScriptOutcome
from federation.drills.script.outside import GIVEN, MADE_UP_ROWS
from federation.drills.wording import Wording
from federation.sandbox import run_script
from federation.sandbox.limits import Limits, Ran, Status
from federation.sandbox.watch import MAX_THREADS

PACKED = "packed.gz"
UNPACKED_BYTES = 1 << 27
ONE_SECOND = Limits(seconds=1, memory_mb=256)
LITTLE_MEMORY = Limits(seconds=10, memory_mb=100)
LITTLE_DISK = Limits(seconds=10, memory_mb=256, output_bytes=1000)
# Room for more threads than it may have: what stops it is not their memory.
MANY_STACKS = Limits(seconds=10, memory_mb=2048)
WORD_TAKEN_BACK_S = 0.5


class Bomb(Drill, frozen=True, kw_only=True):
    """One script.

    Attributes:
        ends: how its run has to end.
        said: what has to stand in its log.
        revoked: whether somebody takes back the word meanwhile.
    """

    text: str
    limits: Limits
    ends: Status
    said: str = ""
    revoked: bool = False


def go_off(bomb: Bomb) -> ScriptOutcome:
    """Run one.

    Raises:
        RefusedError: there is no sandbox on this machine.
    """
    ran = _run(bomb)
    stopped = ran.status == bomb.ends and not ran.output and bomb.said.encode() in ran.log
    return ScriptOutcome(
        part="bomb",
        name=bomb.name,
        title=bomb.title,
        stops=bomb.stops,
        expected=bomb.expected,
        came_through=() if stopped else (bomb.name,),
        seen=ran.status,
        took=ran.seconds,
    )


def _run(bomb: Bomb) -> Ran:
    files = {"bomb.py": bomb.text}
    with tempfile.TemporaryDirectory(prefix="keyong-drill-") as folder:
        data = Path(folder)
        (data / GIVEN).write_text(MADE_UP_ROWS)
        if PACKED in bomb.text:
            pack(data / PACKED)
        if not bomb.revoked:
            return run_script(files, data, bomb.limits)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            officer = threading.Timer(WORD_TAKEN_BACK_S, theirs.send, [b"stop"])
            officer.start()
            ran = run_script(files, data, bomb.limits, stop=ours.fileno())
            officer.cancel()
            officer.join()
            return ran


def pack(file: Path) -> None:
    """Write an archive a thousandth of what is in it."""
    with gzip.open(file, "wb") as archive:
        for _ in range(UNPACKED_BYTES >> 20):
            archive.write(bytes(1 << 20))


_CLOCK = Wording("时限，到时整个命名空间一并终止", "the time limit; the whole namespace is killed")
_MEMORY = Wording("地址空间限额", "the limit on address space")
_SIZE = Wording("唯一可写的文件限定了大小", "the one writable file has a largest size")

BOMBS = (
    Bomb(
        name="loop",
        title=Wording("不停计算", "compute forever"),
        stops=_CLOCK,
        text="while True: pass",
        limits=ONE_SECOND,
        ends="time",
    ),
    Bomb(
        name="sleep",
        title=Wording("不停等待", "wait forever"),
        stops=_CLOCK,
        text="import time\nwhile True: time.sleep(99)",
        limits=ONE_SECOND,
        ends="time",
    ),
    Bomb(
        name="deaf",
        title=Wording("忽略一切信号", "ignore every signal"),
        stops=_CLOCK,
        text="""
import signal
for number in set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
while True: pass
""",
        limits=ONE_SECOND,
        ends="time",
    ),
    Bomb(
        name="threads-left",
        title=Wording("留下不肯结束的线程", "leave threads behind that do not end"),
        stops=_CLOCK,
        text="""
import threading, time
for _ in range(8):
    threading.Thread(target=time.sleep, args=(99,)).start()
time.sleep(99)
""",
        limits=ONE_SECOND,
        ends="time",
    ),
    Bomb(
        name="flood",
        title=Wording("不停打印", "print forever"),
        stops=Wording("日志只留开头，其余读过即弃；时限", "only the log's beginning is kept; the time limit"),
        text="while True: print('x' * 100_000)",
        limits=ONE_SECOND,
        ends="time",
    ),
    Bomb(
        name="memory",
        title=Wording("一点点占满内存", "take memory bit by bit"),
        stops=_MEMORY,
        text="x = []\nwhile True: x.append(bytearray(1 << 24))",
        limits=LITTLE_MEMORY,
        ends="memory",
    ),
    Bomb(
        name="memory-at-once",
        title=Wording("先写好结果，再一次要 1 TiB 内存", "write a result, then take a tebibyte at once"),
        stops=_MEMORY,
        text="open('out/result.csv', 'w').write('1')\nx = b'x' * (1 << 40)",
        limits=LITTLE_MEMORY,
        ends="memory",
    ),
    Bomb(
        name="archive",
        title=Wording("压缩包炸弹（解开是千倍）", "an archive that unpacks to a thousand times its size"),
        stops=_MEMORY,
        text=f"import gzip; gzip.open('data/{PACKED}').read()",
        limits=LITTLE_MEMORY,
        ends="memory",
    ),
    Bomb(
        name="fork-bomb",
        title=Wording("进程炸弹", "a fork bomb"),
        stops=Wording("系统调用白名单：只能有线程（root 亦然）", "the list of calls: threads only, for root as well"),
        text="import os\nwhile True: os.fork()",
        limits=ONE_SECOND,
        ends="failed",
        said="PermissionError",
    ),
    Bomb(
        name="thread-bomb",
        title=Wording("线程炸弹", "a thread bomb"),
        stops=Wording("每个新线程都由沙箱之外点数", "every new thread is counted from outside"),
        text=f"""
import threading
forever = threading.Event()
for _ in range({MAX_THREADS + 1}):
    threading.Thread(target=forever.wait, daemon=True).start()
open("out/result.csv", "w").write("1")
""",
        limits=MANY_STACKS,
        ends="failed",
        said="can't start new thread",
    ),
    Bomb(
        name="disk",
        title=Wording("写满磁盘", "fill the disk"),
        stops=_SIZE,
        text="""
try:
    with open("out/result.csv", "wb", buffering=0) as file:
        while True: file.write(bytes(500))
except OSError:
    pass
""",
        limits=LITTLE_DISK,
        ends="output",
    ),
    Bomb(
        name="hole",
        title=Wording("写一个带空洞的大文件", "write a large file that is mostly a hole"),
        stops=_SIZE,
        text="import os; os.truncate('out/result.csv', 1001)",
        limits=LITTLE_DISK,
        ends="output",
    ),
    Bomb(
        name="revoked",
        title=Wording("批准撤回之后继续运行", "go on after the approval was taken back"),
        stops=Wording("撤回即终止整个命名空间", "the whole namespace is killed at that word"),
        text="open('out/result.csv', 'w').write('1')\nwhile True: pass",
        limits=LITTLE_DISK,
        ends="stopped",
        revoked=True,
    ),
)
