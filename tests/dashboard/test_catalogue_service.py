import pytest

from dashboard.services.catalogue import Entitled, choose, datasets, entitled, mock_table, public_rules
from dashboard.services.rules import CATALOGUE as FILE
from federation.audit.record import RecordReader
from federation.catalogue.mock import mock_rows
from federation.errors import RecordError
from tests.dashboard.scripted import PIT, RULES, SECRETS


def test_every_department_s_tables_are_datasets():
    names = [one.name for one in datasets(RULES)]
    assert names == ["chengqu.hukou", "chengqu.pit", "gaoping.hukou", "zezhou.hukou", "zezhou.secrets"]


def test_what_may_be_asked_follows_holders_uses_and_class():
    kinds = {one.name: one.kinds for one in datasets(RULES)}
    assert kinds["chengqu.hukou"] == ("sum",)  # no column of it may be learnt from
    assert kinds["chengqu.pit"] == ("script",)  # one department alone: no sum could hide it
    assert kinds["zezhou.secrets"] == ()


def test_counties_may_ask_less_and_about_larger_groups():
    found = {one.name: one for one in datasets(RULES)}
    assert entitled(found["chengqu.hukou"], RULES) == (Entitled("city", ("sum",), 10), Entitled("county", ("sum",), 20))
    assert entitled(found["chengqu.pit"], RULES)[1].kinds == ()  # important data


def test_mock_rows_are_those_of_the_public_card():
    table = mock_table(PIT)
    assert table.columns == ("person_id", "sex", "tax_fen")
    assert [row[0] for row in table.rows] == [*mock_rows(PIT, 8)["person_id"]]
    assert {row[1] for row in table.rows} <= {"f", "m", ""}


def test_a_name_nobody_has_opens_the_first():
    found = datasets(RULES)
    assert choose(found, "chengqu.pit").card is PIT
    assert choose(found, "no.such").name == "chengqu.hukou"
    assert choose((), "no.such") is None
    assert choose(found, "zezhou.secrets").card is SECRETS


def test_without_rules_there_is_no_catalogue(started):
    record = RecordReader(started.path)
    with pytest.raises(RecordError):
        public_rules(record)
    (started.path / FILE).write_bytes(RULES.to_bytes())
    assert public_rules(record) == RULES
