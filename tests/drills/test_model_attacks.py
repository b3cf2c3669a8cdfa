"""Every attack on training works while nothing stops it, and ends as the table says."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from federation.commands.frame import Command
from federation.commands.model_drills import print_report
from federation.drills.model import DRILLS, ModelDrillReport, Wording, run_model_drills
from federation.drills.model.drill import Measured
from federation.runtime.home import Home

pytestmark = pytest.mark.xdist_group("model attacks")


@pytest.fixture(scope="module")
def report() -> ModelDrillReport:
    return run_model_drills()


def test_every_attack_works_with_the_protection_off(report: ModelDrillReport):
    assert [one.name for one in report.outcomes if not one.succeeded] == []


def test_every_attack_ends_as_the_table_says(report: ModelDrillReport):
    assert report.failed == ()
    assert (report.stopped, report.missed) == (5, 2)
    assert {one.name for one in report.outcomes if not one.stopped} == {"collude", "members-masked"}


def test_protection_is_worse_for_the_attacker_wherever_it_stops(report: ModelDrillReport):
    assert all(one.on < one.off for one in report.outcomes if one.expected)


def test_price_of_privacy_is_told(report: ModelDrillReport):
    (priced,) = (one for one in report.outcomes if one.cost)
    assert priced.name == "members-private"
    assert "AUC" in priced.cost.zh and "AUC" in priced.cost.en


def test_every_attack_has_a_name_of_its_own_and_both_languages():
    assert len({drill.name for drill in DRILLS}) == len(DRILLS)
    for drill in DRILLS:
        for name in ("title", "can", "metric", "protection", "stops", "limit"):
            wording: Wording = getattr(drill, name)
            assert wording.zh and wording.en and wording.zh != wording.en


def test_report_is_plain_json(report: ModelDrillReport):
    read = msgspec.json.decode(msgspec.json.encode(report))
    assert read["outcomes"][0]["title"].keys() == {"zh", "en"}


@pytest.mark.parametrize(
    ("off", "on", "expected"),
    [(0.4, 0.0, True), (1.0, 0.9, True), (1.0, 0.0, False)],
    ids=["works-not-even-unprotected", "not-stopped", "stopped-after-all"],
)
def test_attack_that_goes_otherwise_fails_the_run(off: float, on: float, expected: bool):
    drill = msgspec.structs.replace(
        DRILLS[0], works=1.0, harmless=0.5, expected=expected, perform=lambda _: Measured(off, on)
    )
    assert run_model_drills([drill]).failed == (drill.name,)


@pytest.mark.parametrize(("language", "words"), [("zh", "除不出任何一例"), ("en", "secure sums (double masking)")])
def test_table_says_what_was_tried_how_far_it_came_and_why(
    report: ModelDrillReport, tmp_path: Path, language: str, words: str
):
    printed = io.StringIO()
    out = Console(file=printed, width=250)
    command = Command(
        home=Home(tmp_path), config=None, language=language, json=False, debug=False, out=out, err=Console(stderr=True)
    )
    print_report(command, report)
    assert words in printed.getvalue()
    assert (printed.getvalue().count("✔"), printed.getvalue().count("○")) == (5, 2)
