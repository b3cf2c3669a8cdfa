"""What only PostgreSQL does: logins, privileges, its own types, lost connections; nothing it says gets out."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import psycopg
import pytest

from federation.adapters import load_adapter
from federation.adapters.postgres import PostgresAdapter
from federation.errors import DataError, SettingsError
from federation.plan import Column, GroupKey, LocalQuery, Measure
from tests.support.postgres import PASSWORD

pytestmark = pytest.mark.postgres
ROWS = Measure(kind="rows")


@pytest.fixture
def table(postgres, reader_password) -> Callable[..., PostgresAdapter]:
    """Make a table of one column n out of SQL values, and open it as the reader."""

    def make(kind: str, *values: str) -> PostgresAdapter:
        name = f"t{uuid.uuid4().hex}"
        with postgres.owner() as owner:
            owner.execute(f"CREATE TABLE {name} (n {kind})")
            if values:
                owner.execute(f"INSERT INTO {name} VALUES {', '.join(f'({value})' for value in values)}")
            owner.execute(f"GRANT SELECT ON {name} TO reader")
        return PostgresAdapter(columns=(), url=postgres.url, table=name, password_env=reader_password)

    return make


def ask(adapter, kind: str, high: int = 10**15, **query):
    measures = (ROWS, Measure(kind="sum", column="n", low=0, high=high))
    columns = (Column(name="n", type=kind),)
    return adapter.aggregate(
        LocalQuery(table="t", columns=columns, where=(), group_by=query.get("group_by", ()), measures=measures)
    )


@pytest.mark.parametrize(
    ("stored", "values", "declared", "total"),
    [
        ("smallint", ("1", "2", "NULL"), "integer", 3),
        ("bigint", ("999999999999999",), "integer", 999999999999999),
        ("numeric", ("233.0", "2e2"), "integer", 433),
        ("numeric(20, 4)", ("19.9900", "0.01"), "decimal(2)", 2000),
        ("double precision", ("19.99", "0.07", "5"), "decimal(2)", 2506),
        ("real", ("19.99",), "decimal(2)", 1999),
        ("text", ("' 7 '", "''", "'+8'"), "integer", 15),
        ("boolean", ("true", "false", "true"), "boolean", 2),
    ],
)
def test_its_own_numbers_are_exact(table, stored, values, declared, total):
    assert ask(table(stored, *values), declared) == {0: (len(values), total)}


@pytest.mark.parametrize(
    ("stored", "value", "declared"),
    [
        ("numeric", "'NaN'", "integer"),
        ("numeric", "'Infinity'", "decimal(2)"),
        ("numeric", "1.005", "decimal(2)"),
        ("numeric", "1e30", "integer"),
        ("double precision", "'NaN'", "integer"),
        ("double precision", "9007199254740993", "integer"),
        ("double precision", "0.1::float8 + 0.2", "decimal(2)"),
        ("bytea", "'\\x31'", "integer"),
        ("bytea", "'\\x31'", "text"),
        ("timestamp", "'2024-02-29 08:00'", "date"),
        ("boolean", "true", "integer"),
    ],
)
def test_what_is_not_of_the_declared_type_is_an_error(table, stored, value, declared):
    adapter = table(stored, value)
    columns = (Column(name="n", type=declared),)
    query = LocalQuery(table="t", columns=columns, where=(), group_by=(), measures=(Measure(kind="count", column="n"),))
    with pytest.raises(DataError, match=r"data\.type"):
        adapter.aggregate(query)
    with pytest.raises(DataError, match=r"data\.type"):
        list(adapter.batches(columns))


@pytest.mark.parametrize("stored", ["date", "timestamp", "text"])
def test_dates_are_told_in_one_form(table, stored):
    adapter = table(stored, "'2024-02-29'", "'1999-12-31'")
    (batch,) = adapter.batches((Column(name="n", type="date"),))
    assert batch.column(0).to_pylist() == ["2024-02-29", "1999-12-31"]


def test_a_domain_is_its_type_and_a_view_is_a_table(table, postgres, reader_password):
    with postgres.owner() as owner:
        owner.execute("CREATE DOMAIN yuan AS numeric(12, 2); CREATE VIEW one AS SELECT 5::yuan AS n")
        owner.execute("GRANT SELECT ON one TO reader")
    adapter = PostgresAdapter(columns=(), url=postgres.url, table="one", password_env=reader_password)
    assert ask(adapter, "decimal(2)") == {0: (1, 500)}


def test_texts_are_told_apart_whatever_the_column_s_collation(table):
    adapter = table('text COLLATE "und-x-icu"', "'a'", "'A'", "'乙'")
    key = GroupKey(column="n", values=("A", "a"))
    columns = (Column(name="n", type="text"),)
    assert adapter.aggregate(LocalQuery(table="t", columns=columns, where=(), group_by=(key,), measures=(ROWS,))) == {
        0: (1,),
        1: (1,),
    }


def test_the_entry_point_opens_a_table(table, postgres, reader_password):
    name = table("integer", "5")._table.partition(".")[2].strip('"')
    settings = {"url": postgres.url, "table": name, "password_env": reader_password}
    assert ask(load_adapter("postgres", (Column(name="n", type="integer"),), settings), "integer") == {0: (1, 5)}


def open_as(postgres, url: str | None = None, table: str = "people", **settings) -> PostgresAdapter:
    return PostgresAdapter(columns=(), url=url or postgres.url, table=table, **settings)


@pytest.mark.parametrize("user", ["reader", "stranger"])
def test_a_login_that_is_refused_is_named(postgres, monkeypatch, caplog, user):
    monkeypatch.setenv("WRONG", "wrong4711")
    url = postgres.url.replace("reader@", f"{user}@")
    with pytest.raises(DataError, match=r"data\.login") as caught:
        open_as(postgres, url, password_env="WRONG").schema()
    assert "4711" not in f"{caught.value!r} {caught.value.__cause__} {caplog.text}"


def test_a_missing_password_or_database_is_a_refused_login(postgres, reader_password):
    with pytest.raises(DataError, match=r"data\.login"):
        open_as(postgres).schema()
    with pytest.raises(DataError, match=r"data\.login"):
        open_as(postgres, postgres.url.replace("/city", "/none"), password_env=reader_password).schema()


def test_a_server_that_is_not_there_is_named(tmp_path, reader_password):
    with pytest.raises(DataError, match=r"data\.unreachable"):
        open_as(None, f"postgresql://reader@/city?host={tmp_path}", password_env=reader_password).schema()


def test_a_table_that_is_not_there_or_not_granted_is_named(table, postgres, reader_password):
    with pytest.raises(DataError, match=r"data\.table_missing"):
        open_as(postgres, table="nobody", password_env=reader_password).schema()
    adapter = table("integer", "1")
    with postgres.owner() as owner:
        owner.execute(f"REVOKE SELECT ON {adapter._table} FROM reader")
    with pytest.raises(DataError, match=r"data\.privilege"):
        ask(adapter, "integer")


def test_an_account_that_may_write_is_refused(table, postgres):
    adapter = table("integer", "1")
    with postgres.owner() as owner:
        owner.execute(f"GRANT DELETE ON {adapter._table} TO reader")
    with pytest.raises(DataError, match=r"data\.account_writes"):
        ask(adapter, "integer")


def test_nothing_can_be_written(table):
    adapter = table("integer", "1")
    with pytest.raises(DataError), adapter._open() as opened:
        opened._run("CREATE TABLE mine (n integer)", [])


def test_a_connection_cut_in_the_middle_is_one_error_and_the_next_call_works(table, postgres):
    adapter = table("integer", *("1" for _ in range(20_000)))
    stream = adapter.batches((Column(name="n", type="integer"),))
    next(stream)
    with postgres.owner() as owner:
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'")
    with pytest.raises(DataError, match=r"data\.unreachable"):
        list(stream)
    assert ask(adapter, "integer") == {0: (20_000, 20_000)}


def test_a_reading_that_is_given_up_leaves_no_connection(table, postgres):
    adapter = table("integer", *("1" for _ in range(20_000)))
    stream = adapter.batches((Column(name="n", type="integer"),))
    next(stream)
    stream.close()
    with postgres.owner() as owner:
        left = owner.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader'").fetchone()
    assert left == (0,)


def test_a_column_that_changes_its_type_or_goes_is_seen(table, postgres):
    adapter = table("integer", "4711")
    assert ask(adapter, "integer") == {0: (1, 4711)}
    with postgres.owner() as owner:
        owner.execute(f"ALTER TABLE {adapter._table} ALTER n TYPE text USING 'x4711'")
        with pytest.raises(DataError, match=r"data\.type") as caught:
            ask(adapter, "integer")
        assert "4711" not in repr(caught.value)
        owner.execute(f"ALTER TABLE {adapter._table} RENAME n TO m")
    with pytest.raises(DataError, match=r"data\.column_missing"):
        ask(adapter, "integer")


def test_a_password_file_must_lie_in_the_home_and_be_the_owner_s_alone(table, postgres, tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    file = tmp_path / "home" / "secret"
    file.write_text(PASSWORD, "utf-8")
    file.chmod(0o640)
    with pytest.raises(SettingsError, match=r"settings\.password_file_open"):
        open_as(postgres, password_file="secret")
    file.chmod(0o600)
    with pytest.raises(DataError, match=r"data\.table_missing"):
        open_as(postgres, table="nobody", password_file="secret").schema()
    (tmp_path / "secret").write_text(PASSWORD, "utf-8")
    for outside in ("../secret", str(tmp_path / "secret"), "none"):
        with pytest.raises(SettingsError, match=r"settings\.password_file:"):
            open_as(postgres, password_file=outside)


def test_the_widest_table_is_read(postgres, reader_password):
    columns = [f"c{index}" for index in range(1500)]
    postgres.create("wide", columns, [range(1500)], ["smallint"] * 1500)
    adapter = open_as(postgres, table="wide", password_env=reader_password)
    assert len(adapter.schema()) == 1500
    last = (Column(name="c1499", type="integer"),)
    assert next(adapter.batches(last)).to_pydict() == {"c1499": [1499]}


def test_the_owner_is_an_account_that_may_write(postgres):
    with psycopg.connect(f"postgresql://owner@/city?host={postgres.sockets}", autocommit=True) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS owned (n integer)")
    with pytest.raises(DataError, match=r"data\.account_writes"):
        open_as(postgres, f"postgresql://owner@/city?host={postgres.sockets}", table="owned").schema()
