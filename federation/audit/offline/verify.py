#!/usr/bin/env python3
"""Check a Keyong evidence bundle with nothing but this file and Python 3.8 or newer, on any system, without network.

    python verify.py BUNDLE --policy FILE --signers FILE --head FILE [--head FILE ...]
    python verify.py BUNDLE --policy FILE --signers FILE --entry N

BUNDLE is the folder or the .zip. Policy, signers and heads come from the departments, on another way than the bundle;
so should this file. The formats are RFC 8493 (BagIt), RFC 9162 section 2.1 (tree), DSSE 1.0.2, and c2sp.org
signed-note, tlog-checkpoint, tlog-cosignature (Ed25519, type 0x04), tlog-policy, tlog-tiles, tlog-proof. Ed25519 is
RFC 8032, section 5.1.7, for verifying only: it never sees a secret, so it need not be constant in time. Exit status: 0
for ACCEPT alone, 1 for REJECT, 2 if the command is wrong.

Not checked here: ML-DSA-44 signatures, the figures in indicators.json, and that departments are really independent.
"""

# ruff: noqa: UP017, UP031, UP035, B905, ANN401 - what is younger than Python 3.8 stays out; JSON is Any.

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import multiprocessing
import os
import re
import stat
import struct
import sys
import zipfile
from datetime import datetime, timezone
from typing import IO, TYPE_CHECKING, Any, Callable, Iterator, NamedTuple, Sequence

TILE = 256
SKEW_S = 120
MAX_SIGNATURES = 100
MAX_INTEGER = 2**53 - 1  # the largest that every reader of JSON holds exactly
MAX_FILE = 1 << 26  # of files read whole; a full tile has 16 MB at most
MAX_FILES = 200_000
PARALLEL = 4000  # entries; for fewer, starting processes costs more than it saves
MANY = 400  # signatures of one key, after which larger tables for it pay
ZEROS = "0" * 64
EVENT_TYPE = b"application/vnd.keyong.event+json"
STATEMENT_TYPE = b"application/vnd.keyong.statement+json"
IN_TOTO_TYPE = b"application/vnd.in-toto+json"
COORDINATOR = "coordinator"

# What may leave a department without its agreement to a job: it tells nothing of the data.
WITHOUT_APPROVAL = frozenset({"enrolment", "record", "desk", "catalogue", "error", "control"})
STEPS = frozenset(
    {"job.join", "commit", "open", "release.decide", "mask.keys", "mask", "survivors", "predict", "script"}
)
KINDS = ("sum", "train", "predict", "script")
SCRIPT_ENDS = ("done", "failed", "time", "memory", "output", "stopped")  # or the code of a refusal to release
STATEMENT_OF = {
    "approval.grant": "grant", "approval.deny": "deny", "approval.revoke": "revoke",
    "member.sign": "sign-roster", "member.suspend": "suspend", "member.resume": "resume",
    "member.change": "change",
}  # fmt: skip
STATEMENT_FIELDS = {"v", "kind", "log", "roster", "officer", "department", "nonce", "time"}
MORE_FIELDS: dict[str, set[str]] = {
    "grant": {"request", "plan", "requester", "purpose", "max_runs", "expires", "snapshot", "conditions"},
    "deny": {"request", "plan", "reason"},
    "revoke": {"request", "plan", "reason"},
    "sign-roster": set(),
    "suspend": {"party", "reason"},
    "resume": {"party", "reason"},
    "change": {"change", "reason"},
}
NUMBERS = {"v", "max_runs", "minimum_group"}  # of a statement's fields; a grant states the last one or not

# English and Chinese of every reason.
REASONS = {
    "unreadable": ("it cannot be read: {why}", "无法读取：{why}"),
    "not_a_bag": ("it is not a bag of BagIt 1.0", "不是 BagIt 1.0 格式"),
    "bad_name": ("a name or a kind of file that no bundle has", "出现证据包不应有的文件名或文件类型"),
    "missing_file": ("the manifest names it, but it is not there", "清单中有，实际缺失"),
    "extra_file": ("it is in no manifest", "不在清单之中"),
    "manifest_lies": ("its SHA-256 is not the one in the manifest", "SHA-256 与清单不符"),
    "not_this_log": ("it is of another log", "属于另一本日志"),
    "not_checkpoint": ("it is not a signed checkpoint", "不是已签名的检查点"),
    "log_signature": ("the log's key of your policy did not sign it", "不是由您的 policy 中的日志公钥签名"),
    "quorum": ("{count} of {n} cosignatures of your policy hold; the quorum is not reached",
               "您的 policy 所列联署 {n} 家中仅 {count} 家成立，未达法定数"),
    "two_of_one_size": ("there are two checkpoints of one size", "同一大小出现两个检查点"),
    "size_name": ("it states size {size}, its name says otherwise", "所述大小 {size} 与文件名不符"),
    "larger": ("it is not smaller than the last checkpoint, of size {size}: the log was rolled back",
               "不小于最后的检查点（{size}）：日志被回退"),
    "count": ("it covers {size} entries, the bundle holds {count}", "它覆盖 {size} 条，包内有 {count} 条"),
    "tile": ("it is not a whole entry bundle", "不是完整的条目文件"),
    "root": ("entries {first} to {last} do not give the signed root{hint}",
             "第 {first} 至 {last} 条算不出已签名的树根{hint}"),
    "head_unknown": ("no department of your policy co-signed it", "您的 policy 中没有任何部门联署过它"),
    "head_differs": ("its root is not the bundle's root at size {size}: two histories were shown",
                     "大小 {size} 处的树根与证据包不同：对外出示了两份历史"),
    "truncated": ("TRUNCATED: it covers {size} entries, the bundle ends at {count}",
                  "被截断：它覆盖 {size} 条，证据包止于 {count} 条"),
    "proof": ("the inclusion proof does not lead to the checkpoint", "包含证明算不到检查点"),
    "not_entry": ("it is not an event in canonical form", "不是规范格式的事件"),
    "no_signer": ("your signers have no key for {party}", "您的 signers 中没有 {party} 的公钥"),
    "signature": ("it is not signed by {party}, whose event it claims to be", "不是由其所称的 {party} 签名"),
    "chain": ("it does not follow the event before it in the chain of {party}", "与 {party} 的上一条事件不相接"),
    "seen": ("it has seen a checkpoint that this log never had", "它引用了本日志从未有过的检查点"),
    "two_names": ("one key or one name stands for two: {names}", "同一公钥或名称对应两者：{names}"),
    "roster": ("it is not the roster that {party} enrolled under, entry {index}",
               "不是 {party} 登记时（第 {index} 条）所认的名册"),
    "not_roster": ("it is not a roster of this log", "不是本日志的名册"),
    "roster_key": ("its key for {party} is not the one in your signers", "其中 {party} 的公钥与您的 signers 不同"),
    "role": ("its actor may not do this", "行为人无权做此事"),
    "no_statement": ("it carries no officer's statement", "没有安全员的签名声明"),
    "statement": ("the statement is not {officer}'s, or not in canonical form", "声明不是 {officer} 所签或格式不规范"),
    "not_our_officer": ("the statement is by {officer}, no officer of {party}", "{officer} 不是 {party} 的安全员"),
    "statement_differs": ("the statement does not say what the event says: {field}", "声明与事件不一致：{field}"),
    "statement_again": ("the statement was used before, in entry {index}", "声明已在第 {index} 条用过"),
    "not_approved": ("{count} of {n} departments that take part had approved job {job}: {why}",
                     "任务 {job} 应有 {n} 个部门批准，此时仅 {count} 个：{why}"),
    "no_approval": ("{party} worked on job {job}: {why}", "{party} 参与了任务 {job}：{why}"),
    "not_begun": ("something of job {job} before it began", "任务 {job} 尚未开始就有动作"),
    "twice": ("{party} did the same step of job {job} twice", "{party} 把任务 {job} 的同一步做了两次"),
    "ran_twice": ("job {job} ran twice on one approval", "任务 {job} 凭一次批准运行了两次"),
    "revealed": ("{party} revealed its ciphertexts of job {job} before all {n} had committed",
                 "任务 {job} 的 {n} 方尚未全部承诺，{party} 就公开了密文"),
    "not_joined": ("{party} worked on job {job} without having joined it", "{party} 未加入任务 {job} 就参与其中"),
    "given": ("{party} was given something else in round {round} of job {job} than the others",
              "任务 {job} 第 {round} 轮发给 {party} 的与发给其他方的不同"),
    "too_many": ("more than {n} took part in round {round} of job {job}",
                 "任务 {job} 第 {round} 轮的参与方多于 {n} 个"),
    "keys": ("{party} saw other keys for the masks of job {job} than the others, or too few",
             "{party} 所见任务 {job} 的掩码公钥与其他方不同，或太少"),
    "masked": ("{party} sent masked numbers of job {job} that are not on record, or without keys",
               "{party} 发出了任务 {job} 未入账或未交换公钥的掩码数据"),
    "survivor": ("a survivor of round {round} of job {job} had masked nothing before",
                 "任务 {job} 第 {round} 轮的存活名单中有未提交掩码数据的部门"),
    "few_survivors": ("round {round} of job {job} had {count} survivors, {n} are needed",
                      "任务 {job} 第 {round} 轮存活 {count} 方，至少需 {n} 方"),
    "survivors": ("{party} signed other survivors of round {round} of job {job} than the others",
                  "{party} 所签任务 {job} 第 {round} 轮的存活名单与其他方不同"),
    "unsigned": ("{party} helped to take masks off in job {job} without having signed who survived",
                 "{party} 未签存活名单就为任务 {job} 去掩码"),
    "few_signed": ("{count} had signed who survived round {round} of job {job}, {n} are needed",
                   "任务 {job} 第 {round} 轮的存活名单只有 {count} 方签名，至少需 {n} 方"),
    "round": ("round {round} of job {job} is not what the departments recorded: {field}",
              "任务 {job} 第 {round} 轮与各部门的记录不符：{field}"),
    "round_late": ("round {round} of job {job} ended twice, or after the model",
                   "任务 {job} 第 {round} 轮重复结束，或晚于模型"),
    "model": ("the model of job {job} states {count} rounds, {n} are on record; or it is not the only one",
              "任务 {job} 的模型自称 {count} 轮，记录有 {n} 轮；或不止一个模型"),
    "other_kind": ("job {job} is of a kind that has no such step", "任务 {job} 的类型没有这一步"),
    "spoken": ("{party} has said its word on job {job} before, or another one",
               "{party} 对任务 {job} 此前已表态，或说法不一"),
    "output": ("{party} sent an output of job {job} that no script had released",
               "{party} 发出了任务 {job} 未经脚本发布的输出"),
    "not_received": ("{party} shows a request on its shelf that it never received: job {job}",
                     "{party} 的申请架上有从未收到的申请：任务 {job}"),
    "shelf": ("the shelf of {party} shows job {job} as {state}, which was not so",
              "{party} 的申请架把任务 {job} 显示为 {state}，实际并非如此"),
    "shelf_files": ("the files of job {job} on the shelf of {party} were exchanged",
                    "{party} 申请架上任务 {job} 的文件被调换"),
    "not_shown": ("{party} joined job {job}, which its shelf did not show as approved",
                  "{party} 加入了任务 {job}，而其申请架并未显示已批准"),
    "data": ("it does not state {field} as it must", "没有按要求写明 {field}"),
    "receipt": ("receipt in entry {index}: {received} received, {recorded} recorded",
                "第 {index} 条回执：收到 {received}，账目记载 {recorded}"),
    "receipt_names": ("receipt in entry {index}: other messages were received than recorded",
                      "第 {index} 条回执：收到的消息与账目记载的不同"),
    "no_count": ("the copy proxy has no count for it", "复制代理没有它的计数"),
    "bytes": ("{recorded} bytes are recorded and {counted} were counted leaving",
              "账目记载 {recorded} 字节，实际计数流出 {counted} 字节"),
    "not_wire": ("it is not the copy proxy's counts", "不是复制代理的计数"),
    "time": ("its time {time} is not within 120 s of {low} to {high}, when it was sealed",
             "其时间 {time} 不在封存时段 {low} 至 {high} 前后 120 秒之内"),
    "job_file": ("it is not signed by the coordinator", "不是由协调方签名"),
    "own_file": ("it is not in the form that your file must have: {why}", "您提供的文件格式不对：{why}"),
    "no_entry": ("the bundle ends at {size}", "证据包止于 {size} 条"),
}  # fmt: skip

WHY = {
    "none": ("no approval", "未批准"),
    "few": ("granted by fewer officers than it takes", "批准的安全员人数不足"),
    "denied": ("denied", "已拒绝"),
    "revoked": ("revoked", "已撤销"),
    "expired": ("expired", "已过期"),
    "plan": ("approved for another plan or requester", "批准的是另一方案或另一申请人"),
}


class Reject(Exception):
    """The first thing that does not hold."""

    def __init__(self, where: str, reason: str, **details: object) -> None:
        super().__init__(where, reason)
        self.where, self.reason, self.details = where, reason, details

    def lines(self) -> tuple[str, str]:
        """Say it in English and Chinese."""
        spoken = []
        for language in (0, 1):
            details = dict(self.details)
            if "why" in details:
                details["why"] = WHY.get(str(details["why"]), (details["why"],) * 2)[language]
            spoken.append(REASONS[self.reason][language].format(**details))
        return "REJECT %s: %s" % (_plain(self.where), _plain(spoken[0])), "不成立 %s：%s" % (
            _plain(_where_zh(self.where)),
            _plain(spoken[1]),
        )


def _where_zh(where: str) -> str:
    for pattern, chinese in (
        (r"entry (\d+)", r"第 \1 条"),
        (r"checkpoint (\d+)", r"检查点 \1"),
        (r"file (.*)", r"文件 \1"),
        (r"head of (.*)", r"\1 的树头"),
        (r"ledger of (.*), session (\d+)", r"\1 的账目，第 \2 次会话"),
    ):
        if re.fullmatch(pattern, where, re.S):
            return re.sub(r"\A%s\Z" % pattern, chinese, where, flags=re.S)
    return where


def _plain(text: str) -> str:
    """What comes out of a bundle must not steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)[:1000]


# --- Ed25519, verifying only (RFC 8032, section 5.1) -----------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
if TYPE_CHECKING:
    Point = tuple[int, int, int, int]  # extended: x = X/Z, y = Y/Z, T = XY/Z
    Tables = list[list[tuple[int, int, int]]]  # per window and digit: y + x, y - x, 2dxy


def _decode_point(raw: bytes) -> tuple[int, int]:
    """Decode a point; only its one canonical encoding passes (section 5.1.3)."""
    if len(raw) != 32:
        raise ValueError("a point has 32 bytes")
    y, sign = int.from_bytes(raw, "little") & ((1 << 255) - 1), raw[31] >> 7
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * SQRT_M1 % P
    if y >= P or v * x * x % P != u or (x == 0 and sign):
        raise ValueError("not a canonical point of the curve")
    return (x if x & 1 == sign else P - x), y


def _double(point: Point) -> Point:
    x, y, z, _ = point
    a, b, c = x * x % P, y * y % P, 2 * z * z % P
    h, g = a + b, a - b
    e, f = h - (x + y) * (x + y), c + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def _tables(x: int, y: int, bits: int) -> Tables:
    """Multiples d * 2^(bits * j) of a point, affine, so that a scalar multiplication is additions only."""
    base: Point = (x, y, 1, x * y % P)
    points: list[Point] = []
    count = (1 << bits) - 1
    for _ in range(256 // bits):
        step = _affine([base])[0]
        multiple = base
        for _ in range(count):
            points.append(multiple)
            multiple = _add(multiple, step)
        base = multiple  # 2^bits * base
    flat = _affine(points)
    return [[(1, 1, 0), *flat[j : j + count]] for j in range(0, len(flat), count)]


def _affine(points: Sequence[Point]) -> list[tuple[int, int, int]]:
    """Divide by Z, all at the cost of one inversion (Montgomery's trick)."""
    products, total = [], 1
    for point in points:
        products.append(total)
        total = total * point[2] % P
    inverse, out = pow(total, -1, P), []
    for (x, y, z, _), before in zip(reversed(points), reversed(products)):
        x, y = x * inverse * before % P, y * inverse * before % P
        inverse = inverse * z % P
        out.append(((y + x) % P, (y - x) % P, 2 * D * x * y % P))
    return out[::-1]


def _add(point: Point, step: tuple[int, int, int]) -> Point:
    x, y, z, t = point
    a, b, c = (y - x) * step[1] % P, (y + x) * step[0] % P, t * step[2] % P
    e, f, g, h = b - a, 2 * z - c, 2 * z + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _digits(scalar: int, bits: int) -> Sequence[int]:
    return scalar.to_bytes(32, "little") if bits == 8 else [int(c, 16) for c in reversed("%064x" % scalar)]


_BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = _decode_point(_BASE_Y.to_bytes(32, "little"))
_base_tables: dict[int, Tables] = {}


class Key:
    """An Ed25519 public key. Its tables grow once it has many signatures to verify."""

    def __init__(self, public: bytes) -> None:
        """Decode the key.

        Raises:
            ValueError: not a canonical point, or one of small order, under which anything verifies.
        """
        x, y = _decode_point(public)
        eightfold = _double(_double(_double((x, y, 1, x * y % P))))
        if eightfold[0] % P == 0:
            raise ValueError("a point of small order is no key")
        self.public, self._minus, self._uses = public, (P - x, y), 0
        self._tables: tuple[int, Tables, Tables] | None = None

    def _grown(self) -> tuple[int, Tables, Tables]:
        """Windows of 4 bits at first, of 8 after so many signatures that these pay."""
        self._uses += 1
        bits = 8 if self._uses > MANY else 4
        if self._tables is None or self._tables[0] != bits:
            if bits not in _base_tables:
                _base_tables[bits] = _tables(BASE[0], BASE[1], bits)
            self._tables = bits, _base_tables[bits], _tables(self._minus[0], self._minus[1], bits)
        return self._tables

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Say whether S*B = R + k*A, with S below the order and R canonical; without the cofactor."""
        s = int.from_bytes(signature[32:], "little")
        if len(signature) != 64 or s >= L:
            return False
        bits, base, mine = self._grown()
        r = signature[:32]
        k = int.from_bytes(hashlib.sha512(r + self.public + message).digest(), "little") % L
        x, y, z, t = 0, 1, 1, 0
        for tables, scalar in ((base, s), (mine, k)):
            for table, digit in zip(tables, _digits(scalar, bits)):
                if digit:  # `_add`, written out: this loop is nearly all of the running time
                    plus, minus, td2 = table[digit]
                    a, b, c = (y - x) * minus % P, (y + x) * plus % P, t * td2 % P
                    e, f, g, h = b - a, 2 * z - c, 2 * z + c, b + a
                    x, y, z, t = e * f % P, g * h % P, f * g % P, e * h % P
        inverse = pow(z, -1, P)
        x, y = x * inverse % P, y * inverse % P
        # Encoding our point instead of decoding theirs refuses every other way to write R.
        return (y | (x & 1) << 255).to_bytes(32, "little") == r


# --- JSON, base64, envelopes: one form only --------------------------------------------------------------------------


def _only(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no(text: str) -> Any:
    raise ValueError("numbers are integers: " + text[:20])


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise ValueError("an integer is too large")
    return int(text)


_reader = json.JSONDecoder(object_pairs_hook=_only, parse_float=_no, parse_int=_integer, parse_constant=_no)


def read_json(data: bytes, canonical: bool = True) -> Any:
    """Read JSON of integers and strings; canonical means sorted keys and no spaces.

    Raises:
        ValueError: anything else, however deep or long.
    """
    try:
        value = _reader.decode(data.decode("utf-8"))
        if canonical and write_json(value) != data:
            raise ValueError("not in canonical form")
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def write_json(value: Any) -> bytes:
    """Write canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _base64(text: bytes) -> bytes:
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data) != text:
        raise ValueError("base64 in another form than its one")
    return data


_ENVELOPE = re.compile(
    rb'\{"payload":"([A-Za-z0-9+/=]*)","payloadType":"([a-z0-9./+-]+)","signatures":\[([^\[\]]*)\]\}', re.S
)
_SIGNATURE = re.compile(rb'\{"keyid":"([0-9a-f]{16})","sig":"([A-Za-z0-9+/=]*)"\}')


def open_envelope(data: bytes, kind: bytes, signatures: int) -> tuple[bytes, list[bytes]]:
    """Read a DSSE envelope in its one form: payload and signatures, nothing verified.

    Raises:
        ValueError: another form, type or number of signatures.
    """
    found = _ENVELOPE.fullmatch(data)
    if not found or found.group(2) != kind:
        raise ValueError("not an envelope of this type")
    lines = _SIGNATURE.findall(found.group(3))
    form = b",".join(b'{"keyid":"%s","sig":"%s"}' % line for line in lines)
    if form != found.group(3) or len(lines) != signatures:
        raise ValueError("not so many signatures")
    return _base64(found.group(1)), [_base64(sig) for _, sig in lines]


def pae(kind: bytes, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


_EVENT_FIELDS = {
    "v": int, "log": str, "node": str, "seq": int, "prev": str, "time": str, "type": str, "job": str, "attempt": int,
    "actor": dict, "seen": dict, "data": dict,
}  # fmt: skip
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.A)


def read_time(text: object) -> float:
    """POSIX seconds of a time as events write it."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError("not a time in UTC")
    form = "%Y-%m-%dT%H:%M:%S" + (".%f" if "." in text else "")
    if len(text) == 24:  # the usual form; strptime is slow
        at = datetime(*(int(text[a:b]) for a, b in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))))  # type: ignore[arg-type]
        return at.replace(tzinfo=timezone.utc).timestamp() + int(text[20:23]) / 1000
    return datetime.strptime(text[:-1], form).replace(tzinfo=timezone.utc).timestamp()


def read_event(payload: bytes) -> dict[str, Any]:
    """Read an event.

    Raises:
        ValueError: not an event in canonical form.
    """
    event = read_json(payload)
    if not isinstance(event, dict) or set(event) != set(_EVENT_FIELDS):
        raise ValueError("not the fields of an event")
    if any(type(event[name]) is not kind for name, kind in _EVENT_FIELDS.items()) or event["v"] != 1:
        raise ValueError("not the types of an event")
    actor, seen = event["actor"], event["seen"]
    if {k: type(v) for k, v in actor.items()} != {"name": str, "role": str}:
        raise ValueError("not an actor")
    if {k: type(v) for k, v in seen.items()} != {"root": str, "size": int} or seen["size"] < 0:
        raise ValueError("not a checkpoint seen")
    if any(type(value) not in (int, str) for value in event["data"].values()):
        raise ValueError("data are integers and strings")
    event["at"] = read_time(event["time"])
    return event


# --- the bundle's files ----------------------------------------------------------------------------------------------

_PATH = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9._@-]*(/[A-Za-z0-9_@-][A-Za-z0-9._@-]*)*")
SHA256 = re.compile(r"[0-9a-f]{64}")
_MANIFEST_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


class Files:
    """A bundle's files by name, from a folder or a zip; never follows a link, never leaves the bundle."""

    def __init__(self, path: str, only: Sequence[str] | None = None) -> None:
        """List the files.

        Args:
            only: look for these, if it is a folder, and not at the rest.

        Raises:
            Reject: links, special files, or names that no bundle has.
        """
        self._only = only
        self._zip: zipfile.ZipFile | None = None
        self._root, self._top = path, ""
        self.names: set[str] = set()
        for name in self._list_folder() if os.path.isdir(path) else self._list_zip():
            if not _PATH.fullmatch(name) or name in self.names or len(name) > 300 or len(self.names) > MAX_FILES:
                raise Reject("file " + name[:300], "bad_name")
            self.names.add(name)

    def _list_folder(self) -> Iterator[str]:
        for name in self._only or ():
            parts = name.split("/")
            steps = [os.path.join(self._root, *parts[: depth + 1]) for depth in range(len(parts))]
            if any(os.path.islink(step) for step in steps):
                raise Reject("file " + name, "bad_name")
            if os.path.isfile(steps[-1]):
                yield name
        if self._only is None:
            yield from self._walk()

    def _walk(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._root):
            inner = os.path.relpath(folder, self._root).replace(os.sep, "/")
            for name in folders + files:
                whole = name if inner == "." else inner + "/" + name
                mode = os.lstat(os.path.join(folder, name)).st_mode
                if not (stat.S_ISDIR(mode) if name in folders else stat.S_ISREG(mode)):
                    raise Reject("file " + whole, "bad_name")
                if name in files:
                    yield whole

    def _list_zip(self) -> Iterator[str]:
        self._zip = zipfile.ZipFile(self._root)
        infos = [info for info in self._zip.infolist() if not info.filename.endswith("/")]
        tops = {info.filename.split("/")[0] for info in infos}
        if len(tops) == 1 and all("/" in info.filename for info in infos):
            self._top = tops.pop() + "/"
        for info in infos:
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):  # 0: made by a system without types
                raise Reject("file " + info.filename, "bad_name")
            yield info.filename[len(self._top) :]

    def open(self, name: str) -> IO[bytes]:
        """Open a listed file."""
        if self._zip is not None:
            return self._zip.open(self._top + name)
        return open(os.path.join(self._root, *name.split("/")), "rb")

    def read(self, name: str) -> bytes:
        """Read a listed file whole.

        Raises:
            Reject: it is not there, or too long.
        """
        if name not in self.names:
            raise Reject("file " + name, "missing_file")
        with self.open(name) as stream:
            data = stream.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise Reject("file " + name, "unreadable", why="too long")
        return data

    def text(self, name: str) -> str:
        """Read a listed file as UTF-8."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError:
            raise Reject("file " + name, "unreadable", why="not UTF-8") from None

    def digest(self, name: str) -> str:
        """SHA-256 of a listed file, hex."""
        digest = hashlib.sha256()
        with self.open(name) as stream:
            for count, block in enumerate(iter(lambda: stream.read(1 << 20), b"")):
                if count << 20 > MAX_FILE:  # a small zip can hold a file of any length
                    raise Reject("file " + name, "unreadable", why="too long")
                digest.update(block)
        return digest.hexdigest()

    def under(self, folder: str) -> list[str]:
        """Names below a folder, sorted."""
        return sorted(name for name in self.names if name.startswith(folder))


def check_manifest(files: Files) -> None:
    """(1) Every file is in the manifest with its hash, and every file of the manifest is there (RFC 8493)."""
    if files.text("bagit.txt") != "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n":
        raise Reject("file bagit.txt", "not_a_bag")
    tags = _check_hashes(files, "tagmanifest-sha256.txt")
    payload = _check_hashes(files, "manifest-sha256.txt")
    if tags != {"bagit.txt", "bag-info.txt", "manifest-sha256.txt"} or not all(n.startswith("data/") for n in payload):
        raise Reject("file tagmanifest-sha256.txt", "not_a_bag")
    for name in sorted(files.names - tags - payload - {"tagmanifest-sha256.txt"}):
        raise Reject("file " + name, "extra_file")


def _check_hashes(files: Files, manifest: str) -> set[str]:
    listed: dict[str, str] = {}
    lines = files.text(manifest).split("\n")
    if lines.pop() != "":
        raise Reject("file " + manifest, "not_a_bag")
    for line in lines:
        found = _MANIFEST_LINE.fullmatch(line)
        if not found or not _PATH.fullmatch(found.group(2)) or found.group(2) in listed:
            raise Reject("file " + manifest, "not_a_bag")
        listed[found.group(2)] = found.group(1)
    for name in sorted(listed):
        if name not in files.names:
            raise Reject("file " + name, "missing_file")
        if files.digest(name) != listed[name]:
            raise Reject("file " + name, "manifest_lies")
    return set(listed)


def tile_name(number: int, width: int = TILE) -> str:
    """Name of an entry bundle as tlog-tiles writes it: x001/234 for 1234, .p/W for a partial one."""
    groups = ["%03d" % (number % 1000)]
    while number >= 1000:
        number //= 1000
        groups.insert(0, "x%03d" % (number % 1000))
    return "data/tile/entries/" + "/".join(groups) + ("" if width == TILE else ".p/%d" % width)


def read_tile(files: Files, number: int, width: int) -> list[bytes]:
    """The entries of one entry bundle."""
    name = tile_name(number, width)
    data, entries, at = files.read(name), [], 0
    for _ in range(width):
        if at + 2 > len(data):
            break
        (length,) = struct.unpack_from(">H", data, at)
        entries.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    if at != len(data) or len(entries) != width:
        raise Reject("file " + name, "tile")
    return entries


def tiles_of(size: int) -> list[tuple[int, int]]:
    """Number and width of every entry bundle of a log."""
    return [(number, min(TILE, size - number * TILE)) for number in range((size + TILE - 1) // TILE)]


# --- what the evaluator brings ---------------------------------------------------------------------------------------


def read_vkey(text: str) -> tuple[str, int, bytes]:
    """Name, type and public key of a verifier key (c2sp.org/signed-note).

    Raises:
        ValueError: not one, or its hash is not its own.
    """
    name, key_hash, encoded = text.split("+", 2)
    raw = _base64(encoded.encode())
    if not raw or not name or hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != key_hash:
        raise ValueError("not a verifier key with its own hash")
    return name, raw[0], raw[1:]


class Note(NamedTuple):
    """A checkpoint with its signature lines, nothing verified."""

    text: str
    origin: str
    size: int
    root: bytes
    lines: list[tuple[str, bytes, bytes]]


def read_note(note: str, where: str) -> Note:
    """Read a signed checkpoint in its one form."""
    try:
        body, blank, block = note.rpartition("\n\n")
        lines = block.split("\n")
        if not blank or lines.pop() or not 0 < len(lines) <= MAX_SIGNATURES or re.search("[\x00-\x09\x0b-\x1f]", note):
            raise ValueError("not a note")
        read = []
        for line in lines:
            mark, name, encoded = line.split(" ")
            signature = _base64(encoded.encode())
            if mark != "\u2014" or not name or len(signature) < 5:
                raise ValueError("not a signature line")
            read.append((name, signature[:4], signature[4:]))
        origin, size, root = body.split("\n")
        if not re.fullmatch("0|[1-9][0-9]{0,15}", size) or len(_base64(root.encode())) != 32:
            raise ValueError("not a checkpoint")
        return Note(body + "\n", origin, int(size), _base64(root.encode()), read)
    except (ValueError, UnicodeError):
        raise Reject(where, "not_checkpoint") from None


def _line_of(note: Note, name: str, kind: int, public: bytes) -> bytes | None:
    """The one signature of a key on a note; none if it has none, or two."""
    key_hash = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
    found = [signature for line_name, line_hash, signature in note.lines if (line_name, line_hash) == (name, key_hash)]
    return found[0] if len(found) == 1 else None


class Witness(NamedTuple):
    """A department that co-signs."""

    party: str
    name: str
    key: Key


class Policy:
    """A tlog-policy: whose signature makes a log's checkpoint, and which cosignatures are enough."""

    def __init__(self, text: str) -> None:
        """Read a policy.

        Raises:
            ValueError: not a policy, or one whose quorum needs what this program cannot check.
        """
        self.witnesses: dict[str, Witness] = {}
        self._groups: dict[str, tuple[int, list[str]]] = {}
        unchecked: set[str] = set()
        logs: list[tuple[str, bytes]] = []
        quorums: list[str] = []
        for line in text.split("\n"):
            words = re.split("[ \t]+", line.strip(" \t"))
            if words == [""] or words[0].startswith("#"):
                continue
            if words[0] == "log" and len(words) in (2, 3):
                name, kind, public = read_vkey(words[1])
                if kind != 1:
                    raise ValueError("a log key has type 1")
                logs.append((name, public))
            elif words[0] == "witness" and len(words) in (3, 4):
                name, kind, public = read_vkey(words[2])
                self._new(words[1], unchecked)
                if kind == 4:
                    self.witnesses[words[1]] = Witness("", name, Key(public))
                else:
                    unchecked.add(words[1])
            elif words[0] == "group" and len(words) >= 4:
                self._new(words[1], unchecked)
                members = words[3:]
                if unchecked & set(members):
                    raise ValueError("a group needs a witness whose key is not Ed25519; this program cannot check it")
                if len(set(members)) < len(members) or not set(members) <= set(self.witnesses) | set(self._groups):
                    raise ValueError("a group names what is not there, or one twice")
                k = {"all": len(members), "any": 1}.get(words[2]) or int(words[2])
                if not 1 <= k <= len(members):
                    raise ValueError("a group's threshold is out of range")
                self._groups[words[1]] = (k, members)
            elif words[0] == "quorum" and len(words) == 2:
                quorums.append(words[1])
            else:
                raise ValueError("a line that no policy has")
        known = set(self.witnesses) | set(self._groups)
        if len(logs) != 1 or len(quorums) != 1 or quorums[0] not in known:
            raise ValueError("exactly one log and one quorum of Ed25519 witnesses")
        self.origin, self.quorum = logs[0][0], quorums[0]
        self.log_public, self.log_key = logs[0][1], Key(logs[0][1])
        keys = [witness.key.public for witness in self.witnesses.values()]
        if len(set(keys)) < len(keys):
            raise ValueError("a witness key stands twice")
        for label, witness in self.witnesses.items():
            party = party_name(self.origin, witness.name)
            self.witnesses[label] = witness._replace(party=party)
        self.departments = sorted(witness.party for witness in self.witnesses.values())

    def _new(self, name: str, unchecked: set[str]) -> None:
        if name in self.witnesses or name in self._groups or name in unchecked or name == "none":
            raise ValueError("a name stands twice")

    def cosigned(self, note: Note) -> dict[str, int]:
        """Times at which departments co-signed a checkpoint; only valid Ed25519 lines count."""
        times = {}
        for witness in self.witnesses.values():
            line = _line_of(note, witness.name, 4, witness.key.public)
            if line is None or len(line) != 72:
                continue
            (time,) = struct.unpack(">Q", line[:8])
            message = ("cosignature/v1\ntime %d\n%s" % (time, note.text)).encode("utf-8")
            if 0 < time < 2**63 and witness.key.holds(message, line[8:]):
                times[witness.party] = time
        return times

    def reached(self, parties: set[str], name: str = "") -> bool:
        """Say whether the quorum is among these departments."""
        name = name or self.quorum
        if name in self.witnesses:
            return self.witnesses[name].party in parties
        k, members = self._groups[name]
        return sum(self.reached(parties, member) for member in members) >= k

    def check(self, note: Note, where: str) -> dict[str, int]:
        """Check the log's signature and the quorum; returns the times."""
        if note.origin != self.origin:
            raise Reject(where, "not_this_log")
        line = _line_of(note, self.origin, 1, self.log_public)
        if line is None or not self.log_key.holds(note.text.encode("utf-8"), line):
            raise Reject(where, "log_signature")
        times = self.cosigned(note)
        if not self.reached(set(times)):
            raise Reject(where, "quorum", count=len(times), n=len(self.witnesses))
        return times


def party_name(origin: str, name: str) -> str:
    """What the record calls the owner of a key name."""
    if name == origin:
        return COORDINATOR
    if not name.startswith(origin + "/") or len(name) == len(origin) + 1:
        raise ValueError("the key of another log: " + name)
    return name[len(origin) + 1 :]


def read_signers(text: str, origin: str) -> dict[str, bytes]:
    """Public keys by party; lines of other types than Ed25519 are for other programs.

    Raises:
        ValueError: not signers of this log.
        Reject: one key or name for two.
    """
    signers: dict[str, bytes] = {}
    for line in text.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        name, kind, public = read_vkey(line.strip())
        if kind != 1:
            continue
        party = party_name(origin, name)
        for other, key in signers.items():
            if other == party or key == public:
                raise Reject("signers", "two_names", names=other + ", " + party)
        Key(public)
        signers[party] = public
    return signers


# --- entries, read and verified in several processes -----------------------------------------------------------------


class Row(NamedTuple):
    """One entry: its hashes, the event, and what is wrong with it, if anything."""

    leaf: bytes
    digest: str
    event: dict[str, Any] | None
    fault: str


_worker: dict[str, Any] = {}


def _begin(path: str, signers: dict[str, bytes]) -> None:
    _worker.update(files=Files(path), keys={party: Key(public) for party, public in signers.items()})


def _examine(tile: tuple[int, int]) -> list[Row]:
    return [examine(entry, _worker["keys"]) for entry in read_tile(_worker["files"], *tile)]


def examine(entry: bytes, keys: dict[str, Key]) -> Row:
    """Read one entry and verify its signature by the party that it names."""
    leaf, digest = hashlib.sha256(b"\0" + entry).digest(), hashlib.sha256(entry).hexdigest()
    try:
        payload, (signature,) = open_envelope(entry, EVENT_TYPE, 1)
        event = read_event(payload)
    except (ValueError, binascii.Error):
        return Row(leaf, digest, None, "not_entry")
    key = keys.get(event["node"])
    if key is None:
        return Row(leaf, digest, event, "no_signer")
    keyid = hashlib.sha256(key.public).hexdigest()[:16].encode()
    if b'"keyid":"%s"' % keyid not in entry or not key.holds(pae(EVENT_TYPE, payload), signature):
        return Row(leaf, digest, event, "signature")
    return Row(leaf, digest, event, "")


def examine_all(path: str, size: int, signers: dict[str, bytes], progress: Callable[[int], None]) -> list[Row]:
    """Read and verify every entry, on all processors."""
    tiles = tiles_of(size)
    rows: list[Row] = []
    processes = min(os.cpu_count() or 1, len(tiles))
    if processes < 2 or size < PARALLEL:
        _begin(path, signers)
        for tile in tiles:
            rows += _examine(tile)
            progress(len(rows))
        return rows
    with multiprocessing.Pool(processes, _begin, (path, signers)) as pool:
        for part in pool.imap(_examine, tiles):
            rows += part
            progress(len(rows))
    return rows


# --- the tree --------------------------------------------------------------------------------------------------------


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (RFC 9162, section 2.1)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def roots_at(leaves: Sequence[bytes], sizes: set[int]) -> dict[int, bytes]:
    """Root hashes of the tree at several sizes, in one pass from the left."""
    roots = {0: hashlib.sha256().digest()}
    edge: list[tuple[int, bytes]] = []
    for size, leaf in enumerate(leaves, 1):
        edge.append((1, leaf))
        while len(edge) > 1 and edge[-1][0] == edge[-2][0]:
            (width, right), (_, left) = edge.pop(), edge.pop()
            edge.append((2 * width, node_hash(left, right)))
        if size in sizes:
            root = edge[-1][1]
            for _, left in reversed(edge[:-1]):
                root = node_hash(left, root)
            roots[size] = root
    return roots


def check_proof(text: str, index: int, leaf: bytes, checkpoint: Note, where: str) -> None:
    """Check a tlog-proof of this leaf in this checkpoint (RFC 9162, section 2.1.3.2)."""
    try:
        head, _, note = text.partition("\n\n")
        lines = head.split("\n")
        path = [_base64(line.encode()) for line in lines[2:]]
        if lines[:2] != ["c2sp.org/tlog-proof@v1", "index %d" % index] or index >= checkpoint.size:
            raise ValueError("not a proof of this entry")
        node, last, root = index, checkpoint.size - 1, leaf
        for sibling in path:
            if len(sibling) != 32 or last == 0:
                raise ValueError("too long")
            if node & 1 or node == last:
                root = node_hash(sibling, root)
                while not node & 1 and node:
                    node, last = node >> 1, last >> 1
            else:
                root = node_hash(root, sibling)
            node, last = node >> 1, last >> 1
        if last or root != checkpoint.root or read_note(note, where).text != checkpoint.text:
            raise ValueError("leads elsewhere")
    except (ValueError, UnicodeError):
        raise Reject(where, "proof") from None


# --- the steps of docs/record.md, section 8 --------------------------------------------------------------------------


class Case:
    """One bundle before one evaluator."""

    def __init__(self, path: str, policy: Policy, signers: dict[str, bytes], heads: Sequence[tuple[str, str]]) -> None:
        self.path = path
        self.policy, self.signers, self.heads = policy, signers, heads
        self.rows: list[Row] = []
        self.events: list[dict[str, Any]] = []
        self.sealed: list[tuple[int, dict[str, int]]] = []
        self.facts = {"statements": 0, "automatic": 0, "late": 0}
        self._keys: dict[str, Key] = {}

    def key(self, party: str) -> Key:
        """The key of one of the signers."""
        if party not in self._keys:
            self._keys[party] = Key(self.signers[party])
        return self._keys[party]

    def run(self, progress: Callable[[int], None]) -> None:
        """Do every step in order; the first that fails raises Reject."""
        self.files = Files(self.path)
        check_manifest(self.files)
        notes = self.checkpoints()
        size = self.last.size
        names = {tile_name(*tile) for tile in tiles_of(size)}
        held = set(self.files.under("data/tile/"))
        if held != names:
            count = min((n for n in range(len(names)) if tile_name(*tiles_of(size)[n]) not in held), default=len(names))
            if held - names and not names - held:
                raise Reject("file " + sorted(held - names)[0], "extra_file")
            raise Reject("checkpoint %d" % size, "count", size=size, count="< %d" % min((count + 1) * TILE, size))
        self.rows = examine_all(self.path, size, self.signers, progress)
        self.tree(notes)
        self.entries()
        self.roster()
        self.statements()
        self.jobs()
        self.ledger()
        self.times()

    def checkpoints(self) -> dict[int, tuple[str, Note]]:
        """(2) Every checkpoint is signed by the log and co-signed by the quorum; one per size."""
        self.last = read_note(self.files.text("data/checkpoint"), "file data/checkpoint")
        notes = {self.last.size: ("checkpoint %d" % self.last.size, self.last)}
        self.sealed.append((self.last.size, self.policy.check(self.last, "checkpoint %d" % self.last.size)))
        for name in self.files.under("data/checkpoints/"):
            note = read_note(self.files.text(name), "file " + name)
            where = "checkpoint %d" % note.size
            times = self.policy.check(note, where)
            if note.size in notes and notes[note.size][1].root != note.root:
                raise Reject(where, "two_of_one_size")
            if name != "data/checkpoints/%012d" % note.size:
                raise Reject("file " + name, "size_name", size=note.size)
            if note.size >= self.last.size:
                raise Reject(where, "larger", size=self.last.size)
            notes[note.size] = (where, note)
            self.sealed.append((note.size, times))
        self.sealed.sort(key=lambda one: one[0])
        return notes

    def tree(self, notes: dict[int, tuple[str, Note]]) -> None:
        """(3) The entries give every signed root; (4) every head is in the tree."""
        size, leaves = self.last.size, [row.leaf for row in self.rows]
        heads = self.read_heads()
        seen = {row.event["seen"]["size"] for row in self.rows if row.event}
        self.roots = roots_at(leaves, set(notes) | {head.size for _, head in heads} | seen)
        before = 0
        for at in sorted(notes):
            if self.roots[at] != notes[at][1].root:
                faulty = [i for i in range(before, at) if self.rows[i].fault]
                hint = " (entry %d: %s)" % (faulty[0], REASONS[self.rows[faulty[0]].fault][0]) if faulty else ""
                hint = re.sub(r"\{party\}", "its party", hint)
                raise Reject(notes[at][0], "root", first=before, last=at - 1, hint=hint)
            before = at
        for party, head in heads:
            if head.size > size:
                raise Reject("head of " + party, "truncated", size=head.size, count=size)
            if self.roots[head.size] != head.root:
                raise Reject("head of " + party, "head_differs", size=head.size)
        for name in self.files.under("data/proofs/"):
            found = re.fullmatch(r"data/proofs/(0|[1-9][0-9]{0,15})\.tlog-proof", name)
            if not found or int(found.group(1)) >= size:
                raise Reject("file " + name, "proof")
            index = int(found.group(1))
            check_proof(self.files.text(name), index, leaves[index], self.last, "file " + name)

    def read_heads(self) -> list[tuple[str, Note]]:
        """The evaluator's heads and the bundle's copies, each with a department that co-signed it."""
        given = [(name, text) for name, text in self.heads]
        for name in self.files.under("data/heads/"):
            given.append((name.rpartition("/")[2], self.files.text(name)))
        heads = []
        for label, text in given:
            note = read_note(text, "head of " + label)
            if note.origin != self.policy.origin:
                raise Reject("head of " + label, "not_this_log")
            parties = sorted(self.policy.cosigned(note))
            if not parties:
                raise Reject("head of " + label, "head_unknown")
            heads.append((label if label in parties else parties[0], note))
        return heads

    def entries(self) -> None:
        """(5) Every entry is signed by the party that it names and follows that party's last, in this log."""
        chains: dict[str, tuple[int, str]] = {}
        for index, row in enumerate(self.rows):
            where = "entry %d" % index
            if row.event is None:
                raise Reject(where, "not_entry")
            event = row.event
            if event["log"] != self.policy.origin:
                raise Reject(where, "not_this_log")
            if row.fault:
                raise Reject(where, row.fault, party=event["node"])
            if (event["seq"], event["prev"]) != chains.get(event["node"], (0, ZEROS)):
                raise Reject(where, "chain", party=event["node"])
            chains[event["node"]] = (event["seq"] + 1, row.digest)
            seen = event["seen"]
            if seen["size"] > index or (seen["size"] and seen["root"] != self.roots[seen["size"]].hex()):
                raise Reject(where, "seen")
            self.events.append(event)

    def roster(self) -> None:
        """(6) The roster is the one that all enrolled under, has the evaluator's keys, and nobody in two roles."""
        name = "data/roster.json"
        where, data = "file " + name, self.files.read(name)
        self.roster_hash = hashlib.sha256(data).hexdigest()
        try:
            # Its canonical form keeps the order of the fields; the hash that everybody signed fixes the bytes.
            roster = read_json(data, canonical=False)
            self.grants = roster.get("grants", 1)
            if type(self.grants) is not int or self.grants not in (1, 2):
                raise ValueError("not a number of officers")
            parties = [(one["name"], _base64(one["signing"].encode()), one["role"]) for one in roster["parties"]]
            officers = [(one["name"], _base64(one["signing"].encode()), one["role"]) for one in roster["officers"]]
            persons = [one["person"] for one in roster["officers"]]
            if roster["origin"] != self.policy.origin:
                raise Reject(where, "not_this_log")
            names, keys = [one[0] for one in parties + officers], [one[1] for one in parties + officers]
            for listed in (names, keys, persons):
                again = [one for one in listed if listed.count(one) > 1]
                if again:
                    raise Reject(where, "two_names", names=again[0] if isinstance(again[0], str) else again[0].hex())
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Reject(where, "not_roster") from None
        for party, key, _ in parties + officers:
            if party in self.signers and self.signers[party] != key:
                raise Reject(where, "roster_key", party=party)
        self.officer_roles = {party: role for party, _, role in officers}
        for index, event in enumerate(self.events):
            if event["type"] == "enrol" and event["data"].get("roster") != self.roster_hash:
                raise Reject(where, "roster", party=event["node"], index=index)

    def statements(self) -> None:
        """(6) Every approval, denial, revocation and act on members carries a statement of the department's officer."""
        used: dict[str, int] = {}
        for index, event in enumerate(self.events):
            kind = STATEMENT_OF.get(event["type"])
            if kind is None:
                continue
            where, actor, data = "entry %d" % index, event["actor"], event["data"]
            if event["type"] == "approval.grant" and actor["role"] == "automatic" and "statement" not in data:
                if actor["name"] != event["node"]:
                    raise Reject(where, "role")
                self.facts["automatic"] += 1
                continue
            if not isinstance(data.get("statement"), str):
                raise Reject(where, "no_statement")
            statement = self.read_statement(where, event, kind)
            if statement["nonce"] in used:
                raise Reject(where, "statement_again", index=used[statement["nonce"]])
            used[statement["nonce"]] = index
            event["statement"] = statement
            self.facts["statements"] += 1

    def read_statement(self, where: str, event: dict[str, Any], kind: str) -> dict[str, Any]:
        """One statement: by an officer of this very department, over what the event says."""
        data, officer, department = event["data"], event["actor"]["name"], event["node"]
        if officer.rpartition("@")[2] != department or officer not in self.officer_roles:
            raise Reject(where, "not_our_officer", officer=officer, party=department)
        if officer not in self.signers:
            raise Reject(where, "no_signer", party=officer)
        roles = ("operator", "officer", "auditor") if kind == "sign-roster" else ("officer",)
        if event["actor"]["role"] not in roles or self.officer_roles[officer] != event["actor"]["role"]:
            raise Reject(where, "role")
        try:
            payload, (signature, _) = open_envelope(data["statement"].encode("utf-8"), STATEMENT_TYPE, 2)
            statement = read_json(payload)
            further = {"minimum_group"} if kind == "grant" and "minimum_group" in statement else set()
            if not isinstance(statement, dict) or set(statement) != STATEMENT_FIELDS | MORE_FIELDS[kind] | further:
                raise ValueError("not the fields of a statement")
            if any(type(v) is not (int if k in NUMBERS else str) for k, v in statement.items()):
                raise ValueError("not the types of a statement")
            read_time(statement["time"])
            if kind == "grant":
                read_time(statement["expires"])
        except (ValueError, UnicodeError):
            raise Reject(where, "statement", officer=officer) from None
        if not self.key(officer).holds(pae(STATEMENT_TYPE, payload), signature):
            raise Reject(where, "statement", officer=officer)
        said: dict[str, object] = {
            "v": 1, "kind": kind, "log": self.policy.origin, "roster": self.roster_hash, "officer": officer,
            "department": department,
        }  # fmt: skip
        if kind in ("grant", "deny", "revoke"):
            said.update(request=event["job"], plan=data.get("plan"))
        if kind == "grant":
            said.update(requester=data.get("requester"), max_runs=1)
        if kind in ("suspend", "resume"):
            said.update(party=data.get("party"))
        if kind == "change":
            said.update(change=data.get("change"))
        for field, value in said.items():
            if statement[field] != value:
                raise Reject(where, "statement_differs", field=field)
        return statement

    def jobs(self) -> None:
        """(7) Approved by all that take part, before it began, for this plan, once; commit before reveal; open once."""
        desk = Desk(self.policy.departments, self.grants)
        for index, event in enumerate(self.events):
            desk.follow("entry %d" % index, event)
        self.job_table = desk.started
        coordinator = self.key(COORDINATOR)
        for name in self.files.under("data/jobs/"):
            try:
                payload, (signature,) = open_envelope(self.files.read(name), IN_TOTO_TYPE, 1)
                if not coordinator.holds(pae(IN_TOTO_TYPE, payload), signature):
                    raise ValueError("another signer")
            except ValueError:
                raise Reject("file " + name, "job_file") from None

    def ledger(self) -> None:
        """(8) Per department and session: ledger = receipts = counted bytes."""
        where = "file data/wire.json"
        try:
            counted: dict[tuple[str, int], tuple[int, bool]] = {}
            for row in read_json(self.files.read("data/wire.json"), canonical=False):
                types = [type(row[k]) for k in ("party", "session", "sent", "received", "ended")]
                if types != [str, int, int, int, bool] or (row["party"], row["session"]) in counted:
                    raise ValueError("not a count")
                counted[row["party"], row["session"]] = (row["sent"], row["ended"])
        except (ValueError, KeyError, TypeError):
            raise Reject(where, "not_wire") from None
        self.books = {party: Book(party) for party in self.policy.departments}
        for index, event in enumerate(self.events):
            if event["node"] in self.books:
                self.books[event["node"]].write(index, event)
            elif event["type"] == "receipt" and event["node"] == COORDINATOR:
                party = number_or_text(event, index, "party", str)
                if party not in self.books:
                    raise Reject("entry %d" % index, "data", field="party")
                self.books[party].receipts.append((index, event))
        for book in self.books.values():
            book.balance({session: count for (party, session), count in counted.items() if party == book.party})

    def times(self) -> None:
        """(9) Every event's time lies within 120 s of the cosignatures around it."""
        low_at = {size: min(times.values()) for size, times in self.sealed}
        low_at[0] = 0
        sizes = [size for size, _ in self.sealed]
        at, before = 0, 0
        for index, event in enumerate(self.events):
            while index >= sizes[at]:
                before, at = sizes[at], at + 1
            high = max(self.sealed[at][1].values())
            low = low_at[before]
            # Delivered late, after its sender was away: then the checkpoint that it had seen is the one before it.
            seen = event["seen"]["size"]
            if event["at"] < low - SKEW_S and event["node"] in self.policy.departments and seen < before:
                low = max((low_at[size] for size in low_at if size <= seen), default=0)
                self.facts["late"] += 1
            if not low - SKEW_S <= event["at"] <= high + SKEW_S:
                shown = [datetime.fromtimestamp(t, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for t in (low, high)]
                raise Reject("entry %d" % index, "time", time=event["time"], low=shown[0], high=shown[1])


def number_or_text(event: dict[str, Any], index: int, field: str, kind: type) -> Any:
    """A field that an event of this type has to state."""
    value = event["data"].get(field)
    if type(value) is not kind or (isinstance(value, int) and value < 0):
        raise Reject("entry %d" % index, "data", field=field)
    return value


class Desk:
    """Requests and what became of them, followed through the log.

    `grants` is how many officers of a department have to grant a request.
    """

    def __init__(self, departments: Sequence[str], grants: int) -> None:
        self.departments, self.grants = departments, grants
        self.said: dict[tuple[str, str], dict[str, Any]] = {}
        self.shelves: dict[str, object] = {}
        self.received: dict[tuple[str, str], dict[str, Any]] = {}
        self.started: dict[str, dict[str, Any]] = {}
        self.rounds: dict[str, Rounds] = {}
        self.done: set[tuple[str, str, str, object]] = set()
        self.released: set[tuple[str, str]] = set()

    def follow(self, where: str, event: dict[str, Any]) -> None:
        """Take one event into account."""
        kind, node, job, data = event["type"], event["node"], event["job"], event["data"]
        if kind == "start":
            self.shelves[node] = text_of(where, event, "desk") if "desk" in data else ""
        elif kind == "request.receive":
            self.received.setdefault((node, job), {"plan": data.get("plan"), "files": "", "approved": False})
        elif kind == "shelf":
            self._show(where, event)
        elif kind in ("approval.grant", "approval.deny", "approval.revoke"):
            self._speak(where, event)
        elif kind == "job.start":
            self._start(where, event)
        elif kind == "job.end" and job in self.started:
            self.started[job]["outcome"] = data.get("outcome", "")
        elif kind in STEPS:
            self._step(where, event)
        elif kind in ("round", "model"):
            self._tell(where, event)
        elif kind == "egress" and data.get("class") not in WITHOUT_APPROVAL:
            self._leave(where, event)

    def _speak(self, where: str, event: dict[str, Any]) -> None:
        """One officer is one voice; one that says no is enough."""
        node, job, data, name = event["node"], event["job"], event["data"], event["actor"]["name"]
        word = self.said.get((node, job))
        if event["type"] != "approval.grant":
            state = "denied" if event["type"] == "approval.deny" else "revoked"
            self.said[node, job] = {**(word or {"plan": data.get("plan"), "by": []}), "state": state}
            return
        automatic = "statement" not in event
        expires = float("inf") if automatic else read_time(event["statement"]["expires"])
        said = {"plan": data.get("plan"), "requester": data.get("requester"), "automatic": automatic}
        if word is None:
            self.said[node, job] = {"state": "granted", "by": [name], "expires": expires, **said}
            return
        again = word["state"] != "granted" or name in word["by"] or len(word["by"]) >= self.grants
        if again or any(word[field] != value for field, value in said.items()):
            raise Reject(where, "spoken", party=node, job=job)
        word.update(by=[*word["by"], name], expires=min(word["expires"], expires))

    def _show(self, where: str, event: dict[str, Any]) -> None:
        """A department's shelf shows what its officers had said, over the files that were laid there."""
        node, job = event["node"], event["job"]
        plan, state, files = (text_of(where, event, field) for field in ("plan", "state", "files"))
        if node not in self.departments or event["actor"] != {"name": node, "role": "node"}:
            raise Reject(where, "role")
        if not SHA256.fullmatch(files):
            raise Reject(where, "data", field="files")
        lies = self.received.get((node, job))
        if lies is None or lies["plan"] != plan:
            raise Reject(where, "not_received", party=node, job=job)
        word = self.said.get((node, job))
        fitting = {"done"} if ("job.join", node, job, "") in self.done else set()
        if word and word["state"] != "granted":
            fitting.add("rejected")
        elif word and len(word["by"]) >= self.grants:
            # It expires without anybody's doing.
            fitting |= {"approved", "pending"} if event["at"] > word["expires"] else {"approved"}
        else:
            fitting.add("pending")
        if state not in fitting:
            raise Reject(where, "shelf", party=node, job=job, state=state)
        lies["files"] = lies["files"] or files
        if lies["files"] != files:
            raise Reject(where, "shelf_files", party=node, job=job)
        lies["approved"] = lies["approved"] or state == "approved"

    def fault(self, node: str, job: str, plan: object, requester: object, at: float) -> str:
        """What is wrong with a department's word on a job; "" if it stands."""
        word = self.said.get((node, job))
        if word is None:
            return "none"
        if word["state"] != "granted":
            return str(word["state"])
        if len(word["by"]) < self.grants:
            return "few"
        if (word["plan"], word["requester"]) != (plan, requester):
            return "plan"
        return "expired" if at > word["expires"] else ""

    def _start(self, where: str, event: dict[str, Any]) -> None:
        job, data = event["job"], event["data"]
        if event["node"] != COORDINATOR:
            raise Reject(where, "role")
        known = self.started.get(job)
        if known is not None:
            # As it was, and before anybody has joined it: the record could not be sealed the first time, say.
            joined = any(step[0] == "job.join" and step[2] == job for step in self.done)
            if joined or any(known.get(field) != value for field, value in {"kind": "sum", **data}.items()):
                raise Reject(where, "ran_twice", job=job)
        for field, kind in (("contributors", int), ("participants", str), ("plan", str), ("requester", str)):
            if type(data.get(field)) is not kind:
                raise Reject(where, "data", field=field)
        if data.get("kind", "sum") not in KINDS:
            raise Reject(where, "data", field="kind")
        parties = data["participants"].split()
        if not parties or not 0 < data["contributors"] <= len(parties):
            raise Reject(where, "data", field="participants")
        if data.get("kind") == "script" and len(parties) != 1:
            raise Reject(where, "data", field="participants")
        faults = [self.fault(node, job, data["plan"], data["requester"], event["at"]) for node in parties]
        if any(faults):
            why = next(fault for fault in faults if fault)
            raise Reject(where, "not_approved", count=faults.count(""), n=len(parties), job=job, why=why)
        self.started[job] = {"kind": "sum", **data, "start": event["time"], "outcome": ""}
        self.rounds[job] = Rounds(job, data["contributors"], parties, self.started[job]["kind"] == "train")

    def _check(self, where: str, event: dict[str, Any]) -> None:
        job = event["job"]
        begun = self.started.get(job)
        if begun is None:
            raise Reject(where, "not_begun", job=job)
        fault = self.fault(event["node"], job, begun["plan"], begun["requester"], event["at"])
        if fault:
            raise Reject(where, "no_approval", party=event["node"], job=job, why=fault)

    def _step(self, where: str, event: dict[str, Any]) -> None:
        self._check(where, event)
        kind, node, job = event["type"], event["node"], event["job"]
        step = (kind, node, job, event["data"].get("batch" if kind == "mask.keys" else "round", ""))
        if kind != "job.join" and ("job.join", node, job, "") not in self.done:
            raise Reject(where, "not_joined", party=node, job=job)
        if kind != "job.join" and (kind == "script") != (self.started[job]["kind"] == "script"):
            raise Reject(where, "other_kind", job=job)
        if step in self.done:
            raise Reject(where, "ran_twice" if kind == "job.join" else "twice", party=node, job=job)
        if kind == "job.join":
            self._check_shown(where, event)
        self.done.add(step)
        if kind == "mask.keys":
            self.rounds[job].exchange_keys(where, event)
        elif kind in ("commit", "mask"):
            self.rounds[job].add(where, event)
        elif kind == "survivors":
            self.rounds[job].sign(where, event)
        elif kind == "predict" and self.started[job]["kind"] != "predict":
            raise Reject(where, "other_kind", job=job)
        elif kind == "script":
            self._run(where, event)

    def _check_shown(self, where: str, event: dict[str, Any]) -> None:
        """Where a shelf is kept and officers decide, a department joins what is shown there as approved."""
        node, job = event["node"], event["job"]
        lies, word = self.received.get((node, job)), self.said[node, job]
        shown = lies is not None and lies["approved"] and lies["plan"] == event["data"].get("plan")
        if self.shelves.get(node) and not word["automatic"] and not shown:
            raise Reject(where, "not_shown", party=node, job=job)

    def _run(self, where: str, event: dict[str, Any]) -> None:
        """How a script ended; what it made may leave if it was released."""
        data = event["data"]
        code, status = (text_of(where, event, field) for field in ("code", "status"))
        right = {
            "code": SHA256.fullmatch(code),
            "status": status in SCRIPT_ENDS or re.fullmatch("refused\\.[a-z_]+", status),
            "digits": type(data.get("digits")) is int and 1 <= data["digits"] <= 6,
            "bits": type(data.get("bits")) is int and data["bits"] >= 0,
            "milliseconds": type(data.get("milliseconds")) is int and data["milliseconds"] >= 0,
        }
        for field, holds in right.items():
            if not holds:
                raise Reject(where, "data", field=field)
        if status == "done":
            self.released.add((event["node"], event["job"]))

    def _leave(self, where: str, event: dict[str, Any]) -> None:
        """What was computed for a job leaves on the department's word; of a script's, one table that was released."""
        self._check(where, event)
        node, job, kind = event["node"], event["job"], event["data"].get("class")
        if kind == "output":
            if (node, job) not in self.released:
                raise Reject(where, "output", party=node, job=job)
            self.released.remove((node, job))
        elif self.started[job]["kind"] == "script":
            raise Reject(where, "other_kind", job=job)
        self.rounds[job].leave(where, node, kind)

    def _tell(self, where: str, event: dict[str, Any]) -> None:
        """What the coordinator says of a round, or of the model."""
        kind, job = event["type"], event["job"]
        if event["node"] != COORDINATOR:
            raise Reject(where, "role")
        if job not in self.started:
            raise Reject(where, "not_begun", job=job)
        if kind == "model" and self.started[job]["kind"] != "train":
            raise Reject(where, "other_kind", job=job)
        (self.rounds[job].close if kind == "round" else self.rounds[job].make)(where, event)


class Sum:
    """One round: what was given, who added numbers, who masked them, who survived, who signed that."""

    def __init__(self, given: str) -> None:
        self.given = given
        self.added: set[str] = set()
        self.masked: set[str] = set()
        self.survivors: list[str] = []
        self.signed: set[str] = set()


class Rounds:
    """The rounds of one job: all given the same, committed before revealed, masks off one sum of agreed survivors."""

    def __init__(self, job: str, contributors: int, parties: Sequence[str], train: bool) -> None:
        self.job, self.count, self.parties = job, contributors, parties
        # Only a training goes on without some. Of two thirds or fewer, a coordinator with a third could unmask another.
        self.needed = 2 * contributors // 3 + 1 if train else contributors
        self.sums: dict[str, Sum] = {}
        self.keys: dict[object, tuple[str, list[str]]] = {}
        self.keyed: set[str] = set()
        self.committed: dict[str, list[str]] = {}
        self.revealed: dict[str, int] = {}
        self.to_send: set[str] = set()
        self.to_open: dict[str, str] = {}
        self.closed: set[str] = set()
        self.made = False

    def exchange_keys(self, where: str, event: dict[str, Any]) -> None:
        """All of one exchange saw the same keys of the same others."""
        node, seen = event["node"], (text_of(where, event, "digest"), names_of(where, event, "cohort"))
        right = node in seen[1] and set(seen[1]) <= set(self.parties) and len(seen[1]) >= self.needed
        if not right or seen != self.keys.setdefault(event["data"].get("batch", ""), seen):
            raise Reject(where, "keys", party=node, job=self.job)
        self.keyed.add(node)

    def add(self, where: str, event: dict[str, Any]) -> None:
        """A department has committed to numbers, or masked them, having been given what all were given."""
        node, masked = event["node"], event["type"] == "mask"
        name = text_of(where, event, "round")
        given = text_of(where, event, "given") if masked or "given" in event["data"] else ""
        this = self.sums.setdefault(name, Sum(given))
        if given != this.given:
            raise Reject(where, "given", party=node, job=self.job, round=name)
        this.added.add(node)
        if len(this.added) > self.count:
            raise Reject(where, "too_many", n=self.count, job=self.job, round=name)
        if masked:
            this.masked.add(node)
            self.to_send.add(node)
        else:
            self.committed.setdefault(node, []).append(name)

    def sign(self, where: str, event: dict[str, Any]) -> None:
        """A department has signed who survived."""
        node, name, survivors = event["node"], text_of(where, event, "round"), names_of(where, event, "survivors")
        this = self.sums.get(name, Sum(""))
        if not set(survivors) <= this.masked:
            raise Reject(where, "survivor", job=self.job, round=name)
        if len(survivors) < self.needed:
            raise Reject(where, "few_survivors", count=len(survivors), n=self.needed, job=self.job, round=name)
        this.survivors = this.survivors or survivors
        if survivors != this.survivors or node not in survivors:
            raise Reject(where, "survivors", party=node, job=self.job, round=name)
        if event["data"].get("given", this.given) != this.given:
            raise Reject(where, "given", party=node, job=self.job, round=name)
        this.signed.add(node)
        self.to_open[node] = name

    def leave(self, where: str, node: str, kind: object) -> None:
        """One vector for each commitment or mask, one set of shares for each signature under the survivors."""
        if kind == "ciphertext":
            at, rounds = self.revealed.get(node, 0), self.committed.get(node, [])
            self.revealed[node] = at + 1
            if at >= len(rounds) or len(self.sums[rounds[at]].added) < self.count:
                raise Reject(where, "revealed", party=node, job=self.job, n=self.count)
        elif kind == "masked":
            if node not in self.keyed or node not in self.to_send:
                raise Reject(where, "masked", party=node, job=self.job)
            self.to_send.remove(node)
        elif kind == "unmask":
            if node not in self.to_open:
                raise Reject(where, "unsigned", party=node, job=self.job)
            self._check_signed(where, self.to_open.pop(node))

    def _check_signed(self, where: str, name: str) -> None:
        count = len(self.sums[name].signed)
        if count < self.needed:
            raise Reject(where, "few_signed", count=count, n=self.needed, job=self.job, round=name)

    def close(self, where: str, event: dict[str, Any]) -> None:
        """The coordinator says of a round what the departments did."""
        name = text_of(where, event, "round")
        this = self.sums.get(name)
        if self.made or name in self.closed:
            raise Reject(where, "round_late", job=self.job, round=name)
        if this is None or (not this.survivors and len(this.added) < self.count):
            raise Reject(where, "round", job=self.job, round=name, field="round")
        if this.survivors:
            self._check_signed(where, name)
        if names_of(where, event, "survivors") != (this.survivors or sorted(this.added)):
            raise Reject(where, "round", job=self.job, round=name, field="survivors")
        if event["data"].get("given") != this.given:
            raise Reject(where, "round", job=self.job, round=name, field="given")
        self.closed.add(name)

    def make(self, where: str, event: dict[str, Any]) -> None:
        """One model, of as many rounds as there are."""
        count = event["data"].get("rounds")
        if type(count) is not int:
            raise Reject(where, "data", field="rounds")
        if self.made or count != len(self.closed):
            raise Reject(where, "model", job=self.job, count=count, n=len(self.closed))
        self.made = True


def text_of(where: str, event: dict[str, Any], field: str) -> str:
    """A text that an event of this type has to state."""
    text = event["data"].get(field)
    if not isinstance(text, str):
        raise Reject(where, "data", field=field)
    return text


def names_of(where: str, event: dict[str, Any], field: str) -> list[str]:
    """Names in one text, in their order, each once."""
    names = text_of(where, event, field).split(" ")
    if names != sorted(set(names)) or "" in names:
        raise Reject(where, "data", field=field)
    return names


class Frame(NamedTuple):
    """One entry of a ledger."""

    session: int
    message: str
    size: int


class Book:
    """One department's ledger."""

    def __init__(self, party: str) -> None:
        self.party, self.session = party, 0
        self.sessions: list[int] = []
        self.frames: list[Frame] = []
        self.receipts: list[tuple[int, dict[str, Any]]] = []
        self.by_class: dict[str, int] = {}
        self.unrecorded = self.unreceipted = self.unsent = 0

    def write(self, index: int, event: dict[str, Any]) -> None:
        """Take an event of the department."""
        if event["type"] == "start":
            self.session = number_or_text(event, index, "session", int)
            if self.session in self.sessions:
                raise Reject("ledger of %s, session %d" % (self.party, self.session), "twice", party=self.party, job="")
            self.sessions.append(self.session)
        elif event["type"] == "egress":
            size = number_or_text(event, index, "bytes", int)
            message, kind = (number_or_text(event, index, name, str) for name in ("message", "class"))
            # Frames of enrolment bear no message's name for whoever passes them on.
            name = "enrolment" if kind == "enrolment" else message
            self.frames.append(Frame(self.session, name, size))
            self.by_class[kind] = self.by_class.get(kind, 0) + size
            if self.session not in self.sessions:
                self.sessions.append(self.session)

    def where(self, session: int) -> str:
        """Name a session."""
        return "ledger of %s, session %d" % (self.party, session)

    def balance(self, counted: dict[int, tuple[int, bool]]) -> None:
        """Compare with the copy proxy's counts, then with the coordinator's receipts."""
        lost = set()
        for session in self.sessions:
            if session not in counted:
                raise Reject(self.where(session), "no_count")
            mine = [(i, frame) for i, frame in enumerate(self.frames) if frame.session == session]
            recorded, (sent, ended) = sum(frame.size for _, frame in mine), counted[session]
            # A killed process may have recorded one frame that it never sent, or not all of.
            if 0 < recorded - sent <= (mine[-1][1].size if mine and ended else 0):
                lost.add(mine[-1][0])
                self.unsent += 1
            elif sent > recorded and session == self.sessions[-1]:
                # The last entry of a ledger travels with the next frame: the end of the log cannot hold it.
                self.unrecorded = sent - recorded
            elif sent != recorded:
                raise Reject(self.where(session), "bytes", recorded=recorded, counted=sent)
        for session, (sent, _) in sorted(counted.items()):
            if session not in self.sessions and sent:
                if self.sessions and session < self.sessions[-1]:
                    raise Reject(self.where(session), "bytes", recorded=0, counted=sent)
                self.unrecorded += sent
        kept = [frame for i, frame in enumerate(self.frames) if i not in lost]
        by_session: dict[int, list[tuple[int, dict[str, Any]]]] = {session: [] for session in self.sessions}
        for index, event in self.receipts:
            by_session.setdefault(number_or_text(event, index, "session", int), []).append((index, event))
        for session in sorted(by_session):
            self._compare_receipts(session, [frame for frame in kept if frame.session == session], by_session[session])

    def _compare_receipts(
        self, session: int, frames: Sequence[Frame], receipts: Sequence[tuple[int, dict[str, Any]]]
    ) -> None:
        at, last = 0, not self.sessions or session >= self.sessions[-1]
        for number, (index, event) in enumerate(receipts):
            count = number_or_text(event, index, "frames", int)
            size = number_or_text(event, index, "bytes", int)
            named = number_or_text(event, index, "messages", str)
            part = frames[at : at + count]
            where = self.where(session)
            recorded = sum(frame.size for frame in part)
            if len(part) < count:
                # Received, but its ledger entry was not yet in the log: only at the very end of it.
                if not last or number + 1 < len(receipts) or recorded > size:
                    raise Reject(where, "receipt", index=index, received=size, recorded=recorded)
            elif recorded != size:
                raise Reject(where, "receipt", index=index, received=size, recorded=recorded)
            elif hashlib.sha256("".join(f.message + "\n" for f in part).encode("utf-8")).hexdigest() != named:
                raise Reject(where, "receipt_names", index=index)
            at += len(part)
        self.unreceipted += len(frames) - at


# --- one entry -------------------------------------------------------------------------------------------------------


def prove_entry(case: Case, index: int) -> None:
    """Show one entry and prove that it is in the sealed log, without checking the rest."""
    where = "entry %d" % index
    case.files = Files(case.path, only=("data/checkpoint",))
    case.last = read_note(case.files.text("data/checkpoint"), "file data/checkpoint")
    case.policy.check(case.last, "checkpoint %d" % case.last.size)
    if index >= case.last.size:
        raise Reject(where, "no_entry", size=case.last.size)
    tiles = tiles_of(case.last.size)
    name = "data/proofs/%d.tlog-proof" % index
    case.files = Files(case.path, only=(name, *(tile_name(*tile) for tile in tiles)))
    entry = read_tile(case.files, *tiles[index // TILE])[index % TILE]
    if name in case.files.names:
        leaf = hashlib.sha256(b"\0" + entry).digest()
        check_proof(case.files.text(name), index, leaf, case.last, where)
    else:  # no proof was put into the bundle: the tree itself is the proof
        leaves = [hashlib.sha256(b"\0" + e).digest() for tile in tiles for e in read_tile(case.files, *tile)]
        if roots_at(leaves, {case.last.size})[case.last.size] != case.last.root:
            raise Reject(where, "proof")
    signer = {}
    try:
        node = read_event(open_envelope(entry, EVENT_TYPE, 1)[0])["node"]
        signer = {node: case.key(node)}
    except (ValueError, KeyError):
        pass  # examine() names what is wrong
    row = examine(entry, signer)
    if row.fault or row.event is None:
        raise Reject(where, row.fault or "not_entry", party=row.event["node"] if row.event else "?")
    if row.event["log"] != case.policy.origin:
        raise Reject(where, "not_this_log")
    row.event.pop("at")
    print(json.dumps(row.event, indent=2, sort_keys=True))
    print("ACCEPT entry %d of %s size=%d root=%s" % (index, case.policy.origin, case.last.size, case.last.root.hex()))
    print("成立 第 %d 条在日志之中，且由 %s 签名" % (index, _plain(row.event["node"])))


# --- the command -----------------------------------------------------------------------------------------------------


def accept(case: Case, trusting: bool) -> None:
    """Say what holds, and what was not shown."""
    last = case.last
    books, sealed = case.books.values(), case.sealed[-1][1]
    total = sum(sum(book.by_class.values()) for book in books)
    facts = "size=%d root=%s cosignatures=%d/%d checkpoints=%d heads=%d jobs=%d statements=%d bytes_out=%d" % (
        last.size, last.root.hex(), len(sealed), len(case.policy.witnesses), len(case.sealed), len(case.heads),
        len(case.job_table), case.facts["statements"], total,
    )  # fmt: skip
    print("ACCEPT %s %s" % (case.policy.origin, facts))
    print("成立 %s %s" % (case.policy.origin, facts))
    for english, chinese in remarks(case, trusting):
        print("NOTE " + _plain(english))
        print("注意 " + _plain(chinese))


def remarks(case: Case, trusting: bool) -> Iterator[tuple[str, str]]:
    """What an honest reader has to know besides."""
    if trusting:
        yield TRUSTING
    if not case.heads:
        yield (
            "no head was given: had the end of the log been cut off, this could not have shown it",
            "没有提供任何部门的树头：若日志尾部被截去，本次核验看不出来",
        )
    if case.facts["automatic"]:
        yield (
            "%d approvals were automatic, by rule and by no person" % case.facts["automatic"],
            "%d 次批准由规则自动作出，没有人签字" % case.facts["automatic"],
        )
    if case.facts["late"]:
        yield (
            "%d entries were delivered late; their times are bounded by what their signer had seen only"
            % case.facts["late"],
            "%d 条迟到；其时间下限仅取自签名方当时所见的检查点" % case.facts["late"],
        )
    for book in case.books.values():
        if book.unrecorded or book.unreceipted or book.unsent:
            numbers = (book.party, book.unrecorded, book.unreceipted, book.unsent)
            yield (
                "%s, at the end of the record: %d bytes not yet in the ledger, %d frames without receipt, "
                "%d recorded but never sent" % numbers,
                "%s 在记录末尾：%d 字节尚未入账，%d 帧尚无回执，%d 帧已记账而未发出" % numbers,
            )
    yield (
        "ML-DSA-44 signatures are not checked by this program; the Ed25519 ones beside them are",
        "本程序不核验 ML-DSA-44 签名，只核验与之并列的 Ed25519 签名",
    )


TRUSTING = (
    "KEYS WERE TAKEN FROM THE BUNDLE: this shows only that the bundle agrees with itself. "
    "Whoever made it could have made all of it up.",
    "公钥取自证据包本身：这只能说明它自相一致。制作者完全可以伪造整个证据包。",
)


def _read_own(path: str) -> str:
    with open(path, encoding="utf-8", newline="") as stream:
        return stream.read(MAX_FILE).replace("\r\n", "\n")


def load_case(options: argparse.Namespace) -> Case:
    """Read what the evaluator brings."""
    where = "policy"
    try:
        if options.trust_bundle:
            files = Files(options.bundle, only=("data/policy", "data/signers"))
            texts = files.text("data/policy"), files.text("data/signers")
        else:
            texts = _read_own(options.policy), _read_own(options.signers)
        policy = Policy(texts[0])
        where = "signers"
        signers = read_signers(texts[1], policy.origin)
        if signers.setdefault(COORDINATOR, policy.log_public) != policy.log_public:
            raise Reject("signers", "two_names", names=COORDINATOR)
        heads = [(os.path.basename(path).split(".")[0], _read_own(path)) for path in options.head]
    except (ValueError, OSError) as exc:
        raise Reject(where, "own_file", why=str(exc)[:200]) from None
    return Case(options.bundle, policy, signers, heads)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console in another encoding must not turn ACCEPT into a traceback
            stream.reconfigure(encoding="utf-8", errors="replace")
    parser = argparse.ArgumentParser(description="核验可用（Keyong）证据包 / check a Keyong evidence bundle")
    parser.add_argument("bundle", help="证据包文件夹或 .zip / the folder or the .zip")
    parser.add_argument("--policy", help="您自己的 policy（tlog-policy）/ your own policy")
    parser.add_argument("--signers", help="您自己的 signers：每行一个 vkey / your own signers, one vkey per line")
    parser.add_argument("--head", action="append", default=[], help="部门给您的树头 / a head a department gave you")
    parser.add_argument("--entry", type=int, metavar="N", help="只证明第 N 条在日志之中 / prove one entry only")
    parser.add_argument("--trust-bundle", action="store_true", help="公钥取自证据包（不成证明）/ keys from the bundle")
    options = parser.parse_args(arguments)
    if not options.trust_bundle and not (options.policy and options.signers):
        parser.error(
            "需要您自己的 --policy 和 --signers：证据包里的公钥不能证明证据包 / "
            "your own --policy and --signers are needed: a bundle cannot vouch for itself"
        )
    if options.entry is not None and options.entry < 0:
        parser.error("--entry N: N >= 0")
    try:
        if options.trust_bundle:
            print("*" * 100 + "\n" + TRUSTING[1] + "\n" + TRUSTING[0] + "\n" + "*" * 100)
        case = load_case(options)
        if options.entry is not None:
            prove_entry(case, options.entry)
        else:
            case.run(_progress(sys.stderr))
            accept(case, options.trust_bundle)
        return 0
    except Reject as reject:
        print("\n".join(reject.lines()))
    except Exception as exc:  # whatever a hostile bundle breaks, it is not accepted and shows no traceback
        print("\n".join(Reject("bundle", "unreadable", why=type(exc).__name__).lines()))
    return 1


def _progress(stream: Any) -> Callable[[int], None]:
    def show(count: int) -> None:
        if stream.isatty():
            stream.write("\r%d ... " % count)
            stream.flush()

    return show


if __name__ == "__main__":
    sys.exit(main())
