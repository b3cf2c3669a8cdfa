"""Which cells are drawn, how they are kept, and that they are found."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from federation.adapters import Column, Condition, DataError, load_adapter
from federation.adapters.rows import record_batches
from federation.node.encodings import as_number
from federation.node.fingerprints import (
    CELLS_PER_TABLE,
    MAX_ROWS_READ,
    NO_FINGERPRINTS,
    ROWS_DRAWN,
    Cell,
    Fingerprints,
    Found,
    identifies,
)
from federation.node.patterns import MAX_INFLATED
from tests.support.memory import catalogue, column
from tests.support.stores import write_csv

COLUMNS = (
    column("person_id", "text", "join_key"),
    column("name", "text", "never"),
    column("card", "integer", "never"),
    column("born", "date", "never"),
    column("sex", "text", "filter", "group_by", values=("f", "m")),
    column("income", "decimal(2)", "aggregate", bounds=(0, 100_000)),
)
CATALOGUE = catalogue(("gaoping", "lingchuan", "qinshui"), columns=COLUMNS)


def identity(number: int) -> str:
    return f"000000{number:012}"


class RowStore:
    """An adapter over rows of Python values, which says how many batches were drawn from it."""

    def __init__(self, rows, *, size: int = 1_000) -> None:
        self._rows, self._size, self.drawn = rows, size, 0

    def schema(self) -> tuple[str, ...]:
        return tuple(column.name for column in COLUMNS)

    def batches(self, columns: Sequence[Column], where: Sequence[Condition] = ()) -> Iterator[pa.RecordBatch]:
        names = [column.name for column in columns]
        rows = ([row.get(name) for name in names] for row in self._rows)
        for batch in record_batches(columns, rows, size=self._size):
            self.drawn += 1
            yield batch

    def close(self) -> None:
        pass


def sample(rows, **options) -> Fingerprints:
    return Fingerprints.sample({"insured": RowStore(rows, **options)}, CATALOGUE)


def texts(fingerprints: Fingerprints, name: str = "person_id") -> list[str]:
    return [cell.text for cell in fingerprints.cells if cell.column == name]


# --- what is drawn ---


@pytest.mark.parametrize(
    ("card", "drawn"),
    [
        (column("a", "text", "join_key"), True),
        (column("a", "text", "never"), True),
        (column("a", "text", "feature"), True),
        (column("a", "text", "filter", values=("f", "m")), False),
        (column("a", "integer", "join_key"), True),
        (column("a", "integer", "never"), True),
        (column("a", "integer", "aggregate", bounds=(0, 9)), False),
        (column("a", "date", "never"), False),
        (column("a", "decimal(2)", "never"), False),
        (column("a", "boolean", "never"), False),
    ],
    ids=lambda value: f"{value.type} {value.uses[0]}" if hasattr(value, "uses") else "",
)
def test_identifying_columns_are_keys_and_texts_and_numbers_without_a_public_domain(card, drawn):
    assert identifies(card) is drawn


def test_columns_that_nobody_may_query_are_drawn_from_a_real_store(tmp_path: Path):
    rows = [[identity(n), f"欧阳{chr(0x5EFA + n)}国", 62 * 10**16 + n, "1990-01-01", "f", "1"] for n in range(20)]
    write_csv(tmp_path / "people.csv", [card.name for card in COLUMNS], rows)
    store = load_adapter("csv", tuple(card.as_column for card in COLUMNS), {"path": str(tmp_path / "people.csv")})
    fingerprints = Fingerprints.sample({"insured": store}, CATALOGUE)
    for name, index in (("person_id", 0), ("name", 1), ("card", 2)):
        assert sorted(texts(fingerprints, name)) == sorted(str(row[index]) for row in rows)
    assert {cell.column for cell in fingerprints.cells} == {"person_id", "name", "card"}
    for row in rows:
        leak = f"error near {row[1]}".encode()
        assert fingerprints.search(leak) == Found("insured", "name", "utf-8")


def test_repeated_short_and_empty_cells_are_left_out():
    rows = [{"person_id": text} for text in (identity(1), identity(2), identity(2), "short", None, " ", "0000 ")]
    assert texts(sample(rows)) == [identity(1)]


def test_cell_whose_text_everybody_knows_is_left_out():
    rows = [{"person_id": "lingchuan"}, {"person_id": "insured"}, {"person_id": "Lingchuan 1"}]
    assert texts(sample(rows)) == ["Lingchuan 1"]


@pytest.mark.parametrize("size", [1_000, 10_000])
def test_drawn_rows_are_few_and_come_from_the_whole_table(size):
    """Chance that one tenth of the table gives no row: about 10 * 0.9**256, 2e-11."""
    drawn = texts(sample([{"person_id": identity(n)} for n in range(10_000)], size=size))
    assert len(set(drawn)) == len(drawn) == ROWS_DRAWN
    assert {int(text) // 1_000 for text in drawn} == set(range(10))


def test_two_draws_differ():
    rows = [{"person_id": identity(n)} for n in range(10_000)]
    assert set(texts(sample(rows))) != set(texts(sample(rows)))


def test_wide_table_gives_no_more_cells_than_a_narrow_one():
    names = [f"c{number}" for number in range(40)]
    wide = catalogue(("gaoping", "lingchuan", "qinshui"), columns=tuple(column(n, "text", "never") for n in names))
    rows = ({name: f"{name} of {row:06}" for name in names} for row in range(1_000))
    fingerprints = Fingerprints.sample({"insured": RowStore(rows)}, wide)
    assert 0 < len(fingerprints.cells) <= CELLS_PER_TABLE
    assert {cell.column for cell in fingerprints.cells} == set(names)


@pytest.mark.parametrize("size", [1_000, 70_000, 200_000])
def test_endless_table_is_read_to_the_limit_only(size):
    store = RowStore(({"person_id": identity(n)} for n in itertools.count()), size=size)
    fingerprints = Fingerprints.sample({"insured": store}, CATALOGUE)
    assert store.drawn == -(-MAX_ROWS_READ // size)
    assert max(int(text) for text in texts(fingerprints)) < MAX_ROWS_READ


def test_table_that_cannot_be_read_is_named_with_the_reason():
    class Unreadable(RowStore):
        def batches(self, columns, where=()):
            raise DataError("data.privilege")

    stores = {"insured": Unreadable([])}
    assert Fingerprints.sample(stores, CATALOGUE).summary() == "insured=data.privilege"


def test_table_without_identifying_columns_is_not_read():
    plain = catalogue(("gaoping", "lingchuan", "qinshui"), columns=COLUMNS[4:])
    store = RowStore([{"sex": "f", "income": 1}])
    assert (len(Fingerprints.sample({"insured": store}, plain)), store.drawn) == (0, 0)


# --- how they are kept ---


def test_neither_repr_nor_summary_shows_a_cell():
    fingerprints = sample([{"person_id": identity(1), "name": "欧阳建国"}])
    for said in (repr(fingerprints), fingerprints.summary(), repr(fingerprints.cells)):
        assert identity(1) not in said and "欧阳" not in said


@pytest.mark.parametrize(("rows", "said"), [(1, "1/8"), (25, "16/256"), (31, "16/256"), (32, "32/256")])
def test_summary_does_not_tell_how_many_rows_a_small_table_has(rows, said):
    """An identity number that is twelve digits after its zeros has thirteen forms."""
    assert sample([{"person_id": identity(10**11 + n)} for n in range(rows)]).summary() == f"insured={said}"


def test_canonical_bytes_do_not_depend_on_the_order_of_drawing():
    cells = [Cell(table="t", column="c", text=identity(n)) for n in range(3)]
    assert Fingerprints(cells).to_bytes() == Fingerprints(cells[::-1]).to_bytes()
    assert len(msgspec.msgpack.decode(Fingerprints(cells).to_bytes())) == 3


# --- what is found ---

KNOWN = Fingerprints(
    [
        Cell(table="insured", column="person_id", text="140000199001010016"),
        Cell(table="insured", column="name", text="欧阳建国"),
    ]
)


def test_finding_names_table_column_and_form_and_never_the_value():
    assert KNOWN.search("…欧阳建国…".encode("gb18030")) == ("insured", "name", "gb18030")


def test_cell_in_a_compressed_row_is_found():
    row = zlib.compress("140000199001010016,欧阳建国\r\n".encode())
    found = KNOWN.search(b"payload" + row)
    assert found is not None
    assert (found.table, found.form) == ("insured", "utf-8")
    assert KNOWN.search(zlib.compress(b"140000199001010017")) is None


def test_what_inflates_without_end_counts_as_found():
    bomb = zlib.compress(bytes(MAX_INFLATED + 1))
    assert KNOWN.search(bomb) == ("-", "-", "compressed")


def test_no_fingerprints_find_nothing():
    assert NO_FINGERPRINTS.search(b"140000199001010016") is None
    assert NO_FINGERPRINTS.search_cells({0: (140000199001010016,)}) is None


def test_identity_number_among_sums_is_found():
    assert KNOWN.search_cells({0: (12, 340), 1: (7, 140000199001010016)}) == ("insured", "person_id", "number")


@pytest.mark.parametrize("number", [140000199001010017, 140000199001010016 * 2, 14000019900101001, 0])
def test_another_number_is_none(number):
    """Exact equality: twice the number, or the number and a few, is not found."""
    assert KNOWN.search_cells({0: (number,)}) is None


def test_short_number_is_like_an_honest_total_and_not_compared():
    assert as_number("12345678") is None
    assert Fingerprints([Cell(table="t", column="c", text="12345678")]).search_cells({0: (12345678,)}) is None
