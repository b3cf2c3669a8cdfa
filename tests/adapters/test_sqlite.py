"""What only SQLite files do: storage classes row by row, locks, write-ahead logs, broken files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from federation.adapters import load_adapter, sqlite
from federation.adapters.sqlite import SqliteAdapter
from federation.errors import DataError
from federation.plan import Column, Condition, GroupKey, LocalQuery, Measure

ROWS = Measure(kind="rows")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


@pytest.fixture
def owner(file: Path) -> Iterator[sqlite3.Connection]:
    """The owner's own connection, with an empty table."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE people (n)")
        yield connection


def open_table(file: Path, table: str = "people") -> SqliteAdapter:
    return SqliteAdapter(columns=(), path=str(file), table=table)


def sum_of_n(adapter: SqliteAdapter, kind: str = "integer") -> dict[int, tuple[int, ...]]:
    measures = (ROWS, Measure(kind="sum", column="n", low=0, high=10**6))
    columns = (Column(name="n", type=kind),)
    return adapter.aggregate(LocalQuery(table="t", columns=columns, where=(), group_by=(), measures=measures))


def texts(adapter: SqliteAdapter, *labels: str, where: tuple[Condition, ...] = ()) -> dict[int, tuple[int, ...]]:
    columns, keys = (Column(name="n", type="text"),), (GroupKey(column="n", values=labels),)
    return adapter.aggregate(LocalQuery(table="t", columns=columns, where=where, group_by=keys, measures=(ROWS,)))


def test_the_entry_point_opens_a_table(file, owner):
    owner.execute("INSERT INTO people VALUES (5)")
    columns = (Column(name="n", type="integer"),)
    assert sum_of_n(load_adapter("sqlite", columns, {"path": str(file), "table": "people"})) == {0: (1, 5)}


def test_numbers_may_be_stored_in_three_ways(file, owner):
    owner.execute("INSERT INTO people VALUES (1), (2.0), ('4'), (' 8.0 '), (NULL), (''), (-0.0)")
    assert sum_of_n(open_table(file)) == {0: (7, 15)}


@pytest.mark.parametrize("literal", ["233.5", "9e999", "x'3233'", "x''", "9007199254740993.0", "9223372036854775807"])
def test_what_is_no_exact_integer_is_an_error(file, owner, literal):
    owner.execute(f"INSERT INTO people VALUES (1), ({literal})")
    with pytest.raises(DataError, match=r"data\.type"):
        sum_of_n(open_table(file))


def test_a_real_is_the_decimal_number_that_it_was_written_as(file, owner):
    cents = [1, 7, 10, 29, 57, 58, 113, 1001, 123456789, 4503599627370, 140737488355327]
    owner.executemany("INSERT INTO people VALUES (?)", [(value / 100,) for value in cents])
    columns = (Column(name="n", type="decimal(2)"),)
    measures = (Measure(kind="sum", column="n", low=0, high=2**47),)
    query = LocalQuery(table="t", columns=columns, where=(), group_by=(), measures=measures)
    assert open_table(file).aggregate(query) == {0: (sum(cents),)}


@pytest.mark.parametrize("kind", ["text", "date", "boolean"])
def test_a_blob_is_neither_text_nor_boolean(file, owner, kind):
    owner.execute("INSERT INTO people VALUES (x'31')")
    with pytest.raises(DataError, match=r"data\.type"):
        sum_of_n(open_table(file), kind)


def test_codes_stored_as_integers_are_text_where_text_is_declared(file, owner):
    owner.execute("INSERT INTO people VALUES (110101), ('110101'), ('110102')")
    assert texts(open_table(file), "110101", "110102") == {0: (2,), 1: (1,)}


def test_the_table_s_own_collation_and_affinity_do_not_change_comparisons(file, owner):
    owner.execute("CREATE TABLE loose (n TEXT COLLATE NOCASE)")
    owner.execute("INSERT INTO loose VALUES ('a'), ('A'), ('b')")
    assert texts(open_table(file, "loose"), "a", "B") == {0: (1,)}
    condition = Condition(column="n", operator="=", values=("A",))
    assert texts(open_table(file, "loose"), "a", "A", where=(condition,)) == {1: (1,)}
    owner.execute("CREATE TABLE whole (n INTEGER)")
    owner.execute("INSERT INTO whole VALUES (1), ('01')")
    assert texts(open_table(file, "whole"), "1", "01") == {0: (2,)}


@pytest.mark.parametrize("name", ["fields", "typed", "placed", "cells", "key0", "数据 表", 'a"; DROP TABLE people; --'])
def test_any_table_name_is_only_a_name(file, owner, name):
    quoted = name.replace('"', '""')
    owner.execute(f'CREATE TABLE "{quoted}" (n, cell, place)')
    owner.execute(f'INSERT INTO "{quoted}" VALUES (3, 1, 1)')
    assert sum_of_n(open_table(file, name)) == {0: (1, 3)}
    assert texts(open_table(file, name), "3") == {0: (1,)}


def test_a_view_is_a_table(file, owner):
    owner.execute("INSERT INTO people VALUES (1), (2)")
    owner.execute("CREATE VIEW twice AS SELECT 2 * n AS n FROM people")
    assert open_table(file, "twice").schema() == ("n",)
    assert sum_of_n(open_table(file, "twice")) == {0: (2, 6)}


@pytest.mark.parametrize("table", ["nobody", ""])
def test_a_missing_table_is_an_error(file, owner, table):
    with pytest.raises(DataError, match=r"data\.unreadable"):
        open_table(file, table).schema()


def test_a_missing_file_is_an_error_and_is_not_created(file):
    with pytest.raises(DataError, match=r"data\.unreadable"):
        open_table(file).schema()
    assert not file.exists()


def test_a_file_that_is_no_database_is_an_error(file):
    file.write_bytes(b"n\n1\n" * 1000)
    with pytest.raises(DataError, match=r"data\.unreadable"):
        sum_of_n(open_table(file))


def test_a_damaged_database_is_an_error_that_says_nothing(file, owner, caplog):
    owner.executemany("INSERT INTO people VALUES (?)", [("secret4711" * 50,)] * 1000)
    owner.close()
    data = bytearray(file.read_bytes())
    data[4096 * 3 : 4096 * 6] = b"\xff" * (4096 * 3)
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"data\.unreadable") as caught:
        texts(open_table(file), "x")
    assert "SQLITE_CORRUPT" in caplog.text
    assert "4711" not in f"{caught.value!r} {caplog.text}"


def test_a_file_that_is_replaced_or_deleted_is_seen(file, owner):
    owner.execute("INSERT INTO people VALUES (1)")
    adapter = open_table(file)
    assert sum_of_n(adapter) == {0: (1, 1)}
    owner.execute("INSERT INTO people VALUES (10)")
    assert sum_of_n(adapter) == {0: (2, 11)}
    owner.close()
    file.unlink()
    with pytest.raises(DataError, match=r"data\.unreadable"):
        sum_of_n(adapter)


def test_a_database_locked_for_too_long_is_an_error(file, owner, monkeypatch, caplog):
    monkeypatch.setattr(sqlite, "LOCK_TIMEOUT_S", 0.05)
    owner.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DataError, match=r"data\.unreadable"):
        sum_of_n(open_table(file))
    assert "SQLITE_BUSY" in caplog.text
    owner.execute("ROLLBACK")
    assert sum_of_n(open_table(file)) == {}


def test_a_write_ahead_log_is_read_while_its_owner_writes(file, owner):
    owner.execute("PRAGMA journal_mode = WAL")
    owner.execute("INSERT INTO people VALUES (1)")
    owner.execute("BEGIN IMMEDIATE")
    owner.execute("INSERT INTO people VALUES (10)")
    assert sum_of_n(open_table(file)) == {0: (1, 1)}
    owner.execute("COMMIT")
    assert sum_of_n(open_table(file)) == {0: (2, 11)}
    owner.close()
    assert sum_of_n(open_table(file)) == {0: (2, 11)}


def test_nothing_can_be_written(file, owner):
    before = file.read_bytes()
    with open_table(file)._open() as table, pytest.raises(sqlite3.OperationalError, match="readonly"):
        table._connection.execute("INSERT INTO people VALUES (1)")
    assert file.read_bytes() == before
