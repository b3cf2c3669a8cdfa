"""The one file of rows that a script is given: the plan's columns of the department's table, typed, for one run.

Its types are those of `federation.catalogue.schema`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from federation.adapters import Adapter, Cells, DataError
from federation.adapters.scan import aggregate
from federation.catalogue.schema import arrow_schema
from federation.errors import HomeError
from federation.plan import Column, LocalQuery


def write_view(store: Adapter, columns: Sequence[Column], query: LocalQuery, file: Path) -> Cells:
    """Write the rows of these columns, and answer a query about the very rows that were written.

    Args:
        query: over some of the columns; without conditions.
        file: is made anew, for nobody but its owner to read.

    Raises:
        DataError: the store cannot be read, or a value is not of its declared type.
        HomeError: the disk is full, or not to be written.
    """
    schema = arrow_schema(columns)
    names = [column.name for column in query.columns] or [column.name for column in columns[:1]]
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600, exist_ok=False)
        with pq.ParquetWriter(file, schema) as writer:

            def written() -> Iterator[pa.RecordBatch]:
                for batch in store.batches(columns):
                    writer.write_batch(_typed(batch, schema, columns))
                    yield batch.select(names)

            return aggregate(query, written())
    except OSError as exc:
        raise HomeError("home.storage", file=file.name) from exc


def _typed(batch: pa.RecordBatch, schema: pa.Schema, columns: Sequence[Column]) -> pa.RecordBatch:
    arrays = []
    for array, field, column in zip(batch.columns, schema, columns, strict=True):
        try:
            arrays.append(array.cast(field.type))
        except pa.ArrowInvalid:  # text that is no day of the calendar; the message would quote it
            raise DataError("data.type", column=column.name) from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
