"""A data card says in both languages what anybody may know of a dataset."""

from __future__ import annotations

import msgspec
import pytest

from federation.catalogue.cards import MARKDOWN, data_card, offered
from federation.settings import read_settings
from tests.support.city import federation_toml

PEOPLE = {
    "id": {"type": "text", "uses": ["join_key"], "label": "身份证号", "label_en": "identity number"},
    "sex": {"type": "text", "uses": ["group_by"], "values": ["f", "m"]},
    "income": {
        "type": "decimal(2)", "uses": ["filter", "aggregate"], "unit": "yuan", "label": "收入", "label_en": "income",
        "bounds": [0, 1000.5], "cuts": [10, 20],
    },
}  # fmt: skip
WORDS = {"data_class": "important", "scripts": True, "summary": "每人一行。", "summary_en": "A row for each."}


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "people.csv").write_text("")
    store = {"adapter": "csv", "path": "people.csv", "id": "id", "label": "居民", "label_en": "residents"}
    toml = federation_toml(
        departments={
            name: {"people": {**store, **{k: v for k, v in WORDS.items() if k != "scripts"}}} for name in "abc"
        },
        tables={"people": PEOPLE},
        rules={"name": "x", "approvals": "automatic", "min_group_size": 12},
        further={"a": {"label": "甲局", "label_en": "bureau A"}},
    )
    (tmp_path / "federation.toml").write_text(toml.replace("id = ", "scripts = true\nid = "), "utf-8")
    return read_settings(tmp_path / "federation.toml")


def card(settings, department: str = "a") -> str:
    return data_card(settings, settings.catalogue.tables[0], department)


def test_a_card_says_everything_in_both_languages(settings):
    text = card(settings)
    for said in (
        "# a.people", "居民 · residents", "每人一行。", "A row for each.", "甲局 · bureau A",
        "重要数据 · important data",
        "可以，经批准 · yes, each one approved", "minimum group: 12", "收入 · income (yuan)", "decimal(2)",
        "筛选 filter, 求和与平均 sums and means", "10 \\< 20; \\[0, 1000.5\\]", "身份证号 · identity number", "f m",
    ):  # fmt: skip
        assert said in text, said
    assert "合成" not in text


def test_the_demonstrations_cards_say_that_nobody_is_in_them(settings):
    synthetic = msgspec.structs.replace(settings.catalogue, federation="示范市（合成数据）")
    assert "synthetic data: nobody in it is real" in card(msgspec.structs.replace(settings, catalogue=synthetic))


def test_words_of_the_catalogue_stay_words(settings):
    """Neither a picture nor a line of their own: a card is shown on other people's screens."""
    evil = "![x](http://evil)\n# heading | <script> $x$"
    table = msgspec.structs.replace(settings.catalogue.tables[0], summary=evil, label=evil)
    text = data_card(settings, table, "a")
    assert "![" not in text and "\\<script" in text and "\n# heading" not in text
    assert MARKDOWN.sub(r"\\\1", " ".join(evil.split())) in text


def test_every_department_offers_its_own_tables(settings):
    assert [dataset.name for dataset in offered(settings, "b")] == ["b.people"]
    (ours,), (theirs,) = offered(settings, "a"), offered(settings, "b")
    assert ours.mock == theirs.mock and ours.card != theirs.card
