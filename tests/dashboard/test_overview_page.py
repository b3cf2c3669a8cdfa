import time

import pytest

from dashboard.services import verifier
from federation.audit.record import RecordReader
from tests.dashboard.records import tampered, words


@pytest.fixture
def settled(opened):
    """Opens the overview and waits until the verifier has spoken."""

    def open_settled(home, **address):
        app = opened(home, **address)
        end = time.monotonic() + 60
        while "正在重算" in words(app) or "Recomputing" in words(app):
            assert time.monotonic() < end
            time.sleep(0.1)
            app.run()
        return app

    return open_settled


def test_it_is_the_page_one_comes_to(opened, recorded):
    text = words(opened(recorded.path))
    assert "<h1>总览</h1>" in text
    assert "正在重算全部记录" in text


def test_a_record_that_holds_is_told_with_time_and_command(settled, recorded):
    text = words(settled(recorded.path))
    assert 'class="ky-verdict good"' in text
    assert f"记录成立：{RecordReader(recorded.path).size()} 条日志" in text
    assert "北京时间由独立进程重算，用时" in text
    assert "账目 43,600 字节，代理计数 43,600 字节，差额 0。" in text
    assert "-m federation --home" in text


def test_an_altered_byte_turns_the_verdict_red_and_names_the_place(settled, recorded, tmp_path):
    text = words(settled(tampered(recorded.path, tmp_path / "copy")))
    assert 'class="ky-verdict bad" role="alert"' in text
    assert "记录不成立：日志第 20 条（从 0 起）" in text
    assert "entry 20: it is not signed by its party, or was altered" in text
    assert "记录未通过重算，账目不足为凭" in text
    assert 'class="ky-claim good"' not in text


def test_a_verifier_that_cannot_tell_is_amber_not_green(settled, recorded, monkeypatch):
    monkeypatch.setattr(verifier, "_verify", lambda _: "")
    text = words(settled(recorded.path))
    assert 'class="ky-verdict warn"' in text
    assert "记录未能重算：没有结论" in text


def test_bytes_that_nobody_recorded_break_not_visible(settled, recorded):
    recorded.count(gaoping=50_000)
    text = words(settled(recorded.path))
    assert "记录不成立：高平市的账目，第 1 次启动" in text
    assert 'class="ky-claim bad"' in text


def test_officers_and_a_demonstration_make_all_four_promises_hold(settled, approved):
    approved.demonstrate()
    text = words(settled(approved.path))
    assert text.count('class="ky-claim good"') == 4
    assert "22 个数值，0 个与明文不同" in text
    assert "20,000 居民的合成城市" in text
    assert "1 次执行，未经批准的 0 次" in text
    assert "安全管理员签名批准 3 次、拒绝 0 次、撤回 0 次；自动同意 0 次" in text
    assert "由 3/3 个部门封存" in text
    assert "见证的独立性是模拟的" in text


def test_automatic_approval_is_never_controllable(settled, recorded):
    recorded.demonstrate()
    text = words(settled(recorded.path))
    assert text.count('class="ky-claim bad"') == 1
    assert "3 次自动同意：没有人审批" in text


def test_without_a_demonstration_there_is_no_clear_answer_to_compare_with(settled, recorded):
    text = words(settled(recorded.path))
    assert "此处没有明文答案可比" in text


def test_the_story_is_told_in_people_s_words(opened, recorded):
    text = words(opened(recorded.path))
    assert "申请方 analyst 提出申请 q-0000000000aa" in text
    assert "全部 3 个部门同意（自动批准）" in text
    assert "城区、高平市合作打开人数，只有放行闸门（泽州县）能读" in text
    assert "2026-11-22 北京时间" in text


def test_the_tour_opens_by_its_address(opened, recorded):
    app = opened(recorded.path, tour="1")
    assert app.expander[0].label == "十分钟导览：看哪里，试什么"
    assert app.expander[0].proto.expanded
    assert "SELECT COUNT(*) FROM hukou" in words(app)
    assert not opened(recorded.path).expander[0].proto.expanded


def test_the_button_recomputes_though_nothing_has_changed(settled, recorded):
    app = settled(recorded.path)
    app.button(key="again").click().run()
    assert "正在重算，已" in words(app)


def test_it_speaks_english(settled, recorded):
    recorded.demonstrate()
    text = words(settled(recorded.path, lang="en"))
    assert f"The record holds: {RecordReader(recorded.path).size()} log entries" in text
    assert "all 3 departments agreed (automatic approval)" in text
    assert "3 automatic agreements: nobody approved" in text


def test_an_empty_home_says_the_next_step(opened, tmp_path):
    text = words(opened(tmp_path / "nothing"))
    assert "这里还没有审计记录" in text
    assert "keyong up" in text


def test_limits_are_always_on_the_page(opened, recorded, tmp_path):
    for home in (recorded.path, tmp_path / "nothing"):
        assert "独立性是模拟的" in words(opened(home))
