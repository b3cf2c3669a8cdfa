"""A trial on made-up rows, in the real sandbox: it finds the result's shape, and says why there is none."""

from __future__ import annotations

import pytest

from federation.errors import RefusedError, RequestError
from federation.governance.policy import check_plan
from federation.plan import GroupKey
from federation.scripting.planning import plan_script
from federation.scripting.trial import Shape, find_shape, try_script
from tests.support.memory import ANALYST, NAMES, catalogue, column
from tests.support.scripts import AGE, MEDIANS, ROSTER, SEX

CATALOGUE = catalogue(NAMES, scripts=True)
CARD = CATALOGUE.tables[0]
PRINTING = "print('seen by whoever tries it')\n"


@pytest.mark.usefixtures("bubblewrap")
def test_trial_finds_keys_numbers_and_shows_what_was_printed():
    trial = try_script({"medians.py": PRINTING + MEDIANS}, CARD)
    assert trial.shape == Shape((AGE,), ("people", "median"))
    assert trial.reason is None
    assert trial.ran.log == b"seen by whoever tries it\n"


@pytest.mark.usefixtures("bubblewrap")
def test_script_is_given_no_identifier_even_of_made_up_people():
    script = "import pandas as pd\nprint(list(pd.read_parquet('data/insured.parquet').columns))\n"
    shown = try_script({"a.py": script}, CARD).ran.log.decode()
    assert "months" in shown
    assert "person_id" not in shown
    assert "name" not in shown


@pytest.mark.usefixtures("bubblewrap")
def test_script_that_raises_has_no_shape_and_its_log_says_why():
    trial = try_script({"a.py": "1 / 0"}, CARD)
    assert trial.shape is None
    assert trial.reason.code == "refused.script_failed"
    assert b"ZeroDivisionError" in trial.ran.log


@pytest.mark.usefixtures("bubblewrap")
def test_files_beside_the_script_can_be_imported():
    files = {"a.py": "from helpers_of_mine import write\nwrite()\n"}
    files["helpers_of_mine.py"] = "def write():\n    open('out/result.csv', 'w').write('n\\n1\\n')\n"
    assert try_script(files, CARD).shape == Shape((), ("n",))


# --- shapes ---


def test_shape_of_two_keys_and_a_boolean_one():
    months = GroupKey(column="months", cuts=(6, 12, 24))
    active = GroupKey(column="active", values=("false", "true"))
    assert find_shape(b"sex,months,active,x\nf,< 6,True,1\nm,>= 24,False,2\n", CARD) == Shape(
        (SEX, months, active), ("x",)
    )


def test_column_that_nobody_may_group_by_is_no_key():
    card = catalogue(NAMES, scripts=True, columns=(column("sex", "text", "filter", values=("1", "2")),)).tables[0]
    assert find_shape(b"sex,x\n1,7\n", card) == Shape((), ("sex", "x"))


def test_column_of_numbers_that_has_the_name_of_a_key_is_a_number():
    assert find_shape(b"sex,months\nf,7.5\nm,3.25\n", CARD) == Shape((SEX,), ("months",))


def test_gap_of_a_small_made_up_group_does_not_matter():
    assert find_shape(b"sex,deviation\nf,\nm,3.25\n", CARD) == Shape((SEX,), ("deviation",))


@pytest.mark.parametrize(
    ("output", "code"),
    [
        (b"", "refused.result_empty"),
        (b"sex,x\n", "refused.result_empty"),
        (b"sex,age\nf,young\n", "refused.result_columns"),
        (b"x,x\n1,2\n", "refused.result_columns"),
        (b"a mean\n1\n", "refused.result_columns"),
        (b"x,sex\n1,f\n", "refused.result_numbers"),
        (b"sex,x\nf\n", "refused.result_format"),
        (b"sex,x\nf,a lot\n", "refused.result_numbers"),
    ],
)
def test_result_that_could_not_be_released_has_no_shape(output, code):
    with pytest.raises(RefusedError) as refused:
        find_shape(output, CARD)
    assert refused.value.code == code


# --- plans ---


def planned(text: str = MEDIANS, dataset: str = "gaoping.insured", **wishes: object):
    given = {"purpose": "test", "requester": ANALYST, "catalogue": CATALOGUE, "roster": ROSTER, "nonce": "0" * 32}
    return plan_script({"medians.py": text}, dataset, **(given | wishes))


@pytest.mark.usefixtures("bubblewrap")
def test_plan_of_a_script_is_allowed_by_the_policy():
    plan = planned(digits=3, seconds=7, basis="a rule")
    check_plan(plan, CATALOGUE, ROSTER)
    assert (plan.dataset, plan.group_by, plan.numbers) == ("gaoping.insured", (AGE,), ("people", "median"))
    assert (plan.digits, plan.seconds, plan.basis, plan.participants) == (3, 7, "a rule", ("gaoping",))
    assert plan.files[0].text == MEDIANS


@pytest.mark.usefixtures("bubblewrap")
def test_script_that_fails_on_made_up_rows_is_never_asked_for():
    with pytest.raises(RequestError) as refused:
        planned("1 / 0")
    assert refused.value.code == "request.script_trial"
    assert refused.value.details == {"code": "refused.script_failed"}


@pytest.mark.parametrize("dataset", ["insured", "tax.insured", "gaoping.pit", "", "gaoping."])
def test_dataset_that_is_not_there_is_told_with_those_that_are(dataset):
    with pytest.raises(RequestError) as refused:
        planned(dataset=dataset)
    assert refused.value.code == "request.dataset_unknown"
    assert "gaoping.insured" in refused.value.details["known"]


def test_dataset_without_scripts_is_not_offered():
    with pytest.raises(RequestError) as refused:
        planned(catalogue=catalogue(NAMES))
    assert refused.value.details["known"] == "-"


@pytest.mark.usefixtures("bubblewrap")
def test_name_of_a_file_that_cannot_be_one_is_refused():
    with pytest.raises(RequestError):
        plan_script(
            {"../medians.py": MEDIANS},
            "gaoping.insured",
            purpose="test",
            requester=ANALYST,
            catalogue=CATALOGUE,
            roster=ROSTER,
            nonce="0" * 32,
        )
