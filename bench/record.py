"""Measure the record: its log against bare SQLite, its proofs at a million entries, its signatures against Ed25519's.

    python bench/record.py [--entries 1000000] [--json]

Ratios are of runs that alternate in this process, median of `ROUNDS`; only they mean something on another machine.
Entries are of about 600 bytes, as events are. Opening, roots and proofs are measured in a new process each, with the
file in the operating system's cache.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.dsse import open_envelope, pae
from crypto.signing import SigningKey
from federation.audit.events import EVENT_TYPE, Actor, read_event
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.audit.witness import Witness

ROUNDS = 7
BATCH = 100
ORIGIN = "keyong.local/bench"
KEY = SigningKey.from_bytes(bytes(32))


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def entry_of(size: int = 600) -> bytes:
    return secrets.token_hex(size // 2).encode()


# --- append ---


def bare_insert(file: Path, batches: list[list[bytes]]) -> float:
    """The same rows into the same table, in the same mode, with nothing else."""
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE leaf(idx INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT")

    def insert() -> None:
        index = 0
        for batch in batches:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO leaf VALUES(?,?)", enumerate(batch, index))
            db.execute("COMMIT")
            index += len(batch)

    taken = seconds(insert)
    db.close()
    return taken


def log_append(file: Path, batches: list[list[bytes]]) -> float:
    log = Log(file, origin=ORIGIN, key=KEY)
    taken = seconds(lambda: [log.append(batch) for batch in batches])
    log.close()
    return taken


def measure_append(folder: Path, count: int = 10_000) -> dict[str, float]:
    ratios, rates = [], []
    for number in range(ROUNDS):
        batches = [[entry_of() for _ in range(BATCH)] for _ in range(count // BATCH)]
        bare = bare_insert(folder / f"bare-{number}.db", batches)
        signed = log_append(folder / f"log-{number}.db", batches)
        ratios.append(bare / signed)
        rates.append(count / signed)
    return {
        "append with a signed root per 100, ratio to bare INSERT": statistics.median(ratios),
        "append with a signed root per 100, entries/s": statistics.median(rates),
    }


# --- a large log ---


def build(file: Path, size: int) -> None:
    log = Log(file, origin=ORIGIN, key=KEY)
    for start in range(0, size, 10_000):
        # A checkpoint every 10,000 entries, and one of a size in the middle of a tile, to prove from.
        log.append([entry_of() for _ in range(min(10_000, size - start))])
    log.append([entry_of() for _ in range(77)])
    log.close()


def cold(file: str) -> None:
    """Run in a new process: prints milliseconds."""
    opened: list[Log] = []
    times = {"open": seconds(lambda: opened.append(Log(Path(file), origin=ORIGIN, key=KEY)))}
    log = opened[0]
    size = len(log)
    times["root"] = seconds(log.root)
    index = secrets.randbelow(size)
    times["inclusion proof"] = seconds(lambda: log.inclusion_proof(index, size))
    old = (1 + secrets.randbelow((size - 1) // 10_000)) * 10_000
    times["consistency proof"] = seconds(lambda: log.consistency_proof(old, size))
    times["search by leaf hash, not found"] = seconds(lambda: log.index_of(bytes(32)))
    print(json.dumps({name: 1000 * taken for name, taken in times.items()}))


def measure_large(folder: Path, size: int) -> dict[str, float]:
    file = folder / "large.db"
    build(file, size)
    command = [sys.executable, __file__, "--cold", str(file)]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(ROUNDS)]
    return {f"{name} at {size:,}, ms": statistics.median(run[name] for run in runs) for name in runs[0]}


# --- witness and signatures ---


def now() -> datetime:
    return datetime.now(UTC)


def open_journal(folder: Path, key: SigningKey) -> Journal:
    return Journal(folder / "journal.db", origin=ORIGIN, node="tax", key=key, clock=now)


def write_events(journal: Journal, count: int) -> list[bytes]:
    """Lines of a ledger, as a department writes most."""
    data: dict[str, int | str] = {"message": "m" * 32, "to": "coordinator", "class": "ciphertext", "bytes": 65_536}
    actor = Actor(name="tax", role="node")
    return journal.write([Draft(type="egress", actor=actor, job="q-1", data=data, body=b"frame")] * count)


def measure_witness(folder: Path) -> dict[str, float]:
    key = SigningKey.generate()
    journal, parties = open_journal(folder, key), {"tax": key.public}
    log = Log(folder / "log.db", origin=ORIGIN, key=KEY)
    file = folder / "witness.db"
    witness = Witness.create(file, origin=ORIGIN, party="tax", clock=now, journal=journal, parties=parties)
    taken: dict[int, list[float]] = {BATCH: [], 0: []}
    for _ in range(ROUNDS):
        for count, times in taken.items():
            entries = write_events(journal, count)
            note, start = log.append(entries), witness.head().size
            times.append(seconds(lambda: witness.cosign(note, KEY.public, start, entries)))  # noqa: B023 - called at once
    medians = {count: 1000 * statistics.median(times) for count, times in taken.items()}
    return {"co-sign 100 new entries, ms": medians[BATCH], "co-sign the same size again, ms": medians[0]}


def measure_signatures(folder: Path, count: int = 2000) -> dict[str, float]:
    key = SigningKey.generate()
    entries, parties = write_events(open_journal(folder, key), count), {"tax": key.public}
    public = Ed25519PublicKey.from_public_bytes(key.public)
    message = pae(EVENT_TYPE, open_envelope(entries[0], EVENT_TYPE, {key.key_id: key.public}))
    signature = key.sign(message)
    ratios, rates = [], []
    for _ in range(ROUNDS):
        bare = seconds(lambda: [public.verify(signature, message) for _ in range(count)])
        ours = seconds(lambda: [read_event(entry, parties) for entry in entries])
        ratios.append(bare / ours)
        rates.append(count / ours)
    return {
        "verify and read events, ratio to the library's bare verify": statistics.median(ratios),
        "verify and read events, events/s on one core": statistics.median(rates),
    }


def measure(size: int) -> dict[str, float]:
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("append", "large", "witness", "signatures"):
            (folder / part).mkdir()
        found |= measure_append(folder / "append")
        found |= measure_witness(folder / "witness")
        found |= measure_signatures(folder / "signatures")
        found |= measure_large(folder / "large", size)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000, help="size of the large log")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--cold", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cold:
        cold(options.cold)
    else:
        figures = measure(options.entries)
        if options.json:
            print(json.dumps(figures))
        else:
            print("\n".join(f"{name}: {figure:,.2f}" for name, figure in figures.items()))
