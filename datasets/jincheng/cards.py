"""Data cards: what every column means, its bounds, and what it may be used for.

A county bureau's catalogue is made from these cards, and so is the policy it starts with. They say
only what is public: bounds, values and cut points hold for every city, whoever is in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

AGE_BAND_STARTS = (18, 30, 45, 60, 75)
AGE_BANDS = ("0-17", "18-29", "30-44", "45-59", "60-74", "75+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCard:
    """One column.

    Attributes:
        type: integer, decimal(N), text, date or boolean (written 0 and 1).
        unit: of the integers as they are written; empty where there is none.
        uses: never, or some of join_key, filter, group_by, aggregate, feature, plain.
        bounds: lowest and highest value there can be, both included.
        values: all the texts there can be.
        cuts: public cut points; filters compare with these only, groups lie between them.
        nullable: whether a row may have none (an empty cell).
    """

    name: str
    type: str
    unit: str = ""
    label_zh: str
    label_en: str
    uses: tuple[str, ...]
    bounds: tuple[int, int] | None = None
    values: tuple[str, ...] | None = None
    cuts: tuple[int, ...] | None = None
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCard:
    """One table, the same in all six counties.

    Attributes:
        id_column: the identity number that tells whom a row is about.
    """

    name: str
    label_zh: str
    label_en: str
    id_column: str
    columns: tuple[ColumnCard, ...]


ID = ColumnCard(
    name="id",
    type="text",
    label_zh="身份证号",
    label_en="resident identity number",
    uses=("join_key",),
)
SEX = ColumnCard(
    name="sex",
    type="text",
    label_zh="性别",
    label_en="sex",
    uses=("filter", "group_by", "feature"),
    values=("男", "女"),
)
AGE = ColumnCard(
    name="age",
    type="integer",
    unit="year",
    label_zh="年龄",
    label_en="age at the end of 2024",
    uses=("filter", "aggregate", "feature"),
    bounds=(0, 110),
    cuts=(6, 16, 18, 30, 45, 60, 65, 75, 80, 90),
)
AGE_BAND = ColumnCard(
    name="age_band",
    type="text",
    label_zh="年龄段",
    label_en="age band",
    uses=("filter", "group_by"),
    values=AGE_BANDS,
)

HUKOU = TableCard(
    name="hukou",
    label_zh="户籍",
    label_en="household register",
    id_column="id",
    columns=(
        ID,
        ColumnCard(name="name", type="text", label_zh="姓名", label_en="name", uses=("never",)),
        SEX,
        ColumnCard(name="birth_date", type="date", label_zh="出生日期", label_en="birth date", uses=("never",)),
        AGE,
        AGE_BAND,
        ColumnCard(
            name="ethnicity",
            type="text",
            label_zh="民族",
            label_en="ethnicity",
            uses=("filter", "group_by"),
            values=("汉族", "其他"),
        ),
        ColumnCard(
            name="urban",
            type="text",
            label_zh="城乡",
            label_en="town or country",
            uses=("filter", "group_by", "feature"),
            values=("城镇", "乡村"),
        ),
        ColumnCard(
            name="household_id",
            type="text",
            label_zh="户号",
            label_en="household number",
            uses=("never",),
        ),
        ColumnCard(
            name="relation",
            type="text",
            label_zh="与户主关系",
            label_en="relation to the head of the household",
            uses=("filter", "group_by"),
            values=("户主", "其他"),
        ),
        ColumnCard(
            name="hukou_type",
            type="text",
            label_zh="户口性质",
            label_en="kind of registration",
            uses=("filter", "group_by"),
            values=("农业", "非农业"),
        ),
        ColumnCard(
            name="residence_type",
            type="text",
            label_zh="常住/流动",
            label_en="resident or floating",
            uses=("filter", "group_by"),
            values=("常住", "流动"),
        ),
        ColumnCard(
            name="car_count",
            type="integer",
            unit="car",
            label_zh="机动车数",
            label_en="cars of the household, on the head's row",
            uses=("filter", "aggregate", "feature"),
            bounds=(0, 3),
            cuts=(1, 2),
        ),
    ),
)

INSURED = TableCard(
    name="insured",
    label_zh="职工社保",
    label_en="employees' social insurance",
    id_column="id",
    columns=(
        ID,
        SEX,
        AGE,
        AGE_BAND,
        ColumnCard(
            name="employment",
            type="text",
            label_zh="险种",
            label_en="why the person is on the rolls",
            uses=("filter", "group_by"),
            values=("职工", "失业登记", "养老金"),
        ),
        ColumnCard(
            name="base_fen",
            type="integer",
            unit="fen per month",
            label_zh="缴费基数",
            label_en="contribution base",
            uses=("filter", "group_by", "aggregate", "feature"),
            bounds=(0, 2_500_000),
            cuts=(370_000, 500_000, 700_000, 1_000_000, 1_500_000),
            nullable=True,
        ),
        ColumnCard(
            name="months_12",
            type="integer",
            unit="month",
            label_zh="近12月缴费月数",
            label_en="months paid of the last 12",
            uses=("filter", "aggregate", "feature"),
            bounds=(0, 12),
            cuts=tuple(range(1, 13)),
        ),
        ColumnCard(
            name="pension_fen",
            type="integer",
            unit="fen per month",
            label_zh="养老金",
            label_en="pension",
            uses=("filter", "group_by", "aggregate", "feature"),
            bounds=(0, 1_000_000),
            cuts=(100_000, 200_000, 300_000, 400_000, 500_000),
            nullable=True,
        ),
        ColumnCard(
            name="unemployed",
            type="boolean",
            label_zh="失业登记",
            label_en="registered as unemployed",
            uses=("filter", "group_by", "aggregate", "feature"),
        ),
    ),
)

DIBAO = TableCard(
    name="dibao",
    label_zh="低保",
    label_en="minimum living allowance",
    id_column="id",
    columns=(
        ID,
        SEX,
        AGE,
        AGE_BAND,
        ColumnCard(
            name="dibao_type",
            type="text",
            label_zh="低保类别",
            label_en="scheme",
            uses=("filter", "group_by"),
            values=("城市", "农村"),
        ),
        ColumnCard(
            name="amount_fen",
            type="integer",
            unit="fen per month",
            label_zh="月救助金额",
            label_en="allowance of this person",
            uses=("filter", "group_by", "aggregate"),
            bounds=(0, 200_000),
            cuts=(20_000, 40_000, 60_000, 80_000),
        ),
        ColumnCard(
            name="lives_alone",
            type="boolean",
            label_zh="独居",
            label_en="lives alone",
            uses=("filter", "group_by", "aggregate", "feature"),
        ),
        ColumnCard(
            name="household_size",
            type="integer",
            unit="person",
            label_zh="家庭人口",
            label_en="members of the household",
            uses=("filter", "group_by", "aggregate", "feature"),
            bounds=(1, 6),
            cuts=(2, 3, 4, 5, 6),
        ),
        ColumnCard(
            name="tekun",
            type="boolean",
            label_zh="特困供养",
            label_en="support of the destitute",
            uses=("filter", "group_by", "aggregate"),
        ),
        ColumnCard(
            name="balance_fen",
            type="integer",
            unit="fen",
            label_zh="上年核减补差",
            label_en="correction of last year's payments, negative if taken back",
            uses=("aggregate",),
            bounds=(-50_000, 50_000),
        ),
    ),
)

TABLES: Mapping[str, TableCard] = MappingProxyType({card.name: card for card in (HUKOU, INSURED, DIBAO)})
