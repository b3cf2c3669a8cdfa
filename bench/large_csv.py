"""Measure how long a grouped sum over CSV files of several sizes takes, and the memory it peaks at.

    python bench/large_csv.py [megabytes ...]      default: 60 1000

Every file is written, read in a process of its own, and deleted. Peak memory is the kernel's count for that process,
the Python interpreter and DuckDB included; it must not grow with the file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEFAULT_MB = (60, 1000)
BLOCK_ROWS = 100_000

ASK = """
import json, resource, sys, time
from federation.adapters import load_adapter
from federation.plan import Column, GroupKey, LocalQuery, Measure

columns = (Column(name="区", type="text"), Column(name="元", type="decimal(2)"))
adapter = load_adapter("csv", columns, {"path": sys.argv[1]})
measures = (Measure(kind="rows"), Measure(kind="sum", column="元", low=0, high=10**9))
by_area = GroupKey(column="区", values=tuple(f"区{index}" for index in range(20)))
started = time.monotonic()
cells = adapter.aggregate(LocalQuery(table="t", columns=columns, where=(), group_by=(by_area,), measures=measures))
seconds = time.monotonic() - started
peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"rows": sum(rows for rows, _ in cells.values()), "sum": sum(s for _, s in cells.values()),
                  "seconds": seconds, "peak_mb": peak_kb / 1024}))
"""


def write(path: Path, megabytes: int) -> tuple[int, int]:
    """Write a file of that size or a little more; return its rows and their sum in 0.01."""
    numbers = range(BLOCK_ROWS)
    numbers = range(BLOCK_ROWS)
    lines = [f"{n:018d},区{n % 20},{n % 9973}.{n % 100:02d},{'路' * 12}\n" for n in numbers]
    block = "".join(lines).encode()
    total = sum(n % 9973 * 100 + n % 100 for n in numbers)
    blocks = -(-megabytes * 10**6 // len(block))
    with path.open("wb") as file:
        file.write("证件号,区,元,住址\n".encode())
        for _ in range(blocks):
            file.write(block)
    return blocks * BLOCK_ROWS, blocks * total


def measure(megabytes: int, folder: Path) -> dict[str, float]:
    """Write, ask, delete; the answer must be exact."""
    path = folder / f"{megabytes}.csv"
    try:
        rows, total = write(path, megabytes)
        size = path.stat().st_size
        result = subprocess.run([sys.executable, "-c", ASK, str(path)], capture_output=True, check=True, cwd=ROOT)
        found = json.loads(result.stdout)
        assert (found["rows"], found["sum"]) == (rows, total), found
        return {**found, "size_mb": size / 10**6}
    finally:
        path.unlink(missing_ok=True)


def main(sizes: list[int]) -> None:
    print(f"{time.strftime('%F')}; {'file':>8}{'rows':>14}{'seconds':>9}{'MB/s':>7}{'peak memory':>13}")
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in sizes:
            f = measure(megabytes, Path(folder))
            speed = f["size_mb"] / f["seconds"]
            print(f"{f['size_mb']:>17,.0f} MB{f['rows']:>14,}{f['seconds']:>9.1f}{speed:>7.0f}{f['peak_mb']:>10.0f} MB")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or list(DEFAULT_MB))
