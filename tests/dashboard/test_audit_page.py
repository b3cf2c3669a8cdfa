import sqlite3
import sys

from crypto.merkle import leaf_hash
from dashboard.services import commands
from dashboard.services.evidence import evidence
from dashboard.services.seals import write_tlog_proof
from federation.audit.record import RecordReader
from tests.dashboard.records import words


def number_of(home, kind):
    with evidence(home.path) as log:
        return log.lines(lambda line: line.kind == kind, before=log.size, most=1)[0].number


def test_the_seal_and_every_departments_head_are_shown(opened, approved):
    text = words(opened(approved.path, "audit"))
    size = RecordReader(approved.path).size()
    assert f"前 {size} 条由 3/3 个部门共签封存（法定数 2）" in text
    assert text.count("Ed25519 ✓ ML-DSA-44 ✓") == 3
    assert text.count("协调方的副本") == 3  # no desk answers here


def test_an_approval_is_opened_with_its_officer_and_both_signatures(opened, approved):
    number = number_of(approved, "approval.grant")
    text = words(opened(approved.path, "audit", entry=str(number)))
    assert f"第 {number} 条" in text
    assert "person of officer@zezhou（officer@zezhou），Ed25519 与 ML-DSA-44 两个签名均成立" in text
    assert "成立：zezhou 的 Ed25519 签名" in text
    assert "有效期至" in text


def test_an_entry_is_found_by_the_first_digits_of_its_leaf_hash(opened, approved):
    with evidence(approved.path) as log:
        digest = leaf_hash(log.entry(9)).hex()
    app = opened(approved.path, "audit")
    app.text_input(key="sought").set_value(digest[:10]).run()
    assert digest in words(app)
    assert app.query_params["entry"] == "9"
    app.text_input(key="sought").set_value("nothing").run()
    assert "没有这一条" in words(app)


def test_an_entry_newer_than_the_seal_says_so(opened, approved):
    approved.write("coordinator", "incident")
    number = RecordReader(approved.path).size() - 1
    text = words(opened(approved.path, "audit", entry=str(number)))
    assert "这一条比最近一次封存更新" in text
    assert "其后 1 条等待下一次封存" in text


def test_an_entry_altered_in_the_store_is_red(opened, approved):
    with sqlite3.connect(approved.path / "parties/coordinator/log.db") as db:
        db.execute("DROP TRIGGER leaf_no_update")
        db.execute("UPDATE tile SET hashes = zeroblob(length(hashes)) WHERE level = 0")
    assert "记录无法读取" in words(opened(approved.path, "audit"))


def test_a_pasted_proof_is_checked_and_a_broken_one_refused(opened, approved):
    with evidence(approved.path) as log:
        text = write_tlog_proof(log, 9, log.size)
    app = opened(approved.path, "audit")
    app.text_area(key="tlog-proof").input(text)
    app.button(key="check proof").click().run()
    assert "证明成立：第 9 条" in words(app)
    app.text_area(key="tlog-proof").input(text.replace("index 9", "index 8"))
    app.button(key="check proof").click().run()
    assert "本日志的这一条折叠不到检查点的根" in words(app)


def test_two_checkpoints_are_joined(opened, approved):
    assert "原样都在" in words(opened(approved.path, "audit"))


def test_an_entry_that_does_not_exist_is_told(opened, approved):
    assert "没有第 99999 条" in words(opened(approved.path, "audit", entry="99999"))


def test_it_speaks_english(opened, approved):
    text = words(opened(approved.path, "audit", lang="en", entry=str(number_of(approved, "approval.grant"))))
    assert "sealed by 3/3 departments (quorum 2)" in text
    assert "both signatures, Ed25519 and ML-DSA-44, hold" in text


def test_an_empty_home_says_the_next_step(opened, tmp_path):
    assert "这里还没有审计记录" in words(opened(tmp_path / "nothing", "audit"))


def test_the_auditor_alone_takes_the_evidence_away(opened, approved, monkeypatch):
    for account in ("", "analyst@city", "officer@gaoping", "operator@city"):
        assert "导出证据包" not in [
            button.label for button in opened(approved.path, "audit", account=account).main.button
        ]
    app = opened(approved.path, "audit", account="auditor@city")
    monkeypatch.setattr(commands, "export", lambda *_: (sys.executable, "-c", 'print(\'{"archive": "/dev/null"}\')'))
    app.main.button(key="export").click().run()
    assert app.get("download_button")[0].label == "下载证据包"


def test_why_nothing_was_exported_is_told(opened, approved):
    app = opened(approved.path, "audit", account="auditor@city")
    assert "没有导出" in words(app.main.button(key="export").click().run())
