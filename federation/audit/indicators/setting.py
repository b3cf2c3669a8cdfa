"""Under what conditions the record was made: isolation, adapters, algorithms, drills; and what is not built."""

from __future__ import annotations

from crypto.paillier import MINIMUM_KEY_BITS
from federation.audit.indicators import clauses
from federation.audit.indicators.material import Material
from federation.audit.indicators.values import Definition, Finding, Measure, Words, judged, unmeasured

CONFINED = "confined"
NO_DRILL = ("未提供演练结果", "no outcome of a drill was handed over")
VERIFY_MS_PER_10000 = 60_000


def isolation(material: Material) -> Finding:
    """How each department's process was kept apart when it last started."""
    said = {name: str(start.event.data.get("isolation", "")) for name, start in material.last_starts.items()}
    if not any(said.values()):
        return unmeasured("启动条目未说明隔离方式", "no start entry tells how its process was kept apart")
    everyone = len(material.departments)
    confined = [name for name, how in said.items() if how == CONFINED]
    measures = [
        Measure(
            what=Words("已隔离的部门进程", "departments whose process is confined"), value=len(confined), of=everyone
        ),
        *(Measure(what=Words(name, name), value=how or "-") for name, how in sorted(said.items())),
    ]
    starts = {name: start.index for name, start in material.last_starts.items()}
    against = (index for name, index in starts.items() if name not in confined)
    return judged(len(confined) == everyone, measures, entries=starts.values(), against=against)


def adapters(material: Material) -> Finding:
    """Adapters in use, and those that the conformance kit has reported on."""
    used: dict[str, dict[str, bool]] = {}
    for name, start in material.last_starts.items():
        reported = _listed(str(start.event.data.get("conformance", "")))
        used[name] = {adapter: adapter in reported for adapter in _listed(str(start.event.data.get("adapters", "")))}
    total = sum(map(len, used.values()))
    if not total:
        return unmeasured("启动条目未列出适配器", "no start entry lists adapters")
    passed = sum(sum(of.values()) for of in used.values())
    measures = [Measure(what=Words("有符合性报告的适配器", "adapters with a report"), value=passed, of=total)]
    measures += [
        Measure(what=Words(f"{name}：{', '.join(of)}", f"{name}: {', '.join(of)}"), value=sum(of.values()), of=len(of))
        for name, of in sorted(used.items())
    ]
    starts = {name: start.index for name, start in material.last_starts.items()}
    against = (index for name, index in starts.items() if not all(used[name].values()))
    return judged(passed == total, measures, entries=starts.values(), against=against)


def _listed(text: str) -> dict[str, str]:
    """Read what a start entry holds: name=digest, a space between."""
    pairs = (item.rpartition("=") for item in text.split())
    return {name: digest for name, _, digest in pairs}


def algorithms(material: Material) -> Finding:
    """What the roster's keys are for, and their length."""
    roster = material.roster
    bits = int.from_bytes(roster.public_key).bit_length()
    keys = [roster.party(name) for name in material.departments]
    single = sum(party is None or not party.witness_mldsa for party in keys)
    single += sum(not officer.signing_mldsa for officer in roster.officers)
    measures = [
        Measure(what=Words("条目与消息签名", "entries and messages"), value="Ed25519"),
        Measure(what=Words("陈述与联署", "statements and cosignatures"), value="Ed25519 + ML-DSA-44 (FIPS 204)"),
        Measure(what=Words("缺少第二种签名密钥者", "who lacks a key of the second kind"), value=single),
        Measure(what=Words("散列与树", "hashes and tree"), value="SHA-256, RFC 9162"),
        Measure(what=Words("密封", "sealing"), value="HPKE (RFC 9180): X25519, HKDF-SHA256, ChaCha20-Poly1305"),
        Measure(what=Words("密文求和", "encrypted sums"), value="Paillier, threshold"),
        Measure(what=Words("Paillier 模长", "Paillier modulus"), value=bits, unit="bit"),
        Measure(what=Words("解密门限", "key holders who open"), value=roster.threshold, of=len(roster.holders)),
    ]
    return judged(bits >= MINIMUM_KEY_BITS and not single, measures)


def tamper_drills(material: Material) -> Finding:
    """Altered copies of a record that the verifier refused."""
    drills = material.drills
    if drills is None or not drills.tampered:
        return unmeasured(*NO_DRILL)
    measures = [
        Measure(what=Words("发现的改动", "alterations caught"), value=drills.caught, of=drills.tampered),
        Measure(what=Words("另试、谁也无法发现的改动", "tried besides, which nobody can notice"), value=drills.beyond),
    ]
    return judged(drills.caught == drills.tampered, measures)


def fingerprint_control(material: Material) -> Finding:
    """Cells planted on purpose that the search found."""
    drills = material.drills
    if drills is None or not drills.planted:
        return unmeasured(*NO_DRILL)
    measures = [
        Measure(what=Words("发现的植入", "planted leaks found"), value=drills.found, of=drills.planted),
        Measure(what=Words("误报", "false alarms"), value=drills.false_alarms),
    ]
    return judged(drills.found == drills.planted and not drills.false_alarms, measures)


def verification_time(material: Material) -> Finding:
    """How long verifying took, for 10,000 entries."""
    verdict = material.verdict
    if verdict is None or not verdict.size or not verdict.seconds:
        return unmeasured("未计时核验", "verifying was not timed")
    scaled = round(verdict.seconds * 1000 * 10_000 / verdict.size)
    measures = [
        Measure(what=Words("每 10000 条", "per 10,000 entries"), value=scaled, unit="ms"),
        Measure(what=Words("本记录", "this record"), value=round(verdict.seconds * 1000), unit="ms"),
        Measure(what=Words("核验条目", "entries verified"), value=verdict.size),
    ]
    return judged(scaled <= VERIFY_MS_PER_10000, measures)


def national_algorithms(material: Material) -> Finding:
    """SM2, SM3: not built."""
    del material
    return unmeasured("尚未建成：不使用国密算法", "not built: no national algorithm is used")


def privacy_budget(material: Material) -> Finding:
    """Epsilon: no noise is added, so there is none."""
    del material
    return unmeasured("尚未建成：结果不加噪声，没有 ε", "not built: no noise is added to answers, there is no epsilon")


def trusted_environment(material: Material) -> Finding:
    """There is no trusted execution environment in this design."""
    del material
    return Finding(
        status="not applicable",
        reason=Words("本设计不使用可信执行环境", "this design uses no trusted execution environment"),
    )


NOTHING = Words("不适用", "none applies")

RULES = (
    (
        Definition(
            id="isolation",
            name=Words("部门进程的隔离", "isolation of the departments' processes"),
            clauses=(clauses.TWENTY_ARTICLES,),
            formula=Words(
                "最近一次启动条目的 isolation 为 confined 的部门 ÷ 全部部门",
                'departments whose last start entry says "confined" / all',
            ),
            threshold=Words("100 %", "100 %"),
            command="keyong status",
            limits=Words(
                "同一台主机、同一个团队：部门之间的独立为模拟；为启动时的自述",
                "one host and one team: the departments' independence is simulated; it is what each said at its start",
            ),
        ),
        isolation,
    ),
    (
        Definition(
            id="adapter-conformance",
            name=Words("适配器符合性", "adapter conformance"),
            clauses=(),
            formula=Words(
                "启动条目所列适配器中，列有符合性报告散列者 ÷ 全部",
                "adapters of the start entries for which a conformance report's hash is listed / all",
            ),
            threshold=Words("100 %", "100 %"),
            command="keyong adapter check",
            limits=Words(
                "只记报告的散列：须另取报告，看其结论与代码散列是否相符",
                "the entry holds the report's hash only: get the report and compare its verdict and its code's hash",
            ),
        ),
        adapters,
    ),
    (
        Definition(
            id="algorithms",
            name=Words("所用密码算法", "algorithms in use"),
            clauses=(clauses.CRYPTO_EVALUATION, clauses.SECRET_SHARING),
            formula=Words(
                "名册中 Paillier 模长；缺少 ML-DSA-44 公钥的见证方与三员数",
                "length of the roster's Paillier modulus; witnesses and officers without an ML-DSA-44 key",
            ),
            threshold=Words(f"≥ {MINIMUM_KEY_BITS} bit，0", f">= {MINIMUM_KEY_BITS} bit, 0"),
            command="keyong evidence indicators",
            limits=Words(
                "仅为算法使用，不是经认证的密码模块；Paillier 密钥由一方生成后分发，不抗量子",
                "algorithm use, not a certified cryptographic module; the Paillier key is dealt by one party and does"
                " not resist quantum computers",
            ),
        ),
        algorithms,
    ),
    (
        Definition(
            id="national-algorithms",
            name=Words("国密算法（SM2、SM3）", "national algorithms (SM2, SM3)"),
            clauses=(clauses.CRYPTO_LEVEL_3, clauses.CRYPTO_EVALUATION),
            formula=Words("带 SM2 签名的封存检查点 ÷ 全部", "sealed checkpoints with an SM2 signature / all"),
            threshold=Words("100 %", "100 %"),
            command="keyong evidence indicators",
            limits=Words("尚未建成", "not built"),
        ),
        national_algorithms,
    ),
    (
        Definition(
            id="tamper-drills",
            name=Words("篡改演练发现率", "tamper drills caught"),
            clauses=(clauses.FINANCE_MPC_LOGS, clauses.SECURITY_AUDIT),
            formula=Words("核验拒绝的改动副本 ÷ 改动副本", "altered copies that the verifier refused / altered copies"),
            threshold=Words("100 %", "100 %"),
            command="keyong drill record",
            limits=Words(
                "只对演练过的改动；结果由运行者提供，不在记录中",
                "the alterations that were tried, no others; told by whoever ran them, not by the record",
            ),
        ),
        tamper_drills,
    ),
    (
        Definition(
            id="fingerprint-control",
            name=Words("指纹检索的阳性对照", "positive control of the fingerprints"),
            clauses=(clauses.ADVERSARIAL_TESTING,),
            formula=Words(
                "所声称可发现的形式中，发现的植入 ÷ 植入；未植入时的发现数",
                "planted leaks of the kinds claimed that were found / planted; findings where nothing was planted",
            ),
            threshold=Words("100 %，误报 0", "100 %, 0 false alarms"),
            command="keyong drill record",
            limits=Words(
                "不含声称之外的形式（异或、压缩后再编码等），那些发现不了",
                "not the forms beyond the claim (XOR, encoded after compression and others): they are not found",
            ),
        ),
        fingerprint_control,
    ),
    (
        Definition(
            id="verification-time",
            name=Words("核验时间", "verification time"),
            clauses=(clauses.PIPL_AUDIT,),
            formula=Words("核验用时 × 10000 ÷ 核验条目数", "time of verifying x 10,000 / entries verified"),
            threshold=Words("≤ 60 s（自定）", "<= 60 s (our own)"),
            command="keyong audit verify",
            limits=Words("取决于机器；单次计时", "depends on the machine; timed once"),
        ),
        verification_time,
    ),
    (
        Definition(
            id="privacy-budget",
            name=Words("差分隐私预算", "differential privacy budget"),
            clauses=(clauses.DIFFERENTIAL_PRIVACY,),
            formula=Words("Σ ε ÷ 限额", "sum of epsilon / limit"),
            threshold=Words("≤ 限额", "<= the limit"),
            command="keyong evidence indicators",
            limits=Words(
                "尚未建成；最小分组不是差分隐私", "not built; a minimum group size is not differential privacy"
            ),
        ),
        privacy_budget,
    ),
    (
        Definition(
            id="trusted-environment",
            name=Words("可信执行环境", "trusted execution environment"),
            clauses=(clauses.TRUSTED_ENVIRONMENT,),
            formula=NOTHING,
            threshold=NOTHING,
            command="keyong evidence indicators",
            limits=Words("不提供任何硬件隔离的证据", "no evidence of isolation by hardware"),
        ),
        trusted_environment,
    ),
)
