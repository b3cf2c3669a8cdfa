"""Measure a grouped sum through every adapter against the store's own client, as ratios within one run.

    python bench/adapters.py [rows]      default: 300000

The client runs the plain SQL that a person would write, which checks no types and clips nothing.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import psycopg

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.run import timed
from federation.adapters import load_adapter
from federation.plan import Column, GroupKey, LocalQuery, Measure
from tests.support.postgres import PASSWORD, programs, running_server

GROUPS = tuple(f"区{index}" for index in range(20))
COLUMNS = (Column(name="g", type="text"), Column(name="n", type="integer"))
QUERY = LocalQuery(
    table="people",
    columns=COLUMNS,
    where=(),
    group_by=(GroupKey(column="g", values=GROUPS),),
    measures=(Measure(kind="rows"), Measure(kind="sum", column="n", low=0, high=10**6)),
)
SQL = "SELECT g, count(*), sum(n) FROM {} GROUP BY g"


def compare(name: str, settings: dict[str, str], client: Callable[[], object], rows: int) -> None:
    adapter = load_adapter(name, COLUMNS, settings)
    ours, theirs = timed(lambda: adapter.aggregate(QUERY)), timed(client)
    streamed = timed(lambda: sum(batch.num_rows for batch in adapter.batches(COLUMNS)))
    print(f"{name:<11}{rows / ours:>14,.0f}{rows / theirs:>14,.0f}{ours / theirs:>8.1f}{rows / streamed:>14,.0f}")


def main(rows: int) -> None:
    print(f"{rows:,} rows, {len(GROUPS)} groups, {os.cpu_count()} cores; rows per second")
    print(f"{'adapter':<11}{'adapter':>14}{'own client':>14}{'ratio':>8}{'streamed':>14}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = f"SELECT '区' || (range % 20) AS g, range % 1000 AS n FROM range({rows})"
        with duckdb.connect(str(folder / "people.duckdb")) as connection:
            connection.execute(f"CREATE TABLE people AS {made}")
            connection.execute(f"COPY people TO '{folder}/people.csv'")
            connection.execute(f"COPY people TO '{folder}/people.parquet'")
            table = connection.execute("SELECT * FROM people").fetchall()
        with sqlite3.connect(folder / "people.db") as connection:
            connection.execute("CREATE TABLE people (g TEXT, n INTEGER)")
            connection.executemany("INSERT INTO people VALUES (?, ?)", table)

        def by_duckdb(source: str) -> Callable[[], object]:
            def ask() -> object:
                with duckdb.connect(config={"threads": 1}) as connection:
                    return connection.execute(SQL.format(f"'{folder}/{source}'")).fetchall()

            return ask

        def by_duckdb_file() -> object:
            with duckdb.connect(str(folder / "people.duckdb"), read_only=True, config={"threads": 1}) as connection:
                return connection.execute(SQL.format("people")).fetchall()

        def by_sqlite() -> object:
            with sqlite3.connect(folder / "people.db") as connection:
                return connection.execute(SQL.format("people")).fetchall()

        compare("csv", {"path": f"{folder}/people.csv"}, by_duckdb("people.csv"), rows)
        compare("parquet", {"path": f"{folder}/people.parquet"}, by_duckdb("people.parquet"), rows)
        compare("duckdb", {"path": f"{folder}/people.duckdb", "table": "people"}, by_duckdb_file, rows)
        file = {"path": f"{folder}/people.db", "table": "people"}
        compare("sqlite", file, by_sqlite, rows)
        compare("sqlalchemy", {**file, "url": "sqlite://"}, by_sqlite, rows)
        if programs() is None:
            print("postgres    not measured: its server programs are not installed")
            return
        os.environ["READER_PASSWORD"] = PASSWORD
        with running_server() as server:
            server.create("people", ("g", "n"), table, ("text", "integer"))

            def by_psycopg() -> object:
                with psycopg.connect(server.url, password=PASSWORD) as connection:
                    return connection.execute(SQL.format("people")).fetchall()

            settings = {"url": server.url, "table": "people", "password_env": "READER_PASSWORD"}
            compare("postgres", settings, by_psycopg, rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 300_000)
