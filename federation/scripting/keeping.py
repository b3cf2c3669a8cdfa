"""What a department keeps of the scripts that ran over its rows, in its own home; none of it ever leaves.

    scripts/<job>/plan.json   the approved plan, whole
    scripts/<job>/code/       the script as it was frozen out of that plan; what ran is what lies here
    scripts/<job>/data/       the rows, while it runs
    scripts/<job>/log.txt     what it printed, and why nothing was released
    scripts/<job>/released    what was released, to open the record's commitment with

From the first and the last follows the budget: how many numbers of a dataset a requester was given in this epoch. A
run of which nothing was released counts as one: how it ended, and after how many seconds, is told too, and no more
than a number could tell.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from federation.errors import HomeError, RefusedError
from federation.governance.identity import write_whole
from federation.plan import ScriptFile, ScriptPlan, read_plan

FOLDER = "scripts"


class Keeping:
    """One job's folder."""

    def __init__(self, home: Path, job: str, plan: ScriptPlan) -> None:
        """Name the folder; nothing is written yet.

        Args:
            home: the department's own.
        """
        self._scripts, self._plan = home / FOLDER, plan
        self._folder = self._scripts / job

    @property
    def view(self) -> Path:
        """The file of rows."""
        return self._folder / "data" / f"{self._plan.table}.parquet"

    def freeze(self) -> None:
        """Write the approved plan and the files in it.

        Raises:
            HomeError: the folder cannot be written.
            RefusedError: something else than that lies there already.
        """
        self._keep("plan.json", self._plan.to_bytes())
        for file in self._plan.files:
            self._keep(f"code/{file.name}", file.text.encode())
        self.frozen()

    def frozen(self) -> dict[str, str]:
        """Read the frozen files, which must be those that were approved; the first one is to be run.

        Raises:
            RefusedError: they are not.
        """
        try:
            names = [file.name for file in self._plan.files]
            files = tuple(
                ScriptFile(name=name, text=(self._folder / "code" / name).read_bytes().decode()) for name in names
            )
            others = {file.name for file in (self._folder / "code").iterdir()} - set(names)
        except (OSError, UnicodeDecodeError) as exc:
            raise RefusedError("refused.script_code") from exc
        if others or code_of(self._plan, files) != self._plan.code:
            raise RefusedError("refused.script_code")
        return {file.name: file.text for file in files}

    def _keep(self, name: str, content: bytes) -> None:
        """Write a file once, for nobody but the department to read."""
        file = self._folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not file.exists():
                write_whole(file, content, mode=0o600)
        except OSError as exc:
            raise HomeError("home.storage", file=file.name) from exc

    def log(self, content: bytes) -> None:
        """Add to the log, which may quote rows."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(self._folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as f:
                f.write(content)
        except OSError as exc:
            raise HomeError("home.storage", file="log.txt") from exc

    def release(self, content: bytes) -> None:
        """Keep what is about to be released: from now on it counts as such."""
        self._keep("released", content)

    def spent(self) -> int:
        """How many numbers of this dataset the requester was given in this epoch.

        Raises:
            HomeError: a plan that was kept cannot be read.
        """
        numbers = 0
        for kept in self._scripts.glob("*/plan.json"):
            try:
                plan = read_plan(kept.read_bytes())
            except (OSError, ValueError) as exc:
                raise HomeError("home.storage", file="plan.json") from exc
            theirs = (plan.requester, plan.table, plan.epoch)
            if isinstance(plan, ScriptPlan) and theirs == (self._plan.requester, self._plan.table, self._plan.epoch):
                numbers += plan.released_numbers if kept.with_name("released").exists() else 1
        return numbers


def clear_rows(home: Path) -> None:
    """Delete the rows of every run: of one that has ended, and at a department's start of any that a crash cut short.

    Raises:
        HomeError: they cannot be deleted.
    """
    for data in (home / FOLDER).glob("*/data"):
        try:
            shutil.rmtree(data)
        except OSError as exc:
            raise HomeError("home.storage", file=data.name) from exc


def code_of(plan: ScriptPlan, files: tuple[ScriptFile, ...]) -> str:
    """The hash of these files, as a plan with them would state it."""
    return msgspec.structs.replace(plan, files=files).code
