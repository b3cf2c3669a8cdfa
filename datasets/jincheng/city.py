"""Draw the city: write every county bureau's files, or pool its tables in the clear for checks."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jincheng.cards import TABLES
from jincheng.counties import COUNTIES, County, divide_citizens
from jincheng.errors import CitySizeError, FileFormatError
from jincheng.files import FORMATS, file_of, open_county
from jincheng.residents import draw_county
from jincheng.tables import ROWS_OF

if TYPE_CHECKING:
    import pandas as pd

FEWEST_CITIZENS = 1_000  # fewer, and most counties' 低保 tables would be empty
MOST_CITIZENS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CityFiles:
    """A city on disk.

    Attributes:
        folder: holds one folder for each county, named by its key.
        rows: (county, table) -> how many rows were written.
        formats: county -> csv, csv-gb18030 or sqlite.
    """

    folder: Path
    citizens: int
    rows: Mapping[tuple[str, str], int]
    formats: Mapping[str, str]

    def path(self, county: str, table: str) -> Path:
        """The file that holds this table of this county."""
        return file_of(self.folder / county, table, self.formats[county])


def generate(
    folder: Path,
    *,
    citizens: int,
    seed: int = 7,
    workers: int = 1,
    formats: Mapping[str, str] | None = None,
) -> CityFiles:
    """Write the tables of all six county bureaus.

    The same seed and number of citizens give the same bytes, whatever the number of workers.

    Args:
        folder: where the counties' folders go; files of an earlier city are overwritten.
        citizens: 1,000 to 1,000,000.
        seed: 0 or more.
        workers: processes; more than one need the caller's `if __name__ == "__main__"`, and more
            than four gain nothing, because a county is drawn by one.
        formats: county -> csv (the default), csv-gb18030 or sqlite.

    Raises:
        CitySizeError: a number of citizens that cannot be drawn.
        FileFormatError: a county or a format that does not exist.
    """
    _check_size(citizens)
    chosen = _choose_formats(formats or {})
    people = divide_citizens(citizens)
    orders = [
        _Order(
            folder=folder / county.key,
            file_format=chosen[county.key],
            county=county,
            citizens=people[county.key],
            seed=seed,
        )
        for county in COUNTIES
    ]
    if workers == 1:
        counts = [_write_county(order) for order in orders]
    else:
        # Spawned, not forked: the caller may have threads, and a fork would copy their locks.
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
            counts = list(pool.map(_write_county, orders))
    rows = {
        (order.county.key, table): count
        for order, by_table in zip(orders, counts, strict=True)
        for table, count in by_table.items()
    }
    return CityFiles(folder=folder, citizens=citizens, rows=rows, formats=chosen)


def tables(*, citizens: int, seed: int = 7) -> dict[str, pd.DataFrame]:
    """Pool every table of all counties in the clear, as no department ever could.

    For tests and for checks in the lab: the rows are those that `generate` writes, county after
    county, with the county's key in a first column. Integers that may be null are Int64.

    Raises:
        CitySizeError: a number of citizens that cannot be drawn.
    """
    import pandas as pd  # here only: drawing and writing a city do without it

    _check_size(citizens)
    people = divide_citizens(citizens)
    parts: dict[str, list[pd.DataFrame]] = {table: [] for table in ROWS_OF}
    for county in COUNTIES:
        for residents in draw_county(county, citizens=people[county.key], seed=seed):
            for table, rows_of in ROWS_OF.items():
                columns = {name: _pandas_column(values) for name, values in rows_of(residents).items()}
                frame = pd.DataFrame(columns)
                frame.insert(0, "county", county.key)
                parts[table].append(frame)
    return {table: pd.concat(frames, ignore_index=True) for table, frames in parts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What one worker is asked for: all the files of one county."""

    folder: Path
    file_format: str
    county: County
    citizens: int
    seed: int


def _write_county(order: _Order) -> Counter[str]:
    counts = Counter[str]()
    with open_county(order.folder, order.file_format) as append:
        for residents in draw_county(order.county, citizens=order.citizens, seed=order.seed):
            for table, rows_of in ROWS_OF.items():
                rows = rows_of(residents)
                append(table, rows)
                counts[table] += len(rows[TABLES[table].id_column])
    return counts


def _pandas_column(values: NDArray[Any]) -> pd.Series[Any]:
    import pandas as pd

    if isinstance(values, np.ma.MaskedArray):
        return pd.Series(pd.arrays.IntegerArray(values.data, np.ma.getmaskarray(values)))
    return pd.Series(values)


def _check_size(citizens: int) -> None:
    if not FEWEST_CITIZENS <= citizens <= MOST_CITIZENS:
        raise CitySizeError(
            f"a city of {citizens:,} citizens cannot be drawn; ask for {FEWEST_CITIZENS:,} to {MOST_CITIZENS:,}"
        )


def _choose_formats(formats: Mapping[str, str]) -> dict[str, str]:
    chosen = {county.key: "csv" for county in COUNTIES}
    for key, file_format in formats.items():
        if key not in chosen:
            raise FileFormatError(f"no county {key!r}; there are {', '.join(chosen)}")
        if file_format not in FORMATS:
            raise FileFormatError(f"no file format {file_format!r}; there are {', '.join(FORMATS)}")
        chosen[key] = file_format
    return chosen
