"""Departments say what they offer once; who is not there is asked again, and nobody speaks for another."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation.coordinator.datasets import Offers
from federation.messages import Dataset, Datasets
from tests.coordinator.test_grid_wire import NAMES, MemoryGrid, wire
from tests.support.memory import MemoryFederation, MemoryStore


class Offering:
    """Three departments, each with one dataset."""

    def __init__(self, home: Path) -> None:
        self.federation = MemoryFederation(home, {name: MemoryStore([]) for name in NAMES})
        self.asked: list[str] = []
        self.grid = MemoryGrid(self.federation, self._note)
        self.offers = Offers(NAMES, lambda: wire(self.federation, self.grid))
        for name in NAMES:
            self.say(name, f"{name}.people")

    def say(self, name: str, dataset: str) -> None:
        offered = Dataset(name=dataset, card="# card", mock=b"mock")
        self.federation.departments[name]._datasets = Datasets(datasets=(offered,))

    def _note(self, party: str, packet: object):
        self.asked.append(party)
        return packet

    def names(self) -> list[str]:
        self.offers.gather()
        return [dataset.name for dataset in self.offers.datasets]


@pytest.fixture
def offering(tmp_path: Path) -> Offering:
    return Offering(tmp_path / "home")


def test_each_department_is_asked_once(offering):
    assert not offering.offers.is_complete
    assert offering.names() == offering.names() == [f"{name}.people" for name in NAMES]
    assert offering.offers.is_complete and offering.asked == list(NAMES)


def test_who_is_not_there_is_left_out_and_asked_when_he_is(offering):
    offering.grid.gone = {"gaoping"}
    assert offering.names() == ["lingchuan.people", "qinshui.people"] and not offering.offers.is_complete
    offering.grid.gone = set()
    assert len(offering.names()) == 3 and offering.asked.count("lingchuan") == 1


def test_nobody_offers_what_is_anothers(offering):
    offering.say("gaoping", "lingchuan.people")
    assert offering.names() == ["lingchuan.people", "qinshui.people"]


def test_what_is_offered_leaves_outside_any_job_and_stands_in_the_ledger(offering):
    offering.names()
    *_, left = offering.federation.events("gaoping", "egress")
    assert (left.job, left.data["class"], left.data["payload"]) == ("", "catalogue", "datasets")
