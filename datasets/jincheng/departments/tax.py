"""税务: income tax of people and households, value-added tax of firms."""

from jincheng.cards import Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import FEN_A_YEAR, HEAD_ID, ID, USCC, number, permille, text
from jincheng.firms import RATINGS
from jincheng.relief import fen
from jincheng.tables import pick

TAX_CUTS = (10_000, 50_000, 100_000, 500_000)


def _pit(chunk: Chunk) -> Rows:
    declared = chunk.registers.declared
    work = chunk.residents.work
    return {
        "id": chunk.residents.ids[declared],
        "pit_income_fen": work.base_fen[declared] * work.months_12[declared],
        "pit_tax_fen": fen(chunk.registers.tax_yuan[declared]),
    }


def _household_tax(chunk: Chunk) -> Rows:
    return {
        "id": chunk.residents.ids[chunk.residents.people.is_head],
        "tax_fen": fen(chunk.registers.household_tax_yuan),
    }


def _vat(chunk: Chunk) -> Rows:
    active, taxes = ~chunk.firms.registration.cancelled, chunk.firms.taxes
    return {
        "uscc": chunk.firms.code[active],
        "vat_sales_12m_fen": fen(10_000 * taxes.sales[active]),
        "vat_trend": 1000 * taxes.trend[active],
        "vat_std": 1000 * taxes.deviation[active],
        "zero_months": taxes.zero_months[active],
        "tax_arrears": taxes.arrears[active],
        "credit_rating": pick(RATINGS, taxes.rating[active]),
    }


PIT = TableCard(
    name="pit",
    label_zh="个人所得税",
    label_en="income tax",
    about_zh="月工资高于 5,000 元的申报人各一行。",
    about_en="Wage earners above 5,000 yuan a month.",
    id_column="id",
    rows=_pit,
    columns=(
        ID,
        number(
            "pit_income_fen",
            "申报收入",
            "income declared",
            unit=FEN_A_YEAR,
            bounds=(0, 30_000_000),
            cuts=(6_000_000, 10_000_000, 15_000_000),
        ),
        number("pit_tax_fen", "个税", "income tax", unit=FEN_A_YEAR, bounds=(0, 1_000_000), cuts=TAX_CUTS),
    ),
)

HOUSEHOLD_TAX = TableCard(
    name="household_tax",
    label_zh="家庭纳税",
    label_en="tax by household",
    about_zh="每户一行，以户主身份证号为键。",
    about_en="Every household, by its head.",
    id_column="id",
    rows=_household_tax,
    columns=(
        HEAD_ID,
        number(
            "tax_fen",
            "全家个税",
            "income tax of the household, with that on business",
            unit=FEN_A_YEAR,
            bounds=(0, 100_000_000),
            cuts=(1, *TAX_CUTS),
            feature=True,
        ),
    ),
)

VAT = TableCard(
    name="vat",
    label_zh="增值税",
    label_en="value-added tax",
    about_zh="存续市场主体各一行。",
    about_en="All firms that exist.",
    id_column="uscc",
    rows=_vat,
    columns=(
        USCC,
        number(
            "vat_sales_12m_fen",
            "近12月增值税销售额",
            "sales of the last 12 months",
            unit=FEN_A_YEAR,
            bounds=(0, 10**12),
            cuts=(10_000_000, 100_000_000, 1_000_000_000),
            feature=True,
        ),
        permille("vat_trend", "销售额同比", "sales on last year", bounds=(-2_000, 2_000)),
        permille("vat_std", "销售额波动", "deviation of monthly sales", bounds=(0, 3_000)),
        number(
            "zero_months",
            "零申报月数",
            "months without sales",
            unit="month",
            bounds=(0, 12),
            cuts=(1, 3, 6),
            feature=True,
        ),
        number(
            "tax_arrears",
            "欠税次数",
            "taxes overdue, times",
            unit="time",
            bounds=(0, 12),
            cuts=(1, 2, 3),
            feature=True,
        ),
        text("credit_rating", "纳税信用", "credit rating", values=RATINGS[::-1], feature=True),
    ),
)

TAX = Department(key="tax", label_zh="税务", label_en="Tax", tables=(PIT, HOUSEHOLD_TAX, VAT))
