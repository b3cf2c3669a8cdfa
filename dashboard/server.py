"""Serve the dashboard on loopback: Streamlit as an ASGI app behind headers that `streamlit run` does not send.

Every option is set here, in code, and wins over configuration files and STREAMLIT_* variables: what the page may do
must not depend on where it is started. Whoever may open this machine's loopback, or gets through a reverse proxy before
it, may look; to act, one signs in. No header is believed, whoever sends it.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import re
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, file_util

from dashboard.doorkeeper import LOOPBACK_NAMES, Doorkeeper, read_origin
from dashboard.served import serve_this, served
from dashboard.style import THEME
from dashboard.warm import warm
from federation.errors import KeyongError, SettingsError

LOOPBACK = "127.0.0.1"
SCRIPT = Path(__file__).parent / "app.py"

OPTIONS: Mapping[str, object] = {
    "browser.gatherUsageStats": False,
    "browser.serverAddress": LOOPBACK,
    "client.showErrorDetails": "none",  # a page's exception must not quote the record
    "client.showErrorLinks": False,  # they lead to search engines
    "client.toolbarMode": "minimal",
    "logger.hideWelcomeMessage": True,
    "server.address": LOOPBACK,
    "server.allowedHosts": sorted(LOOPBACK_NAMES),  # of websockets, and again after the doorkeeper
    "server.enableAgentApi": False,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.trustedUserHeaders": {},  # who somebody is, nobody says by a header
    "server.showEmailPrompt": False,
    **{f"theme.{name}": value for name, value in THEME.items()},
}

FAREWELL_S = 2  # open pages are told to close; none may keep Ctrl-C waiting longer


def serve(home: Path, *, port: int, language: str = "zh", origin: str = "") -> None:
    """Serve the dashboard of one home until Ctrl-C.

    Args:
        language: zh or en, in which a visit begins.
        origin: https://host[:port] under which a reverse proxy on this machine shows it; "" for loopback only.

    Raises:
        SettingsError: the port is in use, or that is no such origin; nothing has been served.
    """
    origin = read_origin(origin) if origin else ""
    with _listen(port) as listener:
        serve_this(home, language)
        set_options(port, origin)
        threading.Thread(target=warm, args=(served().home,), daemon=True).start()
        asgi = uvicorn.Config(
            st.App(SCRIPT, middleware=[Middleware(SecurityHeaders), Middleware(Doorkeeper, origin=origin)]),
            access_log=False,
            log_config=None,
            log_level="error",
            proxy_headers=False,
            timeout_graceful_shutdown=FAREWELL_S,
            ws="websockets-sansio",
        )
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}/"
        server = _Server(asgi, f"可用看板：{url}" if language == "zh" else f"Keyong dashboard: {url}")
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn has closed everything and passes the signal on
            server.run(sockets=[listener])


def set_options(port: int, origin: str = "") -> None:
    """Set Streamlit's options, over whatever files and environment say."""
    options = {**OPTIONS, "server.port": port}
    if origin:
        options["server.allowedHosts"] = [*sorted(LOOPBACK_NAMES), urlsplit(origin).hostname]
        options["server.corsAllowedOrigins"] = [origin]
    config.get_config_options(force_reparse=True, options_from_flags=options)


def content_security_policy() -> str:
    """Only this server's own files, and Streamlit's one inline script by its hash, which changes with its releases."""
    index = (Path(file_util.get_static_dir()) / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", index, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        "default-src 'self'; "
        # blob: is how components v2 load their code.
        f"script-src 'self' blob: 'wasm-unsafe-eval' {allowed}; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
        "worker-src 'self' blob:; frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
    )


class SecurityHeaders:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": content_security_policy(),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "X-Frame-Options": "DENY",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class _Server(uvicorn.Server):
    """Says its one line when it answers, and Ctrl-C works."""

    def __init__(self, asgi: uvicorn.Config, line: str) -> None:
        super().__init__(asgi)
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._line, flush=True)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError as exc:
        listener.close()
        raise SettingsError("settings.port", port=port) from exc
    return listener


def main(arguments: list[str] | None = None) -> int:
    """Run `python -m dashboard.server`."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.server", description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True, help="a federation's home folder")
    parser.add_argument("--port", type=int, required=True, help="on loopback; 0 takes any that is free")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh")
    parser.add_argument("--origin", default="", help="https://... of a reverse proxy before it; none unless given")
    asked = parser.parse_args(arguments)
    try:
        serve(asked.home, port=asked.port, language=asked.lang, origin=asked.origin)
    except KeyongError as error:
        print(f"{error.message(asked.lang)}; {error.next_step(asked.lang)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
