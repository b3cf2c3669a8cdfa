"""公安: the household register of the whole city, and its deaths."""

import numpy as np

from jincheng.cards import Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import AGE, AGE_BAND, COUNTY, ID, SEX, SEXES, as_feature, number, text, unused
from jincheng.families import RELATIONS
from jincheng.tables import age_bands, pick


def write_hukou(chunk: Chunk) -> Rows:
    """Write everybody down."""
    here = chunk.residents
    people, households = here.people, here.households
    home = people.household
    return {
        "id": here.ids,
        "name": people.name,
        "sex": pick(SEXES, ~people.male),
        "birth_date": people.birth_date,
        "age": people.age,
        "age_band": age_bands(people.age),
        "ethnicity": pick(("其他", "汉族"), people.is_han),
        "county_code": np.full(len(here.ids), str(chunk.county.real_code)),
        "urban": pick(("乡村", "城镇"), households.urban[home]),
        "household_id": here.household_numbers[home],
        "relation": pick(RELATIONS, chunk.families.relation),
        "hukou_type": pick(("非农业", "农业"), households.farming[home]),
        "residence_type": pick(("常住", "流动"), households.floating[home]),
        "car_count": np.where(people.is_head, here.homes.cars[home], 0),
    }


def _deceased(chunk: Chunk) -> Rows:
    died = chunk.registers.died
    birth_date = chunk.residents.people.birth_date[died]
    # A date in the year that nothing else depends on: the birthday's day of the year, moved by 100 days.
    new_year = np.datetime64("2024-01-01")
    day = (birth_date - birth_date.astype("datetime64[Y]")).astype(np.int64)
    return {"id": chunk.residents.ids[died], "death_date": new_year + (day + 100) % 366}


HUKOU = TableCard(
    name="hukou",
    label_zh="户籍",
    label_en="household register",
    about_zh="每位居民一行；机动车数记在户主行。",
    about_en="Everybody who lives in the city; cars stand in the row of the head of the household.",
    id_column="id",
    rows=write_hukou,
    columns=(
        ID,
        unused("name", "姓名", "name"),
        SEX,
        unused("birth_date", "出生日期", "birth date", type="date"),
        AGE,
        AGE_BAND,
        text("ethnicity", "民族", "ethnicity", values=("汉族", "其他")),
        as_feature(COUNTY),
        text("urban", "城乡", "town or country", values=("城镇", "乡村"), feature=True),
        unused("household_id", "户号", "household number"),
        text("relation", "与户主关系", "relation to the head of the household", values=RELATIONS),
        text("hukou_type", "户口性质", "kind of registration", values=("农业", "非农业")),
        text("residence_type", "常住/流动", "resident or floating", values=("常住", "流动")),
        number(
            "car_count",
            "机动车数",
            "cars of the household, on the head's row",
            unit="car",
            bounds=(0, 3),
            cuts=(1, 2),
            bands=False,
            feature=True,
        ),
    ),
)

DECEASED = TableCard(
    name="deceased",
    label_zh="死亡登记",
    label_en="register of deaths",
    about_zh="本年内死亡、户口尚未注销的居民各一行。",
    about_en="Those who died within the year and still stand in the household register.",
    id_column="id",
    rows=_deceased,
    columns=(ID, unused("death_date", "死亡日期", "date of death", type="date")),
)

POLICE = Department(key="police", label_zh="公安", label_en="Police", tables=(HUKOU, DECEASED))
