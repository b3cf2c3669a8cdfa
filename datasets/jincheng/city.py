"""Draw the city: write every department's files, or pool its tables in the clear for checks."""

from __future__ import annotations

import multiprocessing
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jincheng.cards import Department
from jincheng.chunks import Chunk, divide_city
from jincheng.departments import BUREAUS
from jincheng.dirt import Dirt
from jincheng.errors import CitySizeError, FileFormatError
from jincheng.files import FORMATS, file_of, open_files, to_arrow
from jincheng.tables import Coverage, draw_rows

if TYPE_CHECKING:
    import pandas as pd

FEWEST_CITIZENS = 1_000  # fewer, and most counties' 低保 tables would be empty
MOST_CITIZENS = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CityFiles:
    """A city on disk.

    Attributes:
        folder: holds one folder for each department, named by its key.
        rows: (department, table) -> how many rows were written.
        formats: department -> csv, csv-gb18030, sqlite, parquet or duckdb.
    """

    folder: Path
    citizens: int
    rows: Mapping[tuple[str, str], int]
    formats: Mapping[str, str]

    def path(self, department: str, table: str) -> Path:
        """The file that holds this table of this department."""
        return file_of(self.folder / department, table, self.formats[department])


def generate(
    folder: Path,
    *,
    citizens: int,
    seed: int = 7,
    workers: int = 1,
    departments: Sequence[Department] = BUREAUS,
    formats: Mapping[str, str] | None = None,
    coverage: Coverage = "full",
    dirt: Dirt | None = None,
) -> CityFiles:
    """Write the tables of these departments: the six county bureaus, unless told otherwise.

    The same seed and number of citizens give the same rows whatever the number of workers, and the same
    bytes in all formats but DuckDB's, which puts a random number into every file.

    Args:
        folder: where the departments' folders go; files of an earlier city are overwritten.
        citizens: 1,000 to 10,000,000.
        seed: 0 or more.
        workers: processes that draw; more than one need the caller's `if __name__ == "__main__"`.
        departments: some of BUREAUS, DEPARTMENTS and HOSPITALS, or others made of their tables.
        formats: department -> csv (the default), csv-gb18030, sqlite, parquet or duckdb.
        coverage: "real" leaves out whom a department would not know about.
        dirt: soils the number that tells whom a row is about; None leaves it clean.

    Raises:
        CitySizeError: a number of citizens that cannot be drawn.
        FileFormatError: a department or a format that does not exist.
    """
    _check_size(citizens)
    chosen = _choose_formats(departments, formats or {})
    rows = Counter[tuple[str, str]]({(d.key, table.name): 0 for d in departments for table in d.tables})
    # Made one by one, because a chunk keeps what has been drawn in it.
    orders = (
        _Order(chunk=chunk, departments=tuple(departments), coverage=coverage, dirt=dirt)
        for chunk in divide_city(citizens=citizens, seed=seed)
    )
    with ExitStack() as stack:
        append = {d.key: stack.enter_context(open_files(folder / d.key, d, chosen[d.key])) for d in departments}
        for drawn in _draw_all(orders, workers):
            for (department, table), part in drawn.items():
                append[department](table, part)
                rows[department, table] += part.num_rows
    return CityFiles(folder=folder, citizens=citizens, rows=rows, formats=chosen)


def tables(
    *,
    citizens: int,
    seed: int = 7,
    departments: Sequence[Department] = BUREAUS,
    coverage: Coverage = "full",
    dirt: Dirt | None = None,
) -> dict[str, pd.DataFrame]:
    """Pool every table of these departments in the clear, as no department ever could.

    For tests and for checks in the lab: the rows are those that `generate` writes, county after county;
    where every county has a department of its own, its key is in a first column. Integers that may be
    null are Int64. BUREAUS and DEPARTMENTS are pooled one after the other, because both have a `hukou`.

    Raises:
        CitySizeError: a number of citizens that cannot be drawn.
    """
    import pandas as pd  # here only: drawing and writing a city do without it

    _check_size(citizens)
    parts: dict[str, list[pd.DataFrame]] = {table.name: [] for d in departments for table in d.tables}
    for chunk in divide_city(citizens=citizens, seed=seed):
        for department in _of(chunk, departments):
            for table in department.tables:
                rows = draw_rows(department, table, chunk, coverage=coverage, dirt=dirt)
                frame = pd.DataFrame({name: _pandas_column(values) for name, values in rows.items()})
                if department.county:
                    frame.insert(0, "county", department.county.key)
                parts[table.name].append(frame)
    return {table: pd.concat(frames, ignore_index=True) for table, frames in parts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What a worker is asked for: what these departments write about one chunk."""

    chunk: Chunk
    departments: tuple[Department, ...]
    coverage: Coverage
    dirt: Dirt | None


_Drawn = dict[tuple[str, str], pa.Table]  # by department and table


def _draw(order: _Order) -> _Drawn:
    return {
        (department.key, table.name): to_arrow(
            table, draw_rows(department, table, order.chunk, coverage=order.coverage, dirt=order.dirt)
        )
        for department in _of(order.chunk, order.departments)
        for table in department.tables
    }


def _draw_all(orders: Iterable[_Order], workers: int) -> Iterator[_Drawn]:
    """Draw the chunks and hand them over in their order, holding no more of them than there are workers."""
    if workers == 1:
        yield from map(_draw, orders)
        return
    # Spawned, not forked: the caller may have threads, and a fork would copy their locks.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting: deque[Future[_Drawn]] = deque()
        for order in orders:
            waiting.append(pool.submit(_draw, order))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _of(chunk: Chunk, departments: Sequence[Department]) -> list[Department]:
    """The departments that have rows about this chunk."""
    return [department for department in departments if department.county in (None, chunk.county)]


def _pandas_column(values: NDArray[Any]) -> pd.Series[Any]:
    import pandas as pd

    if not isinstance(values, np.ma.MaskedArray):
        return pd.Series(values)
    mask = np.ma.getmaskarray(values)
    if values.dtype.kind == "i":
        return pd.Series(pd.arrays.IntegerArray(values.data, mask))
    return pd.Series(values.data).mask(mask)


def _check_size(citizens: int) -> None:
    if not FEWEST_CITIZENS <= citizens <= MOST_CITIZENS:
        raise CitySizeError(
            f"a city of {citizens:,} citizens cannot be drawn; ask for {FEWEST_CITIZENS:,} to {MOST_CITIZENS:,}"
        )


def _choose_formats(departments: Sequence[Department], formats: Mapping[str, str]) -> dict[str, str]:
    chosen = {department.key: "csv" for department in departments}
    for key, file_format in formats.items():
        if key not in chosen:
            raise FileFormatError(f"no department {key!r}; there are {', '.join(chosen)}")
        if file_format not in FORMATS:
            raise FileFormatError(f"no file format {file_format!r}; there are {', '.join(FORMATS)}")
        chosen[key] = file_format
    return chosen
