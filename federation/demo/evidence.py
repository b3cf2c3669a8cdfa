"""Altering a copy of the record, and handing a bundle over to its own verifier."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from federation import evidence, operate
from federation.audit.indicators.material import Drills
from federation.audit.record import RecordReader
from federation.audit.verify import Verdict, verify_record
from federation.demo.promises import LEAKS
from federation.demo.report import HandedOver
from federation.drills.record import DrillReport
from federation.errors import RecordError
from federation.governance.shelves import verify_shelves
from federation.runtime.home import Home


def verify_settled(home: Home) -> Verdict:
    """Verify the record of a home, and its shelves; if a federation runs there, with the counts of this moment.

    Raises:
        RecordError: it does not hold, or a shelf shows something else.
    """
    for attempt in range(5):
        operate.status(home)  # makes the launcher write its counts
        try:
            verdict = verify_record(RecordReader(home.path))
            verify_shelves(home.path)
            return verdict
        except RecordError:
            # A frame may be between its ledger entry and the count right now; at five looks it is no accident.
            if attempt == 4 or operate.status(home) is None:
                raise
            time.sleep(0.2)  # nothing tells when a frame has been counted; the record is files of other processes
    raise AssertionError("unreachable")


def tamper(home: Home) -> str:
    """Alter one entry in a copy of the record; return what the verifier says, "" if it notices nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for file in (*home.path.glob("*/*/roster.json"), *home.path.glob("launcher/*.json")):
            target = copy / file.relative_to(home.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        for file in (*home.path.glob("parties/*/journal.db"), home.path / "parties" / "coordinator" / "log.db"):
            _copy_database(file, copy / file.relative_to(home.path))
        with sqlite3.connect(copy / "parties" / "coordinator" / "log.db") as db:
            db.execute("DROP TRIGGER leaf_no_update")
            index, entry = db.execute("SELECT idx, entry FROM leaf ORDER BY idx LIMIT 1 OFFSET 20").fetchone()
            altered = bytearray(entry)
            altered[100] ^= 1
            db.execute("UPDATE leaf SET entry = ? WHERE idx = ?", (bytes(altered), index))
        try:
            verify_record(RecordReader(copy))
        except RecordError as error:
            return str(error.details["where"])
        return ""


def outcome(report: DrillReport) -> Drills:
    """What the drills mean for the indicators."""
    leaks = [one for one in report.outcomes if one.name in LEAKS]
    return Drills(
        tampered=sum(one.expected for one in report.outcomes) - len(leaks),
        caught=report.caught - sum(one.caught is not None for one in leaks),
        beyond=report.missed,
        planted=len(leaks),
        found=sum(one.caught is not None for one in leaks),
    )


def hand_over(home: Home, outcome: Drills) -> HandedOver:
    """Write a bundle and the departments' cards, and let the bundle's own verifier check it in a process of its own."""
    stamp = f"{operate.now():%Y%m%dT%H%M%S%f}"
    folder, cards = (home.path / "evidence" / f"{stamp}{tail}" for tail in ("", "-cards"))
    exported = evidence.export(home, folder, drills=outcome)
    evidence.write_cards(home, cards)
    heads = [word for head in sorted(cards.glob("*/head")) for word in ("--head", str(head))]
    card = next(cards.iterdir())
    begun = time.monotonic()
    # -I -S: nothing of ours is on its path, nor anything that is installed.
    command = [sys.executable, "-I", "-S", str(folder / "data" / "verify.py"), str(folder)]
    command += ["--policy", str(card / "policy"), "--signers", str(card / "signers"), *heads]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    return HandedOver(
        bundle=exported.archive,
        cards=str(cards),
        bytes=exported.bytes,
        accepted=done.returncode == 0 and done.stdout.startswith("ACCEPT"),
        said=(done.stdout or done.stderr).partition("\n")[0],
        seconds=round(time.monotonic() - begun, 2),
    )


def _copy_database(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True) as old, sqlite3.connect(target) as new:
        old.backup(new)
