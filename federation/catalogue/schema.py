"""How a script reads rows: the types of the Parquet file that it is given, the same for true rows and for made-up ones.

| declared | in the file | `pandas.read_parquet` gives |
|---|---|---|
| integer | int64 | Int64, which stays integer beside a null |
| decimal(N) | decimal128(18, N) | Decimal, exact; `astype(float)` for statistics |
| text | string | str |
| date | timestamp at midnight | datetime64[ms] |
| boolean | bool | boolean, which stays true or false beside a null |

The types depend on the declaration alone, never on the rows: what ran on made-up rows runs on true ones.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from federation.plan import Column

if TYPE_CHECKING:
    import pyarrow as pa

# What pandas calls a column's values, and the type that it shall give them.
_PANDAS = {
    "integer": ("int64", "Int64"),
    "boolean": ("bool", "boolean"),
    "text": ("unicode", "str"),
    "date": ("datetime", "datetime64[ms]"),
}
_DECIMAL = ("decimal", "object")


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the schema of a view of these columns, with what pandas needs to know to read it back as in the table."""
    # Only here: pyarrow starts a thread as it is loaded, and whoever imports this module may yet fork.
    import pyarrow as pa

    from federation.adapters.rows import arrow_schema as stored_schema

    fields = [
        # Adapters stream dates as ISO text.
        field.with_type(pa.timestamp("ms")) if column.type == "date" else field
        for field, column in zip(stored_schema(columns), columns, strict=True)
    ]
    # Written by hand: a department that only offers its datasets does not wait for pandas to be loaded.
    described = {"columns": [_described(c) for c in columns], "index_columns": [], "column_indexes": []}
    return pa.schema(fields, metadata={"pandas": json.dumps(described, ensure_ascii=False)})


def _described(column: Column) -> dict[str, str | None]:
    values, kind = _PANDAS.get(column.type, _DECIMAL)
    return {"name": column.name, "field_name": column.name, "pandas_type": values, "numpy_type": kind, "metadata": None}
