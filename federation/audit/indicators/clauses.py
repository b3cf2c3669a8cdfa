"""Clauses that indicators offer evidence for, each with how far its number can be relied on.

No official text of a Chinese law or standard was at hand: every number is to be checked against it before use. Where
the parts of a clause were known differently well, the mark is that of the worst known.
"""

from __future__ import annotations

from federation.audit.indicators.values import Clause, Mark, Words


def _clause(zh: str, en: str, mark: Mark, source_zh: str = "", source_en: str = "") -> Clause:
    return Clause(name=Words(zh, en), mark=mark, source=Words(source_zh, source_en))


_BCBZ = ("标准全文转载（bcbz.net）", "a reprint of the standard (bcbz.net)")

CYBERSECURITY_21 = _clause(
    "《网络安全法》（2016）第二十一条第三项：日志留存不少于六个月（2025 年修正后条号可能变化）",
    "Cybersecurity Law (2016) Art. 21(3): logs kept for six months or more (the 2025 amendment may renumber it)",
    "source",
    "某市政府网站转载",
    "a municipal government's reprint",
)
DATA_SECURITY_21_27 = _clause(
    "《数据安全法》第二十一条、第二十七条：分类分级、全流程管理",
    "Data Security Law Art. 21 and 27: classification, control of the whole process",
    "memory",
)
DATA_SECURITY_38_40 = _clause(
    "《数据安全法》第三十八至四十条：国家机关数据、委托处理须批准并监督",
    "Data Security Law Art. 38-40: data of state organs, entrusted processing approved and supervised",
    "memory",
)
PIPL_MINIMUM = _clause(
    "《个人信息保护法》第五、六、十九条：目的明确、最小必要",
    "Personal Information Protection Law Art. 5, 6, 19: purpose and minimum",
    "memory",
)
PIPL_AUDIT = _clause(
    "《个人信息保护法》第五十一、五十四条：技术措施、合规审计",
    "Personal Information Protection Law Art. 51, 54: technical measures, compliance audit",
    "memory",
)
NETWORK_DATA_12 = _clause(
    "《网络数据安全管理条例》（国令第 790 号）第十二条：提供与委托处理的记录至少保存三年",
    "Network Data Security Regulations (State Council Decree 790) Art. 12: records of provision kept three years",
    "memory",
)
TWENTY_ARTICLES = _clause(
    "“数据二十条”：原始数据不出域、数据可用不可见",
    '"Twenty Articles on data": raw data stays in its domain, usable but not visible',
    "memory",
)
GOVERNMENT_SHARING = _clause(
    "《政务数据共享条例》（国令第 809 号）：申请与审核",
    "Government Data Sharing Regulations (State Council Decree 809): request and approval",
    "title",
)
THREE_ROLES = _clause(
    "GB/T 39477-2020 第 6.2 条：管理、审计、操作三员分立，实时授权与撤销，集中审计",
    "GB/T 39477-2020 section 6.2: three separate roles, granting and revoking in real time, central audit",
    "title",
)
SECURITY_AUDIT = _clause(
    "GB/T 22239-2019 8.1.3.5、8.1.4.3 安全审计：记录要素、保护、备份",
    "GB/T 22239-2019 8.1.3.5, 8.1.4.3 security audit: what a record holds, its protection and backup",
    "memory",
)
CENTRAL_AUDIT = _clause(
    "GB/T 22239-2019 8.1.5.4 集中管控：审计数据汇总",
    "GB/T 22239-2019 8.1.5.4: audit data collected centrally",
    "memory",
)
CRYPTO_LEVEL_3 = _clause(
    "GB/T 39786-2021 第三级：日志完整性、不可否认性",
    "GB/T 39786-2021 level 3: integrity of logs, non-repudiation",
    "memory",
)
CRYPTO_EVALUATION = _clause(
    "GM/T 0054、GM/T 0115、GM/T 0116：密码应用（仅声明所用算法，非经认证的密码模块）",
    "GM/T 0054, 0115, 0116: use of cryptography (algorithms declared, not a certified module)",
    "memory",
)
DEIDENTIFICATION = _clause(
    "GB/T 35273-2020、GB/T 37964、GB/T 42460：去标识化与效果评估",
    "GB/T 35273-2020, GB/T 37964, GB/T 42460: de-identification and its effect",
    "memory",
)
CLASSIFICATION = _clause("GB/T 43697：数据分类分级", "GB/T 43697: classification of data", "memory")
FINANCE_MPC_LOGS = _clause(
    "JR/T 0196-2020 第 7.6 条：存证与日志", "JR/T 0196-2020 section 7.6: evidence and logs", "source", *_BCBZ
)
ADVERSARIAL_TESTING = _clause(
    "ISO/IEC 27559:2022 第 8.2.3 条：对抗性测试", "ISO/IEC 27559:2022 section 8.2.3: adversarial testing", "title"
)
SECRET_SHARING = _clause(
    "ISO/IEC 4922-1、4922-2：安全多方计算，协议与门限",
    "ISO/IEC 4922-1, 4922-2: multiparty computation, protocol and threshold",
    "memory",
)
USAGE_CONTROL = _clause(
    "《可信数据空间发展行动计划（2024—2028 年）》：可信管控",
    "Trusted Data Space Action Plan 2024-2028: trusted control",
    "title",
)
DIGITAL_CONTRACT = _clause(
    "《可信数据空间 技术架构》（2025）：数字合约、使用控制、存证溯源",
    "Trusted Data Space Technical Architecture (2025): digital contract, usage control, traceability",
    "title",
)
TRUSTED_ENVIRONMENT = _clause(
    "IEEE 2830-2021：基于可信执行环境的共享学习",
    "IEEE 2830-2021: shared learning in trusted execution environments",
    "title",
)
DIFFERENTIAL_PRIVACY = _clause(
    "NIST SP 800-226：差分隐私保证的评估",
    "NIST SP 800-226: evaluating differential privacy guarantees",
    "source",
    "2025 年 3 月定稿",
    "the final text of March 2025",
)
