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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server as its own process, started in a folder of no account, over a home without a record."""
    folder = tmp_path_factory.mktemp("elsewhere")
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.server", "--home", str(folder / "home"), "--port", "0", "--lang", "en"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "true"},
    )
    line = process.stdout.readline()
    assert line.startswith("Keyong dashboard: http://127.0.0.1:")
    yield process, line.split()[-1]
    if process.poll() is None:
        process.kill()
        process.wait()


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
    assert config.get_option("client.showErrorDetails") == "none"
    assert config.get_option("server.fileWatcherType") == "none"
