import io
import zipfile

import pytest

from dashboard.services import exporting, operation
from dashboard.services.commands import SaidError
from dashboard.services.rules import CATALOGUE as FILE
from tests.dashboard.desks import CATALOGUE
from tests.dashboard.visits import visitor


def test_an_auditor_takes_away_the_bundle_that_our_program_writes(approved):
    (approved.path / FILE).write_bytes(CATALOGUE.to_bytes())
    content = exporting.bundle(visitor("auditor@city"), approved.path, language="zh")
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert any(name.endswith("open-me.html") for name in names)
    assert any(name.endswith("verify.py") for name in names)


def test_what_is_not_sealed_is_not_exported_and_the_program_says_why(started):
    with pytest.raises(SaidError) as refused:
        exporting.bundle(visitor("auditor@city"), started.path, language="zh")
    assert refused.value.code == "record.unsealed"


def test_an_operator_stops_what_does_not_run_and_nothing_happens(started):
    operation.stop(visitor("operator@city"), started.path, language="zh")


def test_what_keeps_a_federation_from_starting_is_told_in_the_programs_words(started, tmp_path):
    file = tmp_path / "federation.toml"
    file.write_text("version = ")
    with pytest.raises(SaidError) as refused:
        operation.start(visitor("operator@city"), started.path, file, language="zh")
    assert refused.value.code.startswith("settings.")
