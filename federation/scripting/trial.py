"""Trying a script on made-up rows, in the real sandbox: an analyst does so before asking, an officer before a yes.

The made-up rows are the catalogue's (`federation.catalogue.mock`): no department is asked, and nothing that comes out
is anybody's. A trial also finds the shape of the result, since nothing but running a script tells which columns it
writes.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from federation.errors import KeyongError, RefusedError
from federation.governance.policy import readable_columns
from federation.plan import MAX_NUMBERS, GroupKey
from federation.sandbox.limits import Limits, Ran
from federation.scripting.numbers import rounded
from federation.scripting.release import check_ended, read_lines
from federation.settings import ColumnCard, TableCard

RESULT_NAME = re.compile(r"[^\W\d]\w{0,62}")


class Shape(NamedTuple):
    """What a result looks like.

    Attributes:
        group_by: the leading columns, of public values.
        numbers: the further columns.
    """

    group_by: tuple[GroupKey, ...]
    numbers: tuple[str, ...]


class Trial(NamedTuple):
    """How a script fared on made-up rows; of these anything may be shown.

    Attributes:
        shape: of its result; None if it has none that could be released.
        reason: why it has none.
    """

    ran: Ran
    shape: Shape | None
    reason: KeyongError | None


def try_script(files: Mapping[str, str], card: TableCard, limits: Limits | None = None) -> Trial:
    """Run a script on made-up rows of a table.

    Args:
        files: the text of every file by name; the first one is run.
        limits: those of a plan without any wishes, if not given.

    Raises:
        RefusedError: there is no sandbox on this machine.
    """
    from federation.sandbox import run_script

    with tempfile.TemporaryDirectory(prefix="keyong-trial-") as folder:
        write_mock(card, Path(folder) / f"{card.name}.parquet")
        ran = run_script(files, Path(folder), limits or Limits())
    try:
        check_ended(ran)
        return Trial(ran, find_shape(ran.output, card), None)
    except RefusedError as refusal:
        return Trial(ran, None, refusal)


def write_mock(card: TableCard, file: Path) -> None:
    """Write made-up rows of the columns that a script may be given, as a department would write true ones."""
    # Only here: they take a second to load, and whoever imports this module may yet fork.
    import pyarrow as pa
    import pyarrow.parquet as pq

    from federation.catalogue.mock import mock_rows
    from federation.catalogue.schema import arrow_schema

    columns = readable_columns(card)
    frame = mock_rows(card)[[column.name for column in columns]]
    pq.write_table(pa.Table.from_pandas(frame, schema=arrow_schema(columns), preserve_index=False), file)


def find_shape(output: bytes, card: TableCard) -> Shape:
    """Find out which of a result's columns are keys: the leading ones that hold a column's public values only.

    Raises:
        RefusedError: no result of this shape could be released; `federation.scripting.release` has the same codes.
    """
    header, *lines = read_lines(output) or [[]]
    if not lines:
        raise RefusedError("refused.result_empty")
    if any(len(line) != len(header) for line in lines):
        raise RefusedError("refused.result_format")
    columns = list(zip(*lines, strict=True))
    keys: list[GroupKey] = []
    for name, cells in zip(header, columns, strict=True):
        key = _key(card.column(name), cells)
        if key is None:
            break
        keys.append(key)
    numbers = tuple(header[len(keys) :])
    if not numbers or len(numbers) > MAX_NUMBERS or len(set(header)) < len(header):
        raise RefusedError("refused.result_columns")
    if not all(RESULT_NAME.fullmatch(name) for name in numbers):
        raise RefusedError("refused.result_columns")
    _check_numbers([cell for cells in columns[len(keys) :] for cell in cells])
    return Shape(tuple(keys), numbers)


def _key(card: ColumnCard | None, cells: Sequence[str]) -> GroupKey | None:
    """Make the key that these cells are labels of; None if they are those of no column."""
    if card is None or "group_by" not in card.uses:
        return None
    if card.is_number and card.type != "boolean":
        cuts = tuple(int(cut) for cut in card.cuts)
        key = GroupKey(column=card.name, cuts=cuts, unit_scale=card.as_column.scale)
    else:
        key = GroupKey(column=card.name, values=card.values)
    found = {cell.lower() for cell in cells} if card.type == "boolean" else set(cells)
    return key if found <= set(key.labels) else None


def _check_numbers(cells: Sequence[str]) -> None:
    """Numbers, or nothing: made-up groups are small, and a deviation of one row is none."""
    try:
        for cell in filter(None, cells):
            rounded(cell, digits=1)
    except ValueError as exc:
        raise RefusedError("refused.result_numbers") from exc
