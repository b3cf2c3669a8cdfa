from __future__ import annotations

from pathlib import Path

import pytest
from keyong_fixed_width import FixedWidthAdapter

from federation.adapters import Column, DataError, conformance, load_adapter
from federation.plan import LocalQuery, Measure

AGE = Column(name="age", type="integer")
SUM = LocalQuery(
    table="people",
    columns=(AGE,),
    where=(),
    group_by=(),
    measures=(Measure(kind="rows"), Measure(kind="sum", column="age", low=0, high=120)),
)


def test_the_entry_point_opens_a_file(tmp_path: Path) -> None:
    (tmp_path / "people.txt").write_text("张三 m 31\n李四 f  9\n王五 f   \n", "gb18030")
    settings = {"path": str(tmp_path / "people.txt"), "layout": "name:3 sex:1 age:3", "encoding": "gb18030"}
    assert load_adapter("fixed-width", (AGE,), settings).aggregate(SUM) == {0: (3, 40)}


def test_bytes_of_another_encoding_are_an_error_without_words(tmp_path: Path) -> None:
    (tmp_path / "people.txt").write_text("张三 m 31\n", "gb18030")
    adapter = FixedWidthAdapter((AGE,), str(tmp_path / "people.txt"), "name:3 sex:1 age:3")
    with pytest.raises(DataError, match=r"data\.encoding"):
        adapter.aggregate(SUM)


def test_it_meets_the_contract() -> None:
    report = conformance.run("fixed-width")
    assert [(outcome.check, outcome.en) for outcome in report.outcomes if not outcome.passed] == []
