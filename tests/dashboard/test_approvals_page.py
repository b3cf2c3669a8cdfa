import pytest

from dashboard.services import signing
from dashboard.services.desks import Desks
from dashboard.services.rules import CATALOGUE as FILE
from federation.errors import HomeError
from federation.governance.statements import Deny
from tests.dashboard.desks import CATALOGUE, desk, plan
from tests.dashboard.records import JOB, WAITING, words


@pytest.fixture
def lying(started, monkeypatch):
    """A home in which one request lies on the desks; the test says how it stands."""
    (started.path / FILE).write_bytes(CATALOGUE.to_bytes())

    def lie(**states):
        monkeypatch.setattr(Desks, "look", lambda *_: desk(**states))
        return started

    return lie


def buttons(app):
    return [button.label for button in app.main.button]


def test_a_waiting_request_shows_what_is_asked_what_is_allowed_and_who_would_see_what(opened, lying):
    text = words(opened(lying(chengqu="granted").path, "approvals", account="auditor@city"))
    assert "1 个请求等待审批" in text
    assert "市级申请方 analyst@city 要对 3 个部门的“户籍”求合计，至多" in text
    assert "SELECT sex, COUNT(*) FROM hukou GROUP BY sex" in text
    assert plan().hash in text
    assert "性别 (sex)" in text
    assert "<b>允许</b>" in text
    assert "本计划、各方签名与密文；无可读结果" in text
    assert '<td class="state good"><b>已批准</b></td><td class="state wait"><b>待审批</b></td>' in text


def test_rules_that_are_not_at_hand_are_not_compared_with(opened, lying):
    home = lying()
    (home.path / FILE).write_bytes(b"{}")
    assert "目录不在此处" in words(opened(home.path, "approvals", account="auditor@city"))


def test_what_every_department_would_refuse_is_said_before_anybody_signs(opened, lying):
    text = words(opened(lying().path, "approvals", account="officer@gaoping"))  # the plan names no roster
    assert "按公开规则，这个请求会被每个部门拒绝" in text


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("", "只看。要签署"),
        ("analyst@city", "申请方：看得到自己的请求，不能审批。"),
        ("auditor@city", "安全审计员：看得到一切，不能审批。"),
        ("operator@city", "系统管理员：负责启停，不能审批。"),
        ("officer@zezhou", "没有可由该账号作出的决定"),
    ],
)
def test_whoever_may_not_act_has_no_button(opened, lying, account, said):
    app = opened(lying(zezhou="denied").path, "approvals", account=account, request=WAITING)
    assert said in words(app)
    assert buttons(app) == []


@pytest.mark.parametrize("account", ["", "analyst@zezhou", "operator@city"])
def test_whoever_has_no_part_in_a_request_sees_hashes_and_counts(opened, lying, account):
    text = words(opened(lying().path, "approvals", account=account))
    assert plan().hash in text
    assert "analyst@city 提出一个密文查询请求：3 个部门，1 列" in text
    assert "SELECT sex" not in text
    assert "核对户籍人口" not in text


def test_an_officer_s_inbox_holds_what_waits_for_this_officer_alone(opened, lying):
    home = lying(gaoping="granted")
    waiting = opened(home.path, "approvals", account="officer@chengqu")
    assert "1 个请求等您审批，共 1 个等待审批" in words(waiting)
    assert WAITING in words(waiting)
    done = opened(home.path, "approvals", account="officer@gaoping")
    assert WAITING not in words(done)
    assert WAITING in words(done.segmented_control(key="box").set_value("all").run())


def test_an_officer_approves_with_a_condition_and_the_page_says_so(opened, lying, monkeypatch):
    said = []
    monkeypatch.setattr(signing, "decide", lambda visitor, *words_, **_: said.append((visitor.account, *words_[2:5:2])))
    app = opened(lying().path, "approvals", account="officer@gaoping")
    assert buttons(app) == ["批准", "拒绝"]
    app.text_input(key="passphrase").input("open sesame")
    app.text_input(key="conditions").input("只用于统计公报")
    app.number_input(key="hours").set_value(8)
    app.button(key="say-approve").click().run()
    word = signing.Word(decision="approve", job=WAITING, conditions="只用于统计公报", hours=8)
    assert said == [("officer@gaoping", word, "open sesame")]
    assert "已批准（限一次）" in words(app)
    assert app.text_input(key="passphrase").value == ""  # it is kept nowhere
    assert WAITING in words(app)  # it waits for this officer no longer, and stays open
    assert app.segmented_control(key="box").value == "all"


def test_a_refusal_is_one_clear_sentence(opened, lying, monkeypatch):
    def refuse(*_, **__):
        raise HomeError("home.passphrase", officer="officer@gaoping")

    monkeypatch.setattr(signing, "decide", refuse)
    app = opened(lying(gaoping="granted").path, "approvals", account="officer@gaoping", request=WAITING)
    app.button(key="say-revoke").click().run()
    text = words(app)
    assert '<div class="ky-verdict bad" role="alert"><div><strong>没有签署</strong>' in text
    assert "口令不对" in text


def test_a_federation_that_is_down_shows_the_log_s_word_and_lets_nobody_sign(opened, approved):
    approved.say("gaoping", Deny, WAITING)
    app = opened(approved.path, "approvals", account="officer@chengqu", request=WAITING)
    text = words(app)
    assert "联邦没有在运行，审批台不应答" in text
    assert "计划原文在各部门的审批台上" in text
    assert "高平市拒绝：person of officer@gaoping (officer@gaoping)签署" in text
    assert "不执行" in text
    assert buttons(app) == []


def test_a_desk_that_does_not_answer_is_named(opened, lying):
    text = words(opened(lying(silent=("gaoping",)).path, "approvals"))
    assert "高平市的审批台没有应答" in text


def test_the_life_of_a_request_is_told_in_order(opened, approved):
    text = words(opened(approved.path, "approvals", request=JOB))
    life = ("提出申请并签名", "请求送达全部 3 个部门的审批台", "城区批准：", "作业开始", "合作打开合计值", "结果放行")
    places = [text.index(sentence) for sentence in life]
    assert places == sorted(places)


def test_automatic_approval_is_called_nobodys(opened, recorded, monkeypatch):
    monkeypatch.setattr(
        Desks, "look", lambda *_: desk(silent=("chengqu", "gaoping")).__class__(requests={}, heads={}, silent={})
    )
    text = words(opened(recorded.path, "approvals"))
    assert "自动批准：没有人审批过任何请求" in text
    assert "自动同意" in text


def test_it_speaks_english_and_lets_nothing_become_markup(opened, lying):
    text = words(opened(lying().path, "approvals", account="auditor@city", lang="en"))
    assert "Requests that wait for approval: 1" in text
    assert "this plan, signatures and ciphertexts; no readable result" in text
    assert "核对户籍人口 &lt;b&gt;" in text


def test_an_empty_home_says_the_next_step(opened, tmp_path):
    assert "这里还没有审计记录" in words(opened(tmp_path / "nothing", "approvals"))
