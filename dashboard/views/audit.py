"""审计存证: the log, any entry of it folded up to the sealed root, and who has sealed it."""

from __future__ import annotations

import streamlit as st

from crypto.merkle import leaf_hash
from dashboard import blocks, boards, frame, proving, sources, words
from dashboard.components.entries import Row, entries
from dashboard.components.proof import proof
from dashboard.i18n import _, language
from dashboard.served import served
from dashboard.services import commands, exporting, seals, sessions
from dashboard.services.evidence import Evidence, Line, event_of, evidence
from dashboard.services.health import pinned_roster
from dashboard.services.log import EVERYTHING, LogView
from dashboard.services.rights import Right, may
from dashboard.services.seals import Seal
from dashboard.verdict import Verdict, recomputed
from federation.audit.record import COORDINATOR, RecordReader
from federation.errors import KeyongError, RecordError
from federation.governance.roster import Roster

REFRESH_S = 3.0
ROWS = 40
EVERY = ""  # no filter
KINDS = (
    "request.submit", "request.receive", "shelf", "approval.grant", "approval.deny", "approval.revoke", "job.start",
    "job.join", "commit", "open", "release.decide", "mask.keys", "mask", "survivors", "round", "model", "predict",
    "script", "job.end", "result.read", "egress", "egress.deny", "receipt", "enrol", "start",
    "member.sign", "member.suspend", "member.resume", "member.change", "incident",
)  # fmt: skip
WARNED = frozenset({"approval.deny", "approval.revoke", "egress.deny", "incident", "member.suspend"})
MAX_JOBS = 100


def page() -> None:
    """The whole page."""
    asked = st.query_params.get("entry", "")
    st.session_state.setdefault("entry", int(asked) if asked.isdecimal() else None)
    st.fragment(show, run_every=REFRESH_S)()
    pasted()
    frame.limits()


def show() -> None:
    """What is looked at anew every few seconds."""
    home = served().home
    try:
        view = sources.log(home).look(EVERYTHING)
        roster = pinned_roster(RecordReader(home).rosters())
        frame.head(*title(), view.public)
        blocks.verdict(*recomputed(sources.verifier(home).look(), view.public))
        blocks.typed(_("独立验证，离线可做："), commands.typed(commands.verify(home)))
        take_away()
        with evidence(home) as log:
            sealed = seals.last_sealed(log, roster, view.suspended) if roster else None
            witnesses(log, sealed, roster, view)
            left, right = st.columns([5, 6], gap="medium")
            with left:
                listing(log, view)
            with right:
                opened(log, sealed, roster, view)
            if roster is not None:
                growth(log, view)
    except RecordError as error:
        if error.code == "record.empty":
            blocks.head(*title())
            blocks.verdict(
                "wait",
                _("这里还没有审计记录"),
                _("请在终端执行 keyong up 启动联邦（或 keyong demo 走完整个演示）；一有记录，本页会自动显示。"),
            )
        else:
            blocks.verdict("bad", _("记录无法读取"), words.told(error))


def title() -> tuple[str, str]:
    """What this page is called, and what it shows."""
    return _("审计存证"), _("日志里的每一条：谁签的，怎样折叠到各部门共签封存的根；不必相信本页。")


def take_away() -> None:
    """The auditor's evidence bundle; everybody else has the line to type."""
    if not may(sessions.visitor(), Right.EXPORT):
        st.session_state.pop("bundle", None)
        return
    left, right = st.columns([1, 5], vertical_alignment="center")
    made = st.session_state.get("bundle")
    with right:
        if isinstance(made, Verdict):
            blocks.verdict(*made)
        else:
            boards.remark(_("封存当前记录，连同签名与离线校验器打成一个包；各部门的名片请另行索取。"))
    if isinstance(made, bytes):
        left.download_button(
            _("下载证据包"), made, "keyong-evidence.zip", "application/zip", key="take", on_click="ignore"
        )
    else:
        left.button(_("导出证据包"), key="export", on_click=export)


def export() -> None:
    """Make it."""
    try:
        made = exporting.bundle(sessions.acting(), served().home, language=language())
        st.session_state["bundle"] = made
    except KeyongError as error:
        st.session_state["bundle"] = Verdict("bad", _("没有导出"), words.told(error))


def witnesses(log: Evidence, sealed: Seal | None, roster: Roster | None, view: LogView) -> None:
    """The quorum, and every department's own head."""
    if roster is None:
        return
    labels = words.departments(view.public)
    there = sealed.there if sealed else ()
    counted = sealed.counted if sealed else roster.names("department")
    needed = sealed.needed if sealed else 0
    boards.quorum(
        _("共签封存的部门"),
        [labels.get(name, name) for name in there],
        [labels.get(name, name) for name in counted if name not in there],
        needed,
        proving.sealed(sealed, log.size),
    )
    told = sources.desks(served().home).look(view.public.departments).heads
    with st.expander(_("各部门的头：各自最后共签的检查点"), key="heads"):
        blocks.table(
            _("一个诚实部门的头，或场外保存的一个头，就足以揭穿被改写的日志"),
            [
                (_("部门"), ""),
                (_("条数"), "number"),
                (_("根"), "hash"),
                (_("共签于"), ""),
                (_("签名"), ""),
                (_("来源"), ""),
                (_("与日志"), "class"),
            ],
            rows := [
                (
                    labels.get(head.party, head.party),
                    words.count(head.size),
                    f"{head.root[:16]}…",
                    proving.ago(head.time),
                    "Ed25519 ✓ ML-DSA-44 ✓",
                    _("部门自己的审批台") if head.own_word else _("协调方的副本"),
                    _("相符") if head.agrees else _("不符"),
                )
                for head in seals.heads(log, roster, told)
            ],
            colours=["good" if row[-1] == _("相符") else "bad" for row in rows],
        )


def listing(log: Evidence, view: LogView) -> None:
    """The log, newest first."""
    blocks.heading(_("日志"), _("共 {n} 条，最新在上").format(n=words.count(log.size)))
    if st.session_state.get("labels in") != language():  # see the data flows' list of jobs
        for name in ("party", "kind", "job filter"):
            st.session_state[name] = st.session_state.get(name, EVERY)
        st.session_state["labels in"] = language()
    parties = [EVERY, *view.public.departments, COORDINATOR]
    jobs = [EVERY, *(line.name for line in view.jobs[:MAX_JOBS])]
    first, second, third = st.columns(3, gap="small")
    party = first.selectbox(
        _("部门"),
        parties,
        format_func=lambda one: words.party_name(one, view.public) if one else _("全部"),
        key="party",
    )
    kind = second.selectbox(
        _("类型"), [EVERY, *KINDS], format_func=lambda one: words.event_name(one) if one else _("全部"), key="kind"
    )
    job = third.selectbox(_("作业"), jobs, format_func=lambda one: one or _("全部"), key="job filter")
    sought = st.text_input(
        _("查找：序号，或叶哈希的前几位"), key="sought", placeholder="128 · 5dc9da79", on_change=seek
    )
    if sought and st.session_state.get("not found"):
        boards.remark(_("没有这一条：请输入从 0 起的序号，或叶哈希的至少 4 位十六进制。"))

    def wanted(line: Line) -> bool:
        return (not party or line.party == party) and (not kind or line.kind == kind) and (not job or line.job == job)

    before = st.session_state.get("before") or log.size
    lines = log.lines(wanted, before=before, most=ROWS)
    today = words.shanghai(lines[0].time, date=True)[:10] if lines else ""
    entries(
        {
            "caption": _("点序号打开一条；{date} 北京时间").format(date=today),
            "columns": [_("序号"), _("时间"), _("一方"), _("类型"), _("作业")],
            "rows": [row(line, today, view) for line in lines],
            "open": _("打开第几条："),
            "chosen": -1 if st.session_state["entry"] is None else st.session_state["entry"],
            "toned": 2,
        },
        key="entries",
        choose=choose,
    )
    older, newest = st.columns(2)
    last = lines[-1].number if len(lines) == ROWS else 0
    older.button(_("更早"), disabled=not last, width="stretch", key="older", on_click=lambda: turn(last))
    newest.button(
        _("回到最新"), disabled=before == log.size, width="stretch", key="newest", on_click=lambda: turn(None)
    )


def row(line: Line, today: str, view: LogView) -> Row:
    """One entry in the list; the date only where it is another."""
    tone = "warn" if line.kind in WARNED else "good" if line.kind == "approval.grant" else ""
    kind = words.event_name(line.kind) if line.kind else _("无法读取")
    time = words.shanghai(line.time, date=True).removeprefix(today)
    return {
        "number": line.number,
        "tone": tone,  # type: ignore[typeddict-item]
        "cells": (time, words.party_name(line.party, view.public), kind, line.job),
    }


def choose() -> None:
    """Open the entry that was chosen in the list."""
    number = st.session_state["entries"].chosen
    if number is not None:
        open_entry(int(number))


def seek() -> None:
    """Open the entry that was looked for."""
    with evidence(served().home) as log:
        found = log.find(st.session_state["sought"])
    st.session_state["not found"] = found is None
    if found is not None:
        open_entry(found)


def open_entry(number: int) -> None:
    """Open an entry, and keep it in the address."""
    st.session_state["entry"] = number
    st.query_params["entry"] = str(number)


def turn(before: int | None) -> None:
    """Turn the list's page."""
    st.session_state["before"] = before


def opened(log: Evidence, sealed: Seal | None, roster: Roster | None, view: LogView) -> None:
    """One entry: its way to the root, its fields, its signature."""
    number = st.session_state["entry"]
    number = log.size - 1 if number is None else number
    if sealed is not None and st.session_state["entry"] is None:
        number = min(number, sealed.size - 1)  # what nobody has chosen shall at least be sealed
    entry = log.entry(number)
    if entry is None:
        blocks.verdict(
            "warn", _("没有第 {n} 条").format(n=number), _("日志共 {n} 条，从 0 起。").format(n=words.count(log.size))
        )
        return
    blocks.heading(_("第 {n} 条").format(n=words.count(number)), _("从 0 起"))
    event = event_of(entry)
    under = sealed if sealed is not None and number < sealed.size else None
    try:
        way = log.way(number, under.size if under else log.last_size())
    except RecordError:
        blocks.verdict(
            "bad",
            _("这一条折叠不到签名的根"),
            _("存储被改动：条目或哈希不是签名时的那些。请保留现场，并请安全审计员比对各部门的副本。"),
        )
    else:
        if under is None:
            boards.remark(_("这一条比最近一次封存更新：下面折叠到协调方签名的检查点，尚无法定数共签。"))
        proof(proving.proof(way, event, roster, under), key="proof")
        st.download_button(
            _("下载这一条的证明（.tlog-proof）"),
            seals.write_tlog_proof(log, number, way.size),
            file_name=f"{number}.tlog-proof",
            key="download",
            on_click="ignore",
        )
    holds, said = proving.signature(entry, roster)
    blocks.checklist(_("签名"), [(holds, _("通过") if holds else _("未通过"), _("条目的签名"), said)])
    rows = [(_("叶哈希"), leaf_hash(entry).hex(), "id")]
    if event is not None:
        rows = [*proving.statement(event, roster), *proving.facts(event, view.public), *rows]
    blocks.facts(rows)


def growth(log: Evidence, view: LogView) -> None:
    """That a later checkpoint has everything an earlier one has."""
    sizes = log.sealed_sizes()
    if len(sizes) < 2:
        return
    with st.expander(_("两个检查点之间：后者只增不改"), key="growth"):
        left, right = st.columns(2)
        old = left.selectbox(_("较早的检查点（条数）"), sizes[1:], index=len(sizes) - 2, key="old")
        later = [size for size in sizes if size > (old or 0)]
        new = right.selectbox(_("较晚的检查点（条数）"), later, key="new")
        if old is None or new is None:
            return
        try:
            found = log.growth(old, new)
        except RecordError:
            blocks.verdict(
                "bad",
                _("一致性证明不成立"),
                _("存储被改动：条目或哈希不是签名时的那些。请保留现场，并请安全审计员比对各部门的副本。"),
            )
            return
        figures = {"old": words.count(old), "new": words.count(new), "n": len(found)}
        blocks.verdict(
            "good",
            _("前 {old} 条原样都在 {new} 条之中").format(**figures),
            _("RFC 9162 第 2.1.4 节，{n} 个哈希，刚刚由本页算过。").format(**figures),
        )
        boards.hashes(_("一致性证明"), found)


def pasted() -> None:
    """Check a proof that somebody brings."""
    with st.expander(_("粘贴一份证明来验证，以及离线验证的命令"), key="pasted"):
        with st.form("paste"):
            text = st.text_area(
                ".tlog-proof", height=150, placeholder="c2sp.org/tlog-proof@v1\nindex 51\n…", key="tlog-proof"
            )
            pressed = st.form_submit_button(_("验证"), key="check proof")
        home = served().home
        if pressed:
            try:
                roster = pinned_roster(RecordReader(home).rosters())
                if roster is None:
                    raise RecordError("record.invalid", where="tlog-proof", reason="signature")
                with evidence(home) as log:
                    found = seals.check_tlog_proof(text, log, roster)
                blocks.verdict(*proving.proven(found))
            except RecordError as error:
                blocks.verdict(*proving.unproven(error))
        blocks.typed(_("重算本机的全部记录："), commands.typed(commands.verify(home)))
        blocks.typed(_("带走证据包："), commands.typed(commands.keyong(home, "evidence", "export", "bundle")))
        blocks.typed(
            _("在任何一台机器上，只用标准库："),
            "python3 bundle/data/verify.py bundle --policy policy --signers signers --head head",
        )


page()
