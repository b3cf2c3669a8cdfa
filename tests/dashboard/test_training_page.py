import msgspec
import pytest

from dashboard.services.rules import CATALOGUE as FILE
from federation.drills.model import ModelDrillReport
from federation.plan import Privacy
from tests.dashboard.desks import CATALOGUE
from tests.dashboard.records import words
from tests.dashboard.trained import leave_model, leave_request, train_plan


def test_an_empty_home_says_the_next_step(opened, tmp_path):
    assert "这里还没有审计记录" in words(opened(tmp_path / "nothing", "training"))


def test_without_any_training_it_says_how_to_begin_one(opened, recorded):
    text = words(opened(recorded.path, "training"))
    assert "还没有训练" in text
    assert "train examples/jobs/readmission-logistic.toml" in text


def test_a_finished_training_is_told_beside_training_alone_and_pooled(opened, recorded):
    card = leave_model(recorded.path, train_plan(), compared=True)
    text = words(opened(recorded.path, "training"))
    assert f"联合模型已训练完成：留出行上 AUC {card.measures.auc:.4f}" in text
    assert f"明文汇总 {card.lab.pooled.auc:.4f}（AUC，实验对照，数据来自生成器或测试文件）" in text
    assert "<span>高平市</span>" in text
    assert "<dd>2 个部门</dd>" in text  # were missing from three rounds
    assert '<td class="state good"><b>已完成</b></td>' in text


def test_without_a_lab_it_says_that_nothing_was_compared(opened, recorded):
    leave_model(recorded.path, train_plan())
    assert "没有与“各自训练”“明文汇总”比较" in words(opened(recorded.path, "training"))


def test_the_card_has_hashes_leaks_and_honest_words_and_lets_nothing_become_markup(opened, recorded):
    card = leave_model(recorded.path, train_plan())
    (recorded.path / "city.json").write_text("{}")
    text = words(opened(recorded.path, "training", view="card"))
    assert card.plan_hash in text
    assert card.model_hash in text
    assert "独立性为模拟。合成数据，无真实个人；增益为设定值。" in text
    assert "成员推断" in text
    assert "评估出院随访名单 &lt;b&gt;" in text
    assert "第 4 轮 高平市；第 5 轮 高平市；第 9 轮 泽州县" in text


def test_under_differential_privacy_the_budget_is_shown(opened, recorded):
    leave_model(recorded.path, train_plan(privacy=Privacy(epsilon=8.0)))
    assert "上限 8" in words(opened(recorded.path, "training"))
    assert "ε = 8，δ = 1e-05" in words(opened(recorded.path, "training", view="card"))


def test_a_request_nobody_waits_for_says_so(opened, recorded):
    leave_request(recorded.path, train_plan())
    app = opened(recorded.path, "training")
    text = words(app)
    assert "等待安全管理员审批" in text
    assert "联邦没有在运行，训练不会继续。" in text
    assert [button.label for button in app.main.button] == []  # no federation.toml, nothing to go on with


@pytest.mark.parametrize("settled", [False, True])
def test_what_everybody_would_learn_is_shown_before_the_button(opened, started, monkeypatch, settled):
    from dashboard.services import proposals as service
    from dashboard.services.operation import Process

    plan = train_plan()
    monkeypatch.setattr(
        "dashboard.beginning.proposals",
        lambda visitor, home: (service.Proposal(home / "a.toml", plan.title, plan, None),),
    )
    running = {"x": Process(name="x", state="ready", code="", restarts=0, session=1, rss_mb=1)}
    monkeypatch.setattr("dashboard.beginning.processes", lambda home: running)
    if settled:
        (started.path / "federation.toml").write_text("")
    app = opened(started.path, "training", account="analyst", view="new")
    text = words(app)
    assert text.index("每一方将看到什么") < text.index("泄露卡：谁得到什么")
    assert "梯度反演" in text
    assert "成对掩码：每轮至少 3/3 个部门在场才能读出合计" in text
    assert [button.label for button in app.main.button] == (["以申请方的名义提交申请"] if settled else [])
    assert ("找不到 federation.toml" in text) is not settled


def test_a_job_this_federation_cannot_do_says_why_and_has_no_button(opened, started):
    (started.path / FILE).write_bytes(CATALOGUE.to_bytes())
    app = opened(started.path, "training", account="analyst", view="new")
    assert "这个作业在此联邦不能提出" in words(app)
    assert [button.label for button in app.main.button] == []


@pytest.mark.parametrize("account", ["", "officer@gaoping", "operator@city", "auditor@city"])
def test_only_an_analyst_begins_a_training_and_everybody_else_is_told_so(opened, started, account):
    app = opened(started.path, "training", account=account, view="new")
    assert "提出训练要先登录为申请方" in words(app)
    assert [button.label for button in app.main.button] == []


@pytest.mark.parametrize("account", ["", "operator@city", "analyst@zezhou"])
def test_what_a_training_is_for_is_not_shown_to_whoever_has_no_part_in_it(opened, recorded, account):
    leave_request(recorded.path, train_plan(title="再入院之二"))
    text = words(opened(recorded.path, "training", account=account))
    assert "等待安全管理员审批" in text
    assert "再入院之二" not in text


@pytest.mark.parametrize("account", ["analyst@city", "officer@zezhou", "auditor@city"])
def test_what_a_training_is_for_is_shown_to_whoever_asked_decides_or_audits(opened, recorded, account):
    leave_request(recorded.path, train_plan(title="再入院之二"))
    assert "再入院之二" in words(opened(recorded.path, "training", account=account))


def test_attacks_are_shown_with_what_cannot_be_stopped_or_how_to_make_them(opened, started):
    assert "drill model" in words(opened(started.path, "training", view="drills"))
    (started.path / "drills").mkdir()
    report = ModelDrillReport(outcomes=(), stopped=5, missed=2, failed=(), seconds=1.0)
    (started.path / "drills/model.json").write_bytes(msgspec.json.encode(report))
    assert "5 个攻击被挡住；2 个如预期挡不住，照实列出" in words(opened(started.path, "training", view="drills"))
    failed = msgspec.structs.replace(report, failed=("collude",))
    (started.path / "drills/model.json").write_bytes(msgspec.json.encode(failed))
    assert "有 1 个攻击的结果与预期不符" in words(opened(started.path, "training", view="drills"))


@pytest.mark.parametrize("view", ["course", "card", "drills", "new"])
def test_it_speaks_english(opened, recorded, view):
    leave_model(recorded.path, train_plan(title="readmission", purpose="rounds"), compared=True)
    text = words(opened(recorded.path, "training", view=view, lang="en"))
    assert "Joint training" in text
    assert "联合" not in text


def test_a_training_in_the_address_is_shown(opened, recorded):
    leave_model(recorded.path, train_plan(title="旧"))
    leave_request(recorded.path, train_plan(nonce="d" * 32, title="新"))
    app = opened(recorded.path, "training", training="t-0123456789ab")
    assert app.selectbox(key="training").value == "t-0123456789ab"
    assert "联合模型已训练完成" in words(app)
