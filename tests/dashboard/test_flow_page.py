from tests.dashboard.records import JOB, words


def test_the_finished_job_is_told_in_honest_words(opened, recorded):
    text = words(opened(recorded.path, "flow"))
    assert "离开部门的每个字节都有签名账目：账目 43,600 字节 = 代理计数 43,600 字节，差额 0" in text
    assert 'class="ky-verdict good"' in text
    assert "模拟：同一主机、同一团队" in text
    assert "“可控”不成立" in text
    assert "泄" not in text


def test_what_is_not_in_the_log_yet_is_explained(opened, recorded):
    recorded.count(chengqu=900)
    text = words(opened(recorded.path, "flow"))
    assert "尚未入册 900 字节" in text
    assert 'class="ky-verdict good"' in text


def test_a_bad_count_is_red_and_says_what_to_do(opened, recorded):
    recorded.count(gaoping=50_000)
    text = words(opened(recorded.path, "flow"))
    assert 'class="ky-verdict bad" role="alert"' in text
    assert "高平市 有" in text
    assert "运行 keyong audit verify" in text


def test_an_empty_home_says_the_next_step(opened, tmp_path):
    text = words(opened(tmp_path / "nothing", "flow"))
    assert "这里还没有审计记录" in text
    assert "keyong up" in text


def test_a_log_that_is_no_database_is_told_not_thrown(opened, tmp_path):
    file = tmp_path / "parties/coordinator/log.db"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
    assert "记录无法读取" in words(opened(tmp_path, "flow"))


def test_a_running_job_shows_the_step_it_is_at(opened, started):
    started.begin()
    text = words(opened(started.path, "flow"))
    assert '<li class="now" aria-current=step><b>人数：密文承诺</b>' in text


def test_a_refused_job_says_why(opened, started):
    started.fail("refused.too_small")
    text = words(opened(started.path, "flow"))
    assert f"作业 {JOB} 未放行结果" in text
    assert 'class="failed"' in text


def test_parties_that_are_not_isolated_are_named_in_amber(opened, recorded):
    recorded.tell(unconfined="bubblewrap is missing")
    assert '<span class="ky-tag warn">各方未隔离，仅为普通进程：bubblewrap is missing</span>' in words(
        opened(recorded.path, "flow")
    )


def test_the_page_speaks_english(opened, recorded):
    app = opened(recorded.path, "flow", lang="en", view="table")
    text = words(app)
    assert "Every byte that left a department has a signed ledger entry: recorded 43,600 = counted 43,600" in text
    assert "Chengqu" in text
    assert app.selectbox(key="job").label == "Job"


def test_changing_the_language_changes_the_address(opened, recorded):
    app = opened(recorded.path, "flow")
    app.segmented_control(key="lang").set_value("en").run()
    assert app.query_params["lang"] == "en"
    assert "Data flows" in words(app)


def test_the_table_has_every_message_of_the_job(opened, recorded):
    text = words(opened(recorded.path, "flow", view="table"))
    assert "共 13 条，显示 13 条" in text
    assert text.count('<td class="hash">') == 13
    assert "09:02:03." in text  # 01:02:03 UTC, on Shanghai's clocks


def test_a_job_in_the_address_is_shown(opened, recorded):
    recorded.run("q-0000000000bb")
    app = opened(recorded.path, "flow", job=JOB)
    assert app.selectbox(key="job").value == JOB
    app.selectbox(key="job").set_value("").run()
    assert "job" not in app.query_params


def test_an_unknown_job_in_the_address_falls_back_to_the_newest(opened, recorded):
    app = opened(recorded.path, "flow", job="<script>")
    assert app.selectbox(key="job").value == ""
    words(app)


def test_names_out_of_the_record_cannot_become_markup(opened, recorded):
    recorded.tell(unconfined="<img src=x>")
    assert "&lt;img src=x&gt;" in words(opened(recorded.path, "flow"))
