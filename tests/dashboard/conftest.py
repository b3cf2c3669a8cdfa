from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.served import serve_this
from dashboard.services import sessions
from tests.dashboard.records import WAITING, RecordedHome
from tests.dashboard.visits import session

Opened = Callable[..., AppTest]


@pytest.fixture
def opened() -> Opened:
    """Opens a page of a home, as a guest or as whoever has signed in, with what stands in the address."""

    def open_page(home: Path, page: str = "", *, account: str = "", **address: str) -> AppTest:
        serve_this(home, "zh")
        app = AppTest.from_file(str(Path(dashboard.__file__).parent / "app.py"), default_timeout=30)
        if account:
            app.session_state[sessions.KEY] = session(home, account)
        for name, value in address.items():
            app.query_params[name] = value
        if page:
            app.switch_page(f"views/{page}.py")
        return app.run()

    return open_page


@pytest.fixture
def recorded(tmp_path: Path) -> RecordedHome:
    """A home in which departments have enrolled and one job has been released: 3 x 200 + 3 x 1,000 + 40,000 bytes."""
    home = RecordedHome(tmp_path / "home")
    home.start()
    home.run()
    return home


@pytest.fixture
def approved(tmp_path: Path) -> RecordedHome:
    """The same, approved by officers; and a second request that lies on the desks."""
    home = RecordedHome(tmp_path / "approved", approvals="officers")
    home.start()
    home.run()
    home.request(WAITING)
    home.seal()
    home.count()
    return home


@pytest.fixture
def started(tmp_path: Path) -> RecordedHome:
    """A home in which departments have enrolled and nobody has asked anything."""
    home = RecordedHome(tmp_path / "home")
    home.start()
    return home


@pytest.fixture(autouse=True)
def own_main_module() -> Iterator[None]:
    """AppTest puts the page in the place of `__main__`; processes that other tests spawn would run it again."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
