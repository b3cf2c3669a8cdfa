"""What a script in the sandbox tries to get at: every attempt of the hostile script, in lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from federation.drills.script.drill import Control, Drill, ScriptOutcome
from federation.drills.script.hostile import REACHED
from federation.drills.script.outside import Seen, outside, try_inside, try_outside
from federation.drills.wording import Wording


class Line(Drill, frozen=True, kw_only=True):
    """Attempts of one kind.

    Attributes:
        harmless: those that are made outside of the sandbox too.
        harmful: those that would change the machine, or depend on what else runs on it.
    """

    harmless: tuple[str, ...] = ()
    harmful: tuple[str, ...] = ()

    @property
    def attempts(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.harmless, *self.harmful)


class Looked(NamedTuple):
    """What the hostile script saw in the sandbox, and what without one."""

    inside: Seen
    outside: Seen


def look() -> Looked:
    """Run the hostile script twice.

    Raises:
        RefusedError: there is no sandbox on this machine.
    """
    with outside() as told:
        return Looked(try_inside(told), try_outside(told, [name for line in LINES for name in line.harmless]))


def judge(looked: Looked, lines: Sequence[Line] | None = None) -> tuple[ScriptOutcome, ...]:
    """Say line by line what came of it."""
    return tuple(_judge(line, looked) for line in (LINES if lines is None else lines))


def _judge(line: Line, looked: Looked) -> ScriptOutcome:
    ended = {name: looked.inside.attempts[name] for name in line.attempts}
    refusals = Counter(end for end in ended.values() if end != REACHED)
    reached = sum(looked.outside.attempts[name] == REACHED for name in line.harmless)
    return ScriptOutcome(
        part="reach",
        name=line.name,
        title=line.title,
        stops=line.stops,
        expected=line.expected,
        tried=len(ended),
        came_through=tuple(name for name, end in ended.items() if end == REACHED),
        seen=" ".join(f"{end}×{count}" if count > 1 else end for end, count in refusals.most_common()),
        control=Control(tried=len(line.harmless), reached=reached) if line.harmless else None,
    )


_UNMOUNTED = Wording("挂载命名空间：那里没有这个文件", "mount namespace: the file is not there")
_FILTER = Wording("系统调用白名单（seccomp）", "allow-list of system calls (seccomp)")
_READ_ONLY = Wording("只有结果一个文件可写，其余只读", "one writable file, the result; all else is read-only")

LINES = (
    Line(
        name="environment",
        title=Wording("读取环境变量中的口令", "read a passphrase out of the environment"),
        stops=Wording("环境清空，只给计算库所需的几个", "a clean environment: what libraries need, no more"),
        harmless=("environment secret",),
    ),
    Line(
        name="other-data",
        title=Wording("读取别的数据集、别的部门的目录", "read another dataset, another department's home"),
        stops=_UNMOUNTED,
        harmless=("other dataset", "another's home"),
    ),
    Line(name="keys", title=Wording("读取私钥", "read a private key"), stops=_UNMOUNTED, harmless=("key",)),
    Line(
        name="project",
        title=Wording("读取或导入本系统的代码", "read or import this system's code"),
        stops=_UNMOUNTED,
        harmless=("project's code", "import the project"),
    ),
    Line(
        name="accounts",
        title=Wording("读取主机的账号与口令文件", "read the host's accounts and its password file"),
        stops=_UNMOUNTED,
        harmless=("accounts",),
        harmful=("shadow file",),
    ),
    Line(
        name="host",
        title=Wording("查看主机的进程与设备（/proc、/sys）", "look at the host's processes and devices (/proc, /sys)"),
        stops=Wording("没有挂载 /proc 与 /sys", "neither is mounted"),
        harmless=("processes", "system"),
    ),
    Line(
        name="network",
        title=Wording("连接互联网、本机端口，发数据报", "connect to the internet and to local ports, send datagrams"),
        stops=Wording("没有网络，也建不了套接字（seccomp）", "no network, and no socket can be made (seccomp)"),
        harmless=("loopback", "datagram", "netlink"),
        harmful=("internet",),
    ),
    Line(
        name="sockets",
        title=Wording("连接审批台的套接字、抽象套接字", "connect to a desk's socket, to an abstract one"),
        stops=Wording(
            "建不了套接字；网络命名空间里也没有这些地址", "no socket can be made, and its network namespace is empty"
        ),
        harmless=("named socket", "abstract socket"),
    ),
    Line(
        name="descriptors",
        title=Wording("使用遗留的打开文件", "use files that were left open"),
        stops=Wording("只交给它要读的数据，别无打开的文件", "nothing open is handed to it"),
        harmless=("descriptors",),
    ),
    Line(
        name="processes",
        title=Wording("另起进程、运行别的程序", "start processes, run another program"),
        stops=_FILTER,
        harmless=("fork", "spawn", "clone3"),
        harmful=("run another program",),
    ),
    Line(
        name="others",
        title=Wording("跟踪、读取、终止别的进程", "trace, read or kill another process"),
        stops=_FILTER,
        harmless=("process descriptor",),
        harmful=("trace", "other's memory", "kill the first process", "kill the parent"),
    ),
    Line(
        name="namespaces",
        title=Wording("新建命名空间，挂载、卸载、换根", "make namespaces; mount, unmount, change the root"),
        stops=_FILTER,
        harmful=(
            "new namespace", "join namespace", "new root", "mount", "unmount", "new file system", "mount attributes",
        ),
    ),
    Line(
        name="privileges",
        title=Wording("取得更高权限：root、内核模块、内存设备", "gain power: root, kernel modules, the memory device"),
        stops=Wording("无任何特权的普通用户；系统调用白名单", "nobody, without a capability; the allow-list of calls"),
        harmful=(
            "become root", "device", "memory device", "load module", "kexec", "personality", "host name",
        ),
    ),
    Line(
        name="limits",
        title=Wording("放宽自己的限额与优先级", "raise its own limits and priority"),
        stops=Wording("硬限额，无特权不能放宽；系统调用白名单", "hard limits, and the allow-list of calls"),
        harmless=("schedule",),
        harmful=("higher limit", "priority"),
    ),
    Line(
        name="terminal",
        title=Wording("向操作员的终端键入命令", "type into the operator's terminal"),
        stops=Wording("新会话，没有终端；TIOCSTI 不在白名单", "a session without a terminal; no TIOCSTI on the list"),
        harmful=("type into the terminal", "terminal"),
    ),
    Line(
        name="kernel-memory",
        title=Wording("借内核存放或传递数据", "keep or pass data in the kernel"),
        stops=_FILTER,
        harmless=("shared memory", "memory file", "lock"),
        harmful=("message queue", "key ring", "add key", "larger pipe"),
    ),
    Line(
        name="kernel-interfaces",
        title=Wording("内核里常出漏洞的接口", "the kernel's interfaces that often have holes"),
        stops=_FILTER,
        harmless=("io_uring", "inotify", "set attribute"),
        harmful=("bpf", "perf", "page faults", "file handle", "another filter"),
    ),
    Line(
        name="inputs",
        title=Wording("改动自己的代码与给它的数据", "change its own code and the data it was given"),
        stops=_READ_ONLY,
        harmless=("own code", "given data"),
        harmful=("remove data", "file beside the data", "mode of its code"),
    ),
    Line(
        name="files",
        title=Wording("在别处留下文件", "leave files elsewhere"),
        stops=_READ_ONLY,
        harmless=("file in /tmp", "file beside the result", "folder"),
        harmful=("file at the root", "shared files"),
    ),
    Line(
        name="links",
        title=Wording("把结果换成指向别处的链接", "make the result a link to something else"),
        stops=Wording(
            "做不了链接（seccomp）；结果是早已打开的一个文件",
            "no link can be made (seccomp); the result is one file, opened beforehand",
        ),
        harmless=("link in out", "hard link in out", "link for the result"),
        harmful=("rename over the result",),
    ),
    Line(
        name="interpreter",
        title=Wording("改动 Python 与已安装的包", "change Python and its packages"),
        stops=_READ_ONLY,
        harmful=("interpreter", "packages"),
    ),
)  # fmt: skip
