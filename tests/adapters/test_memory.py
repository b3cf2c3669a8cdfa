"""A table is never held in memory, whatever its size."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# A table of 60 MB, asked in a process of its own. Growth is what this query takes beyond a small one before it.
SCRIPT = """
import json, resource, sqlite3, sys
from pathlib import Path
from federation.adapters.csv import CsvAdapter
from federation.adapters.sqlite import SqliteAdapter
from federation.plan import Column, GroupKey, LocalQuery, Measure

def write(kind, path, count):
    rows = ((f"区{index % 300}", index, "x" * 30) for index in range(count))
    if kind == "sqlite":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE people (g, n, padding)")
            connection.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)
        return SqliteAdapter(columns=(), path=path, table="people")
    with open(path, "w", encoding=kind) as file:
        file.write("g,n,padding\\n")
        file.writelines("%s,%d,%s\\n" % row for row in rows)
    return CsvAdapter(columns=(), path=path, encoding=kind)

kind, folder = sys.argv[1:]
query = LocalQuery(
    table="people",
    columns=(Column(name="g", type="text"), Column(name="n", type="integer")),
    where=(),
    group_by=(GroupKey(column="g", values=tuple(f"区{index}" for index in range(300))),),
    measures=(Measure(kind="rows"), Measure(kind="sum", column="n", low=0, high=2**40)),
)
small, large = write(kind, f"{folder}/small", 3000), write(kind, f"{folder}/large", 1_400_000)
small.aggregate(query)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cells = large.aggregate(query)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = Path(folder, "large").stat().st_size
print(json.dumps([size, (after - before) * 1024, len(cells), sum(rows for rows, _ in cells.values())]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["utf-8", "gb18030", "sqlite"])
def test_memory_does_not_grow_with_the_table(tmp_path, kind):
    result = subprocess.run([sys.executable, "-c", SCRIPT, kind, str(tmp_path)], capture_output=True, check=True)
    size, growth, groups, rows = json.loads(result.stdout)
    assert size > 55_000_000
    assert growth < 35_000_000
    assert (groups, rows) == (300, 1_400_000)
