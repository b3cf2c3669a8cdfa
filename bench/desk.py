"""What the desk costs: a script's room against a plain process, and PySyft's shelf against nothing.

    .venv/bin/python bench/desk.py [--runs 20]

The same script runs in the sandbox and as a plain process of the same interpreter, in turn; PySyft's packages are
imported in fresh processes, and requests laid on a shelf of their own. Medians; machines are noisy: use the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from federation import sandbox
from federation.catalogue.mock import mock_file
from federation.governance.datasite import Datasite
from federation.plan import Column, GroupKey, ScriptFile, ScriptPlan
from federation.sandbox.limits import Limits
from federation.settings import ColumnCard, TableCard

NOTHING = 'open("out/result.csv", "w").write("people\\n1\\n")\n'
PANDAS = """\
import pandas as pd
rows = pd.read_parquet("data/people.parquet")
rows.groupby("band").size().to_csv("out/result.csv")
"""
BANDS = ("0-17", "18-59", "60+")
SIZES = (0, 100, 300)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    if sandbox.why_not():
        sys.exit(f"no sandbox on this machine: {sandbox.why_not()}")
    with tempfile.TemporaryDirectory() as folder:
        for name, script in (("a script that does nothing", NOTHING), ("a script with pandas", PANDAS)):
            _compare_rooms(Path(folder) / name.replace(" ", "-"), name, script, runs)
        _import_pysyft(runs)
        _lay_requests(Path(folder) / "home")


def _compare_rooms(folder: Path, name: str, script: str, runs: int) -> None:
    data, work = folder / "data", folder / "work"
    for made in (data, work / "out"):
        made.mkdir(parents=True)
    (data / "people.parquet").write_bytes(mock_file(_card()))
    (work / "data").symlink_to(data)
    (work / "main.py").write_text(script)
    plain, confined = [], []
    for _ in range(runs):
        plain.append(_seconds(lambda: subprocess.run([sys.executable, "main.py"], cwd=work, check=True)))
        confined.append(_seconds(lambda: _run(script, data)))
    cost, against = statistics.median(confined), statistics.median(plain)
    print(f"{name}: {cost:.3f} s in the sandbox, {cost / against:.2f} times a plain process ({against:.3f} s)")


def _run(script: str, data: Path) -> None:
    ran = sandbox.run_script({"main.py": script}, data, Limits())
    if ran.status != "done":
        sys.exit(ran.log.decode(errors="replace"))


def _import_pysyft(runs: int) -> None:
    program = "import time, pandas; t = time.process_time(); from federation.governance import datasite; {} ;"
    program += " print(time.process_time() - t)"
    cost = {}
    for name, load in (("with", "datasite.load()"), ("without", "0")):
        command = [sys.executable, "-c", program.format(load)]
        said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(runs)]
        cost[name] = statistics.median(map(float, said))
    more = cost["with"] - cost["without"]
    print(f"PySyft's packages: {more:.2f} s of processor once, in the launcher of a federation whose officers approve")
    print(f"without the desk: {cost['without']:.3f} s, and nothing of PySyft is imported")


def _lay_requests(home: Path) -> None:
    home.mkdir()
    shelf = Datasite(home / "datasite", "tax")
    for size in SIZES[1:]:
        laid = [_seconds(lambda n=n: shelf.lay(f"s-{n:012d}", _plan(n))) for n in range(len(shelf.jobs()), size)]
        job = shelf.jobs()[-1]
        turned = _seconds(lambda job=job: shelf.turn(job, "approved"))
        looked = statistics.median([_seconds(lambda job=job: shelf.look(job)) for _ in range(20)])
        print(
            f"with {size} requests on the shelf: lay {1000 * statistics.median(laid[-20:]):.1f} ms,"
            f" approve {1000 * turned:.1f} ms, look {1000 * looked:.1f} ms"
        )


def _seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _card() -> TableCard:
    band = ColumnCard(
        name="band",
        type="text",
        unit="",
        label="band",
        label_en="band",
        low=None,
        high=None,
        uses=("group_by",),
        values=BANDS,
        cuts=(),
    )
    return TableCard(
        name="people", label="people", label_en="people", id="", columns=(band,), departments=("tax",), scripts=True
    )


def _plan(number: int) -> ScriptPlan:
    return ScriptPlan(
        nonce=f"{number:032x}",
        requester="analyst@city",
        purpose="bench",
        contributors=("tax",),
        gate="tax",
        holders=("a", "b", "tax"),
        threshold=2,
        minimum_group=10,
        minimum_contributors=3,
        catalogue="",
        roster="",
        epoch=1,
        source="people",
        view=(Column(name="band", type="text"),),
        files=(ScriptFile(name="main.py", text=PANDAS),),
        group_by=(GroupKey(column="band", values=BANDS),),
        numbers=("people",),
    )


if __name__ == "__main__":
    main()
