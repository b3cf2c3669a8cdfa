"""Which requests this server answers: those that were sent to loopback, or to the one origin of a proxy before it.

A name that somebody else lets resolve to 127.0.0.1 would else reach it from any site that a browser has open (DNS
rebinding), and so would a site's own script by a websocket (RFC 6455, section 10.2). No header that a proxy could add
is believed: not X-Forwarded-*, not a user's name.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from federation.errors import SettingsError

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost"})
MISDIRECTED = 421  # RFC 9110, section 15.5.20
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1


class Doorkeeper:
    """Refuses every request that is for another host, or comes from another site's page."""

    def __init__(self, app: ASGIApp, origin: str = "") -> None:
        """Stand before an application.

        Args:
            origin: https://host[:port] under which a reverse proxy shows it; "" for none.
        """
        self._app, self._origin = app, origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket") or is_ours(Headers(scope=scope), self._origin):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await PlainTextResponse("not for this host or from this site\n", MISDIRECTED)(scope, receive, send)


def is_ours(headers: Headers, origin: str) -> bool:
    """Whether a request is to this server, and from one of its own pages if it is from a page at all."""
    hosts, sources = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or len(sources) > 1:
        return False
    (host,) = hosts
    local = _name(host) in LOOPBACK_NAMES
    if not local and (not origin or host.lower() != urlsplit(origin).netloc):
        return False
    own = {origin} if origin else set()
    return not sources or sources[0] in own | ({f"http://{host}"} if local else set())


def read_origin(text: str) -> str:
    """Read the origin that a proxy shows this server under.

    Raises:
        SettingsError: not https://host or https://host:port.
    """
    try:
        parts = urlsplit(text.lower())
        port = "" if parts.port in (None, 443) else f":{parts.port}"  # as a browser writes it
    except ValueError as exc:
        raise SettingsError("settings.origin", origin=text) from exc
    if not parts.hostname or text.lower() != f"https://{parts.hostname}{port}":
        raise SettingsError("settings.origin", origin=text)
    return text.lower()


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
