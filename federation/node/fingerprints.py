"""Fingerprints of raw cells, searched for in everything that leaves a department.

At its start a department draws rows at random from its own tables and keeps the cells that identify somebody (identity
numbers, names, telephone numbers) in the memory of its own process, never on disk. Production databases get no planted
rows for this. It uses the adapter's contract as it is, asking for declared columns only: those that policy lets
nobody query can be read inside, what federation.toml does not declare cannot.

It catches accidents, not adversaries: an adapter that quotes a row in an error, a batch that went out instead of its
sums. Whoever XORs a byte gets through; so does what is sealed or encrypted, of which only `search_cells` sees the
numbers beforehand. And it sees only what was sampled: of n rows, k of them drawn, a leak of m rows is noticed with
probability 1 - (1 - k/n)**m. With k = 256 and n = 20,000 that is 1.3 % for one row, 72 % for 100, all but certain for a
thousand: a table that leaks is found, a single cell most likely not. Of a table longer than `MAX_ROWS_READ` only the
first rows are drawn from; k is smaller where there are more than four identifying columns.
"""

from __future__ import annotations

import heapq
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

import msgspec
import numpy as np

from federation.adapters import Adapter, Cells
from federation.errors import DataError
from federation.node.encodings import LEAST_BYTES, as_number, encodings
from federation.node.patterns import PatternSet, TooMuchToInflateError, inflated
from federation.settings import Catalogue, ColumnCard

logger = logging.getLogger(__name__)

ROWS_DRAWN = 256
# All the cells of the rows of a table of four identifying columns, fewer rows of a wider one.
CELLS_PER_TABLE = 1_024
# A department starts in seconds, whatever its size: rows beyond these are never drawn.
MAX_ROWS_READ = 100_000


class Found(NamedTuple):
    """What was found: never the value.

    Attributes:
        table: "-" if the frame inflates to more than is looked into.
        form: the encoding; see `federation.node.encodings`.
    """

    table: str
    column: str
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One raw cell; its text stays inside the department and out of reprs."""

    table: str
    column: str
    text: str = field(repr=False)


class Fingerprints:
    """Sampled cells in every form they are looked for."""

    def __init__(self, cells: Iterable[Cell], unread: Mapping[str, str] | None = None) -> None:
        """Encode the cells.

        Args:
            unread: tables that could not be sampled, with the code of the reason.
        """
        self.cells = tuple(cells)
        self._unread = dict(unread or {})
        self._found: dict[bytes, Found] = {}
        self._numbers: dict[int, Found] = {}
        self._forms: Counter[str] = Counter()
        for cell in self.cells:
            forms = encodings(cell.text)
            self._forms[cell.table] += len(forms)
            for form, name in forms.items():
                self._found.setdefault(form, Found(cell.table, cell.column, name))
            number = as_number(cell.text)
            if number is not None:
                self._numbers.setdefault(number, Found(cell.table, cell.column, "number"))
        self._patterns = PatternSet(self._found)

    @classmethod
    def sample(cls, stores: Mapping[str, Adapter], catalogue: Catalogue) -> Fingerprints:
        """Draw cells from a department's own tables.

        A table that cannot be read is left out, and `summary` says why: a query over it fails for the same reason.

        Args:
            stores: the tables that are open, by name.
            catalogue: what everybody knows; a cell whose text stands in it identifies nobody, unless somebody
                wrote it there about a table.
        """
        public, cells, unread = _public(catalogue), [], {}
        for name, store in sorted(stores.items()):
            card = catalogue.table(name)
            columns = [column for column in card.columns if identifies(column)] if card else []
            if not columns:
                continue
            try:
                rows = _draw_rows(store, columns)
            except DataError as error:
                logger.warning("table %s: no fingerprints: %s", name, error)
                unread[name] = error.code
                continue
            for column, texts in zip(columns, zip(*rows, strict=True), strict=False):
                usable = _usable(texts, lambda text: text in public)
                chosen = usable[: CELLS_PER_TABLE // len(columns)]
                cells += [Cell(table=name, column=column.name, text=text) for text in chosen]
        return cls(cells, unread)

    def search(self, data: bytes, fields: Iterable[bytes] = ()) -> Found | None:
        """Look for every form, in the bytes and in the compressed streams among them.

        Args:
            fields: parts of the data that may be raw deflate streams.

        Returns:
            The first thing found; None if there is nothing.
        """
        if not self._found:
            return None
        pattern = self._patterns.find(data)
        if pattern is not None:
            return self._found[pattern]
        try:
            for content in inflated(data, fields):
                pattern = self._patterns.find(content)
                if pattern is not None:
                    return self._found[pattern]
        except TooMuchToInflateError:
            return Found("-", "-", "compressed")
        return None

    def search_cells(self, cells: Cells) -> Found | None:
        """Look for raw numbers among group sums: encrypted a moment later, they would be invisible.

        Exact equality only: a number that was added to another, or split, is not found. By chance an honest sum equals
        one of k numbers of eleven digits with probability k / 9e10 at the most, fewer digits are not compared.
        """
        return next(
            (self._numbers[number] for sums in cells.values() for number in sums if number in self._numbers), None
        )

    def summary(self) -> str:
        """Say per table how many cells in how many forms, for the log: `hukou=512/8192 insured=data.privilege`.

        Rounded down to powers of two: exact numbers would tell everybody how many rows a small table has.
        """
        counts = Counter(cell.table for cell in self.cells)
        said = {table: f"{_rounded(count)}/{_rounded(self._forms[table])}" for table, count in counts.items()}
        return " ".join(f"{table}={what}" for table, what in sorted({**said, **self._unread}.items()))

    def to_bytes(self) -> bytes:
        """Canonical bytes of what was drawn, for a salted commitment; never to be written or sent."""
        return msgspec.msgpack.encode(sorted((cell.table, cell.column, cell.text) for cell in self.cells))

    def __len__(self) -> int:
        return len(self._patterns)

    def __repr__(self) -> str:
        return f"Fingerprints({self.summary()})"


NO_FINGERPRINTS = Fingerprints(())


def identifies(column: ColumnCard) -> bool:
    """Say whether a column's cells may tell who it is: keys, and texts and numbers that have no public domain.

    Dates are left out: a day of birth is also the day of something else. So are decimals: amounts repeat.
    """
    if column.type == "text":
        return not column.values
    return column.type == "integer" and bool({"join_key", "never"} & set(column.uses))


def _public(catalogue: Catalogue) -> str:
    """The catalogue without what owners write about their tables, which may quote a row: that makes no row public."""
    silent = [msgspec.structs.replace(card, summary="", summary_en="") for card in catalogue.tables]
    return msgspec.json.encode(msgspec.structs.replace(catalogue, tables=tuple(silent))).decode()


def _draw_rows(store: Adapter, columns: Sequence[ColumnCard]) -> list[tuple[str, ...]]:
    """Draw rows uniformly from the first `MAX_ROWS_READ`: each gets 64 random bits, and the smallest win."""
    drawn: list[tuple[int, tuple[str, ...]]] = []
    read = 0
    for batch in store.batches([column.as_column for column in columns]):
        keys = np.frombuffer(secrets.token_bytes(8 * min(batch.num_rows, MAX_ROWS_READ - read)), dtype="<u8")
        for row in np.argsort(keys)[:ROWS_DRAWN].tolist():
            texts = tuple(_text(array[row].as_py()) for array in batch.columns)
            drawn.append((int(keys[row]), texts))
        drawn = heapq.nsmallest(ROWS_DRAWN, drawn, key=itemgetter(0))
        read += len(keys)
        if read >= MAX_ROWS_READ:
            break
    return [texts for _, texts in drawn]


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _usable(texts: Iterable[str], is_public: Callable[[str], bool]) -> list[str]:
    """Keep what is long enough, occurs once among the drawn rows, and is no public word."""
    counts = Counter(texts)
    return [
        text
        for text, count in counts.items()
        if count == 1 and len(text.encode()) >= LEAST_BYTES and not is_public(text)
    ]


def _rounded(count: int) -> int:
    return 1 << count.bit_length() - 1 if count else 0
