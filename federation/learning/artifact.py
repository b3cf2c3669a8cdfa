"""A trained model as a value and as a file: a JSON header, then its numbers as raw little-endian float64.

The layout is that of Hugging Face's safetensors, a header and plain arrays, and for the same reason: opening a model
must not run code, as a pickle does. A file that parses serialises to the same bytes again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from federation.errors import RequestError
from federation.plan import Feature, Label, Model, TrainPlan, Trees

Floats = npt.NDArray[np.float64]
Arrays = tuple[Floats, ...]

MAGIC = b"keyong-model\n"


class Tensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One array as it travels.

    Attributes:
        data: little-endian float64, the last axis runs fastest.
    """

    shape: tuple[int, ...]
    data: bytes


class Standard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What inputs are standardised with: the same numbers at every department.

    Attributes:
        means, deviations: one for each feature that is a number, in the plan's order, base units; no deviation is 0.
        label_mean, label_deviation: of a regression's label, base units; 0 and 1 for a classifier's.
    """

    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()
    label_mean: float = 0.0
    label_deviation: float = 1.0


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A trained model, complete: whoever has it and a row can compute the score.

    Attributes:
        source: the table it was learnt from, in the catalogue.
        split: the nonce by which rows were held out. A job that goes on from this model holds out the same rows, so
            that it is never measured on what it has learnt.
        rounds: how many rounds of descent it has behind it, or how many trees.
        arrays: weights and biases layer by layer; of trees, what `Ensemble.to_arrays` gives.
    """

    version: Literal[1] = 1
    source: str
    split: str
    model: Model
    features: tuple[Feature, ...]
    label: Label
    standard: Standard
    rounds: int
    arrays: tuple[Tensor, ...]

    def to_bytes(self) -> bytes:
        """The model file."""
        shapes = tuple(tensor.shape for tensor in self.arrays)
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "arrays"}
        header = msgspec.json.encode(_Header(**fields, shapes=shapes))
        return MAGIC + header + b"\n" + b"".join(tensor.data for tensor in self.arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> Artifact:
        """Read a model file.

        Raises:
            ValueError: not a model file, or not the one way to write this model.
        """
        line, newline, rest = data.removeprefix(MAGIC).partition(b"\n")
        if not data.startswith(MAGIC) or not newline:
            raise ValueError("not a model file")
        header = msgspec.json.decode(line, type=_Header)
        tensors = []
        for shape in header.shapes:
            size = _byte_length(shape)
            tensors.append(Tensor(shape=shape, data=rest[:size]))
            rest = rest[size:]
        fields = {name: getattr(header, name) for name in header.__struct_fields__ if name != "shapes"}
        artifact = cls(**fields, arrays=tuple(tensors))
        decode_arrays(artifact.arrays)
        if artifact.to_bytes() != data:
            raise ValueError("not the canonical bytes of a model")
        return artifact


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Literal[1]
    source: str
    split: str
    model: Model
    features: tuple[Feature, ...]
    label: Label
    standard: Standard
    rounds: int
    shapes: tuple[tuple[int, ...], ...]


def start_of(plan: TrainPlan) -> Artifact | None:
    """Read the model that a plan goes on from; None if it begins anew.

    Raises:
        RequestError: it is no model file, or a model of something else than the plan's; or trees, which do not go on.
    """
    if not plan.start:
        return None
    try:
        start = Artifact.from_bytes(plan.start)
    except ValueError as exc:
        raise RequestError("request.start") from exc
    check_start(plan, start)
    return start


def check_start(plan: TrainPlan, start: Artifact) -> None:
    """Check that a plan can go on from a model.

    Raises:
        RequestError: it is a model of something else than the plan's; or trees, which do not go on.
    """
    same = (start.source, start.model, start.features, start.label)
    if same != (plan.source, plan.model, plan.features, plan.label) or isinstance(plan.model, Trees):
        raise RequestError("request.start")


def encode_arrays(arrays: Sequence[Floats]) -> tuple[Tensor, ...]:
    """Make arrays ready to travel."""
    return tuple(Tensor(shape=array.shape, data=array.astype("<f8").tobytes()) for array in arrays)


def decode_arrays(tensors: Sequence[Tensor]) -> Arrays:
    """Read arrays that came from somebody else.

    Raises:
        ValueError: the bytes do not fill the shape, or hold NaN or infinity.
    """
    arrays = []
    for tensor in tensors:
        if len(tensor.data) != _byte_length(tensor.shape):
            raise ValueError("the bytes of an array do not fill its shape")
        array = np.frombuffer(tensor.data, dtype="<f8").astype(np.float64).reshape(tensor.shape)
        if not np.isfinite(array).all():
            raise ValueError("an array holds something that is no number")
        arrays.append(array)
    return tuple(arrays)


def _byte_length(shape: tuple[int, ...]) -> int:
    if any(length < 0 for length in shape):
        raise ValueError("an array has no negative length")
    return 8 * math.prod(shape)
