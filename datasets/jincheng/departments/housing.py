"""自然资源/住建: homes of households, real estate of firms, and public housing."""

from jincheng.cards import Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import FEN_A_MONTH, HEAD_ID, USCC, flag, number

COVERAGE = 0.70
RENT_FEN_A_M2 = 350  # public housing, a month


def _property(chunk: Chunk) -> Rows:
    here, registers = chunk.residents, chunk.registers
    return {
        "id": here.ids[here.people.is_head],
        "area_m2": here.homes.area_m2,
        "owned": here.homes.owned,
        "flats": registers.flats,
        "mortgage": registers.mortgaged,
        "public_rent": registers.public_rent,
    }


def _rent(chunk: Chunk) -> Rows:
    here, rented = chunk.residents, chunk.registers.public_rent
    return {
        "id": here.ids[here.people.is_head][rented],
        "rent_fen": RENT_FEN_A_M2 * here.homes.area_m2[rented],
    }


def _firm_property(chunk: Chunk) -> Rows:
    active, estate = ~chunk.firms.registration.cancelled, chunk.firms.estate
    return {
        "uscc": chunk.firms.code[active],
        "owned": estate.owned[active],
        "mortgage": estate.mortgaged[active],
    }


PROPERTY = TableCard(
    name="property",
    label_zh="住房",
    label_en="homes",
    about_zh="每户一行，以户主身份证号为键。",
    about_en="Every household, by its head.",
    id_column="id",
    coverage=COVERAGE,
    rows=_property,
    columns=(
        HEAD_ID,
        number(
            "area_m2",
            "建筑面积",
            "floor area",
            unit="m2",
            bounds=(18, 320),
            cuts=(50, 70, 90, 120, 150),
            feature=True,
        ),
        flag("owned", "自有产权", "owned by the household", feature=True),
        number("flats", "房产套数", "flats owned", unit="flat", bounds=(0, 2), cuts=(1, 2)),
        flag("mortgage", "抵押", "mortgaged"),
        flag("public_rent", "公租房", "rented from the city", feature=True),
    ),
)

RENT = TableCard(
    name="rent",
    label_zh="公租房租金",
    label_en="rents of public housing",
    about_zh="租住公租房的家庭各一行，以户主身份证号为键。",
    about_en="Households that rent from the city, by their heads.",
    id_column="id",
    coverage=COVERAGE,
    rows=_rent,
    columns=(
        HEAD_ID,
        number("rent_fen", "月租金", "rent", unit=FEN_A_MONTH, bounds=(0, 200_000), cuts=(20_000, 30_000, 40_000)),
    ),
)

FIRM_PROPERTY = TableCard(
    name="firm_property",
    label_zh="企业不动产",
    label_en="real estate of firms",
    about_zh="存续市场主体各一行。",
    about_en="All firms that exist.",
    id_column="uscc",
    coverage=COVERAGE,
    rows=_firm_property,
    columns=(
        USCC,
        flag("owned", "自有不动产", "owns real estate", feature=True),
        flag("mortgage", "抵押", "mortgaged", feature=True),
    ),
)

HOUSING = Department(
    key="housing",
    label_zh="自然资源/住建",
    label_en="Natural resources and housing",
    tables=(PROPERTY, RENT, FIRM_PROPERTY),
)
