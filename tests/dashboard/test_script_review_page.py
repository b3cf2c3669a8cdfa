import pytest

from dashboard.services.desks import Desks
from dashboard.services.rules import CATALOGUE as FILE
from dashboard.services.trials import Trial, Trials, Tried
from federation.plan import ScriptFile
from tests.dashboard.records import words
from tests.dashboard.scripted import CODE, HELPERS, JOB, OWNER, RULES, script_desk, script_plan

OFFICER = f"officer@{OWNER}"


@pytest.fixture
def lying(started, monkeypatch):
    """A home in which a script lies on its owner's desk."""
    (started.path / FILE).write_bytes(RULES.to_bytes())

    def lie(state="pending", granted_by=(), **changes):
        plan = script_plan(started, **{"requester": "analyst", **changes})
        monkeypatch.setattr(Desks, "look", lambda *_: script_desk(plan, state, granted_by))
        return started

    return lie


def test_the_first_sentence_says_what_is_asked_and_what_it_may_cost(opened, lying):
    text = words(opened(lying().path, "approvals", account=OFFICER))
    assert "市级申请方 analyst 要在城区的“个人所得税”上运行脚本：读 2 列的全部行，交出至多 2 行 × 2 个数" in text
    assert f"最多可借这些数带走 {script_plan().capacity_bits} 比特" in text
    assert "会被每个部门拒绝" not in text


def test_an_officer_sees_purpose_basis_every_file_in_full_and_its_hash(opened, lying):
    app = opened(lying().path, "approvals", account=OFFICER)
    text, plan = words(app), script_plan()
    assert "评估减税政策 &lt;b&gt;" in text
    assert "《个人所得税法》第十九条" in text
    assert [block.value for block in app.code] == [CODE.strip(), HELPERS.strip()]
    assert all(file.sha256 in text for file in plan.files)
    assert plan.code in text


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("x = 1\t# tab\n", False),
        ("access = 'user\u202e \u2066# only if admin\u2069 \u2066'\n", True),  # Boucher and Anderson, 2021, fig. 1
        ("na\u200bme = 1\n", True),
        ("x = 1\r# carriage return\n", True),
    ],
)
def test_code_that_reads_otherwise_than_it_runs_is_warned_of(opened, lying, text, warned):
    home = lying(files=(ScriptFile(name="a.py", text=text),))
    said = words(opened(home.path, "approvals", account=OFFICER))
    assert ("代码里有看不见的或改变书写方向的字符：a.py" in said) is warned


def test_asked_stands_against_allowed(opened, lying):
    text = words(opened(lying(minimum_group=3).path, "approvals", account=OFFICER))
    assert "不少于 10 行" in text
    assert "<b>超出</b>" in text
    assert "按公开规则，这个请求会被每个部门拒绝" in text
    assert "开放给经审批的脚本" in text


def test_the_leakage_card_names_the_low_digits(opened, lying):
    text = words(opened(lying().path, "approvals", account=OFFICER))
    assert "脚本把数据行藏进数的低位" in text
    assert "打印的内容不离开城区，申请方得不到" in text


@pytest.mark.parametrize("account", ["", "officer@gaoping", "operator@city", "analyst@city"])
def test_code_and_purpose_are_kept_from_whoever_has_no_part_in_it(opened, lying, account):
    app = opened(lying().path, "approvals", account=account, request=JOB)
    text = words(app)
    assert [*app.code] == []
    assert "评估减税政策" not in text
    assert script_plan().code in text  # the hash is everybody's
    assert "在模拟样例上试运行" not in [button.label for button in app.main.button]


def test_a_script_takes_a_larger_group_as_a_condition_and_no_smaller_one(opened, lying):
    app = opened(lying().path, "approvals", account=OFFICER)
    assert (app.number_input(key="minimum group").min, app.number_input(key="minimum group").value) == (10, 10)


def test_who_of_two_has_granted_is_shown_and_may_not_grant_again(opened, lying):
    app = opened(lying(granted_by=(OFFICER,)).path, "approvals", account=OFFICER, request=JOB)
    assert "1/1 person of officer@chengqu" in words(app)
    assert [button.label for button in app.main.button if button.key.startswith("say-")] == ["拒绝", "撤回"]


def test_pysyft_that_disagrees_is_red(opened, lying):
    home = lying()
    home.write("analyst", "request.submit", JOB, plan=script_plan(home, requester="analyst").hash)
    home.write(OWNER, "request.receive", JOB, plan="ab" * 32)
    home.write(OWNER, "shelf", JOB, plan="ab" * 32, state="approved", files="5f" * 32)
    text = words(opened(home.path, "approvals", account=OFFICER))
    assert "PySyft 与日志不一致：城区" in text
    assert "已批准 · 不一致" in text


def test_the_life_of_a_script_is_told(opened, started):
    started.write("analyst", "request.submit", JOB, plan="ab" * 32)
    started.write(OWNER, "shelf", JOB, plan="ab" * 32, state="approved", files="5f" * 32)
    started.write(OWNER, "script", JOB, code="c0" * 32, status="time", digits=4, bits=88, milliseconds=20_400)
    text = words(opened(started.path, "approvals", request=JOB))
    assert "城区的 PySyft 文件夹：已批准" in text
    assert "城区在沙箱中执行脚本：超时，已终止，20.4 秒" in text


def test_a_result_that_was_not_released_is_told_by_its_code(opened, started):
    started.write("analyst", "request.submit", JOB, plan="ab" * 32)
    told = {"code": "c0" * 32, "digits": 4, "bits": 88, "milliseconds": 900}
    started.write(OWNER, "script", JOB, status="refused.result_small", **told)
    text = words(opened(started.path, "approvals", request=JOB))
    assert "城区在沙箱中执行脚本：结果没有放行 (refused.result_small)，0.9 秒" in text


def tried(monkeypatch, **fields):
    fits = fields.pop("fits", True)
    trial = Trial(tried=Tried(**{"status": "done", "seconds": 1.5, **fields}), fits=fits)
    monkeypatch.setattr(Trials, "look", lambda *_: trial)


def test_a_try_shows_table_log_and_end(opened, lying, monkeypatch):
    tried(monkeypatch, columns=("sex", "people"), lines=(("f", "97"), ("m", "103")), size=2, log="rows <200>")
    text = words(opened(lying().path, "approvals", account=OFFICER))
    assert "试运行正常结束，结果的列与请求相符" in text
    assert "试运行的结果：来自模拟样例，非真实数据" in text
    assert "<td>103</td>" in text
    assert "rows &lt;200&gt;" in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "time", "code": "refused.script_time"}, "试运行：超时，已终止"),
        ({"fits": False, "columns": ("x",)}, "试运行：结果的列与请求所写的不同"),
        ({"status": "", "code": "refused.other_catalogue"}, "没有试运行"),
    ],
)
def test_a_try_that_came_to_nothing_says_why(opened, lying, monkeypatch, fields, said):
    tried(monkeypatch, **fields)
    assert said in words(opened(lying().path, "approvals", account=OFFICER))


def test_the_button_begins_a_try_for_whoever_is_signed_in(opened, lying, monkeypatch):
    begun = []
    monkeypatch.setattr(Trials, "begin", lambda _, who, plan: begun.append((who.account, plan.code)))
    app = opened(lying().path, "approvals", account=OFFICER)
    app.button(key="try").click().run()
    assert begun == [(OFFICER, script_plan().code)]


def test_it_speaks_english(opened, lying):
    text = words(opened(lying().path, "approvals", account=OFFICER, lang="en"))
    assert "wants to run a script on &quot;personal income tax&quot; of Chengqu" in text
    assert "hides rows in the low digits" in text
