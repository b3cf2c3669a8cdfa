"""法院 and 银行: enforcement against firms, and loans with the label of the credit model."""

from jincheng.cards import Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import USCC, flag, number
from jincheng.relief import fen


def _enforcement(chunk: Chunk) -> Rows:
    active = ~chunk.firms.registration.cancelled
    return {"uscc": chunk.firms.code[active], "enforced": chunk.firms.enforced[active]}


def _loan(chunk: Chunk) -> Rows:
    active = ~chunk.firms.registration.cancelled
    return {
        "uscc": chunk.firms.code[active],
        "loan_amount_fen": fen(10_000 * chunk.loans.amount[active]),
        "default_12m": chunk.loans.defaults[active],
    }


ENFORCEMENT = TableCard(
    name="enforcement",
    label_zh="被执行",
    label_en="enforcement",
    about_zh="存续市场主体各一行。",
    about_en="All firms that exist.",
    id_column="uscc",
    rows=_enforcement,
    columns=(
        USCC,
        number(
            "enforced",
            "被执行次数",
            "judgements enforced, times",
            unit="time",
            bounds=(0, 12),
            cuts=(1, 2, 3),
            feature=True,
        ),
    ),
)

LOAN = TableCard(
    name="loan",
    label_zh="贷款",
    label_en="loans",
    about_zh="借款的存续市场主体各一行；“违约”是模型的标签。",
    about_en="Firms that borrow; default is what models predict.",
    id_column="uscc",
    coverage=0.30,
    rows=_loan,
    columns=(
        USCC,
        number(
            "loan_amount_fen",
            "贷款金额",
            "loan",
            unit="fen",
            bounds=(0, 10**12),
            cuts=(1_000_000, 10_000_000, 100_000_000),
        ),
        flag("default_12m", "十二个月内违约", "defaults within twelve months", target=True),
    ),
)

COURT = Department(key="court", label_zh="法院", label_en="Court", tables=(ENFORCEMENT,))
BANK = Department(key="bank", label_zh="银行", label_en="Bank", tables=(LOAN,))
