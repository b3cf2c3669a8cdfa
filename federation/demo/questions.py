"""What the demonstration asks, what it must be refused, and how pandas answers on the pooled clear data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import pandas as pd


Clear = Callable[["Mapping[str, pd.DataFrame]"], "pd.DataFrame"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One query of the demonstration, and how pandas answers it on the pooled clear data.

    Attributes:
        keys: how many leading columns name the group.
    """

    zh: str
    en: str
    sql: str
    keys: int
    clear: Clear


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A query that must be refused, and the code it must be refused with."""

    zh: str
    en: str
    sql: str
    code: str


def _by_age(t: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    rows = t["insured"][t["insured"].months_12 >= 6]
    return rows.groupby("age_band").base_fen.agg(["size", "sum", "mean"]).reset_index()


def _relief(t: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return (
        t["dibao"]
        .groupby("dibao_type")
        .agg(n=("amount_fen", "size"), s=("amount_fen", "sum"), b=("balance_fen", "sum"), d=("amount_fen", "std"))
        .reset_index()
    )


def _unemployed(t: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    rows = t["insured"][t["insured"].unemployed]
    return rows.groupby(["sex", "age_band"]).size().reset_index()


def _bands(t: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas

    rows = t["insured"][t["insured"].employment == "职工"]
    cuts = [370000, 500000, 700000, 1000000, 1500000]
    labels = [f"< {cuts[0]}", *(f"[{low}, {high})" for low, high in pairwise(cuts)), f">= {cuts[-1]}"]
    banded = pandas.cut(rows.base_fen.astype("float"), [-math.inf, *cuts, math.inf], right=False, labels=labels)
    return rows.groupby(banded, observed=True).size().reset_index()


QUESTIONS = (
    Question(
        zh="近一年缴费满六个月的职工：人数、缴费基数合计与平均，按年龄段",
        en="employees who paid for six months or more: number, total and mean base, by age band",
        sql="SELECT age_band, COUNT(*), SUM(base_fen), AVG(base_fen) FROM insured WHERE months_12 >= 6"
        " GROUP BY age_band",
        keys=1,
        clear=_by_age,
    ),
    Question(
        zh="低保：人数、月救助金合计、上年核减补差（可为负）、标准差，按类别",
        en="basic allowance: number, monthly total, last year's corrections (signed), deviation, by kind",
        sql="SELECT dibao_type, COUNT(*), SUM(amount_fen), SUM(balance_fen), STDDEV(amount_fen) FROM dibao"
        " GROUP BY dibao_type",
        keys=1,
        clear=_relief,
    ),
    Question(
        zh="登记失业人数，按性别与年龄段（小组被抑制）",
        en="registered unemployed by sex and age band (small groups are suppressed)",
        sql="SELECT sex, age_band, COUNT(*) FROM insured WHERE unemployed GROUP BY sex, age_band",
        keys=2,
        clear=_unemployed,
    ),
    Question(
        zh="职工缴费基数的直方图（公开分界点）",
        en="histogram of employees' bases by public cut points",
        sql="SELECT BAND(base_fen), COUNT(*) FROM insured WHERE employment = '职工' GROUP BY BAND(base_fen)",
        keys=1,
        clear=_bands,
    ),
)

REFUSALS = (
    Refusal(
        zh="查询逐行数据",
        en="asking for rows",
        sql="SELECT sex, age FROM hukou",
        code="request.rows",
    ),
    Refusal(
        zh="按身份证号查人",
        en="looking a person up by id",
        sql="SELECT COUNT(*) FROM hukou WHERE id = '140591199001010011'",
        code="request.join_key",
    ),
    Refusal(
        zh="按持有部门分组",
        en="grouping by the holder",
        sql="SELECT department, COUNT(*) FROM hukou GROUP BY department",
        code="request.by_holder",
    ),
    Refusal(
        zh="只问一个县的部门",
        en="asking one bureau only",
        sql="SELECT COUNT(*) FROM lingchuan.dibao",
        code="request.one_department",
    ),
    Refusal(
        zh="用任意界限逼近个人",
        en="walking up to a person with free limits",
        sql="SELECT COUNT(*) FROM insured WHERE base_fen >= 1999990",
        code="request.cut",
    ),
)
