"""What an analyst is given of all datasets, by real departments: cards and mock rows, and no true value."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import msgspec
import pytest

from federation import operate
from federation.adapters import find_adapter
from federation.audit.events import read_event
from federation.audit.record import RecordReader
from federation.catalogue.mock import mock_file
from federation.errors import NodeError
from federation.governance.roster import Roster
from federation.messages import Dataset
from federation.node.fingerprints import identifies


@pytest.fixture(scope="module")
def datasets(federation) -> tuple[Dataset, ...]:
    return federation.analyst.datasets()


def test_every_table_of_every_department_is_offered(federation, datasets):
    tables = federation.settings.catalogue.tables
    assert sorted(d.name for d in datasets) == sorted(f"{o}.{t.name}" for t in tables for o in t.departments)


def test_departments_with_other_rows_offer_the_same_mock_rows(federation, datasets):
    """Non-interference: six databases, no two with a row in common, and one file for each table."""

    def table(dataset: Dataset) -> str:
        return dataset.name.partition(".")[2]

    for name, alike in groupby(sorted(datasets, key=table), key=table):
        mocks = [dataset.mock for dataset in alike]
        assert len(mocks) == 6 and set(mocks) == {mock_file(federation.settings.catalogue.table(name))}


def test_no_identifier_and_no_cell_that_tells_who_it_is_occurs_in_what_is_offered(federation, datasets):
    offered = b"\n".join(part for d in datasets for part in (d.card.encode(), d.mock))
    searched = 0
    for department in federation.settings.departments:
        for store in department.stores:
            card = federation.settings.catalogue.table(store.table)
            telling = [c.as_column for c in card.columns if identifies(c) or c.name == card.id]
            opened = find_adapter(store.adapter, None).open(store.columns, store.options)
            for batch in opened.batches(telling):
                for cell in {str(cell) for array in batch.columns for cell in array.to_pylist() if cell is not None}:
                    searched += 1
                    assert len(cell) < 4 or cell.encode() not in offered
            opened.close()
    assert searched > 5_000


def test_the_analyst_keeps_them_at_home(federation, datasets):
    home: Path = federation.home.analyst("analyst@city") / "datasets"
    for dataset in datasets:
        assert (home / dataset.name / "card.md").read_text("utf-8") == dataset.card
        assert (home / dataset.name / "mock.parquet").read_bytes() == dataset.mock


def test_each_department_is_asked_once_and_its_ledger_says_so(federation, datasets):
    assert federation.analyst.datasets() == datasets
    own = Roster.from_bytes(federation.home.roster.read_bytes()).signers
    for department in federation.settings.departments:
        events = [read_event(entry, own) for entry in RecordReader(federation.home.path).journal(department.name)]
        left = [event for event in events if event.type == "egress" and event.data["class"] == "catalogue"]
        assert [(event.data["payload"], event.job) for event in left] == [("datasets", "")]


def test_an_analyst_keeps_no_dataset_that_the_catalogue_does_not_know(federation):
    """Its name becomes a folder, and whoever serves it might name any."""
    public = federation.settings.catalogue
    fewer = msgspec.structs.replace(
        federation.settings, catalogue=msgspec.structs.replace(public, tables=public.tables[1:])
    )
    analyst = operate.open_analyst(fewer, federation.home, minimum_key_bits=512)
    with pytest.raises(NodeError, match=r"node\.garbage"):
        analyst.datasets()
