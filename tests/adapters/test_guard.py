"""What loading refuses, and what the guard catches: whatever an adapter does, one sentence and nothing out of a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from federation.adapters import Adapter, find_adapter, load_adapter
from federation.errors import DataError, KeyongError, SettingsError
from federation.plan import Column, Condition, GroupKey, LocalQuery, Measure

COLUMNS = (Column(name="n", type="integer"), Column(name="g", type="text"))
QUERY = LocalQuery(
    table="t",
    columns=COLUMNS,
    where=(),
    group_by=(GroupKey(column="g", values=("a", "b")),),
    measures=(Measure(kind="rows"), Measure(kind="sum", column="n", low=0, high=10)),
)
SOURCE = """
from federation.adapters import DataError
from federation.adapters.rows import record_batches
from federation.adapters.scan import ScanAdapter
from federation.errors import HomeError, SettingsError


class Mine(ScanAdapter):
    settings = ("answer", "word")

    def __init__(self, columns, answer="", word=""):
        pass

    def schema(self):
        return ("n", "g")

    def batches(self, columns, where=()):
        cells = {"n": (1, 2, 3), "g": ("a", "b", None)}
        yield from record_batches(columns, zip(*(cells[c.name] for c in columns)))
"""
Make = Callable[..., Adapter]


@pytest.fixture
def mine(tmp_path: Path) -> Make:
    """Open the adapter of SOURCE with a method replaced."""

    def load(method: str = "pass", source: str = SOURCE, **settings: str) -> Adapter:
        file = tmp_path / "mine.py"
        file.write_text(f"{source}\n\nclass Changed(Mine):\n    {method}\n", "utf-8")
        return load_adapter("./mine.py:Changed", COLUMNS, settings, file)

    return load


def test_a_right_adapter_answers(mine):
    adapter = mine()
    assert adapter.aggregate(QUERY) == {0: (1, 1), 1: (1, 2)}
    (batch,) = adapter.batches(COLUMNS, [Condition(column="n", operator=">", values=(1,))])
    assert batch.to_pydict() == {"n": [2, 3], "g": ["b", None]}


@pytest.mark.parametrize(
    "answer",
    [
        "{0: (float('nan'), 1)}", "{0: (1.0, 1)}", "{0: (-1, 1)}", "{0: (True, 1)}", "{0: (1,)}", "{0: (1, 1, 1)}",
        "{0: [1, 1]}", "{2: (1, 1)}", "{-1: (1, 1)}", "{'a': (1, 1)}", "{0: (2**32 + 1, 1)}", "{0: (1, 2**60)}",
        "[('secret4711', 1)]", "None", "{0: None}",
    ],
)  # fmt: skip
def test_an_answer_that_is_no_counts_and_sums_is_refused(mine, answer):
    adapter = mine(f"def aggregate(self, query): return {answer}")
    with pytest.raises(DataError, match=r"data\.adapter_answer"):
        adapter.aggregate(QUERY)


@pytest.mark.parametrize("raised", ["ValueError('secret4711')", "HomeError('home.disk_full', file='secret4711')",
                                    "DataError('request.syntax')", "KeyError('secret4711')"])  # fmt: skip
@pytest.mark.parametrize("method", ["aggregate(self, query)", "batches(self, columns, where=())", "schema(self)"])
def test_whatever_is_raised_is_one_sentence_without_its_words(mine, caplog, raised, method):
    with pytest.raises(DataError, match=r"data\.adapter_failed") as caught:
        adapter = mine(f"def {method}: raise {raised}")
        if method.startswith("batches"):
            next(adapter.batches(COLUMNS))
        adapter.aggregate(QUERY)
    assert "4711" not in f"{caught.value!r} {caught.value.details} {caplog.text}"


def test_where_it_was_raised_is_in_the_owner_s_log(mine, caplog):
    with pytest.raises(DataError):
        mine("def aggregate(self, query): raise ValueError('secret4711')").aggregate(QUERY)
    assert "ValueError in mine.py, line" in caplog.text


def test_an_error_of_ours_keeps_its_code_and_declared_names_only(mine):
    for column, kept in (("n", {"column": "n"}), ("secret4711", {})):
        raised = f"DataError('data.type', column={column!r}, value='secret4711')"
        with pytest.raises(DataError, match=r"data\.type") as caught:
            mine(f"def aggregate(self, query): raise {raised}").aggregate(QUERY)
        assert caught.value.details == kept


@pytest.mark.parametrize("more", ["batch.select([0])", "batch.rename_columns(['n', 'x'])", "batch.to_pylist()", "None"])
def test_batches_of_another_schema_are_refused(mine, more):
    body = f"def batches(self, columns, where=()):\n        for batch in super().batches(columns): yield {more}"
    with pytest.raises(DataError, match=r"data\.adapter_answer"):
        list(mine(body).batches(COLUMNS))


@pytest.mark.parametrize("schema", ["('n',)", "()", "(1, 2)", "['g', 'N']"])
def test_a_schema_without_the_declared_columns_does_not_open(mine, schema):
    with pytest.raises(DataError, match=r"data\.(column_missing|adapter_answer)"):
        mine(f"def schema(self): return {schema}")


def test_a_closed_table_answers_nothing(mine):
    adapter = mine()
    adapter.close()
    adapter.close()
    for call in (adapter.schema, lambda: adapter.aggregate(QUERY), lambda: list(adapter.batches(COLUMNS))):
        with pytest.raises(DataError, match=r"data\.closed"):
            call()


@pytest.mark.parametrize(
    ("method", "settings", "code", "words"),
    [
        ("version = 2", {}, "settings.adapter_version", "version 2"),
        ("version = None", {}, "settings.adapter_version", "version None"),
        ("settings = 'answer'", {}, "settings.adapter_contract", "contract"),
        ("close = None", {}, "settings.adapter_contract", "contract"),
        ("pass", {"colour": "red"}, "settings.adapter_key_unknown", "colour"),
        ("def __init__(self, columns, answer, word=''): pass", {}, "settings.adapter_key_missing", "answer"),
        ("def __init__(self, columns, **_): raise SettingsError('settings.dialect', dialect='x')",
         {}, "settings.dialect", "x"),
        ("def __init__(self, columns, **_): raise ValueError('secret4711')", {}, "data.adapter_failed", "inside"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(mine, method, settings, code, words):
    with pytest.raises(KeyongError) as caught:
        mine(method, **settings)
    assert caught.value.code == code
    assert words in caught.value.message("en") and "4711" not in str(caught.value)


@pytest.mark.parametrize("source", ["import json (", "import not_there", "raise ValueError('secret4711')"])
def test_code_that_does_not_load_is_named_by_its_place(tmp_path, source):
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(SettingsError, match=r"settings\.adapter_broken") as caught:
        find_adapter("./mine.py:Mine", tmp_path / "mine.py")
    assert "4711" not in str(caught.value)


def test_an_adapter_that_is_not_installed_is_answered_with_those_that_are():
    with pytest.raises(SettingsError, match=r"settings\.adapter_unknown") as caught:
        find_adapter("oracle")
    assert caught.value.details["known"] == "csv, duckdb, parquet, postgres, sqlalchemy, sqlite"
