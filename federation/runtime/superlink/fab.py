"""Our Flower app as a bundle (FAB): what Flower knows a run by. Its hash is all that anybody here looks at.

The code in it is never executed by the warm nodes: a department runs the handlers that are installed with it, and a
message of a run whose bundle has another hash is refused. It is there for Flower, which starts no run without one, and
says so to whoever loads it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version

from federation.runtime.superlink import internals

PROJECT = """\
[project]
name = "keyong"
version = "{version}"
description = "Keyong on Flower: departments run what is installed with them"
license = "Apache-2.0"
dependencies = []

[tool.flwr.app]
publisher = "keyong"

[tool.flwr.app.components]
serverapp = "keyong_app.server_app:app"
clientapp = "keyong_app.client_app:app"

[tool.flwr.app.config]
"""

SERVER_APP = '''\
"""The ServerApp of Keyong is its coordinator, a process of its own; Flower need not start one."""

from flwr.serverapp import ServerApp

app = ServerApp()


@app.main()
def main(grid, context):
    raise RuntimeError("the coordinator of Keyong is started by `keyong up --runtime flower`")
'''

CLIENT_APP = '''\
"""The ClientApp of Keyong is installed at the department, behind its warm node; a bundle brings no code into it."""

from flwr.clientapp import ClientApp

app = ClientApp()


@app.query()
def query(message, context):
    raise RuntimeError("departments of Keyong run what is installed with them")
'''


@cache
def bundle() -> bytes:
    """The bundle, the same bytes wherever this version is installed with the same zlib."""
    return internals.build_fab(
        {
            "pyproject.toml": PROJECT.format(version=version("keyong")).encode(),
            "keyong_app/__init__.py": b"",
            "keyong_app/server_app.py": SERVER_APP.encode(),
            "keyong_app/client_app.py": CLIENT_APP.encode(),
        }
    )


def bundle_hash() -> str:
    """SHA-256 of the bundle, hex."""
    return hashlib.sha256(bundle()).hexdigest()
