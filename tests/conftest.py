"""What all tests share: which can run here, and one warm federation for those that need real processes."""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from federation import operate
from federation.analyst import Analyst
from federation.runtime.home import Home
from federation.settings import Settings, read_settings
from tests.support import city

IN_CI = os.environ.get("CI") == "true"
REAL_DATA = os.environ.get("KEYONG_REAL_DATA")
MANY_FILES = 300
OPEN = pytest.StashKey[int]()  # how many files the last collection left open


def pytest_configure() -> None:
    """Whoever starts the tests in the background has them ignore Ctrl-C, and with them every program they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs data the project does not ship; in CI it must be there."""
    if REAL_DATA or IN_CI:
        return
    real = [item for item in items if item.get_closest_marker("real_data")]
    if real:
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in real]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Keep a file marked `xdist_group` on one worker, so that its federation starts once; any other test goes anywhere.

    That is what --dist loadgroup says it does. With pytest 9.2 it groups nothing (pytest-dev/pytest-xdist#1386).
    """
    if config.getoption("dist") != "loadgroup":
        return None

    @cache
    def group(file: str) -> str:
        found = re.search(r'^pytestmark = .*xdist_group\("(.+?)"\)', (config.rootpath / file).read_text("utf-8"), re.M)
        return found[1] if found else ""

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid.partition("::")[0]) or nodeid

    return ByGroup(config, log)


def pytest_collection_finish() -> None:
    """Thousands of tests and every library stay to the end: no collection needs to walk through them again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At the end all goes, or extension modules report leaks."""
    gc.unfreeze()


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Close what tests left to the collector: a federation in memory holds dozens of databases open, in cycles.

    What threads still hold is not closed by that, and must not bring the collector back after every test.
    """
    if len(os.listdir("/dev/fd")) > item.config.stash.get(OPEN, 0) + MANY_FILES:
        gc.collect()
        item.config.stash[OPEN] = len(os.listdir("/dev/fd"))


def pytest_report_header() -> str:
    if REAL_DATA:
        return "real data: from KEYONG_REAL_DATA"
    return "real data: KEYONG_REAL_DATA is not set, tests marked real_data are deselected (counted below)"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public data sets."""
    assert REAL_DATA, "KEYONG_REAL_DATA must name the folder of real data in CI"
    return Path(REAL_DATA)


@pytest.fixture(scope="session")
def bubblewrap() -> str:
    """Bubblewrap, or a skip where a person runs the tests without it."""
    found = shutil.which("bwrap")
    if found is None and not IN_CI:
        pytest.skip("bubblewrap is not installed: what it confines cannot be tested")
    assert found, "CI needs bubblewrap"
    return found


@pytest.fixture(scope="session")
def small_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A federation.toml over a synthetic city of 4,000, with 512-bit keys that only Python can ask for."""
    return city.write_federation(tmp_path_factory.mktemp("city"), citizens=4_000, key_bits=512)


class Federation:
    """A running federation, and an analyst in it."""

    def __init__(self, settings: Settings, home: Home, analyst: Analyst) -> None:
        self.settings, self.home, self.analyst = settings, home, analyst

    def ask(self, sql: str, purpose: str = "test"):
        return self.analyst.ask(self.analyst.plan(sql, purpose))


@pytest.fixture(scope="session")
def federation(small_city: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """One warm federation for every test of the worker; tests must leave it running and whole."""
    settings, home = read_settings(small_city, minimum_key_bits=512), Home(tmp_path_factory.mktemp("homes") / "warm")
    operate.up(settings, home, minimum_key_bits=512)
    try:
        yield Federation(settings, home, operate.open_analyst(settings, home, minimum_key_bits=512))
    finally:
        operate.down(home)
