"""A federation.toml reads as it is written, and with any one thing wrong it is refused by the name of the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation.errors import SettingsError
from federation.plan import Column
from federation.settings import Settings, read_settings

FEDERATION = """\
version = 1

[federation]
name = "heart"
approvals = "automatic"
min_group_size = 5
key_bits = 3072
threshold = 2
deadline_s = 90
"""

DEPARTMENT = """
[[department]]
name = "{name}"
label = "{name} 医院"

[department.tables.heart]
adapter = "csv"
path = "{name}.csv"
encoding = "utf-8"
id = "person"
label = "心脏"

[department.tables.heart.columns.person]
type = "text"
uses = ["join_key"]

[department.tables.heart.columns.age]
type = "integer"
uses = ["filter", "group_by", "aggregate"]
unit = "years"
bounds = [0, 120]
cuts = [40, 60]

[department.tables.heart.columns.oldpeak]
type = "decimal(1)"
uses = ["filter", "aggregate"]
bounds = [-3.5, 10]
cuts = [0, 1.5]

[department.tables.heart.columns.sex]
type = "text"
uses = ["filter", "group_by"]
values = ["f", "m"]

[department.tables.heart.columns.sick]
type = "boolean"
uses = ["filter", "group_by", "aggregate"]

[department.tables.heart.columns.seen]
type = "date"
uses = ["filter"]
cuts = ["1981-01-01", "1988-07-01"]

[department.tables.heart.columns.name]
type = "text"
uses = ["never"]
"""

NAMES = ("zurich", "basel", "budapest")
COLUMNS = "[department.tables.heart.columns"


def written(names) -> str:
    return "".join(DEPARTMENT.format(name=name) for name in names)


GOOD = FEDERATION + written(NAMES)


def first(old: str, new: str):
    """Change the first department only."""
    assert old in GOOD, old
    return GOOD.replace(old, new, 1)


def every(old: str, new: str):
    assert old in GOOD, old
    return GOOD.replace(old, new)


@pytest.fixture
def read(tmp_path: Path):
    """Read a federation.toml that lies beside the three data files."""
    for name in NAMES:
        (tmp_path / f"{name}.csv").write_text("person\n")

    def settings(text: str, **rules: int) -> Settings:
        (tmp_path / "federation.toml").write_text(text, "utf-8")
        return read_settings(tmp_path / "federation.toml", **rules)

    return settings


# --- as it is ---


def test_rules_are_those_of_the_file(read):
    settings = read(GOOD)
    assert (settings.name, settings.key_bits, settings.deadline_s) == ("heart", 3072, 90)
    public = settings.catalogue
    assert (public.minimum_group, public.minimum_contributors, public.threshold, public.approvals) == (
        5,
        3,
        2,
        "automatic",
    )


def test_defaults_are_ten_rows_2048_bits_a_majority_and_a_minute(read):
    text = 'version = 1\n[federation]\nname = "heart"\napprovals = "automatic"\n' + GOOD.removeprefix(FEDERATION)
    settings = read(text)
    assert (settings.catalogue.minimum_group, settings.key_bits, settings.deadline_s) == (10, 2048, 60)
    assert settings.catalogue.threshold == 2  # of 3


@pytest.mark.parametrize(("count", "majority"), [(3, 2), (4, 3), (5, 3), (6, 4)])
def test_default_threshold_is_a_majority(read, count, majority):
    text = 'version = 1\n[federation]\nname = "heart"\napprovals = "automatic"\n'
    text += "".join(f'[[department]]\nname = "d{number}"\n' for number in range(count))
    assert read(text).catalogue.threshold == majority


def test_departments_keep_their_order_and_the_catalogue_sorts_them(read):
    settings = read(GOOD)
    assert tuple(department.name for department in settings.departments) == NAMES
    assert settings.catalogue.departments == ("basel", "budapest", "zurich")
    assert settings.catalogue.tables[0].departments == ("basel", "budapest", "zurich")


def test_labels_fall_back_to_the_name(read):
    settings = read(GOOD)
    assert settings.labels("zh")["basel"] == "basel 医院"
    assert settings.labels("en")["basel"] == "basel"
    table = settings.catalogue.table("heart")
    assert (table.label, table.label_en) == ("心脏", "heart")


def test_numbers_are_kept_in_base_units(read):
    table = read(GOOD).catalogue.table("heart")
    oldpeak, age = table.column("oldpeak"), table.column("age")
    assert (oldpeak.low, oldpeak.high, oldpeak.cuts) == (-35, 100, (0, 15))
    assert (age.low, age.high, age.cuts, age.unit) == (0, 120, (40, 60), "years")


def test_booleans_are_0_and_1_and_named_false_and_true(read):
    sick = read(GOOD).catalogue.table("heart").column("sick")
    assert (sick.low, sick.high, sick.values) == (0, 1, ("false", "true"))


def test_dates_and_texts_stay_as_they_are_written(read):
    table = read(GOOD).catalogue.table("heart")
    assert table.column("seen").cuts == ("1981-01-01", "1988-07-01")
    assert table.column("sex").values == ("f", "m")
    assert table.column("name").uses == ("never",)
    assert table.column("nothing") is None


def test_store_gets_the_adapters_own_keys_with_an_absolute_path(read, tmp_path):
    (store,) = read(GOOD).departments[0].stores
    assert (store.table, store.adapter) == ("heart", "csv")
    assert store.options == {"path": str(tmp_path / "zurich.csv"), "encoding": "utf-8"}
    assert store.columns[2] == Column(name="oldpeak", type="decimal(1)")


def test_catalogue_is_the_same_whatever_the_order_of_departments(read):
    again = FEDERATION + written(reversed(NAMES))
    assert read(again).catalogue.hash == read(GOOD).catalogue.hash


@pytest.mark.parametrize(("old", "new"), [("min_group_size = 5", "min_group_size = 6"), ("[40, 60]", "[40, 61]")])
def test_hash_of_the_catalogue_changes_with_any_rule(read, old, new):
    assert read(GOOD.replace(old, new)).catalogue.hash != read(GOOD).catalogue.hash


# --- officers, accounts, tiers ---

OFFICER = '[[officer]]\nname = "{account}@{place}"\nrole = "officer"\nperson = "{account} of {place}"\n'
COUNTY = '\n[county]\nrequests = ["script", "sum"]\nmin_group_size = 20\n'


def officers(*accounts: str, names=NAMES) -> str:
    return "".join(OFFICER.format(account=account, place=name) for name in names for account in accounts)


APPROVED = GOOD.replace('approvals = "automatic"', 'approvals = "officers"')
TWO = APPROVED.replace("threshold = 2", "threshold = 2\nofficers_needed = 2")


def test_one_officer_and_the_citys_analyst_are_enough_unless_it_is_said_otherwise(read):
    settings = read(APPROVED + officers("officer"))
    assert (settings.officers_needed, settings.analysts) == (1, ("analyst@city",))
    assert settings.catalogue.counties == ()


def test_two_officers_are_asked_of_every_department(read):
    assert read(TWO + officers("officer", "second")).officers_needed == 2
    with pytest.raises(SettingsError) as refused:
        read(TWO + officers("officer", "second", names=NAMES[:2]) + officers("officer", names=NAMES[2:]))
    assert (refused.value.code, refused.value.details["department"]) == ("settings.officers_few", "budapest")


def test_auditor_is_no_second_officer(read):
    auditor = officers("auditor").replace('role = "officer"', 'role = "auditor"')
    with pytest.raises(SettingsError) as refused:
        read(TWO + officers("officer") + auditor)
    assert refused.value.code == "settings.officers_few"


def test_counties_their_analysts_and_what_they_may_ask(read):
    text = GOOD.replace('name = "basel"', 'name = "basel"\ntier = "county"')
    settings = read(text.replace("deadline_s = 90", 'analysts = ["analyst@city", "planner@basel"]') + COUNTY)
    public = settings.catalogue
    assert settings.analysts == ("analyst@city", "planner@basel")
    assert (public.counties, public.tier("planner@basel"), public.tier("analyst@city")) == (
        ("basel",),
        "county",
        "city",
    )
    assert (public.rules("planner@basel").requests, public.rules("planner@basel").minimum_group) == (
        ("sum", "script"),
        20,
    )
    assert (len(public.rules("analyst@city").requests), public.rules("analyst@city").minimum_group) == (4, 5)


def test_county_may_ask_like_the_city_unless_it_is_said_otherwise(read):
    public = read(GOOD.replace('name = "basel"', 'name = "basel"\ntier = "county"')).catalogue
    assert public.rules("analyst@basel") == public.rules("analyst@city")


def test_card_of_a_table_says_its_class_whether_scripts_may_have_it_and_what_it_is(read):
    card = 'data_class = "important"\nscripts = true\nsummary = "门诊"\nsummary_en = "visits"\n'
    table = read(every('label = "心脏"\n', 'label = "心脏"\n' + card)).catalogue.table("heart")
    assert (table.data_class, table.scripts, table.summary, table.summary_en) == ("important", True, "门诊", "visits")
    plain = read(GOOD).catalogue.table("heart")
    assert (plain.data_class, plain.scripts, plain.summary) == ("general", False, "")


def test_small_keys_can_be_asked_for_from_python_only(read):
    text = GOOD.replace("key_bits = 3072", "key_bits = 512")
    assert read(text, minimum_key_bits=512).key_bits == 512
    with pytest.raises(SettingsError, match="key_bits"):
        read(text)


# --- with one thing wrong ---


BAD = [
    # the file
    ("not TOML", first("[federation]", "[federation"), "line 3", "settings.not_toml"),
    ("a key twice", first('name = "heart"', 'name = "heart"\nname = "x"'), "line 5", "settings.not_toml"),
    ("empty", "", "version"),
    ("version 2", first("version = 1", "version = 2"), "version"),
    ("version as text", first("version = 1", 'version = "1"'), "version"),
    ("no federation", GOOD.replace(FEDERATION, "version = 1\n"), "federation"),
    # unknown keys at each level
    ("unknown at the top", first("version = 1", "version = 1\nsecret = 1"), "secret"),
    ("unknown of federation", first("deadline_s", "dead_line"), "dead_line"),
    ("unknown of a department", first('label = "zurich 医院"', 'lable = "x"'), "lable"),
    ("unknown of a column", first("bounds = [0, 120]", "bound = [0, 120]"), "unknown field bound"),
    ("unknown of a table, no text", first('encoding = "utf-8"', "encoding = 8"), "tables.heart.encoding"),
    # missing and of the wrong type
    ("no name", first('name = "heart"\n', ""), "name"),
    ("no adapter", first('adapter = "csv"\n', ""), "adapter"),
    ("no type", first('type = "integer"\n', ""), "required field type"),
    ("no uses", first('uses = ["join_key"]\n', ""), "required field uses"),
    ("number as text", first("min_group_size = 5", 'min_group_size = "5"'), "min_group_size"),
    ("number as float", first("min_group_size = 5", "min_group_size = 5.5"), "min_group_size"),
    ("a column that is no table", first(f"{COLUMNS}.person]", f"{COLUMNS}]\nx = 1\n{COLUMNS}.person]"), "columns.x"),
    # rules
    ("approvals", first('approvals = "automatic"', 'approvals = "none"'), "approvals"),
    ("2 contributors", first("threshold = 2", "min_contributors = 2"), "min_contributors"),
    ("groups of 2", first("min_group_size = 5", "min_group_size = 2"), "min_group_size"),
    ("1024 bits", first("key_bits = 3072", "key_bits = 1024"), "key_bits"),
    ("2047 bits", first("key_bits = 3072", "key_bits = 2047"), "key_bits"),
    ("odd bits", first("key_bits = 3072", "key_bits = 3073"), "key_bits"),
    ("endless bits", first("key_bits = 3072", "key_bits = 65536"), "key_bits"),
    ("threshold 1", first("threshold = 2", "threshold = 1"), "threshold"),
    ("threshold 0", first("threshold = 2", "threshold = 0"), "threshold"),
    ("threshold n+1", first("threshold = 2", "threshold = 4"), "threshold"),
    ("no deadline", first("deadline_s = 90", "deadline_s = 0"), "deadline_s"),
    ("endless deadline", first("deadline_s = 90", "deadline_s = 3601"), "deadline_s"),
    # officers and accounts
    ("two officers of nobody", first("threshold = 2", "officers_needed = 2"), "officers_needed"),
    ("three officers", first("threshold = 2", "officers_needed = 3"), "officers_needed"),
    ("analyst of nowhere", first("threshold = 2", 'analysts = ["analyst@mars"]'), "analyst@mars"),
    ("analyst without a place", first("threshold = 2", 'analysts = ["analyst"]'), "analysts"),
    ("analyst twice", first("threshold = 2", 'analysts = ["a@city", "a@city"]'), "twice"),
    ("analyst with a path", first("threshold = 2", 'analysts = ["../a@city"]'), "../a@city"),
    ("officer who asks", first("threshold = 2", 'analysts = ["officer@basel"]') + officers("officer"), "who asks"),
    # tiers
    ("a third tier", first('name = "basel"', 'name = "basel"\ntier = "village"'), "tier"),
    ("smaller groups in counties", GOOD + "\n[county]\nmin_group_size = 4\n", "county.min_group_size"),
    ("unknown kind of job", GOOD + '\n[county]\nrequests = ["rows"]\n', "county.requests"),
    ("unknown of a county", GOOD + "\n[county]\nrequest = []\n", "unknown field request"),
    ("unknown class of data", every('id = "person"', 'data_class = "secret"'), "data_class"),
    ("scripts over core data", every('id = "person"', 'data_class = "core"\nscripts = true'), "heart.scripts"),
    ("a summary that is a file", every('id = "person"', f'summary = "{"x" * 301}"'), "heart.summary"),
    ("tables differ in a class", first('id = "person"', 'data_class = "core"'), "heart", "settings.tables_differ"),
    ("tables differ in scripts", first('id = "person"', "scripts = true"), "heart", "settings.tables_differ"),
    # departments
    ("two of one name", first('name = "basel"', 'name = "zurich"'), "department.name"),
    ("reserved name", first('name = "basel"', 'name = "coordinator"'), "coordinator"),
    ("name with a slash", first('name = "basel"', 'name = "../basel"'), "../basel"),
    ("name in capitals", first('name = "basel"', 'name = "Basel"'), "Basel"),
    ("name with a newline", first('name = "basel"', 'name = "basel\\n"'), "department.name"),
    ("name of 32 letters", first('name = "basel"', f'name = "{"b" * 32}"'), "b" * 32),
    ("2 departments", FEDERATION + written(NAMES[:2]), "at least 3"),
    ("no departments", FEDERATION, "department"),
    # tables
    ("no data file", first('"basel.csv"', '"gone.csv"'), "[basel].tables.heart.path", "settings.data_missing"),
    ("a folder as data", first('"basel.csv"', '"."'), "[basel].tables.heart.path", "settings.data_missing"),
    ("tables differ in a use", first('["filter", "aggregate"]', '["filter"]'), "basel", "settings.tables_differ"),
    ("tables differ in a bound", first("bounds = [0, 120]", "bounds = [0, 121]"), "heart", "settings.tables_differ"),
    ("tables differ in a cut", first("cuts = [40, 60]", "cuts = [40, 61]"), "heart", "settings.tables_differ"),
    ("tables differ in values", first('["f", "m"]', '["m", "f"]'), "heart", "settings.tables_differ"),
    ("tables differ in a label", first('label = "心脏"', 'label = "心"'), "heart", "settings.tables_differ"),
    ("odd table name", every("tables.heart", 'tables."heart; DROP"'), "heart; DROP"),
    ("no columns", GOOD.split(COLUMNS)[0] + "columns = {}\n" + written(NAMES[1:]), "columns"),
    # columns
    ("unknown type", every('type = "integer"', 'type = "float"'), "columns.age.type"),
    ("decimal of 7 digits", every("decimal(1)", "decimal(7)"), "columns.oldpeak.type"),
    ("decimal of 0 digits", every("decimal(1)", "decimal(0)"), "columns.oldpeak.type"),
    ("unknown use", every('uses = ["join_key"]', 'uses = ["read"]'), "columns.person.uses"),
    ("no use at all", every('uses = ["never"]', "uses = []"), "columns.name.uses"),
    ("never and another", every('uses = ["never"]', 'uses = ["never", "plain"]'), "columns.name.uses"),
    ("aggregate without bounds", every("bounds = [0, 120]\n", ""), "columns.age.bounds"),
    ("group_by without values", every('values = ["f", "m"]', ""), "columns.sex.values"),
    ("group_by of a date", every('uses = ["filter"]\ncuts', 'uses = ["group_by"]\ncuts'), "columns.seen.values"),
    ("filter without cuts", every("cuts = [0, 1.5]\n", ""), "columns.oldpeak.cuts"),
    ("value twice", every('["f", "m"]', '["f", "f"]'), "columns.sex.values"),
    ("values of a number", every("cuts = [40, 60]", 'values = ["40", "60"]'), "columns.age.values"),
    ("values of a boolean", every('"boolean"', '"boolean"\nvalues = ["no", "yes"]'), "columns.sick.values"),
    ("bounds reversed", every("[0, 120]", "[120, 0]"), "columns.age.bounds"),
    ("bounds that are equal", every("[0, 120]", "[5, 5]"), "columns.age.bounds"),
    ("one bound", every("[0, 120]", "[0]"), "columns.age.bounds"),
    ("bounds of too many digits", every("[-3.5, 10]", "[-3.55, 10]"), "columns.oldpeak.bounds"),
    ("bounds of a text", every('["join_key"]', '["join_key"]\nbounds = [0, 1]'), "columns.person.bounds"),
    ("bounds of a boolean", every('"boolean"', '"boolean"\nbounds = [0, 5]'), "columns.sick.bounds"),
    ("endless bounds", every("[0, 120]", "[0, inf]"), "columns.age.bounds"),
    ("bounds that are no number", every("[0, 120]", "[0, nan]"), "columns.age.bounds"),
    ("a range of 48 bits", every("[0, 120]", f"[0, {2**47}]"), "columns.age.bounds"),
    ("cuts that descend", every("[40, 60]", "[60, 40]"), "columns.age.cuts"),
    ("cuts that are equal", every("[40, 60]", "[40, 40]"), "columns.age.cuts"),
    ("cuts of too many digits", every("[0, 1.5]", "[0, 1.55]"), "columns.oldpeak.cuts"),
    ("cuts as text", every("[40, 60]", '["40", "60"]'), "columns.age.cuts"),
    ("cuts of a text", every('values = ["f", "m"]', 'values = ["f", "m"]\ncuts = ["f"]'), "columns.sex.cuts"),
    ("cuts of a boolean", every('type = "boolean"', 'type = "boolean"\ncuts = [1]'), "columns.sick.cuts"),
    ("dates as numbers", every('["1981-01-01", "1988-07-01"]', "[1981, 1988]"), "columns.seen.cuts"),
    ("no dates", every('"1988-07-01"', '"summer"'), "columns.seen.cuts"),
    ("a date that is not", every('"1988-07-01"', '"1988-06-31"'), "columns.seen.cuts"),
    ("a date without zeros", every('"1988-07-01"', '"1988-7-1"'), "columns.seen.cuts"),
    ("dates of another form", every('"1988-07-01"', '"19880701"'), "columns.seen.cuts"),
    ("dates that descend", every('"1988-07-01"', '"1980-07-01"'), "columns.seen.cuts"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=[case[0] for case in BAD])
def test_file_with_one_thing_wrong_is_refused_by_its_name(read, case):
    _, text, named, code = (*case, "settings.key")[:4]
    with pytest.raises(SettingsError) as refused:
        read(text)
    assert refused.value.code == code
    for language in ("zh", "en"):
        assert named in refused.value.message(language)


def test_range_of_47_bits_is_the_widest(read):
    settings = read(every("[0, 120]", f"[0, {2**47 - 1}]"))
    assert settings.catalogue.table("heart").column("age").high == 2**47 - 1


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError) as refused:
        read_settings(tmp_path / "nowhere.toml")
    assert refused.value.code == "settings.file_missing"
    assert "nowhere.toml" in refused.value.message("zh")


def test_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "federation.toml").write_bytes('name = "泽州"'.encode("gb18030"))
    with pytest.raises(SettingsError) as refused:
        read_settings(tmp_path / "federation.toml")
    assert refused.value.code == "settings.not_toml"
