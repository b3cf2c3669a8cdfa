"""A script's plan is allowed as it was made, and refused with any one rule of it changed."""

from __future__ import annotations

import msgspec
import pytest

from federation.errors import KeyongError
from federation.governance.policy import check_plan, readable_columns
from federation.plan import (
    LEAST_SCRIPT_MB,
    MAX_DIGITS,
    MAX_FILES,
    MAX_RELEASED,
    MAX_SCRIPT_BYTES,
    MAX_SCRIPT_MB,
    MAX_SCRIPT_S,
    Column,
    GroupKey,
    ScriptFile,
    ScriptPlan,
    read_plan,
)
from federation.settings import Catalogue, TierRules
from tests.support.memory import ANALYST, COLUMNS, NAMES, catalogue
from tests.support.scripts import AGE, PLAN, PUBLIC, ROSTER, SEX

CARD = PUBLIC.tables[0]
replace = msgspec.structs.replace


def code(plan: ScriptPlan, public: Catalogue = PUBLIC) -> str:
    with pytest.raises(KeyongError) as refused:
        check_plan(replace(plan, catalogue=public.hash), public, ROSTER)
    return refused.value.code


def files(*texts: str, name: str = "f{}.py") -> tuple[ScriptFile, ...]:
    return tuple(ScriptFile(name=name.format(number), text=text) for number, text in enumerate(texts))


def test_plan_is_allowed_as_it_was_made_and_by_one_department_without_a_lab():
    check_plan(PLAN, PUBLIC, ROSTER)
    assert PLAN.protection == "none"
    assert not PUBLIC.lab
    assert PLAN.participants == ("gaoping",)


def test_plan_without_keys_and_with_fewer_columns_is_allowed():
    check_plan(replace(PLAN, group_by=(), view=PLAN.view[2:5]), PUBLIC, ROSTER)


def test_script_is_given_every_open_column_in_order_and_no_identifier():
    names = [column.name for column in readable_columns(CARD)]
    assert names == [column.name for column in COLUMNS if column.name not in ("person_id", "name")]
    assert all(isinstance(column, Column) for column in readable_columns(CARD))


IDENTIFIER, HIDDEN = Column(name="person_id", type="text"), Column(name="name", type="text")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"contributors": ("gaoping", "qinshui"), "gate": "qinshui"}, "refused.loosened"),
        ({"contributors": ("tax",), "gate": "tax"}, "refused.loosened"),
        ({"gate": "qinshui"}, "refused.loosened"),
        ({"minimum_group": 2}, "refused.loosened"),
        ({"view": ()}, "refused.loosened"),
        ({"view": (IDENTIFIER, *PLAN.view)}, "refused.loosened"),
        ({"view": (HIDDEN, *PLAN.view)}, "refused.loosened"),
        ({"view": PLAN.view[::-1]}, "refused.loosened"),
        ({"view": (*PLAN.view, PLAN.view[-1])}, "refused.loosened"),
        ({"view": (Column(name="sex", type="integer"), *PLAN.view[1:])}, "refused.loosened"),
        ({"view": PLAN.view[2:]}, "refused.loosened"),  # without the key's column
        ({"group_by": (AGE, AGE)}, "refused.loosened"),
        ({"group_by": (GroupKey(column="person_id", values=("14",)),)}, "refused.loosened"),
        ({"group_by": (GroupKey(column="age", values=("young", "ancient")),)}, "request.group_values"),
        ({"group_by": (GroupKey(column="months", cuts=(6, 7)),)}, "refused.loosened"),
        ({"group_by": (GroupKey(column="since", values=("2000-01-01",)),)}, "request.use"),
        ({"numbers": ()}, "request.script_numbers"),
        ({"numbers": ("age",)}, "request.script_numbers"),
        ({"numbers": ("x", "x")}, "request.script_numbers"),
        ({"numbers": tuple(f"n{i}" for i in range(33))}, "request.script_numbers"),
        ({"files": ()}, "request.script_files"),
        ({"files": files("", "", name="a.py")}, "request.script_files"),
        ({"files": (*files(""), *files("", name="F{}.PY"))}, "request.script_files"),
        ({"files": files(*[""] * (MAX_FILES + 1))}, "request.script_files"),
        ({"files": files("险" * (MAX_SCRIPT_BYTES // 3), "more")}, "request.script_files"),
        ({"digits": 0}, "request.script_limits"),
        ({"digits": MAX_DIGITS + 1}, "request.script_limits"),
        ({"seconds": 0}, "request.script_limits"),
        ({"seconds": MAX_SCRIPT_S + 1}, "request.script_limits"),
        ({"memory_mb": LEAST_SCRIPT_MB - 1}, "request.script_limits"),
        ({"memory_mb": MAX_SCRIPT_MB + 1}, "request.script_limits"),
        ({"basis": "x" * 501}, "request.script_limits"),
        ({"purpose": " "}, "request.purpose"),
    ],
)
def test_plan_with_one_thing_changed_is_refused(changes, expected):
    assert code(replace(PLAN, **changes)) == expected


@pytest.mark.parametrize(
    "limits",
    [
        {"digits": 1, "seconds": 1, "memory_mb": LEAST_SCRIPT_MB},
        {"digits": MAX_DIGITS, "seconds": MAX_SCRIPT_S, "memory_mb": MAX_SCRIPT_MB},
    ],
)
def test_what_the_policy_allows_at_its_limits_can_be_read_by_the_department(limits):
    plan = replace(PLAN, **limits)
    check_plan(plan, PUBLIC, ROSTER)
    assert read_plan(plan.to_bytes()) == plan


def test_more_numbers_than_one_epoch_allows_are_refused_at_once():
    areas = GroupKey(column="area", values=tuple(f"area {i:03}" for i in range(300)))
    plan = replace(PLAN, group_by=(areas,), numbers=tuple(f"n{i}" for i in range(32)))
    assert plan.released_numbers <= MAX_RELEASED
    check_plan(plan, PUBLIC, ROSTER)
    assert code(replace(plan, group_by=(areas, SEX))) == "request.script_released"
    assert code(replace(plan, group_by=(areas, SEX, AGE, PLAN_KEY))) == "request.too_many_groups"


PLAN_KEY = GroupKey(column="城镇", values=("是", "否"))


def test_table_whose_owners_let_no_script_run_is_refused():
    assert code(PLAN, catalogue(NAMES)) == "request.no_scripts"


def test_no_script_is_given_core_data():
    public = replace(PUBLIC, tables=(replace(CARD, data_class="core"),))
    assert code(PLAN, public) == "request.core"


def test_county_that_may_only_query_runs_no_script():
    public = replace(PUBLIC, counties=("city",), county=TierRules(requests=("sum",)))
    assert code(PLAN, public) == "request.tier"


def test_other_kinds_without_protection_still_need_a_lab():
    from federation.queries.sql import plan_query

    wishes = {"purpose": "test", "requester": ANALYST, "catalogue": PUBLIC, "roster": ROSTER, "nonce": "0"}
    with pytest.raises(KeyongError) as refused:
        check_plan(plan_query("SELECT COUNT(*) FROM insured", protection="none", **wishes), PUBLIC, ROSTER)
    assert refused.value.code == "request.protection_lab"


@pytest.mark.parametrize(
    "changes",
    [
        {"files": files("", name="../f.py")},
        {"files": files("", name=".hidden")},
        {"files": files("", name="a b.py")},
        {"numbers": ("a mean",)},
        {"numbers": ("",)},
        {"digits": 9},
    ],
)
def test_department_reads_no_plan_with_names_that_are_none(changes):
    with pytest.raises(ValueError):
        read_plan(replace(PLAN, **changes).to_bytes())


def test_plan_of_another_file_or_name_has_another_code():
    codes = {
        replace(PLAN, files=changed).code
        for changed in (files("a"), files("b"), files("a", "b"), files("b", "a"), files("a", name="g{}.py"))
    }
    assert len(codes) == 5
