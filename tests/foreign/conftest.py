"""Other people's programs that judge our record. In CI they must be there; a person may run the tests without them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

GO_SOURCE = Path(__file__).parent / "go" / "main.go"
DEBIAN_GO_PATH = Path("/usr/share/gocode")
X_MOD = DEBIAN_GO_PATH / "src" / "golang.org" / "x" / "mod" / "sumdb" / "note"


@pytest.fixture(scope="session")
def go_judge(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """Build go/main.go without network; the fixture is a function from claims to verdicts."""
    go = shutil.which("go")
    if go is None or not X_MOD.is_dir():
        missing = "golang-go and golang-golang-x-mod-dev are not installed: Go's verdict on the record is missing"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    folder = tmp_path_factory.mktemp("go")
    offline = {"GO111MODULE": "off", "GOPATH": str(DEBIAN_GO_PATH), "GOCACHE": str(folder / "cache")}
    subprocess.run([go, "build", "-o", folder / "judge", GO_SOURCE], env=os.environ | offline, check=True)

    def judge(*claims: dict[str, object]) -> list[str]:
        lines = "".join(json.dumps(claim) + "\n" for claim in claims)
        done = subprocess.run([folder / "judge"], input=lines, capture_output=True, text=True, timeout=60, check=True)
        verdicts = done.stdout.splitlines()
        assert len(verdicts) == len(claims)
        return verdicts

    return judge
