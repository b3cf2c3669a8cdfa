"""Measure the search for fingerprints against what else is done to the same frame, as ratios within one run.

    python bench/fingerprints.py [cells]      default: 1024 of each of three kinds

First the search against the standard library's ways of looking for as many patterns. Then, for an honest frame of
ciphertexts, the search against making the ciphertexts, signing the frame, hashing it for the ledger, and carrying it
over a Unix socket. Last, how long the largest frame that a party may send takes.
"""

from __future__ import annotations

import hmac
import os
import random
import re
import secrets
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.run import timed
from crypto.paillier import Encryptor, generate
from crypto.signing import SigningKey
from federation.messages import MAX_MESSAGE_BYTES
from federation.node.encodings import encodings
from federation.node.fingerprints import Cell, Fingerprints
from federation.node.patterns import PatternSet, inflated
from federation.runtime.frames import receive

FRAME_BYTES = 200_000
KEY_BITS = 2048


def made_up(count: int) -> list[Cell]:
    """Identity numbers, telephone numbers and names of nobody."""
    draw = random.Random(7)
    texts = {
        "id": [f"00000019900101{draw.randrange(10**4):04d}{index:06d}"[-18:] for index in range(count)],
        "phone": [f"199{draw.randrange(10**8):08d}" for _ in range(count)],
        "name": ["".join(chr(draw.randrange(0x4E00, 0x9000)) for _ in range(3)) for _ in range(count)],
    }
    return [Cell(table="people", column=column, text=text) for column, cells in texts.items() for text in cells]


def carry(frame: bytes) -> None:
    """Send a frame to another thread over a Unix socket and wait until it is there."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = threading.Thread(target=receive, args=(theirs,))
        reader.start()
        ours.sendall(len(frame).to_bytes(4, "big") + frame)
        reader.join()


def against_the_standard_library(cells: list[Cell]) -> None:
    frame = secrets.token_bytes(FRAME_BYTES)
    every = [form for cell in cells for form in encodings(cell.text)]
    print(
        f"{FRAME_BYTES:,} bytes, milliseconds\n{'patterns':>10}{'ours':>10}{'in':>10}{'one regex':>12}{'in/ours':>10}"
    )
    for count in (300, 2_000, len(every)):
        patterns = random.Random(7).sample(every, count)
        ours, found = PatternSet(patterns), re.compile(b"|".join(map(re.escape, patterns)))
        times = [timed(lambda f=f: f(frame)) for f in (ours.find, lambda data, p=patterns: [x in data for x in p])]
        regex = f"{timed(lambda r=found: r.search(frame)) * 1e3:.1f}" if count <= 2_000 else "-"
        print(f"{count:>10,}{times[0] * 1e3:>10.2f}{times[1] * 1e3:>10.1f}{regex:>12}{times[1] / times[0]:>10.0f}")


def against_the_rest(fingerprints: Fingerprints) -> None:
    encryptor = Encryptor(generate(KEY_BITS).public)
    encryptor.encrypt_vector([0])
    count = FRAME_BYTES // (KEY_BITS // 4)
    frame = b"".join(encryptor.encrypt_vector([1] * count))
    key, salt = SigningKey.generate(), secrets.token_bytes(16)
    search = timed(lambda: fingerprints.search(frame))
    times = {
        "encrypt": timed(lambda: encryptor.encrypt_vector([1] * count), 3),
        "sign": timed(lambda: key.sign(frame)),
        "commit": timed(lambda: hmac.digest(salt, frame, "sha256")),
        "carry": timed(lambda: carry(frame)),
    }
    print(f"\n{fingerprints!r}; a frame of {count} ciphertexts, {len(frame):,} bytes: search {search * 1e3:.2f} ms")
    for name, seconds in times.items():
        print(f"{name:>10}{seconds * 1e3:>10.2f} ms{search / seconds:>10.3f} search/{name}")


def largest(fingerprints: Fingerprints) -> None:
    frame = os.urandom(MAX_MESSAGE_BYTES)
    seconds = timed(lambda: fingerprints.search(frame), 3)
    streams = timed(lambda: sum(map(len, inflated(frame))), 3)
    carried = timed(lambda: carry(frame), 3)
    print(f"\n{len(frame):,} bytes: search {seconds * 1e3:.0f} ms, {streams * 1e3:.0f} of them for compressed streams;")
    print(f"search/carry {seconds / carried:.1f}")


def main(count: int) -> None:
    cells = made_up(count)
    print(f"{os.cpu_count()} cores; encoding {timed(lambda: Fingerprints(cells), 3) * 1e3:.0f} ms")
    fingerprints = Fingerprints(cells)
    against_the_standard_library(cells)
    against_the_rest(fingerprints)
    largest(fingerprints)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ["1024"]))
