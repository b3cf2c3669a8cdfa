from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.memory import MemoryFederation, MemoryStore


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> MemoryFederation:
    """A federation that answered two queries, was restarted in part, refused a third one, and is closed."""
    rows = [{"income": 100, "sex": "f"}, {"income": 200, "sex": "m"}]
    stores = {name: MemoryStore(rows) for name in ("gaoping", "lingchuan", "qinshui")}
    federation = MemoryFederation(tmp_path_factory.mktemp("record") / "home", stores)
    federation.ask("SELECT COUNT(*), SUM(income) FROM insured", job="q-1")
    federation.start("lingchuan")
    federation.ask("SELECT sex, COUNT(*) FROM insured GROUP BY sex", job="q-2")
    federation.close()
    return federation


@pytest.fixture
def home(finished: MemoryFederation, tmp_path: Path) -> Iterator[Path]:
    """A copy of its home, to tamper with."""
    yield Path(shutil.copytree(finished.home, tmp_path / "home"))
