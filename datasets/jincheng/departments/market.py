"""市场监管: the register of firms."""

import numpy as np

from jincheng.cards import Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import COUNTY, USCC, flag, key, number, text, unused
from jincheng.firms import INDUSTRIES, KIND_SUFFIXES, KINDS
from jincheng.people import REFERENCE_YEAR
from jincheng.relief import fen
from jincheng.tables import pick

STATUSES = ("存续", "注销")


def _entity(chunk: Chunk) -> Rows:
    firms, registration = chunk.firms, chunk.firms.registration
    numbers = np.char.zfill(firms.serial.astype("U8"), 8)
    last_day = np.datetime64(f"{REFERENCE_YEAR}-12-31")
    return {
        "uscc": firms.code,
        "name": np.char.add(np.char.add("合成", numbers), pick(KIND_SUFFIXES, registration.kind)),
        "county_code": np.full(len(firms.code), str(chunk.county.real_code)),
        "status": pick(STATUSES, registration.cancelled),
        "kind": pick(KINDS, registration.kind),
        "industry": pick(INDUSTRIES, registration.industry),
        "reg_date": last_day - (365.25 * registration.age_years).astype(np.int64),
        "age_months": 12 * registration.age_years,
        "reg_capital_fen": fen(10_000 * registration.capital),
        "abnormal": registration.abnormal,
        "penalties": registration.penalties,
        "changes": registration.changes,
        "legal_person_id": chunk.residents.ids[chunk.links.owner],
    }


ENTITY = TableCard(
    name="entity",
    label_zh="市场主体",
    label_en="firms",
    about_zh="全部市场主体各一行，含已注销的。",
    about_en="All firms, with those that have been cancelled.",
    id_column="uscc",
    rows=_entity,
    columns=(
        USCC,
        unused("name", "名称", "name"),
        COUNTY,
        text("status", "登记状态", "whether the firm exists or has been cancelled", values=STATUSES),
        text("kind", "主体类型", "kind of firm", values=KINDS, feature=True),
        text("industry", "行业门类", "industry", values=INDUSTRIES, feature=True),
        unused("reg_date", "成立日期", "date of registration", type="date"),
        number(
            "age_months",
            "成立月数",
            "age of the firm",
            unit="month",
            bounds=(0, 420),
            cuts=(12, 36, 60, 120, 240),
            feature=True,
        ),
        number(
            "reg_capital_fen",
            "注册资本",
            "registered capital",
            unit="fen",
            bounds=(0, 10**12),
            cuts=(10_000_000, 100_000_000, 1_000_000_000),
            feature=True,
        ),
        flag("abnormal", "经营异常名录", "on the list of abnormal operation", feature=True),
        number("penalties", "行政处罚", "penalties", unit="penalty", bounds=(0, 12), cuts=(1, 2, 3), feature=True),
        number(
            "changes",
            "变更次数",
            "changes of the registration",
            unit="change",
            bounds=(0, 12),
            cuts=(1, 2, 3),
            feature=True,
        ),
        key("legal_person_id", "法人身份证号", "identity number of the legal person"),
    ),
)

MARKET = Department(key="market", label_zh="市场监管", label_en="Market regulation", tables=(ENTITY,))
