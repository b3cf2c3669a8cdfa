"""Where the demonstration tells what it does; the command prints it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from federation.analyst import Result
from federation.demo.questions import Question, Refusal
from federation.demo.report import Asked, HandedOver, ScriptRun, Stopped, Trained
from federation.drills.record import DrillReport
from federation.errors import KeyongError
from federation.messages import Dataset
from federation.plan import ScriptPlan
from federation.scripting.result import ScriptResult
from federation.scripting.trial import Trial


class Teller(Protocol):
    """Where the demonstration tells what it does; the command prints it."""

    def stage(self, zh: str, en: str) -> None:
        """Say that a stage begins."""
        ...

    def ready(self, party: str) -> None:
        """Say that a party is ready."""
        ...

    def asked(self, question: Question, result: Result | None, asked: Asked) -> None:
        """Show a query and its answer; None if every group was too small to be shown."""
        ...

    def refused(self, refusal: Refusal, error: KeyongError | None) -> None:
        """Show a refusal."""
        ...

    def stopped(self, stopped: Stopped, error: KeyongError | None) -> None:
        """Show a request that an officer stopped."""
        ...

    def catalogued(self, datasets: Sequence[Dataset]) -> None:
        """Show what an analyst sees of the data."""
        ...

    def reviewed(self, plan: ScriptPlan, trial: Trial) -> None:
        """Show a script, and how it fares on made-up rows."""
        ...

    def scripted(self, ran: ScriptRun, result: ScriptResult, refusal: KeyongError | None) -> None:
        """Show a script's result, and what became of the one that carries rows out."""
        ...

    def unscripted(self, error: KeyongError) -> None:
        """Say why no script can run here."""
        ...

    def trained(self, trained: Trained) -> None:
        """Show a model, beside the one from pooled rows."""
        ...

    def drilled(self, report: DrillReport) -> None:
        """Show what became of the attacks."""
        ...

    def handed_over(self, handed: HandedOver) -> None:
        """Show the bundle and what its verifier says."""
        ...
