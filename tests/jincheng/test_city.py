"""The city's files: the same bytes for the same seed, the same rows in every format."""

import csv
import hashlib
import importlib.util
import sqlite3
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest

from jincheng import (
    BUREAUS,
    COUNTIES,
    DEPARTMENTS,
    HOSPITALS,
    TABLES,
    CitySizeError,
    Department,
    Dirt,
    FileFormatError,
    generate,
    tables,
)

CITIZENS = 1_500
EVERY = [(county.key, table) for county in COUNTIES for table in TABLES]
EVERYBODY = (*DEPARTMENTS, *HOSPITALS, *BUREAUS)


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_csv(path, encoding="utf-8"):
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file))


def all_in(file_format):
    return {county.key: file_format for county in COUNTIES}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("city"), citizens=CITIZENS)


def test_number_of_workers_changes_no_byte_even_of_dirty_rows(tmp_path):
    formats = {"civil": "csv-gb18030", "social": "sqlite", "health": "parquet", "gaoping": "sqlite"}
    asked = {"citizens": CITIZENS, "departments": EVERYBODY, "formats": formats, "coverage": "real", "dirt": Dirt()}
    for workers in (1, 2):
        generate(tmp_path / str(workers), workers=workers, **asked)
    assert digests(tmp_path / "1") == digests(tmp_path / "2") != {}


def test_same_seed_gives_the_same_bytes_even_over_an_earlier_city(city, tmp_path):
    generate(tmp_path, citizens=2_000, seed=8)
    generate(tmp_path, citizens=CITIZENS)
    assert digests(tmp_path) == digests(city.folder)


def test_bureaus_of_seed_7_are_what_they_have_always_been(city):
    folder = "".join(digests(city.folder).values())
    assert hashlib.sha256(folder.encode()).hexdigest()[:16] == "f98a839bb2114542"


def test_another_seed_changes_every_file_of_residents(city, tmp_path):
    other = generate(tmp_path, citizens=CITIZENS, seed=8)
    for county in COUNTIES:
        ours, theirs = city.path(county.key, "hukou"), other.path(county.key, "hukou")
        assert ours.read_bytes() != theirs.read_bytes()


@pytest.mark.parametrize(("county", "table"), EVERY)
def test_file_has_the_columns_of_its_card_and_the_rows_it_reports(city, county, table):
    header, *rows = read_csv(city.path(county, table))
    assert header == [column.name for column in TABLES[table].columns]
    assert len(rows) == city.rows[county, table]
    assert b"\r" not in city.path(county, table).read_bytes()


def test_every_citizen_is_registered_in_one_county(city):
    assert sum(city.rows[county.key, "hukou"] for county in COUNTIES) == city.citizens == CITIZENS


def test_gb18030_files_hold_the_same_rows(city, tmp_path):
    other = generate(tmp_path, citizens=CITIZENS, formats=all_in("csv-gb18030"))
    for county, table in EVERY:
        assert read_csv(other.path(county, table), "gb18030") == read_csv(city.path(county, table))
    with pytest.raises(UnicodeDecodeError):
        read_csv(other.path("chengqu", "hukou"))


def test_sqlite_files_hold_the_same_rows(city, tmp_path):
    other = generate(tmp_path, citizens=CITIZENS, formats=all_in("sqlite"))
    for county, table in EVERY:
        database = sqlite3.connect(other.path(county, table))
        rows = database.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()
        database.close()
        _, *expected = read_csv(city.path(county, table))
        assert [["" if cell is None else str(cell) for cell in row] for row in rows] == expected


def test_duckdb_and_parquet_files_hold_the_same_rows_with_types_of_their_own(city, tmp_path):
    ducks = generate(tmp_path / "duckdb", citizens=CITIZENS, formats=all_in("duckdb"))
    parquet = generate(tmp_path / "parquet", citizens=CITIZENS, formats=all_in("parquet"))
    for county, table in EVERY:
        rows = pyarrow.parquet.read_table(parquet.path(county, table))
        with duckdb.connect(ducks.path(county, table), read_only=True) as database:
            assert database.sql(f"FROM {table}").to_arrow_table().to_pylist() == rows.to_pylist()
        _, *expected = read_csv(city.path(county, table))
        assert [list(map(written, row.values())) for row in rows.to_pylist()] == expected


def written(cell):
    return "" if cell is None else str(int(cell) if isinstance(cell, bool) else cell)


def test_counties_may_differ_in_format(tmp_path):
    city = generate(tmp_path, citizens=CITIZENS, formats={"gaoping": "sqlite", "zezhou": "csv-gb18030"})
    assert city.path("gaoping", "dibao") == tmp_path / "gaoping" / "tables.sqlite"
    assert city.path("zezhou", "dibao") == tmp_path / "zezhou" / "dibao.csv"
    assert city.path("chengqu", "dibao") == tmp_path / "chengqu" / "dibao.csv"
    assert all(city.path(county, table).exists() for county, table in EVERY)


def test_pooled_tables_hold_the_written_rows(city):
    for table, frame in tables(citizens=CITIZENS).items():
        flags = {name: int for name in frame.select_dtypes(bool)}
        _, *pooled = csv.reader(frame.astype(flags).to_csv(index=False).splitlines())
        written = [[county.key, *row] for county in COUNTIES for row in read_csv(city.path(county.key, table))[1:]]
        assert pooled == written


@pytest.mark.parametrize("citizens", [-1, 0, 999, 10_000_001])
def test_impossible_size_is_refused_in_one_sentence(tmp_path, citizens):
    sentence = f"a city of {citizens:,} citizens cannot be drawn; ask for 1,000 to 10,000,000"
    with pytest.raises(CitySizeError) as refused:
        generate(tmp_path / "city", citizens=citizens)
    assert str(refused.value) == sentence
    assert not (tmp_path / "city").exists()
    with pytest.raises(CitySizeError):
        tables(citizens=citizens)


def test_smallest_city_has_every_file(tmp_path):
    city = generate(tmp_path, citizens=1_000)
    assert all(city.path(county, table).exists() for county, table in EVERY)


def test_unknown_department_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="no department 'taiyuan'"):
        generate(tmp_path, citizens=1_000, formats={"taiyuan": "csv"})


def test_unknown_format_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="no file format 'xlsx'"):
        generate(tmp_path, citizens=1_000, formats={"gaoping": "xlsx"})


def test_departments_of_the_city_write_what_is_pooled(tmp_path):
    city = generate(tmp_path, citizens=CITIZENS, departments=DEPARTMENTS)
    for table, frame in tables(citizens=CITIZENS, departments=DEPARTMENTS).items():
        (department,) = (d for d in DEPARTMENTS if table in [card.name for card in d.tables])
        header, *rows = read_csv(city.path(department.key, table))
        assert header == list(frame.columns)
        assert [row[0] for row in rows] == list(frame.iloc[:, 0])
        assert len(rows) == city.rows[department.key, table]


def test_who_holds_a_table_is_data(tmp_path):
    hukou = DEPARTMENTS[0].tables[0]
    archive = Department(key="archive", label_zh="档案", label_en="Archive", tables=(hukou,), county=COUNTIES[1])
    city = generate(tmp_path, citizens=CITIZENS, departments=[archive])
    assert city.rows == {("archive", "hukou"): 309}


def test_our_datasets_folder_does_not_shadow_hugging_face():
    folder = Path(__file__).parents[2] / "datasets"
    assert folder.is_dir()
    assert not (folder / "__init__.py").exists()
    found = importlib.util.find_spec("datasets")
    # None, a namespace without a file, or Hugging Face's own package: never a module of this tree.
    assert found is None or found.origin is None or not Path(found.origin).is_relative_to(folder)
