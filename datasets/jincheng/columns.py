"""How columns are written down, a line each, and the columns that several tables share."""

from dataclasses import replace

from jincheng.cards import ColumnCard
from jincheng.counties import COUNTIES

AGE_BAND_STARTS = (18, 30, 45, 60, 75)
AGE_BANDS = ("0-17", "18-29", "30-44", "45-59", "60-74", "75+")
SEXES = ("男", "女")

FEN_A_MONTH, FEN_A_YEAR = "fen per month", "fen per year"


def key(name: str, label_zh: str, label_en: str) -> ColumnCard:
    """Describe a number that finds the same person or firm elsewhere: for intersection, never to be seen."""
    return ColumnCard(name=name, type="text", label_zh=label_zh, label_en=label_en, uses=("join_key",))


def unused(name: str, label_zh: str, label_en: str, *, type: str = "text") -> ColumnCard:
    """Describe what the department keeps for itself."""
    return ColumnCard(name=name, type=type, label_zh=label_zh, label_en=label_en, uses=("never",))


def text(name: str, label_zh: str, label_en: str, *, values: tuple[str, ...], feature: bool = False) -> ColumnCard:
    """Describe a text with few public values."""
    uses = ("filter", "group_by", *_feature(feature))
    return ColumnCard(name=name, type="text", label_zh=label_zh, label_en=label_en, uses=uses, values=values)


def flag(name: str, label_zh: str, label_en: str, *, feature: bool = False, target: bool = False) -> ColumnCard:
    """Describe a yes or no."""
    uses = ("filter", "group_by", "aggregate", *_feature(feature or target))
    return ColumnCard(name=name, type="boolean", label_zh=label_zh, label_en=label_en, uses=uses, target=target)


def number(
    name: str,
    label_zh: str,
    label_en: str,
    *,
    unit: str,
    bounds: tuple[int, int],
    cuts: tuple[int, ...] = (),
    bands: bool = True,
    feature: bool = False,
    nullable: bool = False,
) -> ColumnCard:
    """Describe a whole number; without cuts it can only be added up.

    Args:
        bands: whether rows may be grouped between the cuts.
    """
    uses = ("filter",) * bool(cuts) + ("group_by",) * (bool(cuts) and bands) + ("aggregate", *_feature(feature))
    return ColumnCard(
        name=name,
        type="integer",
        unit=unit,
        label_zh=label_zh,
        label_en=label_en,
        uses=uses,
        bounds=bounds,
        cuts=cuts or None,
        nullable=nullable,
    )


def permille(name: str, label_zh: str, label_en: str, *, bounds: tuple[int, int], feature: bool = True) -> ColumnCard:
    """Describe a ratio, in thousandths: mostly a feature, and it can be averaged."""
    return number(name, label_zh, label_en, unit="permille", bounds=bounds, feature=feature)


def as_feature(column: ColumnCard) -> ColumnCard:
    """Open a column to models as well."""
    return replace(column, uses=(*column.uses, "feature"))


def _feature(feature: bool) -> tuple[str, ...]:
    return ("feature",) * feature


ID = key("id", "身份证号", "resident identity number")
HEAD_ID = key("id", "户主身份证号", "identity number of the head of the household")
USCC = key("uscc", "统一社会信用代码", "unified social credit code")
SEX = text("sex", "性别", "sex", values=SEXES)
AGE = number(
    "age",
    "年龄",
    "age at the end of 2024",
    unit="year",
    bounds=(0, 110),
    cuts=(6, 16, 18, 30, 45, 60, 65, 75, 80, 90),
    bands=False,
)
AGE_BAND = text("age_band", "年龄段", "age band", values=AGE_BANDS)
COUNTY = text(
    "county_code",
    "区县代码",
    "county, by its code in GB/T 2260",
    values=tuple(str(county.real_code) for county in COUNTIES),
)
HOUSEHOLD_SIZE = number(
    "household_size",
    "家庭人口",
    "members of the household",
    unit="person",
    bounds=(1, 6),
    cuts=(2, 3, 4, 5, 6),
)
