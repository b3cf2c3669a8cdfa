"""The model file: one way to write each model, and nothing that runs when it is opened."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from federation.learning.artifact import MAGIC, Artifact, Standard, Tensor, decode_arrays, encode_arrays
from federation.plan import Linear, Logistic, Perceptron, Trees
from tests.support.learning import AGE, ILL, TRADE

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def artifact(**changes) -> Artifact:
    fields = {
        "source": "people",
        "split": "00ff",
        "model": Logistic(l2=0.25),
        "features": (AGE, TRADE),
        "label": ILL,
        "standard": Standard(means=(50.5,), deviations=(1 / 3,)),
        "rounds": 7,
        "arrays": encode_arrays([np.array([[1.0], [-2.5], [0.1]]), np.array([1e-300])]),
    }
    return Artifact(**(fields | changes))


def test_file_is_a_line_of_json_and_the_numbers_as_they_lie_in_memory():
    data = artifact().to_bytes()
    magic, header, numbers = data.split(b"\n", 2)
    assert magic == b"keyong-model"
    assert msgspec.json.decode(header)["shapes"] == [[3, 1], [1]]
    assert np.frombuffer(numbers, dtype="<f8").tolist() == [1.0, -2.5, 0.1, 1e-300]


@given(
    parts=st.lists(
        arrays_of.arrays(np.float64, arrays_of.array_shapes(min_dims=0, min_side=0), elements=FINITE), max_size=4
    ),
    model=st.sampled_from([Linear(), Logistic(l2=0.1), Perceptron(hidden=(3, 2)), Trees(trees=2)]),
    mean=FINITE,
)
def test_every_model_comes_back_and_has_one_file(parts, model, mean):
    given_model = artifact(
        arrays=encode_arrays(parts), model=model, standard=Standard(means=(mean,), deviations=(1.0,))
    )
    data = given_model.to_bytes()
    assert Artifact.from_bytes(data) == given_model
    assert Artifact.from_bytes(data).to_bytes() == data
    for ours, theirs in zip(decode_arrays(given_model.arrays), parts, strict=True):
        assert np.array_equal(ours, theirs)


def broken(change) -> bytes:
    """The file of `artifact()` with its header changed as a text."""
    magic, header, numbers = artifact().to_bytes().split(b"\n", 2)
    return b"\n".join([magic, change(header), numbers])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        MAGIC,
        b"\x80\x04" + artifact().to_bytes(),
        artifact().to_bytes()[len(MAGIC) :],
        artifact().to_bytes()[:-1],
        artifact().to_bytes() + b"\0",
        artifact().to_bytes()[:-8] + np.array([np.nan]).tobytes(),
        artifact().to_bytes()[:-8] + np.array([np.inf]).tobytes(),
        broken(lambda header: header.replace(b'"version":1', b'"version":2')),
        broken(lambda header: header.replace(b'"rounds":7', b'"rounds": 7')),
        broken(lambda header: header.replace(b'"rounds":7', b'"rounds":"7"')),
        broken(lambda header: header.replace(b'"source":"people",', b"")),
        broken(lambda header: header.replace(b'"source":', b'"more":1,"source":')),
        broken(lambda header: header.replace(b'"model":"logistic"', b'"model":"oracle"')),
        broken(lambda header: header.replace(b"[[3,1],[1]]", b"[[3,1],[-1]]")),
        broken(lambda header: header.replace(b"[[3,1],[1]]", b"[[3,1],[1],[9999999999999]]")),
        broken(lambda header: header.replace(b"[[3,1],[1]]", b"[[3,1]]")),
    ],
    ids=[
        "nothing",
        "magic only",
        "something before it",
        "no magic",
        "a byte missing",
        "a byte too many",
        "NaN",
        "infinity",
        "another version",
        "a space",
        "a text for a number",
        "a field missing",
        "a field too many",
        "an unknown model",
        "a negative length",
        "an array that is not there",
        "an array unclaimed",
    ],
)
def test_anything_else_is_refused(data):
    with pytest.raises(ValueError):
        Artifact.from_bytes(data)


def test_the_changes_above_do_change_the_file():
    assert broken(lambda header: header) == artifact().to_bytes()
    assert Artifact.from_bytes(broken(lambda header: header.replace(b'"rounds":7', b'"rounds":8'))).rounds == 8


def test_array_that_does_not_fill_its_shape_is_refused():
    with pytest.raises(ValueError):
        decode_arrays([Tensor(shape=(2, 2), data=bytes(24))])
