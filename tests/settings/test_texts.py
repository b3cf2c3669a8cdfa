"""Every error has words in both languages, and every words an error; a missing detail never hides the rest."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from federation.errors import (
    DataError,
    HomeError,
    KeyongError,
    NodeError,
    RecordError,
    RefusedError,
    RequestError,
    SettingsError,
    WitnessError,
    from_code,
)
from federation.texts import TEXTS

ROOT = Path(__file__).parents[2]
FILES = [file for room in ("federation", "dashboard") for file in sorted((ROOT / room).rglob("*.py"))]
SOURCES = [ast.parse(file.read_text("utf-8"), str(file)) for file in FILES if file.name != "texts.py"]
CODE = re.compile(r"(data|settings|home|node|request|refused|record|witness|learning)\.[a-z_]+")

# Codes between parties travel alone, and whoever hears one adds who said it; the rest is said where it is raised.
ADDED_BY_THE_HEARER = {"party"}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def needed(code: str) -> set[str]:
    return set().union(*(placeholders(text) for text in TEXTS[code]))


def mentioned() -> set[str]:
    """Every string outside texts.py that looks like a code; words of events, such as request.submit, among them."""
    nodes = (node for tree in SOURCES for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {node.value for node in nodes if isinstance(node.value, str) and CODE.fullmatch(node.value)}


def raised() -> Iterator[tuple[str, str, set[str] | None]]:
    """Every error made in the source: place, code, names of its details (None if some come by **)."""
    names = {cls.__name__ for cls in KeyongError.__subclasses__()} | {"DataError", "WitnessError", "from_code"}
    for tree in SOURCES:
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in names:
                continue
            given = {keyword.arg for keyword in node.keywords}
            for code in _codes(node.args[0]) if node.args else ():
                yield f"line {node.lineno}: {ast.unparse(node)}", code, None if None in given else given


def _codes(argument: ast.expr) -> list[str]:
    """The literal codes of an argument, both of `a if c else b`; none for a variable."""
    found = [node.value for node in ast.walk(argument) if isinstance(node, ast.Constant)]
    return [value for value in found if isinstance(value, str) and CODE.fullmatch(value)]


RAISED, MENTIONED = list(raised()), mentioned()


def test_scan_finds_the_errors_of_the_source():
    assert len(RAISED) > 120
    assert {"refused.by_holder", "refused.too_small", "request.cut", "home.disk_full"} <= {
        code for _, code, _ in RAISED
    }


@pytest.mark.parametrize("code", sorted({code for _, code, _ in RAISED}))
def test_code_that_is_raised_has_a_text(code):
    assert code in TEXTS


@pytest.mark.parametrize("code", TEXTS)
def test_text_belongs_to_an_error_of_the_source(code):
    assert code in MENTIONED


@pytest.mark.parametrize(
    ("place", "code", "given"), RAISED, ids=[f"{code}-{i}" for i, (_, code, _) in enumerate(RAISED)]
)
def test_error_is_raised_with_the_details_that_its_text_mentions(place, code, given):
    if given is not None:
        assert needed(code) - given <= ADDED_BY_THE_HEARER, place


@pytest.mark.parametrize("code", TEXTS)
def test_both_languages_mention_the_same_details(code):
    text = TEXTS[code]
    assert placeholders(text.zh) == placeholders(text.en)
    assert placeholders(text.next_zh) == placeholders(text.next_en)


@pytest.mark.parametrize("code", TEXTS)
def test_placeholders_are_plain_names(code):
    assert all(name.isidentifier() for name in needed(code))


@pytest.mark.parametrize("code", TEXTS)
def test_english_is_one_clause_without_a_full_stop(code):
    for text in (TEXTS[code].en, TEXTS[code].next_en):
        assert text
        assert not text.endswith((".", "!"))
        assert "please" not in text.lower()


@pytest.mark.parametrize("code", TEXTS)
def test_chinese_is_chinese(code):
    for text in (TEXTS[code].zh, TEXTS[code].next_zh):
        assert re.search(r"[\u4e00-\u9fff]", text)
        assert not text.endswith("。")


# --- errors from elsewhere ---


@pytest.mark.parametrize("code", TEXTS)
def test_code_that_comes_alone_still_has_words(code):
    """A department refuses with a code it alone knows the details of: the analyst reads "?", not a traceback."""
    error = from_code(code, party="泽州")
    for language in ("zh", "en"):
        words = error.message(language) + error.next_step(language)
        assert "{" not in words
    assert str(error).startswith(f"{code}: ")


def test_missing_detail_is_a_question_mark():
    assert RefusedError("refused.requester").message("en") == (
        "? refused: signature, requester or job of the request do not fit"
    )


def test_detail_that_looks_like_a_placeholder_stays_as_it_is():
    error = SettingsError("settings.key", key="{reason}", reason="{key.__class__}")
    assert error.message("en") == "federation.toml, key {reason}: {key.__class__}"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("request.cut", RequestError),
        ("settings.key", SettingsError),
        ("home.storage", HomeError),
        ("node.late", NodeError),
        ("data.type", DataError),
        ("refused.order", RefusedError),
        ("record.empty", RecordError),
        ("witness.late", WitnessError),
    ],
)
def test_code_from_elsewhere_becomes_an_error_of_its_family(code, kind):
    assert type(from_code(code)) is kind


@pytest.mark.parametrize("code", ["", "no.such", "refused", "张三", "{party}"])
def test_unknown_code_becomes_a_failure_of_the_party(code):
    error = from_code(code, party="zezhou")
    assert (type(error), error.code) == (NodeError, "node.failed")
    assert "zezhou" in error.message("en")


def test_code_and_self_are_names_a_detail_may_have():
    assert from_code("node.gone", party="zezhou", code="x", self="y").details == {
        "party": "zezhou",
        "code": "x",
        "self": "y",
    }
