"""Joint training over real, confined processes against calling the departments' own functions in this one.

`python bench/training.py [--runtime local|flower]`: for a small and a large model, seconds and bytes per round, the
ratio to the direct calls, one after another, of the same rounds on the same rows without masks, signatures or record.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from federation import operate
from federation.demo.city import built_in_settings
from federation.learning.job import read_job
from federation.learning.lab import read_frames, write_city
from federation.learning.owner import Owner
from federation.learning.training import train
from federation.learning.work import Summed
from federation.runtime.home import Home
from federation.settings import read_settings

JOB = """
title = "bench"
purpose = "bench"
protection = "masks"
[data]
table = "admissions"
features = ["age", "disease", "previous", "comorbidities", "los", "hba1c", "egfr", "haemoglobin", "crp", "medicines"]
label = "readmitted_30d"
[model]
{model}
[descent]
{descent}
"""
JOBS = {
    "logistic, 18 weights, FedSGD": ('kind = "logistic"', 'strategy = "fedsgd"\nrounds = 20\nrate = 1'),
    "MLP, 1e5 weights, FedAvg, 2 epochs": (
        'kind = "mlp"\nhidden = [304, 304]',
        'strategy = "fedavg"\nrounds = 5\nrate = 0.1\nepochs = 2\nbatch = 64',
    ),
}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--citizens", type=int, default=20_000)
    given = arguments.parse_args()
    folder = Path(tempfile.mkdtemp())
    file = built_in_settings(Home(folder / "city"), citizens=given.citizens)
    text = file.read_text("utf-8").replace('approvals = "officers"', 'approvals = "automatic"')
    file.write_text(text[: text.index("[[officer]]")] + text[text.index("[[department]]") :], "utf-8")
    settings, home = read_settings(file), Home(folder / "home")
    operate.up(settings, home)
    try:
        analyst = operate.open_analyst(settings, home)
        for name, (model, descent) in JOBS.items():
            (folder / "job.toml").write_text(JOB.format(model=model, descent=descent), "utf-8")
            plan = analyst.plan_training(read_job(folder / "job.toml"))
            phases = {phase.name: phase for phase in analyst.train(plan).card.phases}
            files = write_city(plan, folder / "lab", citizens=given.citizens)
            frames = read_frames(plan, settings.catalogue.table(plan.source), files)
            owners = {party: Owner(plan, frame, name=party) for party, frame in frames.items()}
            spent = 0.0

            def total(round_name, work):
                nonlocal spent
                started = time.perf_counter()
                vectors = [owner.answer(round_name, work).values for owner in owners.values()]  # noqa: B023
                if round_name.startswith("update"):
                    spent += time.perf_counter() - started
                return Summed([sum(column) for column in zip(*vectors, strict=True)], tuple(sorted(owners)))  # noqa: B023

            train(plan, total, lambda step: None)
            update, rounds = phases["update"], plan.rounds
            print(
                f"{name}: {update.seconds / rounds:.3f} s and {update.bytes / rounds / len(owners):,.0f} bytes a round"
                f" and department; the same functions called directly {spent / rounds:.3f} s; ratio"
                f" {update.seconds / spent:.2f}"
            )
    finally:
        operate.down(home)


if __name__ == "__main__":
    main()
