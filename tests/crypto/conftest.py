"""Keys that the tests of this folder share."""

import json
from pathlib import Path

import pytest

from crypto.paillier import PrivateKey, generate

VECTORS = Path(__file__).parents[1] / "vectors"


def _stored_key(position: int) -> PrivateKey:
    key = json.loads((VECTORS / "paillier_2048.json").read_text())["keys"][position]
    return PrivateKey(int(key["p"], 16), int(key["q"], 16))


@pytest.fixture(scope="session")
def key() -> PrivateKey:
    """2048 bits, from tests/vectors."""
    return _stored_key(0)


@pytest.fixture(scope="session")
def other_key() -> PrivateKey:
    """2048 bits, from tests/vectors, another one."""
    return _stored_key(1)


@pytest.fixture(scope="session")
def small_key() -> PrivateKey:
    """512 bits: breakable, quick, and to be had only by asking for it."""
    return generate(512, minimum_bits=512)
