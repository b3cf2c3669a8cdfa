"""What a county bureau writes down about its residents: the rows of every table.

This is the only door out of the generator. Latent values (affluence, frailty, need) and incomes
that no department sees stay behind it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jincheng.cards import AGE_BAND_STARTS, AGE_BANDS
from jincheng.draws import Booleans, Integers
from jincheng.residents import Residents

# Column name -> one value for each row, in the order of the table's card; a masked value is null.
Rows = dict[str, NDArray[Any]]


def hukou(residents: Residents) -> Rows:
    """Everybody who lives in the county."""
    people, households = residents.people, residents.households
    urban = households.urban[people.household]
    who = _who(residents, np.ones(len(people.age), dtype=np.bool_))
    return {
        "id": who["id"],
        "name": people.name,
        "sex": who["sex"],
        "birth_date": people.birth_date,
        "age": who["age"],
        "age_band": who["age_band"],
        "ethnicity": np.where(people.is_han, "汉族", "其他"),
        "urban": np.where(urban, "城镇", "乡村"),
        "household_id": residents.household_numbers[people.household],
        "relation": np.where(people.is_head, "户主", "其他"),
        "hukou_type": np.where(households.farming[people.household], "农业", "非农业"),
        "residence_type": np.where(households.floating[people.household], "流动", "常住"),
        "car_count": np.where(people.is_head, residents.homes.cars[people.household], 0),
    }


def insured(residents: Residents) -> Rows:
    """Insured employees, the registered unemployed, and pensioners."""
    work = residents.work
    listed = work.insured | work.unemployed | (work.pension_fen > 0)
    is_insured, is_unemployed = work.insured[listed], work.unemployed[listed]
    return {
        **_who(residents, listed),
        "employment": np.select([is_insured, is_unemployed], ["职工", "失业登记"], "养老金"),
        "base_fen": _null_unless(is_insured, work.base_fen[listed]),
        "months_12": work.months_12[listed],
        "pension_fen": _null_unless(~is_insured & ~is_unemployed, work.pension_fen[listed]),
        "unemployed": is_unemployed,
    }


def dibao(residents: Residents) -> Rows:
    """Every member of a household that receives the allowance."""
    relief, households = residents.relief, residents.households
    listed = relief.received[residents.people.household]
    household = residents.people.household[listed]
    return {
        **_who(residents, listed),
        "dibao_type": np.where(households.urban[household], "城市", "农村"),
        "amount_fen": relief.amount_fen[household],
        "lives_alone": households.size[household] == 1,
        "household_size": households.size[household],
        "tekun": relief.tekun[household],
        "balance_fen": relief.balance_fen[listed],
    }


ROWS_OF: Mapping[str, Callable[[Residents], Rows]] = MappingProxyType(
    {"hukou": hukou, "insured": insured, "dibao": dibao}
)


def _who(residents: Residents, listed: Booleans) -> Rows:
    """The four columns that every table begins with."""
    age = residents.people.age[listed]
    return {
        "id": residents.ids[listed],
        "sex": np.where(residents.people.male[listed], "男", "女"),
        "age": age,
        "age_band": np.array(AGE_BANDS)[np.digitize(age, AGE_BAND_STARTS)],
    }


def _null_unless(known: Booleans, values: Integers) -> NDArray[Any]:
    return np.ma.masked_array(values, mask=~known)
