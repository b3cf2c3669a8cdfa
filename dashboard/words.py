"""What the record's codes are called, and what they mean, in the visitor's language. Shared by all pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone

from dashboard.i18n import _, language
from federation.audit.record import COORDINATOR, Public
from federation.errors import KeyongError, from_code

# China keeps one time the year round, so no time zone database is needed.
SHANGHAI = timezone(timedelta(hours=8))


def shanghai(time: str, *, date: bool = False) -> str:
    """Write an event's UTC time as Shanghai's clocks show it; what is no time is left as it is."""
    try:
        at = datetime.fromisoformat(time).astimezone(SHANGHAI)
    except ValueError:
        return time
    return at.strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S.%f")[: None if date else -3]


def moment(time: str) -> str:
    """Write an event's UTC time with date and zone, to stand alone."""
    return _("{time} 北京时间").format(time=shanghai(time, date=True))


def count(number: int) -> str:
    """Write a number with its thousands told apart."""
    return f"{number:,}"


def amount(size: int) -> str:
    """Write a number of bytes; exact up to a megabyte."""
    return f"{size:,} B" if size < 1_000_000 else f"{size / 1_000_000:,.2f} MB"


def sentences(*said: str) -> str:
    """Put sentences after one another."""
    return ("" if language() == "zh" else " ").join(filter(None, said))


def listed(names: Iterable[str]) -> str:
    """Put names after one another."""
    return ("、" if language() == "zh" else ", ").join(names)


def departments(public: Public) -> Mapping[str, str]:
    """Departments' names."""
    return public.labels if language() == "zh" else public.labels_en


def networked(public: Public) -> str:
    """Which departments keep the network, and what that makes of them."""
    names = listed(departments(public)[name] for name in public.networked)
    return _("仅进程隔离：{names}（经 TCP 访问数据库）。").format(names=names)


def class_name(kind: str) -> str:
    """What a class of messages is called."""
    names = {
        "output": _("脚本结果"),
        "ciphertext": _("密文"),
        "sealed": _("密封"),
        "masked": _("掩码数据"),
        "unmask": _("去掩码份额"),
        "clear": _("明文（实验模式）"),
        "control": _("控制"),
        "desk": _("审批台"),
        "catalogue": _("目录"),
        "record": _("存证"),
        "enrolment": _("入网"),
        "error": _("错误码"),
        "raw": _("白名单外"),
    }
    return names[kind]


def class_meaning(kind: str) -> str:
    """What a message of this class holds."""
    meanings = {
        "output": _("经审批的脚本在数据所在部门算出、过了放行检查的小表，密封给申请方；日志只存其承诺值。"),
        "ciphertext": _("用联合公钥加密的统计或模型更新；打开它需要足够多的密钥持有部门。"),
        "masked": _("每轮用一次性掩码盖住的数；单看一个部门的，与随机数无异，全部相加才抵消。"),
        "unmask": _("去掉合计上掩码的份额，密封给读取方；须先有足够多的部门签下同一份存活名单。"),
        "clear": _("没有任何保护的数；只有目录声明为实验环境时才放行。"),
        "sealed": _("密封给某一方的部分解密、闸门决定或掩码密钥的份额（HPKE）；只有收件方能打开。"),
        "control": _("同意作业、对密文的承诺（SHA-256）、掩码公钥、存活名单；不含数据。"),
        "desk": _("“请求已在审批台上，等待安全管理员”；不含数据。"),
        "catalogue": _("数据目录与模拟样例；由公开规则生成，不读任何数据行。"),
        "record": _("部门自己签名的账目，送入日志；不含数据行。"),
        "enrolment": _("启动时的公钥与名册摘要。"),
        "error": _("只有一个错误代码，没有文字。"),
        "raw": _("网关没有“原始数据”这一类，任何未列入的类别都不予放行。"),
    }
    return meanings[kind]


def coordinator_reads(kind: str) -> str:
    """What the coordinator can make of a message of this class."""
    readings = {
        "output": _("不能读：密封给申请方，只转交"),
        "ciphertext": _("不能读：没有私钥份额，只能相乘"),
        "sealed": _("不能读：只转交"),
        "masked": _("单个部门的不能读；只有计划指定它为读取方时能读合计"),
        "unmask": _("计划指定它读取合计时能读，否则只转交"),
        "clear": _("能读：只用于实验"),
        "control": _("能读：谁同意了、承诺值、公钥、存活名单"),
        "desk": _("能读：哪个部门还在等待审批"),
        "catalogue": _("能读：本来就是公开的"),
        "record": _("能读：账目条目（类别、字节数、承诺值）"),
        "enrolment": _("收件方是启动器，不是协调方"),
        "error": _("能读：错误代码"),
        "raw": _("不应出现"),
    }
    return readings[kind]


def step_name(step: str) -> str:
    """What a step of a protocol is called."""
    names = {
        "agree": _("同意"),
        "script.run": _("沙箱中执行"),
        "script.release": _("放行检查"),
        "script.deliver": _("密封转交"),
        "counts.encrypt": _("人数：密文承诺"),
        "counts.collect": _("收集密文"),
        "counts.multiply": _("相乘"),
        "counts.open": _("门限打开给闸门"),
        "decide": _("闸门决定"),
        "sums.encrypt": _("合计：密文承诺"),
        "sums.collect": _("收集密文"),
        "sums.multiply": _("相乘"),
        "sums.open": _("门限打开给申请方"),
    }
    return names[step]


def role_name(role: str) -> str:
    """What a department's part in a job is called."""
    return {"contributor": _("提供密文"), "holder": _("持钥打开"), "gate": _("放行闸门")}[role]


def state_name(state: str) -> str:
    """What has become of a job."""
    names = {
        "waiting": _("等待"),
        "running": _("进行中"),
        "released": _("已放行"),
        "failed": _("未放行"),
        "interrupted": _("已中断"),
    }
    return names[state]


def part_count(role: str, jobs: int) -> str:
    """In how many jobs a department took a part."""
    return _("{part} {n} 次").format(part=role_name(role), n=jobs)


def process_state(state: str) -> str:
    """How far a party's process is."""
    names = {"starting": _("启动中"), "identified": _("登记中"), "ready": _("就绪"), "down": _("已停止")}
    return names.get(state, state)


def missing(part: str) -> str:
    """What a part is called that is not built yet; the demonstration's report names them in English."""
    names = {
        "receipts signed by receivers": _("接收方签名回执"),
        "fingerprints of raw cells": _("原始单元格指纹检测"),
        "officers' approvals": _("安全管理员审批"),
        "revocation": _("撤销"),
        "departments as witnesses": _("部门见证共签"),
        "evidence bundle": _("证据包"),
    }
    return names.get(part, part)


def place(where: str, public: Public) -> str:
    """Say in a visitor's words where the verifier found something wrong; as it stands if we have no words for it."""
    labels = {**departments(public), COORDINATOR: _("市大数据局")}
    forms = (
        (r"entry (\d+)", _("日志第 {0} 条（从 0 起）")),
        (r"log, up to entry (\d+)", _("日志第 0 至 {0} 条")),
        (r"log", _("日志的长度")),
        (r"checkpoint (\d+)", _("第 {0} 个检查点（从 0 起）")),
        (r"roster", _("名册")),
        (r"journal of (\w+), event (\d+)", _("{0}的日志副本，第 {1} 条")),
        (r"ledger of (\w+), session (\d+)", _("{0}的账目，第 {1} 次启动")),
        (r"parties/(\w+)/(\S+)", _("{0}的文件 {1}")),
    )
    for form, words in forms:
        found = re.fullmatch(form, where)
        if found:
            return words.format(*(labels.get(part, part) for part in found.groups()))
    return where


def told(error: KeyongError) -> str:
    """Say what is wrong and what to do next."""
    return _("{what}；{next}").format(what=error.message(language()), next=error.next_step(language()))


def outcome(code: str, party: str = "") -> str:
    """Say why a job ended; the code alone where its words need details that are not in the log.

    Args:
        party: the name of the department that stopped it, if that is known.
    """
    error = from_code(code, party=party or _("某个部门"))
    try:
        return told(error) if error.code == code else code
    except KeyError:
        return code


def event_name(kind: str) -> str:
    """What a type of event is called; as it stands if we have no word for it."""
    names = {
        "enrol": _("入网"),
        "start": _("启动"),
        "request.submit": _("提出申请"),
        "request.receive": _("送达审批台"),
        "approval.grant": _("批准"),
        "approval.deny": _("拒绝"),
        "approval.revoke": _("撤回"),
        "member.sign": _("签署名册"),
        "member.suspend": _("停用部门"),
        "member.resume": _("恢复部门"),
        "member.change": _("签署纪元更换"),
        "job.start": _("作业开始"),
        "job.join": _("部门开始执行"),
        "job.end": _("作业结束"),
        "commit": _("密文承诺"),
        "open": _("合作打开"),
        "release.decide": _("闸门决定"),
        "mask.keys": _("交换掩码密钥"),
        "mask": _("掩码提交"),
        "survivors": _("签存活名单"),
        "round": _("一轮合计"),
        "model": _("模型生成"),
        "predict": _("本部门打分"),
        "script": _("脚本执行"),
        "shelf": _("PySyft 状态"),
        "egress": _("外发账目"),
        "egress.deny": _("网关拦截"),
        "receipt": _("收讫回执"),
        "result.read": _("读取结果"),
        "incident": _("异常"),
        "drill": _("演练"),
    }
    return names.get(kind, kind)


def standing(state: str) -> str:
    """How a request stands with a department."""
    names = {
        "pending": _("待审批"),
        "granted": _("已批准"),
        "denied": _("已拒绝"),
        "revoked": _("已撤回"),
        "expired": _("已过期"),
        "used": _("已执行"),
        "automatic": _("自动同意"),
    }
    return names.get(state, state)


def kind_name(kind: str) -> str:
    """What a kind of job is called."""
    names = {"sum": _("密文查询"), "train": _("联合训练"), "predict": _("联合预测"), "script": _("脚本")}
    return names.get(kind, kind)


def tier_name(tier: str) -> str:
    """What an analyst's level is called."""
    return {"city": _("市级"), "county": _("县级")}.get(tier, tier)


def data_class_name(data_class: str) -> str:
    """What a class of data is called; the Data Security Law, article 21."""
    return {"general": _("一般数据"), "important": _("重要数据"), "core": _("核心数据")}.get(data_class, data_class)


def shelf_name(standing: str) -> str:
    """How PySyft shows a request."""
    names = {"pending": _("待审"), "approved": _("已批准"), "rejected": _("已拒绝"), "done": _("已完成")}
    return names.get(standing, standing)


def script_status(status: str) -> str:
    """How a script's run ended."""
    names = {
        "done": _("正常结束"),
        "failed": _("脚本出错"),
        "time": _("超时，已终止"),
        "memory": _("内存超限，已终止"),
        "output": _("输出过大，已终止"),
        "stopped": _("被撤回，已终止"),
    }
    return names.get(status) or _("结果没有放行 ({code})").format(code=status)


def account_role(role: str) -> str:
    """What one of the three separate roles is called."""
    return {"operator": _("系统管理员"), "officer": _("安全管理员"), "auditor": _("安全审计员")}.get(role, role)


def use_name(use: str) -> str:
    """What an owner allows a column to be used for."""
    names = {
        "never": _("不得使用"),
        "join_key": _("连接键"),
        "filter": _("筛选"),
        "group_by": _("分组"),
        "aggregate": _("汇总"),
        "feature": _("建模特征"),
        "plain": _("明文"),
    }
    return names.get(use, use)


def party_name(party: str, public: Public) -> str:
    """What a party is called."""
    return {**departments(public), COORDINATOR: _("市大数据局")}.get(party, party)
