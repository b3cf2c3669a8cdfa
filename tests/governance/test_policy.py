"""A plan is allowed as it was made, and refused with any one rule of it changed."""

from __future__ import annotations

import msgspec
import pytest

from federation.errors import KeyongError, RefusedError, RequestError
from federation.governance.policy import MAX_PURPOSE, check_plan
from federation.governance.roster import Party, Roster
from federation.plan import Column, Condition, GroupKey, Plan, release_gate
from federation.queries.sql import plan_query
from federation.settings import ALL_KINDS, Catalogue, TierRules
from tests.support.memory import COLUMNS, catalogue, column

NAMES = ("gaoping", "lingchuan", "qinshui", "zezhou")
PUBLIC = catalogue(NAMES, minimum_group=10)
ROLES = {
    **dict.fromkeys(NAMES, "department"),
    "coordinator": "coordinator",
    "analyst@city": "analyst",
    "analyst@zezhou": "analyst",
}
ROSTER = Roster(
    origin="keyong.test/policy",
    epoch=1,
    parties=tuple(Party(name=name, role=role, signing=name.encode(), box=b"") for name, role in ROLES.items()),
    holders=NAMES,
    threshold=2,
    public_key=b"",
)
replace = msgspec.structs.replace


def plan_of(sql: str, **rules) -> Plan:
    return plan_query(
        sql,
        **{
            "purpose": "test",
            "requester": "analyst@city",
            "catalogue": PUBLIC,
            "roster": ROSTER,
            "nonce": "0",
            **rules,
        },
    )


PLAN = plan_of("SELECT BAND(months), sex, SUM(income) FROM insured WHERE months >= 6 GROUP BY BAND(months), sex")


def code(plan: Plan, public=PUBLIC, roster=ROSTER) -> str:
    with pytest.raises(KeyongError) as refused:
        check_plan(plan, public, roster)
    return refused.value.code


def local(**changes) -> Plan:
    return replace(PLAN, local=replace(PLAN.local, **changes))


def test_plan_as_it_was_made_is_allowed():
    check_plan(PLAN, PUBLIC, ROSTER)


@pytest.mark.parametrize("change", [{"minimum_group": 11}, {"minimum_contributors": 4}])
def test_plan_that_is_stricter_is_allowed(change):
    check_plan(replace(PLAN, **change), PUBLIC, ROSTER)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"minimum_group": 9}, "refused.loosened"),
        ({"minimum_group": 0}, "refused.loosened"),
        ({"minimum_contributors": 2}, "refused.loosened"),
        ({"threshold": 1}, "refused.loosened"),
        ({"threshold": 3}, "refused.loosened"),
        ({"holders": NAMES[:3]}, "refused.loosened"),
        ({"holders": NAMES[::-1]}, "refused.loosened"),
        ({"holders": (*NAMES, "coordinator")}, "refused.loosened"),
        ({"gate": "coordinator"}, "refused.loosened"),
        ({"gate": "analyst@city"}, "refused.loosened"),
        ({"gate": "analyst@zezhou"}, "refused.loosened"),
        ({"gate": "nobody"}, "refused.loosened"),
        ({"gate": "gaoping"}, "refused.loosened"),  # a department, but not the one the rule names
        ({"requester": "gaoping"}, "refused.requester"),
        ({"requester": "coordinator"}, "refused.requester"),
        ({"requester": "nobody"}, "refused.requester"),
        ({"requester": "analyst@zezhou"}, "refused.loosened"),  # whose own department would be the gate
        ({"catalogue": "0" * 64}, "refused.other_catalogue"),
        ({"roster": "0" * 64}, "refused.other_catalogue"),
        ({"epoch": 2}, "refused.other_catalogue"),
        ({"contributors": NAMES[:3]}, "request.one_department"),
        ({"contributors": NAMES[:1]}, "request.one_department"),
        ({"contributors": ()}, "request.one_department"),
        ({"contributors": NAMES[::-1]}, "request.one_department"),
        ({"contributors": (*NAMES, "zezhou")}, "request.one_department"),
        ({"purpose": ""}, "request.purpose"),
        ({"purpose": " \n"}, "request.purpose"),
        ({"purpose": "x" * (MAX_PURPOSE + 1)}, "request.purpose"),
    ],
)
def test_plan_with_one_rule_changed_is_refused(change, expected):
    assert code(replace(PLAN, **change)) == expected


def test_requester_may_have_its_own_department_answer_but_not_be_gate():
    plan = plan_of("SELECT COUNT(*) FROM insured", requester="analyst@zezhou")
    assert plan.gate == "qinshui"
    check_plan(plan, PUBLIC, ROSTER)


@pytest.mark.parametrize("requester", ["analyst@tax", "a@b@tax", "tax"])
def test_asking_department_stands_behind_the_at_sign(requester):
    assert release_gate(("health", "tax"), requester) == "health"


# --- tiers and classes of data ---


def tiered(*, county: TierRules | None = None, data_class: str = "general") -> Catalogue:
    """The catalogue with zezhou as a county, and its one table of a class of data."""
    (table,) = PUBLIC.tables
    open_to_all, marked = replace(table, name="open"), replace(table, data_class=data_class)
    return replace(PUBLIC, counties=("zezhou",), county=county or TierRules(), tables=(marked, open_to_all))


def asked(requester: str, public: Catalogue, **changes) -> Plan:
    return replace(plan_of("SELECT COUNT(*) FROM insured", requester=requester, catalogue=public), **changes)


SUMS_OF_20 = TierRules(requests=("sum",), minimum_group=20)


def test_county_asks_for_what_its_tier_allows_in_groups_of_its_tier():
    public = tiered(county=SUMS_OF_20)
    plan = asked("analyst@zezhou", public)
    assert plan.minimum_group == 20
    check_plan(plan, public, ROSTER)
    assert asked("analyst@city", public).minimum_group == 10


@pytest.mark.parametrize(
    ("county", "changes", "expected", "named"),
    [
        pytest.param(TierRules(requests=("train", "script")), {}, "request.tier", "train, script", id="another kind"),
        pytest.param(TierRules(requests=()), {}, "request.tier", "-", id="nothing at all"),
        pytest.param(SUMS_OF_20, {"minimum_group": 19}, "request.tier_group", "20", id="smaller groups"),
    ],
)
def test_county_is_refused_by_every_department_what_its_tier_does_not_allow(county, changes, expected, named):
    public = tiered(county=county)
    with pytest.raises(RequestError) as refused:
        check_plan(asked("analyst@zezhou", public, **changes), public, ROSTER)
    assert refused.value.code == expected
    assert named in refused.value.message("en") + refused.value.next_step("en")
    check_plan(asked("analyst@city", public), public, ROSTER)


@pytest.mark.parametrize(
    ("data_class", "requester", "expected"),
    [
        ("core", "analyst@city", "request.core"),
        ("core", "analyst@zezhou", "request.core"),
        ("important", "analyst@zezhou", "request.important"),
    ],
)
def test_class_of_data_keeps_a_table_from_those_it_is_not_for(data_class, requester, expected):
    public = tiered(data_class=data_class)
    with pytest.raises(RequestError) as refused:
        check_plan(asked(requester, public), public, ROSTER)
    assert refused.value.code == expected
    assert "open" in refused.value.next_step("en")


@pytest.mark.parametrize(
    ("data_class", "requester"),
    [("general", "analyst@city"), ("general", "analyst@zezhou"), ("important", "analyst@city")],
)
def test_class_of_data_lets_others_ask(data_class, requester):
    public = tiered(data_class=data_class)
    check_plan(asked(requester, public), public, ROSTER)


def test_catalogue_keeps_its_hash_on_its_way_to_a_department():
    for public in (PUBLIC, tiered(county=SUMS_OF_20), tiered(county=TierRules(requests=ALL_KINDS))):
        assert msgspec.json.decode(public.to_bytes(), type=Catalogue).hash == public.hash


def test_plan_against_another_catalogue_of_the_same_tables_is_refused():
    assert code(PLAN, public=catalogue(NAMES, minimum_group=9)) == "refused.other_catalogue"


def test_table_of_fewer_departments_than_the_rule_is_refused():
    few = catalogue(NAMES[:2])
    plan = plan_of("SELECT COUNT(*) FROM insured", catalogue=few)
    assert code(plan, public=few) == "request.few_departments"


# --- what is asked of the stores ---

MONTHS, SEX = PLAN.local.group_by
ROWS, COUNT, SUM = PLAN.local.measures


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"table": "dibao"}, "request.table_unknown", id="unknown table"),
        # columns
        pytest.param(
            {"columns": (*PLAN.local.columns, Column(name="name", type="text"))}, "refused.loosened", id="unused column"
        ),
        pytest.param({"columns": PLAN.local.columns[:-1]}, "refused.loosened", id="undeclared column"),
        pytest.param({"columns": (*PLAN.local.columns, PLAN.local.columns[0])}, "refused.loosened", id="column twice"),
        pytest.param(
            {"columns": (*PLAN.local.columns[:-1], Column(name="income", type="decimal(3)"))},
            "refused.other_catalogue",
            id="another type",
        ),
        pytest.param(
            {"columns": (*PLAN.local.columns, Column(name="salary", type="integer"))},
            "request.column_unknown",
            id="unknown column",
        ),
        # group keys
        pytest.param({"group_by": (replace(MONTHS, cuts=(6, 7, 12, 24)), SEX)}, "refused.loosened", id="one cut more"),
        pytest.param({"group_by": (replace(MONTHS, cuts=(6, 12)), SEX)}, "refused.loosened", id="one cut less"),
        pytest.param({"group_by": (replace(MONTHS, values=("x",)), SEX)}, "refused.loosened", id="cuts and values"),
        pytest.param({"group_by": (replace(MONTHS, unit_scale=2), SEX)}, "refused.loosened", id="cuts in another unit"),
        pytest.param({"group_by": (replace(MONTHS, unit_scale=10**9), SEX)}, "refused.loosened", id="an endless label"),
        pytest.param(
            {"group_by": (MONTHS, replace(SEX, values=("f", "x")))}, "request.group_values", id="foreign value"
        ),
        pytest.param({"group_by": (MONTHS, replace(SEX, values=("f", "f")))}, "request.group_values", id="value twice"),
        pytest.param({"group_by": (MONTHS, replace(SEX, values=()))}, "request.group_values", id="no values"),
        pytest.param({"group_by": (MONTHS, SEX, SEX)}, "refused.loosened", id="key twice"),
        # measures
        pytest.param({"measures": ()}, "refused.loosened", id="nothing"),
        pytest.param({"measures": (COUNT, SUM)}, "refused.loosened", id="rows not counted"),
        pytest.param({"measures": (COUNT, ROWS, SUM)}, "refused.loosened", id="rows not first"),
        pytest.param({"measures": (ROWS, SUM)}, "refused.loosened", id="sum without its count"),
        pytest.param({"measures": (ROWS, COUNT, SUM, SUM)}, "refused.loosened", id="measure twice"),
        pytest.param({"measures": (ROWS, ROWS, COUNT, SUM)}, "refused.loosened", id="rows twice"),
        pytest.param(
            {"measures": (ROWS, COUNT, replace(SUM, high=99_999))}, "refused.loosened", id="another upper bound"
        ),
        pytest.param({"measures": (ROWS, COUNT, replace(SUM, low=0))}, "refused.loosened", id="another lower bound"),
        pytest.param(
            {"measures": (ROWS, COUNT, replace(SUM, kind="sum_squares", low=0))},
            "refused.loosened",
            id="squares narrowed",
        ),
    ],
)
def test_plan_with_one_part_of_the_local_query_changed_is_refused(change, expected):
    assert code(local(**change)) == expected


def conditions(*where: Condition) -> Plan:
    """A count under these conditions, with the columns they need."""
    plan = plan_of("SELECT COUNT(*) FROM insured")
    types = {card.name: card.type for card in COLUMNS}
    columns = tuple(Column(name=name, type=types[name]) for name in dict.fromkeys(c.column for c in where))
    return replace(plan, local=replace(plan.local, where=where, columns=columns))


def condition(name: str, operator: str, *values: int | str) -> Condition:
    return Condition(column=name, operator=operator, values=values)


@pytest.mark.parametrize(
    "allowed",
    [
        condition("months", ">=", 6),
        condition("months", "<", 24),
        condition("months", "<", 601),
        condition("income", ">=", -100_000),
        condition("since", "<", "2020-01-01"),
        condition("sex", "=", "f"),
        condition("sex", "not in", "f", "m"),
        condition("active", "!=", 1),
        condition("sex", "is null"),
    ],
    ids=lambda c: f"{c.column} {c.operator}",
)
def test_condition_at_public_points_is_allowed(allowed):
    check_plan(conditions(allowed), PUBLIC, ROSTER)


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (condition("months", ">=", 7), "request.cut"),
        (condition("months", ">=", "6"), "request.cut"),
        (condition("months", "<", 602), "request.cut"),
        (condition("months", "=", 6), "request.cut"),
        (condition("months", ">", 6), "request.cut"),
        (condition("months", "in", 6), "request.cut"),
        (condition("since", ">=", "2000-01-02"), "request.cut"),
        (condition("sex", "=", "x"), "request.value"),
        (condition("sex", "in", "f", "x"), "request.value"),
        (condition("sex", "<", "f"), "request.value"),
        (condition("sex", "=", 1), "request.value"),
        (condition("active", "=", 2), "request.value"),
        (condition("active", ">=", 1), "request.value"),
        (condition("months", ">="), "refused.loosened"),
        (condition("months", ">=", 6, 12), "refused.loosened"),
        (condition("sex", "in"), "refused.loosened"),
        (condition("sex", "is null", "f"), "refused.loosened"),
        (condition("person_id", "=", "x"), "request.join_key"),
        (condition("person_id", "is null"), "request.join_key"),
        (condition("name", "is null"), "request.use"),
        (condition("area", "=", "area 001"), "request.use"),
    ],
    ids=lambda c: f"{c.column} {c.operator} {c.values}" if isinstance(c, Condition) else None,
)
def test_condition_elsewhere_is_refused(broken, expected):
    assert code(conditions(broken)) == expected


def test_key_of_a_column_that_may_not_group_is_refused():
    key = GroupKey(column="name", values=("张三",))
    plan = local(
        group_by=(MONTHS, key),
        columns=(*PLAN.local.columns[:1], Column(name="name", type="text"), PLAN.local.columns[2]),
    )
    assert code(plan) == "request.use"


def test_sum_of_a_column_that_may_not_be_added_is_refused():
    public = catalogue(NAMES, columns=(column("age", "integer", "filter", bounds=(0, 120), cuts=(18,)),))
    plan = plan_of("SELECT SUM(age) FROM insured", catalogue=public)
    assert code(plan, public=public) == "request.use"


def test_2000_groups_are_the_limit():
    areas = tuple(str(number) for number in range(2001))
    public = catalogue(NAMES, columns=(column("area", "text", "group_by", values=areas),))
    plan = plan_of("SELECT COUNT(*) FROM insured GROUP BY area", catalogue=public)
    assert code(plan, public=public) == "request.too_many_groups"
    key = replace(plan.local.group_by[0], values=areas[:2000])
    check_plan(replace(plan, local=replace(plan.local, group_by=(key,))), public, ROSTER)


def test_rules_tell_the_analyst_and_the_department_in_different_words():
    assert issubclass(RequestError, KeyongError)
    with pytest.raises(RequestError):
        check_plan(replace(PLAN, purpose=""), PUBLIC, ROSTER)
    with pytest.raises(RefusedError):
        check_plan(replace(PLAN, minimum_group=9), PUBLIC, ROSTER)


def test_visibility_lists_every_party_with_the_numbers_it_can_read():
    sights = {sight.party: sight.numbers for sight in PLAN.visibility()}
    # 4 bands x 2 sexes = 8 groups; the gate reads 2 counts with their departments, the analyst 3 totals of each.
    assert sights == {"coordinator": 0, "gaoping": 0, "lingchuan": 0, "qinshui": 0, "zezhou": 32, "analyst@city": 24}
