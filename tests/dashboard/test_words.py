import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import dashboard
from dashboard.i18n import CATALOGUE
from dashboard.style import PALETTE

ROOT = Path(dashboard.__file__).parent
PLACE = re.compile(r"\{\w+\}")


def in_code() -> set[str]:
    found = extract_from_dir(ROOT, method_map=[("**.py", "python")], keywords={"_": None})
    return {str(message) for _, _, message, _, _ in found}


def in_catalogue() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="en")
    assert not catalogue.obsolete
    return {str(entry.id): str(entry.string) for entry in catalogue if entry.id}


def test_every_word_in_the_code_has_an_english_one():
    english = in_catalogue()
    assert {word for word in in_code() if not english.get(word)} == set()


def test_no_english_word_is_left_over():
    assert set(in_catalogue()) - in_code() == set()


def test_english_words_take_the_same_values():
    assert [word for word, said in in_catalogue().items() if set(PLACE.findall(word)) != set(PLACE.findall(said))] == []


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_text_colour_can_be_read_on_page_and_panel():
    for name in set(PALETTE) - {"line", "panel", "page"}:
        for theme in (0, 1):
            for ground in ("page", "panel"):
                light, dark = sorted((luminance(PALETTE[name][theme]), luminance(PALETTE[ground][theme])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, theme, ground)
