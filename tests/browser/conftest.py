"""A real browser on a real server over a real, running federation."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

# --no-sandbox: containers have no user namespaces for it; the rest keeps the browser from calling home.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Visit = Callable[..., Page]


def needed(program: str) -> str:
    """A program these tests cannot do without: missing, they fail in CI and are skipped elsewhere."""
    found = shutil.which(program)
    if found is None and os.environ.get("CI") != "true":
        pytest.skip(f"{program} is not installed: the pages cannot be tested in a browser")
    assert found, f"CI needs {program}"
    return found


@contextlib.contextmanager
def serving(home: Path) -> Iterator[str]:
    """A dashboard of its own for a home; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.server", "--home", str(home), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    yield process.stdout.readline().strip().split("：")[-1]
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=15) == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = needed("chromium")
    needed("bwrap")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def dashboard_url(browser: Browser, federation) -> Iterator[str]:
    """The dashboard of the warm federation, in which one job has been released."""
    federation.ask("SELECT COUNT(*) FROM hukou")
    with serving(federation.home.path) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, dashboard_url: str) -> Iterator[Visit]:
    """Opens the dashboard; afterwards no request may have left loopback and nothing may have been refused."""
    contexts, strangers, refused = [], [], []

    def open_page(path: str = "", *, base: str = dashboard_url, **context: object) -> Page:
        contexts.append(browser.new_context(**{"viewport": {"width": 1366, "height": 768}, **context}))
        page = contexts[-1].new_page()
        page.on("request", lambda request: strangers.append(request.url) if is_foreign(request.url) else None)
        page.on("websocket", lambda socket: strangers.append(socket.url) if is_foreign(socket.url) else None)
        page.on("console", lambda line: refused.append(line.text) if "Content Security" in line.text else None)
        page.on("pageerror", lambda error: refused.append(str(error)))
        page.goto(base + path)
        page.locator(".ky-notes").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert strangers == []
    assert refused == []


def is_foreign(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1"
