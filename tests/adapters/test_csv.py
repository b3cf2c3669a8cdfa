"""What only CSV files do: encodings, malformed files, and reading in a stream."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from federation.adapters import load_adapter
from federation.adapters.csv import CHUNK_BYTES, CsvAdapter
from federation.errors import DataError, SettingsError
from federation.plan import Column, GroupKey, LocalQuery, Measure

N = Column(name="n", type="integer")
SUM_OF_N = LocalQuery(
    table="t", columns=(N,), where=(), group_by=(), measures=(Measure(kind="sum", column="n", low=0, high=10**6),)
)
ROWS = LocalQuery(table="t", columns=(), where=(), group_by=(), measures=(Measure(kind="rows"),))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def open_csv(file: Path, encoding: str = "utf-8") -> CsvAdapter:
    return CsvAdapter(columns=(N,), path=str(file), encoding=encoding)


def test_the_entry_point_opens_a_file(file):
    file.write_text("n\n1\n")
    adapter = load_adapter("csv", (N,), {"path": str(file)})
    assert adapter.aggregate(SUM_OF_N) == {0: (1,)}


def test_loading_refuses_a_file_without_a_declared_column(file):
    file.write_text("m\n1\n")
    with pytest.raises(DataError, match=r"data\.column_missing"):
        load_adapter("csv", (N,), {"path": str(file)})


@pytest.mark.parametrize("encoding", ["gbk", "latin-1", "UTF-16", ""])
def test_other_encodings_are_refused(file, encoding):
    with pytest.raises(SettingsError, match=r"settings\.encoding"):
        open_csv(file, encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_byte_order_mark_is_skipped(file, encoding):
    file.write_bytes("\ufeffn\n1\n".encode(encoding))
    assert open_csv(file, encoding).schema() == ("n",)
    assert open_csv(file, encoding).aggregate(SUM_OF_N) == {0: (1,)}


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("utf-8", "n,t\n1,东\n".encode("gb18030")),
        ("utf-8", b"n,t\n1,\xe4\xb8"),
        ("gb18030", b"n,t\n1,\xff\n"),
        ("gb18030", b"n,t\n1,\xb6"),
        ("utf-8", b"n,\xff\n"),
        ("utf-8", b"n,t\n" + b"1,a\n" * CHUNK_BYTES + b"1,\xff\n"),
    ],
    ids=["gb18030 as utf-8", "cut short", "not gb18030", "gb18030 cut short", "in the header", "after many rows"],
)
def test_undecodable_bytes_are_an_error_even_in_an_unused_column(file, encoding, data):
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"data\.encoding"):
        open_csv(file, encoding).aggregate(SUM_OF_N)


def test_characters_may_lie_across_chunks(file):
    file.write_text("n,t\n" + "1,\U00020000东é\n" * 300_000, encoding="gb18030")
    group = GroupKey(column="t", values=("\U00020000东é",))
    query = LocalQuery(
        table="t",
        columns=(Column(name="t", type="text"),),
        where=(),
        group_by=(group,),
        measures=(Measure(kind="rows"),),
    )
    assert open_csv(file, "gb18030").aggregate(query) == {0: (300_000,)}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_three_ways(file, end):
    file.write_bytes(end.join(["n,t", "1,a", '2,"x\n y"', "3,c"]).encode())
    assert open_csv(file).aggregate(SUM_OF_N) == {0: (6,)}
    assert open_csv(file).aggregate(ROWS) == {0: (3,)}


def test_an_empty_line_is_no_row(file):
    file.write_text("n,t\n1,a\n\n2,b\n\n")
    assert open_csv(file).aggregate(ROWS) == {0: (2,)}


@pytest.mark.parametrize("query", [SUM_OF_N, ROWS], ids=["one column", "no column"])
@pytest.mark.parametrize(
    "row",
    ["5", "5,a,secret4711", "5,a,", '5,a,""', "5,a,,", '5,"secret4711', '5,"a"secret4711', '5,a\n6,"b'],
)
def test_a_malformed_row_is_an_error(file, caplog, row, query):
    file.write_text(f"n,t\n1,a\n{row}\n2,b\n")
    with pytest.raises(DataError, match=r"data\.unreadable") as caught:
        open_csv(file).aggregate(query)
    assert "4711" not in f"{caught.value!r} {caught.value.details} {caplog.text}"
    assert "Line: " in caplog.text


@pytest.mark.parametrize("data", ["", "\n\nn\n1\n", '"n\n1\n'], ids=["empty", "blank lines", "open quote"])
def test_a_file_without_a_header_is_an_error(file, data):
    file.write_text(data)
    with pytest.raises(DataError, match=r"data\.unreadable"):
        open_csv(file).schema()


def test_a_header_may_be_quoted_over_two_lines(file):
    file.write_text('n,"two\nlines"\n1,2\n')
    assert open_csv(file).schema() == ("n", "two\nlines")
    assert open_csv(file).aggregate(SUM_OF_N) == {0: (1,)}


def test_a_header_alone_is_an_empty_table(file):
    file.write_text("n,t")
    assert open_csv(file).aggregate(SUM_OF_N) == {}


def test_a_column_that_occurs_twice_cannot_be_used(file):
    file.write_text("n,t,t\n1,a,b\n")
    text = Measure(kind="count", column="t")
    query = LocalQuery(table="t", columns=(Column(name="t", type="text"),), where=(), group_by=(), measures=(text,))
    assert open_csv(file).aggregate(SUM_OF_N) == {0: (1,)}
    with pytest.raises(DataError, match=r"data\.unreadable"):
        open_csv(file).aggregate(query)


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(DataError, match=r"data\.unreadable"):
            open_csv(path).schema()


def test_a_file_that_is_replaced_or_deleted_is_seen(file):
    file.write_text("n\n1\n")
    adapter = open_csv(file)
    assert adapter.aggregate(SUM_OF_N) == {0: (1,)}
    file.write_text("t,n\nx,5\ny,6\n")
    assert adapter.aggregate(SUM_OF_N) == {0: (11,)}
    file.unlink()
    with pytest.raises(DataError, match=r"data\.unreadable"):
        adapter.aggregate(SUM_OF_N)


def test_an_early_error_leaves_neither_thread_nor_descriptor_behind(file):
    file.write_text("n,t\n" + "1,a\nx,a\n,,,\n" + "1,a\n" * 1_000_000)
    threads, descriptors = threading.active_count(), len(os.listdir("/dev/fd"))
    for _ in range(3):
        with pytest.raises(DataError):
            open_csv(file).aggregate(SUM_OF_N)
    assert threading.active_count() == threads
    assert len(os.listdir("/dev/fd")) <= descriptors


def test_nothing_is_written(file, monkeypatch):
    file.write_text("n\n" + "1\n" * 100_000)
    monkeypatch.chdir(file.parent)
    open_csv(file).aggregate(SUM_OF_N)
    assert os.listdir(file.parent) == [file.name]
