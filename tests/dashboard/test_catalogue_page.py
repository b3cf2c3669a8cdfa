import pytest

from dashboard.services.rules import CATALOGUE as FILE
from tests.dashboard.records import words
from tests.dashboard.scripted import RULES


@pytest.fixture
def offered(started):
    (started.path / FILE).write_bytes(RULES.to_bytes())
    return started.path


def test_a_guest_sees_cards_columns_uses_tiers_and_made_up_rows(opened, offered):
    text = words(opened(offered, "catalogue", dataset="chengqu.pit"))
    assert "5 个数据集，来自 3 个部门" in text
    assert "城区 · 个人所得税" in text
    assert "重要数据" in text
    assert "汇算清缴的个人所得税" in text
    assert "integer · 分" in text
    assert '<b style="--tone:var(--ky-record)">建模特征</b>' in text
    assert "模拟样例，非真实数据" in text
    assert "MOCK000001" in text
    assert '<td class="">县级</td><td class="">无</td>' in text


def test_core_data_is_open_to_nobody(opened, offered):
    text = words(opened(offered, "catalogue", dataset="zezhou.secrets"))
    assert "核心数据：任何结果都不离开部门" in text
    assert '<td class="">市级</td><td class="">无</td>' in text


def test_the_list_opens_another_dataset_and_the_address_follows(opened, offered):
    app = opened(offered, "catalogue")
    app.selectbox(key="dataset").set_value("zezhou.secrets").run()
    assert "泽州县 · 核心表" in words(app)
    assert app.query_params["dataset"] == "zezhou.secrets"


def test_it_speaks_english(opened, offered):
    text = words(opened(offered, "catalogue", dataset="chengqu.pit", lang="en"))
    assert "Made-up rows, no true data" in text
    assert "Important data" in text
    assert "Annual settlements" in text


def test_an_empty_home_says_the_next_step(opened, tmp_path):
    assert "这里还没有审计记录" in words(opened(tmp_path / "nothing", "catalogue"))


def test_a_home_without_rules_says_the_next_step(opened, started):
    assert "这里还没有审计记录" in words(opened(started.path, "catalogue"))
