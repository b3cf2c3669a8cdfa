"""From the last approval to the start, and from a revocation to the refusal: seven departments, 2048-bit keys.

    .venv/bin/python bench/revocation.py [--runs 100]

Each run: a query approved by all who take part; at a step of its two rounds, chosen anew every time, one officer takes
the word back. Measured from the last officer's signature to the job's first step; from the officer's call to the desk's
answer (from then on nothing of the job leaves that department); and to the refusal at the analyst. Steps and
departments come from a fixed seed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from federation import demo, operate
from federation.analyst import job_name
from federation.errors import RefusedError
from federation.runtime.home import Home
from federation.settings import read_settings

STEPS = ("begin", "counts.encrypt", "counts.collect", "counts.seal", "counts.open", "decide", "sums.encrypt")
SQL = "SELECT sex, COUNT(*) FROM insured GROUP BY sex"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    runs = parser.parse_args().runs
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        settings = read_settings(demo.built_in_settings(home, citizens=5_000))
        operate.up(settings, home)
        try:
            analyst = operate.open_analyst(settings, home)
            officers = demo.officers_of(home, settings)
            heard: list[float] = []
            stopped: list[float] = []
            begun: list[float] = []
            late = 0
            for _ in range(runs):
                plan = analyst.plan(SQL, "bench")
                department, at = rng.choice(plan.participants), rng.choice(STEPS)
                approve = demo.approving(officers, job_name(plan))
                spoken = granted = 0.0

                def step(name: str) -> None:
                    nonlocal spoken, granted
                    approve(name)  # noqa: B023 - called within this run only
                    if name.startswith("wait "):
                        granted = time.perf_counter()
                    elif name == "begin":
                        begun.append(time.perf_counter() - granted)
                    if name == at:  # noqa: B023
                        spoken = time.perf_counter()
                        officers[department].revoke(job_name(plan), "bench")  # noqa: B023
                        heard.append(time.perf_counter() - spoken)

                try:
                    analyst.ask(plan, step)
                    late += 1
                except RefusedError:
                    stopped.append(time.perf_counter() - spoken)
        finally:
            operate.down(home)
    for name, seconds in (
        ("last approval to start", begun),
        ("desk has heard", heard),
        ("analyst is refused", stopped),
    ):
        cuts = statistics.quantiles(seconds, n=20)
        print(f"{name}: median {statistics.median(seconds):.3f} s, p95 {cuts[18]:.3f} s, n = {len(seconds)}")
    print(f"released in spite of a revocation: {late} of {runs}")


if __name__ == "__main__":
    main()
