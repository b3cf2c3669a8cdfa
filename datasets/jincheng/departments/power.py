"""电力: the meters of homes and firms."""

import numpy as np

from jincheng.cards import ColumnCard, Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import HEAD_ID, USCC, number, permille, unused
from jincheng.counties import COUNTIES
from jincheng.draws import Integers, Texts
from jincheng.firms import FIRMS_PER_COUNTY

# Ten digits: the county, 1 for homes or 5 for firms, and a running number.
HOMES, FIRMS = 1, 5


def _residential(chunk: Chunk) -> Rows:
    here, registers = chunk.residents, chunk.registers
    numbers = chunk.citizens.start + np.arange(len(here.households.size))
    return {
        "id": here.ids[here.people.is_head],
        "meter_id": _meters(chunk, HOMES, numbers),
        "kwh_12m": 12 * here.homes.kwh,
        "kwh_trend": 1000 * registers.kwh_trend,
        "night_share": 1000 * registers.night_share,
        "power_arrears": here.homes.power_arrears,
    }


def _industrial(chunk: Chunk) -> Rows:
    firms, power = chunk.firms, chunk.firms.power
    active = ~firms.registration.cancelled
    return {
        "uscc": firms.code[active],
        "meter_id": _meters(chunk, FIRMS, firms.serial[active] % FIRMS_PER_COUNTY),
        "kwh_12m": 12 * power.kwh[active],
        "kwh_trend": 1000 * power.trend[active],
        "night_share": 1000 * power.night_share[active],
        "power_arrears": power.arrears[active],
    }


def _meters(chunk: Chunk, kind: int, numbers: Integers) -> Texts:
    county = 1 + COUNTIES.index(chunk.county)
    return (10**9 * county + 10**8 * kind + numbers).astype("U10")


def _columns(holder: ColumnCard, *, most_kwh: int, kwh_cuts: tuple[int, ...], feature: bool) -> tuple[ColumnCard, ...]:
    return (
        holder,
        unused("meter_id", "用电户号", "number of the meter"),
        number(
            "kwh_12m",
            "近12月用电量",
            "electricity of the last 12 months",
            unit="kWh",
            bounds=(0, most_kwh),
            cuts=kwh_cuts,
            feature=True,
        ),
        permille("kwh_trend", "用电量同比", "electricity on last year", bounds=(-2_000, 2_000), feature=feature),
        permille("night_share", "谷段占比", "part used at night", bounds=(0, 1_000), feature=feature),
        number(
            "power_arrears",
            "欠费次数",
            "bills overdue, times",
            unit="time",
            bounds=(0, 12),
            cuts=(1, 2, 3),
            feature=True,
        ),
    )


RESIDENTIAL = TableCard(
    name="residential",
    label_zh="居民用电",
    label_en="electricity of homes",
    about_zh="每户一行，以户主身份证号为键。",
    about_en="Every household, by its head.",
    id_column="id",
    coverage=0.88,
    rows=_residential,
    columns=_columns(HEAD_ID, most_kwh=50_000, kwh_cuts=(1_200, 2_400, 3_600), feature=False),
)

INDUSTRIAL = TableCard(
    name="industrial",
    label_zh="企业用电",
    label_en="electricity of firms",
    about_zh="存续市场主体各一行。",
    about_en="All firms that exist.",
    id_column="uscc",
    coverage=0.95,
    rows=_industrial,
    columns=_columns(USCC, most_kwh=10**7, kwh_cuts=(1_000, 10_000, 100_000), feature=True),
)

POWER = Department(key="power", label_zh="电力", label_en="Power utility", tables=(RESIDENTIAL, INDUSTRIAL))
