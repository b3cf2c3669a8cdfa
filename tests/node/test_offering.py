"""A department does not offer, nor start, where what is written about a table quotes one of its rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation import operate
from federation.adapters import find_adapter
from federation.errors import SettingsError
from federation.governance.datasite import Datasite
from federation.node.fingerprints import Fingerprints
from federation.node.offering import offer, register
from federation.runtime.home import Home
from federation.settings import Settings, read_settings
from tests.support.city import federation_toml
from tests.support.stores import write_csv

COLUMNS = {
    "id": {"type": "text", "uses": ["never"]},
    "sex": {"type": "text", "uses": ["group_by"], "values": ["f", "m"]},
    "age": {"type": "integer", "uses": ["aggregate"], "bounds": [0, 120]},
}
ROWS = [(f"1405811990010{index:04}X", "f" if index % 2 else "m", 20 + index) for index in range(40)]
QUOTED = ROWS[7][0]


def settings_saying(folder: Path, **words: str) -> Settings:
    write_csv(folder / "people.csv", ("id", "sex", "age"), ROWS)
    toml = federation_toml(
        departments={name: {"people": {"adapter": "csv", "path": "people.csv", **words}} for name in "abc"},
        tables={"people": COLUMNS},
        rules={"name": "x", "key_bits": 512, "approvals": "automatic"},
    )
    (folder / "federation.toml").write_text(toml, "utf-8")
    return read_settings(folder / "federation.toml", minimum_key_bits=512)


def fingerprints(settings: Settings) -> Fingerprints:
    (store,) = settings.departments[0].stores
    opened = find_adapter(store.adapter, None).open(store.columns, store.options)
    return Fingerprints.sample({"people": opened}, settings.catalogue)


def test_a_card_without_rows_is_offered(tmp_path):
    settings = settings_saying(tmp_path, summary="每人一行。", label="居民")
    (dataset,) = offer(settings, "a", fingerprints(settings))
    assert dataset.name == "a.people" and "每人一行。" in dataset.card


@pytest.mark.parametrize(
    "words",
    [
        {"summary": f"例如 {QUOTED}。"},
        {"summary_en": f"such as {QUOTED}"},
        {"summary": QUOTED.encode("utf-8").hex()},
    ],
    ids=["zh", "en", "in hexadecimal"],
)
def test_a_summary_that_quotes_a_row_is_refused(tmp_path, words):
    settings = settings_saying(tmp_path, **words)
    with pytest.raises(SettingsError) as refused:
        offer(settings, "a", fingerprints(settings))
    assert (refused.value.code, refused.value.details) == (
        "settings.card_quotes",
        {"department": "a", "table": "people"},
    )
    assert QUOTED not in str(refused.value)


def test_a_federation_whose_summary_quotes_a_row_does_not_start(tmp_path):
    settings = settings_saying(tmp_path, summary=f"例如 {QUOTED}")
    with pytest.raises(SettingsError, match=r"settings\.card_quotes"):
        operate.up(settings, Home(tmp_path / "home"), minimum_key_bits=512)


def test_pysyft_is_given_the_card_the_mock_rows_and_no_row(tmp_path):
    settings = settings_saying(tmp_path, summary="每人一行。", data_class="important")
    datasets = offer(settings, "a", fingerprints(settings))
    datasite = Datasite(tmp_path / "datasite", "a")
    register(datasite, datasets, settings, "a")
    (registered,) = datasite.datasets()
    assert registered.dataset == datasets[0]
    assert registered.tags == ("important",) and registered.summary.startswith("每人一行。")
    everything = b"".join(file.read_bytes() for file in (tmp_path / "datasite").rglob("*") if file.is_file())
    assert not any(row[0].encode() in everything for row in ROWS)
    assert str(tmp_path).encode() not in registered.where.encode()
