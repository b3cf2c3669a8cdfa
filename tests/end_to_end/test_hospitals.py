"""Four real hospitals as four departments: blank is null, 0 stays 0, and the hospital itself cannot be grouped by.

UCI heart disease: Janosi, Steinbrunn, Pfisterer, Detrano (1988), CC BY 4.0.
"""

from __future__ import annotations

import pandas as pd
import pytest

from federation import operate
from federation.errors import KeyongError
from federation.runtime.home import Home
from federation.settings import read_settings
from tests.support.city import federation_toml

pytestmark = [pytest.mark.real_data, pytest.mark.xdist_group("federation")]

HOSPITALS = {"Cleveland": "cleveland", "Hungary": "hungary", "Switzerland": "switzerland", "VA Long Beach": "longbeach"}
COLUMNS = {
    "id": {"type": "integer", "uses": ["never"]},
    "sex": {"type": "text", "uses": ["group_by", "filter"], "values": ["Female", "Male"]},
    "age": {
        "type": "integer",
        "uses": ["aggregate", "filter"],
        "bounds": [0, 120],
        "cuts": [40, 50, 60],
        "unit": "years",
    },
    "chol": {"type": "integer", "uses": ["aggregate"], "bounds": [0, 1000], "unit": "mg/dl"},
    "oldpeak": {"type": "decimal(1)", "uses": ["aggregate"], "bounds": [-10, 10]},
    "dataset": {"type": "text", "uses": ["group_by"], "values": list(HOSPITALS)},
}


@pytest.fixture(scope="module")
def hospitals(real_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hospitals")
    clear = pd.read_csv(real_data / "heart_disease_4hospitals.csv")
    departments = {}
    for hospital, name in HOSPITALS.items():
        file = folder / f"{name}.csv"
        clear[clear.dataset == hospital].to_csv(file, index=False)
        departments[name] = {"patients": {"adapter": "csv", "path": str(file), "id": "id"}}
    toml = folder / "federation.toml"
    rules = {"name": "hospitals", "key_bits": 512}
    toml.write_text(federation_toml(departments=departments, tables={"patients": COLUMNS}, rules=rules), "utf-8")
    settings, home = read_settings(toml, minimum_key_bits=512), Home(folder / "home")
    operate.up(settings, home, minimum_key_bits=512)
    try:
        yield operate.open_analyst(settings, home, minimum_key_bits=512), clear
    finally:
        operate.down(home)


def test_count_mean_age_and_variance_of_cholesterol_by_sex_equal_pandas(hospitals):
    analyst, clear = hospitals
    sql = "SELECT sex, COUNT(*), AVG(age), VAR(chol), COUNT(chol) FROM patients GROUP BY sex"
    rows = analyst.ask(analyst.plan(sql, "test")).answer.rows
    want = clear.groupby("sex").agg(n=("sex", "size"), age=("age", "mean"), chol=("chol", "var"), k=("chol", "count"))
    assert [row[0] for row in rows] == ["Female", "Male"]
    for sex, count, age, chol, known in rows:
        assert (count, known) == (want.n[sex], want.k[sex])
        assert age == pytest.approx(want.age[sex], rel=1e-12)
        assert chol == pytest.approx(want.chol[sex], rel=1e-12)
    # Blank is null: thirty patients have no value. Zero stays zero, as in the file.
    assert sum(row[4] for row in rows) == 890


def test_negative_decimals_add_up_exactly(hospitals):
    analyst, clear = hospitals
    rows = analyst.ask(analyst.plan("SELECT SUM(oldpeak), COUNT(oldpeak) FROM patients", "test")).answer.rows
    assert rows[0][0] == round(clear.oldpeak.sum(), 1)
    assert rows[0][1] == clear.oldpeak.count()


def test_grouping_by_the_hospital_is_refused_with_its_reason(hospitals):
    analyst, _ = hospitals
    with pytest.raises(KeyongError) as caught:
        analyst.ask(analyst.plan("SELECT dataset, COUNT(*) FROM patients GROUP BY dataset", "test"))
    assert caught.value.code == "refused.by_holder"
    assert "grouping by the holder" in caught.value.message("en")
