"""What the conformance kit checks, one function a check: each returns if all is well, else raises what it found.

`federation.adapters.conformance` runs them, in a process of their own and with a deadline each.
"""

# ruff: noqa: D103 - the table CHECKS says what each check is.

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from federation.adapters.contract import Adapter, Cells
from federation.adapters.guard import are_cells, place
from federation.adapters.loading import AdapterCode
from federation.adapters.specimens import SPECIMENS, Specimen
from federation.errors import DataError, KeyongError
from federation.plan import Column, Condition, GroupKey, LocalQuery, Measure

WIDEST = 10_000
SPEED_ROWS = 20_000

# Stands in cells that are of no type, and must never be seen again.
CANARY = "CANARY-7f3a-金丝雀"


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """A department's own table.

    Attributes:
        query: counts and sums over it, for push-down against scan.
        folder: the working directory in which its settings hold: the department's home.
    """

    subject: str
    settings: dict[str, str]
    columns: tuple[Column, ...]
    query: LocalQuery
    folder: str


class Fault(Exception):
    """A check's finding, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


# -- what is asked ----------------------------------------------------------------------------------------------------

COLUMNS = (
    Column(name="编号", type="text"),
    Column(name="n", type="integer"),
    Column(name="yuan", type="decimal(2)"),
    Column(name="born", type="date"),
    Column(name="ok", type="boolean"),
    Column(name="area", type="text"),
)
AREAS = ("城区", "高平", 'zé\'zhōu, "x"', "𠀀村")
ROWS: tuple[tuple[Any, ...], ...] = (
    ("a1", 5, Decimal("0.10"), "1999-12-31", True, AREAS[0]),
    ("a2", -3, Decimal("19.99"), "2024-02-29", False, AREAS[1]),
    ("a3", None, Decimal("-0.07"), "2024-10-01", None, AREAS[2]),
    ("a4", 0, None, None, True, AREAS[3]),
    ("a5", 2**47 - 1, Decimal("1234567890123.45"), "1900-01-01", False, None),
    ("a6", 7, Decimal("3.00"), "2000-06-15", True, AREAS[0]),
)
BY_AREA = GroupKey(column="area", values=AREAS)
N = COLUMNS[1]


def _query(
    *measures: Measure,
    columns: Sequence[Column] = COLUMNS,
    where: Sequence[Condition] = (),
    group_by: Sequence[GroupKey] = (),
) -> LocalQuery:
    return LocalQuery(
        table="t", columns=tuple(columns), where=tuple(where), group_by=tuple(group_by), measures=tuple(measures)
    )


ROW_COUNT = Measure(kind="rows")
MEASURES = (
    ROW_COUNT,
    Measure(kind="count", column="n"),
    Measure(kind="sum", column="n", low=-10, high=100),
    Measure(kind="sum_squares", column="yuan", low=-100, high=10**6),
)
QUERIES = (
    _query(*MEASURES),
    _query(*MEASURES, group_by=[BY_AREA]),
    _query(*MEASURES, group_by=[GroupKey(column="n", cuts=(0, 6)), GroupKey(column="ok", values=("false", "true"))]),
    _query(*MEASURES, where=[Condition(column="yuan", operator=">=", values=(10,))]),
    _query(*MEASURES, where=[Condition(column="area", operator="not in", values=(AREAS[0],))], group_by=[BY_AREA]),
    _query(*MEASURES, where=[Condition(column="born", operator="is not null")]),
)


# -- how it is asked ---------------------------------------------------------------------------------------------------


class Bench:
    """Opens the adapter under test, without its guard, on a specimen or on the department's table."""

    def __init__(self, code: AdapterCode, store: Store | None, folder: Path, spoken: Callable[[], str]) -> None:
        self.code, self.store, self._folder, self.spoken = code, store, folder, spoken
        own = getattr(code.adapter, "specimen", None)
        self.specimens: tuple[Specimen, ...] = (own,) if own else SPECIMENS.get(code.name, ())
        self._count = 0

    @contextlib.contextmanager
    def made(
        self, rows: Sequence[Sequence[object]], columns: Sequence[Column] = COLUMNS, specimen: Specimen | None = None
    ) -> Iterator[Adapter]:
        """A store of these rows, open."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        settings = (specimen or self.specimens[0])(folder, columns, rows)
        with self.opened(tuple(columns), settings) as adapter:
            yield adapter

    @contextlib.contextmanager
    def opened(self, columns: tuple[Column, ...], settings: Mapping[str, str]) -> Iterator[Adapter]:
        """A store that is there, open; closed at the end."""
        adapter = self.code.adapter(columns=columns, **settings)  # type: ignore[call-arg]  # a Protocol has no constructor
        if not isinstance(adapter, Adapter):
            raise Fault("对象不符合接口约定", "the object does not meet the contract")
        try:
            yield adapter
        finally:
            adapter.close()

    @contextlib.contextmanager
    def table(self) -> Iterator[tuple[Adapter, tuple[Column, ...], tuple[LocalQuery, ...]]]:
        """The department's table, or the usual specimen; its columns, and what to ask."""
        if self.store is None:
            with self.made(ROWS) as adapter:
                yield adapter, COLUMNS, QUERIES
        else:
            with self.opened(self.store.columns, self.store.settings) as adapter:
                yield adapter, self.store.columns, (self.store.query,)


def ask(adapter: Adapter, query: LocalQuery) -> Cells:
    """Ask, and look at the answer's shape."""
    cells = adapter.aggregate(query)
    if not are_cells(cells, query):
        raise Fault(
            "回答不是非负整数（可能有 NaN、负数或小数），或不是所询问的分组",
            "the answer is not whole numbers from 0 (NaN, negative or broken ones?), or not of the groups asked for",
        )
    return cells


def expect(found: object, expected: object, zh: str, en: str) -> None:
    """Find fault with an answer that differs; the values are made up, yet stay out of the report."""
    if found != expected:
        raise Fault(zh, en)


def read(adapter: Adapter, columns: Sequence[Column]) -> list[tuple[object, ...]]:
    """All rows, as Python values."""
    from federation.adapters.rows import arrow_schema

    rows: list[tuple[object, ...]] = []
    for batch in adapter.batches(columns):
        if getattr(batch, "schema", None) != arrow_schema(columns):
            raise Fault("数据批的列或类型与声明不符", "a batch is not of the declared columns and types")
        rows += zip(*(column.to_pylist() for column in batch.columns), strict=True)
    return rows


# -- the checks -------------------------------------------------------------------------------------------------------


def check_loads(bench: Bench) -> None:
    """The code has been loaded into this process. That it hangs or crashes there is seen from outside."""


def check_schema(bench: Bench) -> None:
    with bench.table() as (adapter, columns, _):
        names = adapter.schema()
        if bench.store is None:
            zh, en = "报告的列名与存储中的不同", "the columns it reports are not those of the store"
            expect(tuple(names), tuple(column.name for column in columns), zh, en)
        missing = [column.name for column in columns if column.name not in names]
        expect(missing, [], f"没有声明的列 {missing}", f"declared columns are missing: {missing}")


def check_types(bench: Bench) -> None:
    with bench.table() as (adapter, columns, _):
        rows = read(adapter, columns)
    if bench.store is None:
        expect(rows, list(ROWS), "读出的值与写入的不同", "what is read is not what was written")


def check_answers(bench: Bench) -> None:
    with bench.table() as (adapter, _, queries):
        for query in queries:
            ask(adapter, query)


def check_nulls(bench: Bench) -> None:
    zh, en = "空值被当作数值，或零被当作空值", "null is taken for a number, or zero for null"
    with bench.made([("a", 5), ("b", None), ("c", 0)], COLUMNS[:2]) as adapter:
        measures = (ROW_COUNT, Measure(kind="count", column="n"), Measure(kind="sum", column="n", low=-1, high=9))
        expect(ask(adapter, _query(*measures, columns=[N])), {0: (3, 2, 7)}, zh, en)


def check_encodings(bench: Bench) -> None:
    for specimen in bench.specimens:
        with bench.made(ROWS, specimen=specimen) as adapter:
            found = ask(adapter, _query(ROW_COUNT, columns=[COLUMNS[5]], group_by=[BY_AREA]))
            zh, en = "汉字、扩展区汉字、引号或逗号没有原样读出", "Chinese, rare or quoted text does not come out whole"
            expect(found, {0: (2,), 1: (1,), 2: (1,), 3: (1,)}, zh, en)


def check_dates(bench: Bench) -> None:
    with bench.made(ROWS) as adapter:
        condition = Condition(column="born", operator=">=", values=("2000-06-15",))
        found = ask(adapter, _query(ROW_COUNT, columns=[COLUMNS[3]], where=[condition]))
        expect(found, {0: (3,)}, "日期没有按时间先后比较", "dates are not compared in time")


def check_big_numbers(bench: Bench) -> None:
    high = 2**47 - 1
    values = [high, high, high - 1, 1, 0, 2**24, 2**24 - 1] * 30
    with bench.made([("a", value) for value in values], COLUMNS[:2]) as adapter:
        measures = [Measure(kind=kind, column="n", low=0, high=high) for kind in ("sum", "sum_squares")]
        zh, en = "大数的合计或平方和不精确", "sums or squares of large numbers are not exact"
        expect(ask(adapter, _query(*measures, columns=[N])), {0: (sum(values), sum(v * v for v in values))}, zh, en)


def check_empty(bench: Bench) -> None:
    with bench.made([]) as adapter:
        zh, en = "空表应没有任何分组和行", "an empty table has no groups and no rows"
        expect((ask(adapter, QUERIES[1]), read(adapter, COLUMNS)), ({}, []), zh, en)


def check_wide(bench: Bench) -> tuple[str, str]:
    for width in (WIDEST, WIDEST // 10):
        columns = [Column(name=f"c{index}", type="integer") for index in range(width)]
        last = columns[-1]
        try:
            opened = bench.made([range(width)], columns)
            adapter = opened.__enter__()
        except Exception as error:
            if width < WIDEST:
                raise Fault(f"{width} 列的表无法打开", f"a table of {width} columns does not open") from error
            continue  # the store itself may not take as many
        try:
            found = ask(adapter, _query(Measure(kind="sum", column=last.name, low=0, high=WIDEST), columns=[last]))
            expect(found, {0: (width - 1,)}, "宽表读错了列", "a wide table is read in the wrong column")
        finally:
            opened.__exit__(None, None, None)
        return f"{width:,} 列", f"{width:,} columns"
    raise AssertionError("the narrower table either opened or was a fault")


def check_push_down(bench: Bench) -> None:
    from federation.adapters import scan

    with bench.table() as (adapter, _, queries):
        for query in queries:
            if query.columns:
                pushed, scanned = ask(adapter, query), scan.aggregate(query, adapter.batches(query.columns))
                zh, en = "存储内统计与逐行统计不同", "what the store counts is not what a scan of its rows counts"
                expect(pushed, scanned, zh, en)


def check_leaks(bench: Bench) -> None:
    """A value of the wrong type, and a file whose first row stands where the header should: the canary is in both."""
    rows = [("a", 1), ("b", CANARY)]
    with bench.made(rows, COLUMNS[:2]) as adapter:
        for attempt in (
            lambda: adapter.aggregate(_query(Measure(kind="sum", column="n", low=0, high=9), columns=[N])),
            lambda: list(adapter.batches([N])),
        ):
            try:
                attempt()
            except DataError as error:
                _no_canary(error, bench)
            except Exception as error:
                _no_canary(error, bench)
                zh, en = f"类型不符时应报 DataError，而不是 {place(error)}", f"expected DataError, not {place(error)}"
                raise Fault(zh, en) from None
            else:
                raise Fault("类型不符的值没有被发现", "a value of the wrong type goes unnoticed")
    if bench.code.name == "csv":  # of all stores, this one alone has its column names among the rows
        headless = [Column(name=CANARY, type="text"), Column(name="n", type="integer")]
        folder = Path(tempfile.mkdtemp(dir=bench._folder))
        settings = bench.specimens[0](folder, headless, [("x", 1)])
        try:
            bench.code.open(COLUMNS[:2], settings)
        except KeyongError as error:
            _no_canary(error, bench)
        else:
            raise Fault("没有表头的文件被接受了", "a file without a header is accepted")


def _no_canary(error: BaseException, bench: Bench) -> None:
    details = getattr(error, "details", {})
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    said = " ".join([*map(str, chain), str(details), bench.spoken()])
    if CANARY in said:
        raise Fault("错误信息或日志中出现了单元格的值", "an error or a log holds the value of a cell")


def check_fingerprint(bench: Bench) -> None:
    def digest() -> str:
        found = hashlib.sha256()
        with bench.table() as (adapter, columns, _):
            for batch in adapter.batches(columns):
                for column in batch.columns:
                    found.update(repr(column.to_pylist()).encode())
        return found.hexdigest()

    # Read twice within one opening too: nothing may be used up.
    expect(digest(), digest(), "两次读取的结果不同", "two reads give different rows")


def check_close(bench: Bench) -> None:
    def held() -> tuple[int, int]:
        return len(os.listdir("/dev/fd")), threading.active_count()

    with bench.table() as (adapter, _, queries):
        ask(adapter, queries[0])
    before = held()
    for _ in range(3):
        with bench.table() as (adapter, columns, queries):
            ask(adapter, queries[0])
            next(iter(adapter.batches(columns)), None)
    after = held()
    zh, en = "关闭后仍占用文件或线程", "files or threads stay open after close"
    expect(tuple(now <= then for now, then in zip(after, before, strict=True)), (True, True), zh, en)


def check_disconnect(bench: Bench) -> None:
    with bench.table() as (adapter, columns, queries):
        stream = adapter.batches(columns)
        next(stream, None)
        stream.close()  # type: ignore[attr-defined]  # batches are a generator
        ask(adapter, queries[0])
        first, second = adapter.batches(columns), adapter.batches(columns)
        pair = next(first, None), next(second, None)
        zh, en = "同时读取两次时互相干扰", "two readings at a time disturb each other"
        same = pair[0] is pair[1] is None or (pair[0] is not None and pair[0].equals(pair[1]))
        expect(same, True, zh, en)


def check_speed(bench: Bench) -> tuple[str, str]:
    rows = [(f"id{index}", index, AREAS[index % 4]) for index in range(SPEED_ROWS)]
    columns = (COLUMNS[0], N, COLUMNS[5])
    with contextlib.ExitStack() as stack:
        if bench.store is None:
            adapter = stack.enter_context(bench.made(rows, columns))
            query = _query(ROW_COUNT, Measure(kind="sum", column="n", low=0, high=10**6), columns=columns[1:],
                           group_by=[BY_AREA])  # fmt: skip
        else:
            adapter, columns, (query,) = stack.enter_context(bench.table())  # type: ignore[assignment]
        started = time.perf_counter()
        ask(adapter, query)
        counted = time.perf_counter()
        number = sum(batch.num_rows for batch in adapter.batches(columns))
        streamed = time.perf_counter()
    rates = number / (counted - started), number / (streamed - counted)
    return (f"统计 {rates[0]:,.0f} 行/秒，读取 {rates[1]:,.0f} 行/秒",
            f"{rates[0]:,.0f} rows/s counted, {rates[1]:,.0f} rows/s streamed")  # fmt: skip


CHECKS: dict[str, tuple[str, str, Callable[[Bench], tuple[str, str] | None], bool]] = {
    "loads": ("代码加载", "code loads", check_loads, True),
    "schema": ("列名", "schema", check_schema, True),
    "types": ("类型", "types", check_types, True),
    "answers": ("回答为非负整数", "answers are whole numbers from 0", check_answers, True),
    "nulls": ("空值", "nulls", check_nulls, False),
    "encodings": ("字符编码", "encodings", check_encodings, False),
    "dates": ("日期", "dates", check_dates, False),
    "big-numbers": ("大数精确", "big numbers", check_big_numbers, False),
    "empty": ("空表", "empty table", check_empty, False),
    "wide": ("宽表", "wide table", check_wide, False),
    "push-down": ("存储内统计等于逐行统计", "push-down equals scan", check_push_down, True),
    "leaks": ("错误与表头不泄漏单元格", "errors and header leak no cell", check_leaks, False),
    "fingerprint": ("两次读取一致", "two reads agree", check_fingerprint, True),
    "close": ("关闭后不占用资源", "close releases", check_close, True),
    "disconnect": ("中途断开", "disconnect in the middle", check_disconnect, True),
    "speed": ("速度", "throughput", check_speed, True),
}
"""By name: Chinese and English title, the check, and whether it can run on a department's own table."""
