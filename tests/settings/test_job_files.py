"""A job file becomes exactly one plan, or is refused by the name of the key with the nearest that is valid."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import jincheng
from federation.errors import RefusedError, RequestError
from federation.governance.policy import check_plan
from federation.governance.roster import Party, Roster
from federation.learning.artifact import Artifact, Standard, encode_arrays
from federation.learning.job import MAX_JOB_FILE, JobFile, read_job
from federation.learning.models import first_arrays
from federation.learning.planning import plan_prediction, plan_training
from federation.plan import (
    Column,
    Condition,
    Descent,
    Feature,
    Label,
    Linear,
    Logistic,
    Perceptron,
    Privacy,
    TrainPlan,
    Trees,
    read_plan,
)
from federation.settings import read_settings
from tests.support.city import federation_toml
from tests.support.memory import ANALYST, catalogue, column

EXAMPLES = Path(__file__).parents[2] / "examples" / "jobs"
NAMES = ("gaoping", "lingchuan", "zezhou")
COLUMNS = (
    column("case_id", "text", "never"),
    column("age", "integer", "filter", "feature", bounds=(18, 97), cuts=(45, 60)),
    column("disease", "text", "filter", "feature", values=("copd", "stroke", "other")),
    column("temperature", "decimal(1)", "feature", bounds=(300, 450)),
    column("alone", "boolean", "feature", bounds=(0, 1), values=("false", "true")),
    column("ward", "integer", "filter", bounds=(0, 9)),
    column("notes", "text", "feature"),
    column("seen", "date", "feature", cuts=("2024-01-01",)),
    column("weight", "integer", "feature"),
    column("readmitted", "boolean", "filter", "feature", bounds=(0, 1), values=("false", "true")),
)


def public(columns=COLUMNS, *, lab: bool = False, **rules: object):
    """A catalogue of one table, `insured`, whose id is `case_id`."""
    made = catalogue(NAMES, columns=columns, **rules)
    return replace(made, tables=(replace(made.tables[0], id="case_id"),), lab=lab)


PUBLIC = public()
ROSTER = Roster(
    origin="keyong.test/jobs",
    epoch=1,
    parties=(
        *(Party(name=name, role="department", signing=name.encode(), box=b"") for name in NAMES),
        *(Party(name=name, role="analyst", signing=name.encode(), box=b"") for name in (ANALYST, "analyst@zezhou")),
    ),
    holders=NAMES,
    threshold=2,
    public_key=b"",
)

TOP = 'title = "readmission"\npurpose = "who to call"\n'
DATA = '[data]\ntable = "insured"\nfeatures = ["age", "disease"]\nlabel = "readmitted"\n'
MODEL = '[model]\nkind = "logistic"\n'
GOOD = TOP + DATA + MODEL


@pytest.fixture
def job(tmp_path: Path):
    """Read a job file with this text."""

    def read(text: str) -> JobFile:
        (tmp_path / "job.toml").write_text(text, "utf-8")
        return read_job(tmp_path / "job.toml")

    return read


@pytest.fixture
def plan(job):
    """Plan a job with this text, and hold it against the rules."""

    def make(text: str, *, requester: str = ANALYST, known=PUBLIC, start: bytes = b"") -> TrainPlan:
        made = plan_training(
            job(text), requester=requester, catalogue=known, roster=ROSTER, nonce="0" * 32, start=start
        )
        check_plan(made, known, ROSTER)
        return made

    return make


def refused(call, *arguments: object, **options: object) -> tuple[str, dict[str, object]]:
    """The code and details of a refusal, whose words must hold in both languages."""
    with pytest.raises(RequestError) as caught:
        call(*arguments, **options)
    for language in ("zh", "en"):
        said = caught.value.message(language) + caught.value.next_step(language)
        assert "{" not in said and "?" not in said
    return caught.value.code, caught.value.details


# --- as it is ---


def test_plan_says_what_the_job_file_says(plan):
    text = (
        'title = "readmission"\npurpose = "who to call"\nprotection = "paillier"\nepsilon = 3\nclip = 2\nseed = 7\n'
        '[data]\ntable = "insured"\nfeatures = ["age", "disease", "temperature", "alone"]\nlabel = "readmitted"\n'
        "where = \"age >= 45 AND disease != 'copd'\"\nholdout = 20\n"
        '[model]\nkind = "mlp"\nhidden = [8, 4]\nl2 = 1\n'
        '[descent]\nstrategy = "fedprox"\nrounds = 12\nrate = 1\nepochs = 2\nbatch = 16\nmu = 1\n'
    )
    made = plan(text)
    assert (made.title, made.purpose, made.protection, made.seed) == ("readmission", "who to call", "paillier", 7)
    assert made.job_file == text
    assert (made.source, made.id, made.holdout) == ("insured", Column(name="case_id", type="text"), 20)
    assert made.features == (
        Feature(column=Column(name="age", type="integer"), low=18, high=97),
        Feature(column=Column(name="disease", type="text"), values=("copd", "stroke", "other")),
        Feature(column=Column(name="temperature", type="decimal(1)"), low=300, high=450),
        Feature(column=Column(name="alone", type="boolean"), low=0, high=1),
    )
    assert made.label == Label(column=Column(name="readmitted", type="boolean"), low=0, high=1)
    assert made.where == (
        Condition(column="age", operator=">=", values=(45,)),
        Condition(column="disease", operator="!=", values=("copd",)),
    )
    assert made.model == Perceptron(hidden=(8, 4), l2=1.0)
    assert made.descent == Descent(strategy="fedprox", rounds=12, rate=1.0, epochs=2, batch=16, mu=1.0)
    assert made.privacy == Privacy(epsilon=3.0, delta=1e-5, clip=2.0)


def test_defaults_are_masks_all_rows_and_no_noise(plan):
    made = plan(GOOD)
    assert (made.protection, made.privacy, made.where, made.holdout, made.seed) == ("masks", None, (), 30, 0)
    assert (made.model, made.descent) == (Logistic(), Descent())


def test_all_holders_of_the_table_take_part_under_the_rules_of_catalogue_and_roster(plan):
    made = plan(GOOD)
    assert (made.contributors, made.holders, made.threshold) == (NAMES, NAMES, 2)
    assert (made.minimum_group, made.minimum_contributors) == (3, 3)
    assert (made.catalogue, made.roster, made.epoch) == (PUBLIC.hash, ROSTER.hash, 1)


def test_asking_department_is_not_the_gate(plan):
    assert plan(GOOD).gate == "zezhou"
    assert plan(GOOD, requester="analyst@zezhou").gate == "lingchuan"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[model]\nkind = 'linear'\n", Linear()),
        ("[model]\nkind = 'logistic'\nl2 = 0.5\n", Logistic(l2=0.5)),
        ("[model]\nkind = 'mlp'\nhidden = [3]\n", Perceptron(hidden=(3,))),
        ("[model]\nkind = 'trees'\ntrees = 4\nrate = 1\n", Trees(trees=4, rate=1.0)),
    ],
)
def test_every_kind_of_model_is_read(plan, written, read):
    assert plan(TOP + DATA + written).model == read


def test_leaves_are_never_smaller_than_a_published_group(plan):
    text = TOP + DATA + "[model]\nkind = 'trees'\nminimum_rows = 12\n"
    assert plan(text).model.minimum_rows == 12
    assert plan(text, known=public(minimum_group=25)).model.minimum_rows == 25


def test_whole_numbers_where_others_are_meant_give_the_same_canonical_plan(plan):
    whole = plan(GOOD.replace("[data]", "epsilon = 3\n[data]") + "l2 = 1\n[descent]\nrate = 1\n")
    assert whole.privacy == Privacy(epsilon=3.0)
    assert read_plan(whole.to_bytes()) == whole
    # What would happen to a plan that was built from the numbers as they stand in the file.
    with pytest.raises(ValueError, match="canonical"):
        read_plan(replace(whole, privacy=Privacy(epsilon=3)).to_bytes())


@given(
    rate=st.one_of(st.integers(1, 10), st.floats(1e-6, 10)),
    l2=st.one_of(st.integers(0, 10), st.floats(0, 10)),
    epsilon=st.one_of(st.integers(1, 20), st.floats(0.01, 20)),
    rounds=st.integers(1, 5000),
    holdout=st.integers(0, 90),
)
def test_any_job_makes_a_plan_that_reads_back_as_itself(tmp_path_factory, rate, l2, epsilon, rounds, holdout):
    text = f"{TOP}epsilon = {epsilon}\n{DATA}holdout = {holdout}\n{MODEL}l2 = {l2}\n"
    text += f"[descent]\nrate = {rate}\nrounds = {rounds}\n"
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text(text, "utf-8")
    made = plan_training(read_job(file), requester=ANALYST, catalogue=PUBLIC, roster=ROSTER, nonce="0" * 32)
    assert read_plan(made.to_bytes()) == made
    assert (made.descent.rate, made.model.l2, made.privacy.epsilon) == (rate, l2, epsilon)


# --- refused: the file ---


def test_missing_file_is_named(tmp_path):
    code, details = refused(read_job, tmp_path / "none.toml")
    assert (code, details["path"]) == ("request.job_missing", tmp_path / "none.toml")


@pytest.mark.parametrize("content", [b"title = ", b"\xff\xfe", b"x = " + b"[" * 5000])
def test_what_is_not_toml_is_refused(tmp_path, content):
    (tmp_path / "job.toml").write_bytes(content)
    assert refused(read_job, tmp_path / "job.toml")[0] == "request.job_not_toml"


def test_file_that_no_officer_would_read_is_refused(job):
    assert refused(job, GOOD + "#" * MAX_JOB_FILE)[0] == "request.job_too_long"


@pytest.mark.parametrize(
    ("old", "new", "key", "nearest"),
    [
        ("title", "tittle", "tittle", "title"),
        ("label =", "lable =", "data.lable", "data.label"),
        ('kind = "logistic"', 'kind = "logistic"\nl3 = 1', "model.l3", "model.l2"),
        ('kind = "logistic"', 'kind = "logistic"\nhidden = [3]', "model.hidden", "model.l2"),
        ("[model]", "[descent]\nround = 5\n[model]", "descent.round", "descent.rounds"),
        ("[model]", "[lab]\nfile = {}\n[model]", "lab.file", "lab.files"),
        ("[data]", "epsilom = 3\n[data]", "epsilom", "epsilon"),
        ("[data]", "privacy = {epsilon = 3}\n[data]", "privacy", ""),
        ("[data]", "text = 'another file'\n[data]", "text", ""),
        ("[model]", "[Model]", "Model", "model"),
    ],
)
def test_unknown_key_is_named_with_the_nearest(job, old, new, key, nearest):
    code, details = refused(job, GOOD.replace(old, new, 1))
    assert (code, details["key"]) == ("request.job_unknown_key", key)
    assert nearest in str(details["nearest"])


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (GOOD.replace('title = "readmission"\n', ""), "title"),
        (GOOD.replace('purpose = "who to call"\n', ""), "purpose"),
        (TOP + MODEL, "data"),
        (TOP + DATA, "model"),
        (GOOD.replace('table = "insured"\n', ""), "data.table"),
        (GOOD.replace('label = "readmitted"\n', ""), "data.label"),
        (GOOD.replace('kind = "logistic"\n', ""), "model.kind"),
        (TOP + "delta = 1e-6\n" + DATA + MODEL, "epsilon"),
        (TOP + "clip = 1\n" + DATA + MODEL, "epsilon"),
        (GOOD + '[descent]\nstrategy = "fedprox"\n', "descent.mu"),
    ],
)
def test_missing_key_is_named(job, text, key):
    code, details = refused(job, text)
    assert (code, details["key"]) == ("request.job_missing_key", key)


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        (TOP + 'protection = "mask"\n' + DATA + MODEL, "protection", "masks"),
        (TOP + "protection = true\n" + DATA + MODEL, "protection", "masks, none"),
        (TOP + DATA + '[model]\nkind = "logistics"\n', "model.kind", "logistic"),
        (TOP + DATA + '[model]\nkind = "svm"\n', "model.kind", "linear, logistic, mlp, trees"),
        (GOOD + '[descent]\nstrategy = "fedaverage"\n', "descent.strategy", "fedavg"),
    ],
)
def test_unknown_choice_is_named_with_the_nearest(job, text, key, nearest):
    code, details = refused(job, text)
    assert (code, details["key"]) == ("request.job_choice", key)
    assert nearest in str(details["nearest"]) or set(nearest.split(", ")) <= set(str(details["nearest"]).split(", "))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (GOOD.replace('"readmission"', '""'), "title"),
        (GOOD.replace('"readmission"', "3"), "title"),
        (TOP + "epsilon = 0\n" + DATA + MODEL, "epsilon"),
        (TOP + 'epsilon = "3"\n' + DATA + MODEL, "epsilon"),
        (TOP + "epsilon = inf\n" + DATA + MODEL, "epsilon"),
        (TOP + "epsilon = 3\ndelta = 1\n" + DATA + MODEL, "delta"),
        (TOP + "epsilon = 3\nclip = nan\n" + DATA + MODEL, "clip"),
        (TOP + "seed = -1\n" + DATA + MODEL, "seed"),
        (TOP + "seed = 4294967296\n" + DATA + MODEL, "seed"),
        (GOOD.replace('["age", "disease"]', "[]"), "data.features"),
        (GOOD.replace('["age", "disease"]', '"age"'), "data.features"),
        (GOOD.replace('["age", "disease"]', '["age", 3]'), "data.features[1]"),
        (TOP + DATA + "holdout = 91\n" + MODEL, "data.holdout"),
        (TOP + DATA + "holdout = 30.0\n" + MODEL, "data.holdout"),
        (TOP + "data = 3\n" + MODEL, "data"),
        (TOP + "model = 3\n" + DATA, "model"),
        (GOOD + "l2 = -1\n", "model.l2"),
        (GOOD + "l2 = inf\n", "model.l2"),
        (TOP + DATA + "[model]\nkind = 'mlp'\nhidden = [0]\n", "model.hidden[0]"),
        (TOP + DATA + "[model]\nkind = 'trees'\ntrees = 501\n", "model.trees"),
        (GOOD + "[descent]\nrounds = 5001\n", "descent.rounds"),
        (GOOD + "[descent]\nrounds = true\n", "descent.rounds"),
        (GOOD + "[descent]\nrate = 0\n", "descent.rate"),
        (GOOD + "[lab]\n", "lab"),
        (GOOD + '[lab]\ncity = true\nfiles = {zezhou = "z.csv"}\n', "lab"),
    ],
)
def test_wrong_value_is_named_by_its_key(job, text, key):
    code, details = refused(job, text)
    assert (code, details["key"]) == ("request.job_key", key)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (GOOD + "[descent]\nepochs = 5\n", "descent.epochs"),
        (GOOD + "[descent]\nstrategy = 'fedavg'\nmu = 0.1\n", "descent.mu"),
        (TOP + DATA + "[model]\nkind = 'trees'\n[descent]\nrounds = 5\n", "descent"),
    ],
)
def test_key_that_nothing_would_read_is_refused(job, text, key):
    code, details = refused(job, text)
    assert (code, details["key"]) == ("request.job_key", key)


# --- refused: the catalogue ---


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"insured"', '"insurance"', "request.table_unknown"),
        ('"age", "disease"', '"agee"', "request.job_column"),
        ('"age", "disease"', '"ward"', "request.use"),
        ('"age", "disease"', '"case_id"', "request.use"),
        ('"age", "disease"', '"notes"', "request.no_domain"),
        ('"age", "disease"', '"seen"', "request.no_domain"),
        ('"age", "disease"', '"weight"', "request.no_domain"),
        ('"age", "disease"', '"age", "age"', "request.job_key"),
        ('"age", "disease"', '"age", "readmitted"', "request.job_key"),
        ('"readmitted"', '"readmited"', "request.job_column"),
        ('"readmitted"', '"ward"', "request.use"),
        ('"readmitted"', '"temperature"', "request.label_class"),
        ('"readmitted"', '"notes"', "request.label_class"),
    ],
)
def test_what_the_catalogue_does_not_allow_is_refused(plan, old, new, code):
    assert refused(plan, GOOD.replace(old, new))[0] == code


def test_unknown_column_is_answered_with_the_nearest(plan):
    _, details = refused(plan, GOOD.replace('"disease"', '"diseases"'))
    assert (details["key"], details["nearest"]) == ("data.features", "disease")


def test_regression_takes_a_number_and_no_text_as_its_label(plan):
    regression = TOP + DATA + "[model]\nkind = 'linear'\n"
    made = plan(regression.replace('"readmitted"', '"temperature"'))
    assert made.label == Label(column=Column(name="temperature", type="decimal(1)"), low=300, high=450)
    code, details = refused(plan, regression.replace('"readmitted"', '"notes"'))
    assert (code, details["nearest"]) == ("request.label_number", "age, temperature, alone, readmitted")


def test_class_label_is_0_or_1_whatever_its_type(plan):
    flag = column("flag", "integer", "feature", bounds=(0, 1))
    grade = column("grade", "integer", "feature", bounds=(0, 2))
    known = public((*COLUMNS, flag, grade))
    assert plan(GOOD.replace('"readmitted"', '"flag"'), known=known).label.column.name == "flag"
    assert refused(plan, GOOD.replace('"readmitted"', '"grade"'), known=known)[0] == "request.label_class"


def test_table_without_an_id_cannot_hold_rows_out(plan):
    known = catalogue(NAMES, columns=COLUMNS)  # its id is person_id, which is not among these columns
    assert refused(plan, GOOD, known=known)[0] == "request.table_without_id"


# --- refused: WHERE ---


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("age >= 45 GROUP BY disease", "request.unsupported"),
        ("age >= 45; DROP TABLE insured", "request.unsupported"),
        ("age >= 45 UNION SELECT 1", "request.unsupported"),
        ("age >= 45 OR disease = 'copd'", "request.unsupported"),
        ("age >=", "request.unsupported"),
        ("height >= 45", "request.column_unknown"),
        ("age >= 46", "request.cut"),
        ("disease = 'flu'", "request.value"),
        ("temperature >= 38.5", "request.use"),
        ("case_id = 'H1'", "request.use"),
    ],
)
def test_condition_that_no_query_may_have_is_refused(plan, where, code):
    assert refused(plan, TOP + DATA + f'where = "{where}"\n' + MODEL)[0] == code


# --- protection ---


def test_no_protection_is_for_a_lab_only(plan):
    bare = TOP + 'protection = "none"\n' + DATA + MODEL
    assert refused(plan, bare)[0] == "request.protection_lab"
    lab = public(lab=True)
    assert plan(bare, known=lab).protection == "none"


def test_catalogue_that_is_no_lab_has_the_hash_it_had_before_there_were_labs():
    assert b'"lab"' not in PUBLIC.to_bytes()
    lab = public(lab=True)
    assert lab.hash != PUBLIC.hash


def test_plan_for_a_lab_does_not_pass_elsewhere(plan):
    lab = public(lab=True)
    made = plan(TOP + 'protection = "none"\n' + DATA + MODEL, known=lab)
    with pytest.raises((RefusedError, RequestError)):
        check_plan(made, PUBLIC, ROSTER)


# --- going on from a model, and using one ---


def artifact_of(made: TrainPlan) -> Artifact:
    return Artifact(
        source=made.source,
        split=made.nonce,
        model=made.model,
        features=made.features,
        label=made.label,
        standard=Standard(means=(50.0,), deviations=(10.0,)),
        rounds=5,
        arrays=encode_arrays(first_arrays(made.model, made.width, seed=0)),
    )


def test_model_goes_on_as_what_it_was(plan):
    model = artifact_of(plan(GOOD)).to_bytes()
    assert plan(GOOD + "[descent]\nrounds = 3\n", start=model).start == model


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace('"age", "disease"', '"age"'),
        GOOD.replace('"readmitted"', '"alone"'),
        GOOD + "l2 = 0.5\n",
        TOP + DATA + "[model]\nkind = 'mlp'\n",
    ],
)
def test_model_of_something_else_is_not_gone_on_from(plan, text):
    model = artifact_of(plan(GOOD)).to_bytes()
    assert refused(plan, text, start=model)[0] == "request.start"


def test_what_is_no_model_is_not_gone_on_from(plan):
    model = artifact_of(plan(GOOD)).to_bytes()
    assert refused(plan, GOOD, start=model[:-1])[0] == "request.start"


def predict(model: bytes, *, known=PUBLIC, bands=(0.2, 0.5), where=""):
    made = plan_prediction(
        model,
        bands=bands,
        purpose="who to call",
        where=where,
        requester=ANALYST,
        catalogue=known,
        roster=ROSTER,
        nonce="0" * 32,
    )
    check_plan(made, known, ROSTER)
    return made


def test_prediction_is_of_the_models_table_and_columns(plan):
    model = artifact_of(plan(GOOD)).to_bytes()
    made = predict(model, where="age >= 45", bands=(0.25, 1))
    assert (made.source, made.id.name, made.artifact, made.bands) == ("insured", "case_id", model, (0.25, 1.0))
    assert made.where == (Condition(column="age", operator=">=", values=(45,)),)
    assert made.gate == "zezhou"
    assert read_plan(made.to_bytes()) == made


@pytest.mark.parametrize("bands", [(), (0.5, 0.2), (0.5, 0.5), (float("nan"),), (0.1, float("inf")), (0.1,) * 3])
def test_bands_that_are_not_ascending_numbers_are_refused(plan, bands):
    model = artifact_of(plan(GOOD)).to_bytes()
    assert refused(predict, model, bands=bands)[0] == "request.bands"


def test_more_bands_than_a_release_should_have_are_refused(plan):
    model = artifact_of(plan(GOOD)).to_bytes()
    assert len(predict(model, bands=tuple(i / 100 for i in range(20))).bands) == 20
    assert refused(predict, model, bands=tuple(i / 100 for i in range(21)))[0] == "request.bands"


def test_altered_file_is_no_model(plan):
    model = artifact_of(plan(GOOD)).to_bytes()
    assert refused(predict, model + b"\0")[0] == "request.no_model"


def test_model_is_not_applied_where_a_columns_meaning_has_changed(plan):
    model = artifact_of(plan(GOOD)).to_bytes()
    moved = tuple(
        column("age", "integer", "filter", "feature", bounds=(0, 97), cuts=(45, 60)) if c.name == "age" else c
        for c in COLUMNS
    )
    known = public(moved)
    code, details = refused(predict, model, known=known)
    assert (code, details["what"]) == ("request.model_differs", "age")


# --- the examples ---

HEART = {
    "id": {"type": "integer", "uses": ["never"]},
    **{
        name: {"type": kind, "uses": ["feature"], "bounds": list(bounds)}
        for name, kind, bounds in (
            ("age", "integer", (0, 120)),
            ("trestbps", "integer", (0, 300)),
            ("chol", "integer", (0, 1000)),
            ("thalch", "integer", (0, 250)),
            ("oldpeak", "decimal(1)", (-10, 10)),
        )
    },
    "sex": {"type": "text", "uses": ["feature"], "values": ["Female", "Male"]},
    "cp": {"type": "text", "uses": ["feature"], "values": ["asymptomatic", "non-anginal", "atypical angina"]},
    "restecg": {"type": "text", "uses": ["feature"], "values": ["normal", "lv hypertrophy"]},
    **{name: {"type": "boolean", "uses": ["feature"]} for name in ("fbs", "exang", "sick")},
}


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory):
    """The catalogue of hospitals that hold the synthetic city's admissions, and patients of the heart study."""
    folder = tmp_path_factory.mktemp("hospitals")
    (admissions,) = jincheng.HOSPITALS[0].tables
    columns = {
        one.name: {
            "type": one.type,
            "uses": list(one.uses),
            **{key: list(getattr(one, key)) for key in ("bounds", "values", "cuts") if getattr(one, key)},
        }
        for one in admissions.columns
    }
    tables = {"admissions": columns, "patients": HEART}
    (folder / "rows.csv").write_text("id\n")
    stores = {
        "admissions": {"adapter": "csv", "path": "rows.csv", "id": admissions.id_column},
        "patients": {"adapter": "csv", "path": "rows.csv", "id": "id"},
    }
    text = federation_toml(departments=dict.fromkeys(NAMES, stores), tables=tables, rules={"name": "hospitals"})
    (folder / "federation.toml").write_text(text, "utf-8")
    return read_settings(folder / "federation.toml").catalogue


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_example_becomes_a_plan_and_is_listed(hospitals, file):
    made = plan_training(read_job(file), requester=ANALYST, catalogue=hospitals, roster=ROSTER, nonce="0" * 32)
    check_plan(made, hospitals, ROSTER)
    assert read_plan(made.to_bytes()) == made
    assert f"`{file.name}`" in (EXAMPLES / "README.md").read_text("utf-8")


def test_there_are_examples_of_every_model_strategy_and_of_noise():
    jobs = [read_job(file) for file in EXAMPLES.glob("*.toml")]
    assert {type(one.model) for one in jobs} == {Linear, Logistic, Perceptron, Trees}
    assert {one.descent.strategy for one in jobs} == {"fedsgd", "fedavg", "fedprox"}
    assert {one.protection for one in jobs} == {"masks", "paillier"}
    assert any(one.privacy for one in jobs)


@pytest.mark.parametrize(("rule", "is_lab"), [({}, False), ({"lab": False}, False), ({"lab": True}, True)])
def test_federation_is_a_lab_only_if_its_settings_say_so(tmp_path, rule, is_lab):
    (tmp_path / "rows.csv").write_text("id\n")
    stores = {"patients": {"adapter": "csv", "path": "rows.csv", "id": "id"}}
    text = federation_toml(
        departments=dict.fromkeys(NAMES, stores), tables={"patients": HEART}, rules={"name": "lab", **rule}
    )
    (tmp_path / "federation.toml").write_text(text, "utf-8")
    assert read_settings(tmp_path / "federation.toml").catalogue.lab is is_lab
