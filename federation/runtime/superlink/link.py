"""The SuperLink's process: Flower's own server behind a door, on a free port of this machine's loopback.

It sees who asks whom and how much, and ciphertexts under the parties' own signatures; it can delay or drop, and the
coordinator notices. It keeps everything in memory: a federation that is down has no SuperLink and no state of one.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from crypto.signing import SigningKey
from federation.errors import NodeError
from federation.governance.identity import write_secret
from federation.runtime.superlink import internals
from federation.runtime.superlink.certificate import LOOPBACK, make_certificate
from federation.runtime.superlink.door import Door, opening
from federation.runtime.superlink.notices import Admit, Admitted, LinkUp, Serve, hear, say, to_link

logger = logging.getLogger(__name__)

CERTIFICATE, KEY = "certificate.pem", "certificate.key"
BACKLOG = 128


def run_link(stream: socket.socket) -> int:
    """Serve until the launcher closes its socket; the working directory is the SuperLink's home."""
    internals.be_quiet()
    serve = hear(stream, to_link)
    if not isinstance(serve, Serve):
        return 0
    certificate, private = make_certificate(datetime.now(UTC))
    Path(CERTIFICATE).write_bytes(certificate)
    write_secret(Path(KEY), private)
    own = SigningKey.generate()
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen(BACKLOG)
        address = f"{LOOPBACK}:{listener.getsockname()[1]}"
        control = internals.Control(address, certificate, opening(own, certificate))

        def begin() -> None:
            say(stream, LinkUp(address=address, certificate=certificate))
            threading.Thread(target=_admit, args=(stream, control), daemon=True).start()

        _serve(Door(internals.superlink_app(), (serve.coordinator, own.public), certificate), listener, begin)
    return 0


def _serve(app: Door, listener: socket.socket, begin: Callable[[], None]) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            begin()

    config = uvicorn.Config(
        app,
        ssl_certfile=CERTIFICATE,
        ssl_keyfile=KEY,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    Server(config).run(sockets=[listener])


def _admit(stream: socket.socket, control: internals.Control) -> None:
    """Let SuperNodes in as the launcher says; with its socket this process ends."""
    status = 1
    try:
        while isinstance(word := hear(stream, to_link), Admit):
            if word.replaces:
                control.unregister(word.replaces)
            say(stream, Admitted(party=word.party, node=control.register(word.party, word.public)))
        status = 0
    except (OSError, NodeError):
        logger.exception("the launcher said something else")
    finally:
        os._exit(status)
