"""The examples do what they say: tried on made-up rows, planned, run over the synthetic city, released."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation import demo
from federation.adapters import load_adapter
from federation.runtime.home import Home
from federation.sandbox import run_script
from federation.sandbox.limits import Limits
from federation.scripting.planning import plan_script
from federation.scripting.release import release
from federation.scripting.view import write_view
from federation.settings import Settings, read_settings
from tests.support.memory import ANALYST
from tests.support.scripts import ROSTER

FOLDER = Path(__file__).parents[2] / "examples" / "scripts"
DATASETS = {"tax_burden.py": "tax.pit", "contribution_bases.py": "zezhou.insured"}

pytestmark = pytest.mark.usefixtures("bubblewrap")


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> Settings:
    return read_settings(demo.built_in_settings(Home(tmp_path_factory.mktemp("city") / "home"), citizens=2_000))


def test_every_example_is_tested():
    assert {file.name for file in FOLDER.glob("*.py")} == set(DATASETS)


@pytest.mark.parametrize("name", DATASETS)
def test_example_gives_a_table_that_is_released(city, tmp_path, name):
    files = {name: (FOLDER / name).read_text("utf-8")}
    wishes = {"purpose": "test", "requester": ANALYST, "roster": ROSTER, "nonce": "0" * 32}
    plan = plan_script(files, DATASETS[name], catalogue=city.catalogue, **wishes)
    assert [key.column for key in plan.group_by] in (["pit_income_fen"], ["age_band"])
    (store,) = (
        store for one in city.departments if one.name == plan.owner for store in one.stores if store.table == plan.table
    )
    rows = load_adapter(store.adapter, store.columns, store.options)
    counts = write_view(rows, plan.view, plan.local, tmp_path / f"{plan.table}.parquet")
    rows.close()
    table = release(run_script(files, tmp_path, Limits()).output, plan, counts)
    assert len(table.lines) >= 2
    assert table.columns[-len(plan.numbers) :] == plan.numbers
