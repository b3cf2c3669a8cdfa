"""The report of the model's drills, as `keyong drill model --json` wrote it into the home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from federation.drills.model import ModelDrillReport

FILE = Path("drills") / "model.json"


def attacks(home: Path) -> ModelDrillReport | None:
    """Read it; None if there is none that can be read."""
    try:
        content = (home / FILE).read_bytes()
    except OSError:
        return None
    # Only here: it brings the attacks along, which other homes do not need.
    from federation.drills.model import ModelDrillReport

    try:
        return msgspec.json.decode(content, type=ModelDrillReport)
    except msgspec.MsgspecError:
        return None
