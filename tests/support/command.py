"""The command within this process: what it prints and how it ends, without the half second that Python takes to start.

For tests of what the command says. Those of the process itself (signals, terminals, encodings) start one.
"""

from __future__ import annotations

import io
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from federation.__main__ import main


def keyong(*arguments: object, cwd: Path, say: str = "") -> CompletedProcess[str]:
    """Run it from its very door, with this on its standard input."""
    words, out, err = ["keyong", *map(str, arguments)], io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as process, chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        process.setattr(sys, "argv", words)
        process.setattr(sys, "stdin", io.StringIO(say))
        with pytest.raises(SystemExit) as ended:
            main()
    status = ended.value.code
    assert isinstance(status, int)
    return CompletedProcess(words, status, out.getvalue(), err.getvalue())
