"""Measure one encrypted query against the same query in clear, in one run: only the ratios mean something elsewhere.

    python bench/run.py [citizens ...]      default: 100000 1000000

For each size: the city is made, the federation is started with 2048-bit keys and the demonstration's first query is
asked five times after a warm-up; approvals are automatic here, since people take their time. What a department does
inside (SQL, encryption) is measured once more by itself in this process, with the same code over the same files;
transport, signatures, journals and the witnesses' seals are the rest.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import msgspec

from crypto.encoding import SlotLayout
from crypto.paillier import Encryptor, PrivateKey, multiply
from crypto.threshold import deal, partial_decrypt
from federation import demo, operate
from federation.adapters import load_adapter
from federation.demo import city
from federation.plan import Plan
from federation.runtime.home import Home
from federation.settings import Settings, read_settings

ROUNDS = 5
QUESTION = demo.QUESTIONS[0]


def timed(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median seconds of `action`."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def clear_seconds(settings: Settings) -> float:
    """The same query by DuckDB over the pooled CSV files, in clear, in one process."""
    files = [s.options["path"] for d in settings.departments for s in d.stores if s.table == "insured"]
    sql = QUESTION.sql.replace("FROM insured", "FROM read_csv(?)")
    return timed(lambda: duckdb.execute(sql, [files]).fetchall())


def inside(settings: Settings, plan: Plan) -> dict[str, float]:
    """What the parties do, by itself: seconds for all six, one after another, both rounds."""
    stores = []
    for store in (store for department in settings.departments for store in department.stores):
        if store.table == "insured":
            stores.append(load_adapter(store.adapter, store.columns, store.options))
    sql = timed(lambda: [store.aggregate(plan.local) for store in stores])
    keys = json.loads((Path(__file__).parents[1] / "tests/vectors/paillier_2048.json").read_text())
    pair = keys["keys"][0]
    private = PrivateKey(p=int(pair["p"], 16), q=int(pair["q"], 16))
    public, share = private.public, deal(private, holders=6, threshold=3)[0]
    encryptor = Encryptor(public)
    encryptor.encrypt_vector([0])
    layouts = [
        SlotLayout(bounds=bounds, addends=6, plaintext_bits=public.plaintext_bits)
        for bounds in (plan.local.count_bounds, plan.local.sum_bounds)
    ]
    packed = [layout.pack([1] * len(layout.bounds)) for layout in layouts]
    encrypt = timed(lambda: [encryptor.encrypt_vector(p) for p in packed for _ in range(6)])
    vectors = [[encryptor.encrypt_vector(p) for _ in range(6)] for p in packed]
    # The coordinator multiplies once, every opening key holder once more.
    products = timed(lambda: [multiply(public, v) for v in vectors for _ in range(4)])
    opened = timed(lambda: [partial_decrypt(public, share, multiply(public, v)) for v in vectors for _ in range(3)])
    return {"local SQL": sql, "encrypt": encrypt, "multiply": products, "open": opened}


def measure(citizens: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        settings = read_settings(demo.built_in_settings(home, citizens=citizens))
        catalogue = msgspec.structs.replace(settings.catalogue, approvals="automatic")
        settings = msgspec.structs.replace(settings, catalogue=catalogue)
        ceremony = operate.up(settings, home)
        operate.down(home)
        start = operate.up(settings, home)
        try:
            analyst = operate.open_analyst(settings, home)
            plan = analyst.plan(QUESTION.sql, "bench")
            analyst.ask(plan)
            results = [analyst.ask(analyst.plan(QUESTION.sql, "bench")) for _ in range(ROUNDS)]
            parties = operate.status(home)["parties"]
        finally:
            operate.down(home)
        city.FORMATS.update(dict.fromkeys(city.FORMATS, "csv"))
        pooled = Home(Path(folder) / "pooled")
        clear = clear_seconds(read_settings(demo.built_in_settings(pooled, citizens=citizens)))
        parts = inside(settings, plan)
    answered = statistics.median(r.seconds for r in results)
    steps = {name: statistics.median(dict(r.steps)[name] for r in results) for name, _ in results[0].steps}
    cores = min(os.cpu_count() or 1, len(settings.departments))
    rest = max(0.0, answered - sum(parts.values()) / cores)
    resident = ", ".join(f"{party['name']} {party['rss_mb']}" for party in parties)
    print(f"\n## {citizens:,} citizens, {os.cpu_count()} cores, 2048-bit key, 3 of {len(settings.departments)} shares")
    print(f"start with the key ceremony {ceremony:.2f} s, again {start:.2f} s")
    print(f"resident MB, shared pages counted in each: {resident}")
    print(f"query to result {answered:.3f} s; in clear by DuckDB over pooled CSV {clear:.3f} s")
    print(f"factor over clear {answered / clear:.1f}")
    print(f"steps at the coordinator: {milliseconds(steps)}")
    print(f"inside the parties, all of them one after another: {milliseconds(parts)}")
    print(f"rest (transport, signatures, journals, log), with those shared by {cores} cores: {rest * 1000:.0f} ms")
    print(f"sealed result {results[0].bytes:,} bytes")


def milliseconds(parts: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in parts.items())


if __name__ == "__main__":
    for size in [int(argument) for argument in sys.argv[1:]] or [100_000, 1_000_000]:
        measure(size)
