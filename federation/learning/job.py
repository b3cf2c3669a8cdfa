"""A job file: one TOML file in which an analyst writes what is to be learnt, from what, and how it is protected.

It is read into a frozen `JobFile`. A key that is unknown, missing, wrong, or of no effect beside the others is refused
by its name, with the nearest one that is valid: what the officers approve must be what is going to happen. What the
catalogue allows is for `federation.learning.planning` to say.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TypeVar, get_args

import msgspec

from federation.errors import RequestError
from federation.plan import Descent, Linear, Logistic, Model, Perceptron, Privacy, Protection, Trees

# It travels in the plan, to every officer's desk, and is to be read there.
MAX_JOB_FILE = 20_000
MAX_SEED = 2**32 - 1

MODELS: Mapping[str, type[Linear | Logistic | Perceptron | Trees]] = {
    "linear": Linear,
    "logistic": Logistic,
    "mlp": Perceptron,
    "trees": Trees,
}

# Which keys of [descent] a strategy reads: the others would be ignored without a word.
STRATEGIES: Mapping[str, frozenset[str]] = {
    "fedsgd": frozenset({"rounds", "rate"}),
    "fedavg": frozenset({"rounds", "rate", "epochs", "batch"}),
    "fedprox": frozenset({"rounds", "rate", "epochs", "batch", "mu"}),
}

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class JobData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section [data].

    Attributes:
        where: which rows, as behind WHERE in a query; empty for all.
        holdout: percent of the rows that measure the model and are not learnt from.
    """

    table: Words
    features: Annotated[tuple[Words, ...], msgspec.Meta(min_length=1, max_length=1000)]
    label: Words
    where: str = ""
    holdout: Annotated[int, msgspec.Meta(ge=0, le=90)] = 30


class JobLab(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section [lab]: rows in the clear to compare the model with; departments are never asked for them.

    Attributes:
        city: the built-in city's generator makes them.
        files: department -> CSV file with the columns of the job, beside the job file.
    """

    city: bool = False
    files: dict[str, str] = {}


class JobFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an analyst wrote.

    Attributes:
        privacy: None without the key epsilon.
        lab: None without the section.
        text: the file, letter by letter.
    """

    title: Words
    purpose: Words
    data: JobData
    model: Model
    descent: Descent = Descent()
    protection: Protection = "masks"
    privacy: Privacy | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)] = 0
    lab: JobLab | None = None
    text: str


# Keys of the file that make up `privacy`, which is no section of its own.
_PRIVACY = tuple(Privacy.__struct_fields__)
_TOP = tuple(field for field in JobFile.__struct_fields__ if field not in ("privacy", "text")) + _PRIVACY
_SECTIONS: Mapping[str, type[msgspec.Struct]] = {"data": JobData, "descent": Descent, "lab": JobLab}

T = TypeVar("T")


def read_job(path: Path) -> JobFile:
    """Read and check a job file.

    Raises:
        RequestError: it is missing, not TOML or too long, or a key is unknown, missing, wrong or of no effect.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as exc:
        raise RequestError("request.job_missing", path=path) from exc
    except UnicodeDecodeError as exc:
        raise RequestError("request.job_not_toml", path=path, detail="UTF-8") from exc
    if len(text) > MAX_JOB_FILE:
        raise RequestError("request.job_too_long", path=path, maximum=MAX_JOB_FILE)
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise RequestError("request.job_not_toml", path=path, detail=str(exc)[:120]) from exc
    return _job(raw, text)


def _job(raw: Mapping[str, object], text: str) -> JobFile:
    for key, value in _numbers(raw, ""):
        if not math.isfinite(value):
            raise _wrong(key, "must be a finite number")
    _check_keys(raw, _TOP, "", required=("title", "purpose", "data", "model"))
    for name, kind in _SECTIONS.items():
        if name in raw:
            _check_section(raw[name], kind, name)
    lab = raw.get("lab")
    if isinstance(lab, Mapping) and bool(lab.get("city")) == bool(lab.get("files")):
        raise _wrong("lab", "needs either city = true or files")
    _choose("protection", raw.get("protection", "masks"), get_args(Protection))
    model = _model(raw["model"])
    _check_descent(raw, model)
    # Converted before any plan is built, so that 3 where 3.0 is meant has one spelling in the plan's canonical bytes.
    top = {key: value for key, value in raw.items() if key not in (*_PRIVACY, "model")}
    return _convert({**top, "model": model, "privacy": _privacy(raw), "text": text}, JobFile)


def _numbers(value: object, where: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float):
        yield where, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{where}.{key}".strip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, where)


def _model(raw: object) -> dict[str, object]:
    """Check [model]; returns what a plan's decoder reads."""
    if not isinstance(raw, Mapping):
        raise _wrong("model", "must be a section [model]")
    if "kind" not in raw:
        raise RequestError("request.job_missing_key", key="model.kind")
    kind = _choose("model.kind", raw["kind"], tuple(MODELS))
    settings = {key: value for key, value in raw.items() if key != "kind"}
    _check_keys(settings, MODELS[kind].__struct_fields__, "model")
    return {"model": kind, **settings}


def _check_descent(raw: Mapping[str, object], model: Mapping[str, object]) -> None:
    """Refuse keys that nothing would read."""
    descent = raw.get("descent")
    if not isinstance(descent, Mapping):
        return
    if model["model"] == "trees":
        raise _wrong("descent", "trees are grown, not descended; their keys trees, depth and rate are in [model]")
    strategy = _choose("descent.strategy", descent.get("strategy", Descent().strategy), tuple(STRATEGIES))
    idle = sorted(descent.keys() - STRATEGIES[strategy] - {"strategy"})
    if idle:
        nearest = "fedprox" if "mu" in idle else "fedavg"
        raise _wrong(f"descent.{idle[0]}", f'has no effect with strategy = "{strategy}"; it has with "{nearest}"')
    if strategy == "fedprox" and "mu" not in descent:
        raise RequestError("request.job_missing_key", key="descent.mu")


def _privacy(raw: Mapping[str, object]) -> Privacy | None:
    written = {key: raw[key] for key in _PRIVACY if key in raw}
    if not written:
        return None
    if "epsilon" not in written:
        raise RequestError("request.job_missing_key", key="epsilon")
    return _convert(written, Privacy)


# -- one sentence that names the key ----------------------------------------------------------------------------------


def _check_section(raw: object, kind: type[msgspec.Struct], name: str) -> None:
    if not isinstance(raw, Mapping):
        raise _wrong(name, f"must be a section [{name}]")
    required = [field.name for field in msgspec.structs.fields(kind) if field.required]
    _check_keys(raw, kind.__struct_fields__, name, required=required)


def _check_keys(
    raw: Mapping[str, object], known: tuple[str, ...], where: str, *, required: tuple[str, ...] | list[str] = ()
) -> None:
    for key in raw:
        if key not in known:
            name = f"{where}.{key}".strip(".")
            # Most likely it was to be one that is not there yet.
            nearest = get_close_matches(key, [other for other in known if other not in raw], n=1) or known
            paths = ", ".join(f"{where}.{other}".strip(".") for other in nearest)
            raise RequestError("request.job_unknown_key", key=name, nearest=paths)
    for key in required:
        if key not in raw:
            raise RequestError("request.job_missing_key", key=f"{where}.{key}".strip("."))


def _choose(key: str, value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        nearest = get_close_matches(str(value), known, n=1) or known
        raise RequestError("request.job_choice", key=key, value=str(value)[:40], nearest=", ".join(nearest))
    return value


def _convert(raw: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as exc:
        reason, _, key = str(exc).partition(" - at ")
        raise _wrong(key.strip("`").removeprefix("$."), reason[:1].lower() + reason[1:].replace("`", "")) from exc


def _wrong(key: str, reason: str) -> RequestError:
    return RequestError("request.job_key", key=key, reason=reason)
