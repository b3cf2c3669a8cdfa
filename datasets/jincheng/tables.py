"""From a chunk of the city to the rows of a table: whole numbers within public bounds, and who is missing."""

import zlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from jincheng.cards import ColumnCard, Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import AGE_BAND_STARTS, AGE_BANDS
from jincheng.dirt import Dirt
from jincheng.draws import Booleans, Integers, Stream, Texts

Coverage = Literal["full", "real"]


def draw_rows(
    department: Department, table: TableCard, chunk: Chunk, *, coverage: Coverage = "full", dirt: Dirt | None = None
) -> Rows:
    """Write down the rows of one table about one chunk."""
    written = table.rows(chunk)
    rows: Rows = {column.name: _within(column, written[column.name]) for column in table.columns}
    if coverage == "real" and table.coverage < 1:
        known = _is_known(department, rows[table.id_column], share=table.coverage, seed=chunk.seed)
        rows = {name: values[known] for name, values in rows.items()}
    if dirt is not None:
        rng = chunk.rng(Stream.DIRT, zlib.crc32(f"{department.key}.{table.name}".encode()))
        rows = dirt.soil(rng, rows, id_column=table.id_column)
    return rows


def pick(values: Sequence[str], index: Integers | Booleans) -> Texts:
    """Write texts for indices (or for no and yes)."""
    return np.array(values)[index.astype(np.int64)]


def age_bands(age: Integers) -> Texts:
    """Write age bands for ages."""
    return pick(AGE_BANDS, np.digitize(age, AGE_BAND_STARTS))


def _within(column: ColumnCard, values: NDArray[Any]) -> NDArray[Any]:
    """Round to whole numbers, and keep within the bounds that the card makes public."""
    if column.bounds is None:
        return values
    if values.dtype.kind == "f":
        values = values.round().astype(np.int64)
    return values.clip(*column.bounds)


def _is_known(department: Department, ids: Texts, *, share: float, seed: int) -> Booleans:
    """Tell whom a department knows about: a random part of all numbers, the same in all its tables."""
    symbols = np.ascontiguousarray(ids).view(np.uint32).reshape(len(ids), ids.itemsize // 4).astype(np.uint64)
    secret = np.random.default_rng([seed, zlib.crc32(department.key.encode())])
    # Multiply-shift hashing (M. Dietzfelbinger, STACS 1996): 32 good bits from 64-bit arithmetic that overflows.
    hashed = symbols @ secret.integers(0, 2**64, symbols.shape[1], dtype=np.uint64) >> np.uint64(32)
    known: Booleans = hashed < share * 2**32
    return known
