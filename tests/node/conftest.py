from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from federation.errors import KeyongError
from tests.support.memory import MemoryFederation, MemoryStore


@pytest.fixture
def federation(tmp_path: Path) -> MemoryFederation:
    """Three departments of four rows each; gaoping and lingchuan open, qinshui is the gate."""
    rows = [{"income": 100, "sex": "f"}, {"income": 200, "sex": "f"}, {"income": -50, "sex": "m"}]
    stores = {name: MemoryStore([*rows, {"income": 5, "sex": "m"}]) for name in ("gaoping", "lingchuan", "qinshui")}
    return MemoryFederation(tmp_path / "home", stores)


@pytest.fixture
def refused() -> Callable[[str], AbstractContextManager[None]]:
    """The block must be refused with this code."""

    @contextmanager
    def with_code(code: str) -> Iterator[None]:
        with pytest.raises(KeyongError) as caught:
            yield
        assert caught.value.code == code

    return with_code
