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
import duckdb
from federation.adapters.csv import CsvAdapter
from federation.adapters.duckdb import DuckdbAdapter
from federation.adapters.parquet import ParquetAdapter
from federation.adapters.sqlite import SqliteAdapter
from federation.plan import Column, GroupKey, LocalQuery, Measure

def write(kind, path, count):
    if kind in ("duckdb", "parquet"):
        with duckdb.connect(path if kind == "duckdb" else ":memory:", config={"memory_limit": "64MB"}) as connection:
            connection.execute("SET enable_progress_bar = false")
            # Hashes: what the store's compression cannot make small.
            made = f"SELECT '区' || (range % 300) AS g, range AS n, md5(range::VARCHAR) AS padding FROM range({count})"
            into = f"CREATE TABLE people AS {made}", f"COPY ({made}) TO '{path}' (FORMAT parquet)"
            connection.execute(into[kind == "parquet"])
        if kind == "duckdb":
            return DuckdbAdapter(columns=(), path=path, table="people")
        return ParquetAdapter(columns=(), path=path)
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

kind, how, folder = sys.argv[1:]
query = LocalQuery(
    table="people",
    columns=(Column(name="g", type="text"), Column(name="n", type="integer")),
    where=(),
    group_by=(GroupKey(column="g", values=tuple(f"区{index}" for index in range(300))),),
    measures=(Measure(kind="rows"), Measure(kind="sum", column="n", low=0, high=2**40)),
)
small, large = write(kind, f"{folder}/small", 3000), write(kind, f"{folder}/large", 1_400_000)
if how == "count":
    ask = lambda adapter: sorted(adapter.aggregate(query).items())
else:
    everything = (*query.columns, Column(name="padding", type="text"))
    ask = lambda adapter: [(0, (sum(batch.num_rows for batch in adapter.batches(everything)), 0))]
ask(small)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cells = ask(large)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = Path(folder, "large").stat().st_size
print(json.dumps([size, (after - before) * 1024, len(cells), sum(rows for _, (rows, _) in cells)]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["count", "stream"])
@pytest.mark.parametrize("kind", ["utf-8", "gb18030", "sqlite", "duckdb", "parquet"])
def test_memory_does_not_grow_with_the_table(tmp_path, kind, how):
    command = [sys.executable, "-c", SCRIPT, kind, how, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, check=True)
    size, growth, groups, rows = json.loads(result.stdout)
    assert size > 25_000_000
    # DuckDB keeps what it has read of its own formats, up to a fixed limit of half a gigabyte.
    assert growth < (100_000_000 if kind in ("duckdb", "parquet") else 40_000_000)
    assert (groups, rows) == (300 if how == "count" else 1, 1_400_000)
