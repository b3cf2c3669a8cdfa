"""Notebooks as a reader runs them: from top to bottom, in a kernel of this very Python, with nothing left behind."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

pytestmark = pytest.mark.xdist_group("notebooks")

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [
    "01-quickstart",
    "02-encrypted-statistics",
    "03-hospitals",
    "04-checking-the-evidence",
    "05-writing-an-adapter",
]
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

CHINESE = re.compile(r"[一-鿿]")
ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
MACHINE_PATH = re.compile(r"""(?:^|[\s"'(=])(?:/(?:bin|etc|home|mnt|opt|root|tmp|usr|Users|var)/|~/|[A-Z]:\\)""")
DEADLINE_S = 180
MARK = "KEYONG_NOTEBOOK_TEST"


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def cells(path: Path, kind: str) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == kind]


def execute(notebook: NotebookNode, *, cwd: Path, private: Path, mark: str = "") -> NotebookNode:
    """Run in a kernel that needs no kernelspec installed anywhere, and keeps its own files in `private`."""
    own = {"IPYTHONDIR": "ipython", "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config", "TMPDIR": "tmp"}
    for folder in own.values():
        (private / folder).mkdir()
    with pytest.MonkeyPatch.context() as environment:
        for name, folder in own.items():
            environment.setenv(name, str(private / folder))
        environment.setenv(MARK, mark)
        kernels = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        client = NotebookClient(notebook, km=kernels, timeout=DEADLINE_S, resources={"metadata": {"path": str(cwd)}})
        client.owns_km = True  # so that it also ends the kernel, well or not
        return client.execute()


def marked(mark: str) -> list[psutil.Process]:
    """The processes that were started, however indirectly, under a mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_these_are_the_notebooks():
    assert [path.stem for path in NOTEBOOKS] == NAMES
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert all(path.name in readme for path in NOTEBOOKS)


@each
def test_notebook_runs_and_leaves_nothing_behind(path, tmp_path):
    (tmp_path / "notebooks").mkdir()
    shutil.copytree(PROJECT / "examples" / "jobs", tmp_path / "examples" / "jobs")
    mark = uuid.uuid4().hex
    # Its assertions are in its own cells: one that does not hold is an error here.
    done = execute(read(path), cwd=tmp_path / "notebooks", private=tmp_path, mark=mark)
    code = [cell for cell in done.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    streams = [out for cell in code for out in cell.outputs if out.get("name") == "stderr"]
    assert not streams, "a reader would be shown warnings"
    _, alive = psutil.wait_procs(marked(mark), timeout=10)  # multiprocessing's tracker ends just after its parent
    assert alive == []
    assert list((tmp_path / "tmp").glob("keyong-*")) == []
    assert list((tmp_path / "notebooks").iterdir()) == []


def test_processes_left_behind_would_be_seen(monkeypatch):
    mark = uuid.uuid4().hex
    monkeypatch.setenv(MARK, mark)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as left:
        assert len(marked(mark)) == 1
        left.communicate(b"\n")
    assert marked(mark) == []


def test_cell_that_does_not_hold_is_an_error(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("assert 1 + 1 == 3")])
    with pytest.raises(CellExecutionError, match="AssertionError"):
        execute(notebook, cwd=tmp_path, private=tmp_path)


@each
def test_notebook_states_what_must_come_out(path):
    code = [ast.parse(cell.source) for cell in cells(path, "code")]
    # In code that runs from top to bottom, not in a function that may never be called.
    assert sum(isinstance(statement, ast.Assert) for module in code for statement in module.body) >= 3


@each
def test_git_holds_no_outputs(path):
    notebook = read(path)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None and not cell.metadata
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}


@each
def test_notebook_names_no_path_of_a_machine(path):
    for cell in read(path).cells:
        assert not MACHINE_PATH.search(cell.source), cell.source


@pytest.mark.parametrize("text", ["Path('/home/me')", 'x = "/tmp/a"', "cd ~/keyong", "D:\\keyong", "/opt/keyong"])
def test_path_of_a_machine_would_be_seen(text):
    assert MACHINE_PATH.search(text)


@each
def test_notebook_is_short_and_says_it_in_chinese_first(path):
    assert 10 <= len(read(path).cells) <= 20
    for cell in cells(path, "markdown"):
        chinese, english = CHINESE.search(cell.source), ENGLISH.search(cell.source)
        assert chinese and english and chinese.start() < english.start(), cell.source


def test_no_library_is_shadowed_where_notebooks_run(tmp_path):
    assert {file.suffix for file in FOLDER.iterdir() if file.name != ".ipynb_checkpoints"} == {".ipynb", ".md"}
    library = tmp_path / "installed" / "datasets"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("")
    # At the very end of the path, behind all of ours, as site-packages may be.
    code = f"import sys\nsys.path.append({str(library.parent)!r})\nimport datasets\nprint(datasets.__file__)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    done = execute(notebook, cwd=FOLDER, private=tmp_path)
    assert done.cells[0].outputs[0].text.strip() == os.fspath(library / "__init__.py")
