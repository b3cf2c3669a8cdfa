"""What a shelf shows and what the record says of it are held against each other; any difference is named."""

from __future__ import annotations

import pytest

from federation.errors import RecordError
from federation.governance.shelf import Lying
from federation.governance.shelves import compare

PLACE = ("tax", "q-1")
PENDING, APPROVED = Lying("pending", "f" * 64), Lying("approved", "f" * 64)


def test_shelves_that_show_what_is_on_record_agree():
    compare({PLACE: APPROVED, ("civil", "q-1"): PENDING}, {PLACE: APPROVED, ("civil", "q-1"): PENDING})
    compare({}, {})


@pytest.mark.parametrize(
    ("said", "found", "code", "words"),
    [
        ({PLACE: PENDING}, {PLACE: APPROVED}, "record.shelf", ("approved", "pending")),
        ({PLACE: APPROVED}, {PLACE: PENDING}, "record.shelf", ("pending", "approved")),
        ({PLACE: APPROVED}, {}, "record.shelf", ("absent", "approved")),
        ({PLACE: APPROVED}, {PLACE: None}, "record.shelf", ("unreadable", "approved")),
        ({}, {PLACE: PENDING}, "record.shelf", ("pending", "absent")),
        ({}, {PLACE: None}, "record.shelf", ("unreadable", "absent")),
        ({PLACE: APPROVED}, {PLACE: APPROVED._replace(files="0" * 64)}, "record.shelf_files", ("approved", "approved")),
    ],
    ids=["approved by hand", "set back", "taken away", "garbage", "put there by hand", "garbage put there", "swapped"],
)
def test_a_difference_is_named_with_the_department_and_the_job(said, found, code, words):
    with pytest.raises(RecordError) as differs:
        compare(said, found)
    details = differs.value.details
    assert (differs.value.code, details["party"], details["request"]) == (code, *PLACE)
    assert (details["found"], details["said"]) == words
