"""The flower runtime beside the local one: starting, asking, memory, processor time; synthetic city, four departments.

    .venv/bin/python bench/superlink.py [--queries 5]

Per runtime: seconds from `up` to ready (keys are there already), a whole query (some thirty exchanges with every
department: approval, two rounds, seals), processor time of all processes per query, and their memory: resident as
`ps` shows it, and proportional (PSS), which counts a page that seven processes share a seventh for each.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import msgspec
import psutil

from federation import demo, operate
from federation.analyst import job_name
from federation.runtime.home import Home
from federation.settings import Settings, read_settings

SQL = "SELECT COUNT(*) FROM hukou"
DEPARTMENTS = 4


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=5)
    queries = parser.parse_args().queries
    for runtime in ("local", "flower"):
        with tempfile.TemporaryDirectory() as folder:
            _measure(Home(Path(folder) / "home"), runtime, queries)


def _measure(home: Home, runtime: operate.Runtime, queries: int) -> None:
    settings = _smaller(read_settings(demo.built_in_settings(home, citizens=5_000)))
    operate.up(settings, home, runtime=runtime)  # the key ceremony is none of this
    operate.down(home)
    start = operate.up(settings, home, runtime=runtime)
    try:
        officers = demo.officers_of(home, settings)
        analyst = operate.open_analyst(settings, home)
        seconds, cpu = [], _cpu(home)
        for _ in range(queries):
            plan = analyst.plan(SQL, "bench")
            began = time.perf_counter()
            analyst.ask(plan, demo.approving(officers, job_name(plan)))
            seconds.append(time.perf_counter() - began)
        cpu = (_cpu(home) - cpu) / queries
        print(f"{runtime}: ready in {start:.1f} s, query {statistics.median(seconds):.2f} s, {cpu:.1f} s of processor")
        for name, resident, proportional in sorted(_memory(home)):
            print(f"  {name:16} {resident:5} MB resident {proportional:5} MB proportional")
    finally:
        operate.down(home)


def _smaller(settings: Settings) -> Settings:
    kept = settings.departments[:DEPARTMENTS]
    names = {department.name for department in kept}
    tables = tuple(
        msgspec.structs.replace(table, departments=tuple(name for name in table.departments if name in names))
        for table in settings.catalogue.tables
    )
    short = {"departments": tuple(sorted(names)), "tables": tables, "threshold": 3}
    catalogue = msgspec.structs.replace(settings.catalogue, **short)
    officers = tuple(o for o in settings.officers if o.name.rpartition("@")[2] in {*names, "city"})
    return msgspec.structs.replace(settings, departments=kept, catalogue=catalogue, officers=officers)


def _processes(home: Home) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.name().startswith("ky-") and Path(process.cwd()).is_relative_to(home.path):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _cpu(home: Home) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in _processes(home))


def _memory(home: Home) -> list[tuple[str, int, int]]:
    # Each party has a keeper of its process namespace, which shares all it has with the launcher.
    innermost = [process for process in _processes(home) if not process.children() or process.name() == "ky-launcher"]
    return [(p.name(), p.memory_info().rss >> 20, p.memory_full_info().pss >> 20) for p in innermost]


if __name__ == "__main__":
    main()
