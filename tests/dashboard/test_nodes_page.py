import pytest

from tests.dashboard.records import words


def running(**changes):
    party = {"name": "chengqu", "state": "ready", "code": "", "restarts": 0, "session": 1, "rss_mb": 61, **changes}
    return {"ready": True, "parties": [party]}


def test_a_sound_home_that_does_not_run_is_told_how_to_start(opened, recorded):
    text = words(opened(recorded.path, "nodes"))
    assert "9 项自检全部通过" in text
    assert "联邦没有在运行" in text
    assert text.count("未运行") == 4
    assert "keyong --home" in text


def test_a_department_s_card_says_what_it_holds(opened, recorded):
    text = words(opened(recorded.path, "nodes"))
    assert "hukou (csv)、dibao (sqlite)" in text
    assert "提供密文 1 次、持钥打开 1 次" in text
    assert "第 1 份，共 3 份" in text
    assert "6d7a05b19f18675f" in text
    assert "1（自动 1）" in text
    assert f'title="{recorded.roster.hash}"' in text
    assert "任意 2 个持钥部门合作才能打开，共 3 份" in text


def test_the_launcher_s_word_is_shown_live(opened, recorded, monkeypatch):
    monkeypatch.setattr("federation.operate.status", lambda _: running())
    text = words(opened(recorded.path, "nodes"))
    assert "联邦正在运行" in text
    assert "内存 61 MB，重启 0 次" in text
    assert "启动联邦：" not in text


def test_a_party_that_is_down_says_why_in_words(opened, recorded, monkeypatch):
    monkeypatch.setattr("federation.operate.status", lambda _: running(state="down", code="node.killed"))
    text = words(opened(recorded.path, "nodes"))
    assert 'class="ky-party bad"' in text
    assert "上次结束：城区 的进程被终止" in text


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("bubblewrap is not installed", "请安装 bubblewrap"),
        ("not Linux", "内核隔离只在 Linux 上可用"),
        ("the kernel refused: EPERM", "请管理员放行非特权用户命名空间"),
    ],
)
def test_parties_that_are_not_isolated_say_what_to_do(opened, recorded, reason, remedy):
    recorded.tell(unconfined=reason)
    text = words(opened(recorded.path, "nodes"))
    assert 'class="ky-verdict warn"' in text
    assert remedy in text


@pytest.mark.parametrize("page", ["nodes", "overview"])
def test_a_department_on_the_network_is_named_on_every_page(opened, recorded, page):
    recorded.tell(networked=("gaoping",))
    text = words(opened(recorded.path, page))
    assert "仅进程隔离：高平市（经 TCP 访问数据库）。其余各方：独立网络命名空间" in text
    assert "各方：独立网络命名空间" not in text.replace("其余各方：", "")
    assert "Process isolation only: " in words(opened(recorded.path, page, lang="en"))


def test_a_failed_check_is_red_and_names_the_party(opened, recorded):
    (recorded.path / "parties/gaoping/roster.json").write_bytes(b"{}")
    text = words(opened(recorded.path, "nodes"))
    assert 'class="ky-verdict bad" role="alert"' in text
    assert "1 项自检未通过：各方固定的名册相同" in text
    assert "不符：高平市" in text


def test_a_home_without_a_readable_roster_is_shown_all_the_same(opened, recorded):
    for file in recorded.path.glob("parties/*/roster.json"):
        file.write_bytes(b"{}")
    assert "没有可读的名册" in words(opened(recorded.path, "nodes"))


def test_it_speaks_english(opened, recorded):
    text = words(opened(recorded.path, "nodes", lang="en"))
    assert "All 9 self-checks pass" in text
    assert "any 2 key holders together open, of 3 shares" in text


def test_an_empty_home_says_the_next_step(opened, tmp_path):
    assert "这里还没有审计记录" in words(opened(tmp_path / "nothing", "nodes"))


def test_names_out_of_the_record_cannot_become_markup(opened, recorded):
    recorded.tell(unconfined="<img src=x>")
    assert "<img" not in words(opened(recorded.path, "nodes"))


def buttons(app):
    return [button.label for button in app.main.button]


def test_the_operator_alone_starts_and_stops(opened, recorded, monkeypatch):
    (recorded.path / "federation.toml").write_text("")
    assert buttons(opened(recorded.path, "nodes", account="operator@city")) == ["启动联邦"]
    for account in ("", "analyst@city", "officer@gaoping", "auditor@city"):
        assert buttons(opened(recorded.path, "nodes", account=account)) == []
    monkeypatch.setattr("federation.operate.status", lambda _: running())
    assert buttons(opened(recorded.path, "nodes", account="operator@city")) == ["确认停止"]


def test_what_keeps_a_federation_from_starting_is_told(opened, recorded):
    (recorded.path / "federation.toml").write_text("version = ")
    app = opened(recorded.path, "nodes", account="operator@city")
    assert "没有做到" in words(app.main.button(key="up").click().run())


def test_a_session_that_ended_before_the_click_starts_nothing(opened, recorded):
    (recorded.path / "federation.toml").write_text("")
    app = opened(recorded.path, "nodes", account="operator@city")
    del app.session_state["session"]
    text = words(app.main.button(key="up").click().run())
    assert "未登录" in text
