"""What is leaked on purpose is found in every encoding that is claimed, and a control that cannot fail is none."""

from __future__ import annotations

import pytest

from federation.node.fingerprints import NO_FINGERPRINTS, Cell, Fingerprints
from federation.node.positive_control import BEYOND, CELLS_EACH, LEAKS, Control, demonstrate

IDS = [f"00000019900101{number:04}" for number in range(20)]
PHONES = [f"199{number:08}" for number in range(20)]
NAMES = [f"欧阳{chr(0x5EFA + number)}国" for number in range(20)]


def fingerprints_of(*texts: str) -> Fingerprints:
    return Fingerprints(Cell(table="hukou", column="id", text=text) for text in texts)


@pytest.fixture(scope="module")
def controls() -> dict[str, Control]:
    # Numbers of sixteen digits and more that do not begin with zeros, which no number keeps.
    cards = [f"6200{number:015}" for number in range(20)]
    return {control.leak: control for control in demonstrate(fingerprints_of(*IDS, *cards, *PHONES, *NAMES))}


@pytest.mark.parametrize("leak", LEAKS)
def test_every_planted_cell_is_found(controls, leak):
    assert controls[leak] == (leak, True, CELLS_EACH, CELLS_EACH)


@pytest.mark.parametrize("leak", BEYOND)
def test_what_is_beyond_the_search_passes_as_expected(controls, leak):
    """It catches mistakes and known encodings, not an adversary."""
    assert controls[leak] == (leak, False, CELLS_EACH, 0)


def test_where_nothing_is_planted_nothing_is_found(controls):
    assert controls["nothing planted"] == ("nothing planted", False, CELLS_EACH, 0)


def test_control_tells_what_it_could_not_plant():
    planted = {control.leak: control.planted for control in demonstrate(fingerprints_of(*NAMES))}
    assert planted["json"] == CELLS_EACH
    assert planted["int64-le"] == planted["packed-decimal"] == 0


def test_without_fingerprints_nothing_is_planted():
    assert {control.planted for control in demonstrate(NO_FINGERPRINTS) if control.expected} == {0}


@pytest.mark.parametrize("leak", LEAKS)
def test_fingerprints_of_other_cells_find_none_of_it(leak):
    others = fingerprints_of("000000198002020026", "欧阳文国", "19812345678", "6200999999999999999")
    for cell in (IDS[0], NAMES[0], PHONES[0], "6200000000000000001"):
        content = LEAKS[leak](cell)
        assert content is None or others.search(content, fields=(content,)) is None


def test_control_says_nothing_of_the_cells():
    said = repr(demonstrate(fingerprints_of(*IDS)))
    assert not any(text in said for text in IDS)
