import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from streamlit import config

from dashboard.server import LOOPBACK, content_security_policy, serve, set_options
from federation.errors import SettingsError

ORIGIN = "https://keyong.example.gov.cn"
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def start(folder: Path, *more: str) -> tuple[subprocess.Popen[str], str]:
    """The server as its own process, started in a folder of no account, over a home without a record."""
    words = ["--home", str(folder / "home"), "--port", "0", "--lang", "en", *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.server", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "true"},
    )
    line = process.stdout.readline()
    assert line.startswith("Keyong dashboard: http://127.0.0.1:")
    return process, line.split()[-1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """One that nobody has put behind a proxy."""
    process, url = start(tmp_path_factory.mktemp("elsewhere"))
    yield process, url
    if process.poll() is None:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that a proxy shows under its own origin."""
    process, url = start(tmp_path_factory.mktemp("proxied"), "--origin", ORIGIN)
    yield url
    process.kill()
    process.wait()


def opens_websocket(url: str, **named: str) -> bool:
    with httpx.stream("GET", url + "_stcore/stream", headers=HANDSHAKE | named) as answer:
        return answer.status_code == 101


def test_every_answer_carries_the_security_headers(server):
    for path in ("", "_stcore/health", "static/nothing.js"):
        headers = httpx.get(server[1] + path).headers
        assert headers["content-security-policy"] == content_security_policy()
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"


def test_the_policy_names_no_other_host_and_no_unsafe_script():
    policy = content_security_policy()
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "http" not in policy
    assert "unsafe-inline" not in scripts
    assert "'unsafe-eval'" not in scripts
    assert scripts.count("'sha256-") == 1


def test_the_agent_interface_is_closed(server):
    assert httpx.post(server[1] + "_stcore/agent/interact", json={}).status_code >= 400


def test_what_was_meant_for_another_host_gets_no_answer(server):
    for path in ("", "_stcore/health", "static/nothing.js"):
        refused = httpx.get(server[1] + path, headers={"Host": "rebound.example"})
        assert (refused.status_code, refused.headers["x-frame-options"]) == (421, "DENY")


def test_no_header_makes_another_host_ours(server):
    forwarded = {"X-Forwarded-Host": "127.0.0.1", "X-Forwarded-For": "127.0.0.1", "Forwarded": "host=127.0.0.1"}
    assert httpx.get(server[1], headers={"Host": "rebound.example", **forwarded}).status_code == 421


@pytest.mark.parametrize(
    ("named", "opened"),
    [
        ({}, True),
        ({"Origin": "http://rebound.example"}, False),
        ({"Origin": "http://rebound.example", "Host": "rebound.example"}, False),
        ({"Host": "rebound.example"}, False),
        ({"Origin": ORIGIN, "Host": "keyong.example.gov.cn"}, False),  # nobody has configured it
    ],
)
def test_another_sites_page_opens_no_websocket(server, named, opened):
    assert opens_websocket(server[1], **named) is opened


@pytest.mark.parametrize(
    ("named", "opened"),
    [
        ({"Origin": ORIGIN, "Host": "keyong.example.gov.cn"}, True),
        ({"Origin": ORIGIN}, True),
        ({"Origin": "https://rebound.example", "Host": "keyong.example.gov.cn"}, False),
        ({"Origin": "https://rebound.example", "Host": "rebound.example"}, False),
    ],
)
def test_a_proxy_shows_it_under_the_one_origin_it_was_told(proxied, named, opened):
    assert opens_websocket(proxied, **named) is opened
    status = httpx.get(proxied, headers=named).status_code
    assert status == (200 if opened else 421)


def test_ctrl_c_ends_it_cleanly(server):
    process, _ = server
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=10)
    assert (process.returncode, rest) == (0, "")


def test_a_port_in_use_is_a_settings_error():
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        with pytest.raises(SettingsError) as refused:
            serve(Path("/nowhere"), port=other.getsockname()[1])
    assert refused.value.code == "settings.port"


def test_options_win_over_the_environment(monkeypatch):
    monkeypatch.setenv("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "true")
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "0.0.0.0")
    set_options(1234)
    assert config.get_option("browser.gatherUsageStats") is False
    assert config.get_option("server.address") == "127.0.0.1"
    assert config.get_option("server.allowedHosts") == ["127.0.0.1", "localhost"]
    assert config.get_option("server.enableAgentApi") is False
    assert config.get_option("server.enableXsrfProtection") is True
    assert config.get_option("server.trustedUserHeaders") == {}
    assert config.get_option("client.showErrorDetails") == "none"
    assert config.get_option("server.fileWatcherType") == "none"


def test_an_origin_is_let_in_beside_loopback_and_nothing_else():
    set_options(1234, "https://keyong.example.gov.cn:8443")
    try:
        assert config.get_option("server.allowedHosts") == ["127.0.0.1", "localhost", "keyong.example.gov.cn"]
        assert config.get_option("server.corsAllowedOrigins") == ["https://keyong.example.gov.cn:8443"]
        assert config.get_option("server.address") == "127.0.0.1"
    finally:
        set_options(1234)


def test_what_is_no_origin_is_refused_before_anything_is_served():
    with pytest.raises(SettingsError) as refused:
        serve(Path("/nowhere"), port=0, origin="http://keyong.example.gov.cn")
    assert refused.value.code == "settings.origin"
