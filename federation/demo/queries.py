"""Asking, approving and stopping: the analyst and the officers of the demonstration."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from federation import operate
from federation.analyst import Analyst, Result, job_name
from federation.demo.city import DEMO_PASSPHRASE
from federation.demo.questions import QUESTIONS, Question, Refusal
from federation.demo.report import Asked, Refused, Stopped
from federation.demo.teller import Teller
from federation.errors import KeyongError, RefusedError, RequestError
from federation.officer import OfficerDesk
from federation.runtime.home import Home
from federation.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


# What the analyst is told while a request lies on desks, and the step at which one officer takes back the word.
WAITING, HALFWAY = "wait ", "counts.encrypt"
STOPPER = "yangcheng"


Officers = dict[str, OfficerDesk]


def officers_of(home: Home, settings: Settings) -> Officers:
    """Every department's officer at its desk, the key opened."""
    desks = {}
    for officer in settings.officers:
        if officer.role == "officer":
            desk = operate.open_desk(home, officer.name)
            desk.unlock(DEMO_PASSPHRASE)
            desks[desk.officer.department] = desk
    return desks


def approving(officers: Officers, job: str) -> Callable[[object], None]:
    """Let every officer approve as soon as a request lies on the desks."""
    left = set(officers)

    def step(name: object) -> None:  # a training also tells of its rounds, which are no text
        if isinstance(name, str) and name.startswith(WAITING):
            for department in sorted(left & set(name.split(" "))):
                officers[department].approve(job)
                left.discard(department)

    return step


def ask(
    analyst: Analyst, question: Question, clear: Mapping[str, pd.DataFrame], officers: Officers
) -> tuple[Result | None, Asked]:
    """Ask a question, let every officer approve, and compare the answer."""
    plan = analyst.plan(question.sql, question.zh)
    try:
        result = analyst.ask(plan, approving(officers, job_name(plan)))
        return result, _compare(question, result, clear)
    except RefusedError as error:
        # In a very small city every group of a question can be too small, and then nothing is the right answer.
        if error.code != "refused.too_small":
            raise
        groups = plan.local.group_count
        nothing = dict.fromkeys(("bytes", "rows", "compared", "different"), 0)
        return None, Asked(sql=question.sql, job="", seconds=0.0, suppressed_groups=groups, **nothing)


def _compare(question: Question, result: Result, tables: Mapping[str, pd.DataFrame]) -> Asked:
    """Compare every released number with pandas on the pooled clear data; nothing may be missing or made up."""
    clear = [tuple(row) for row in question.clear(tables).itertuples(index=False)]
    keys = question.keys
    expected = {tuple(str(cell) for cell in row[:keys]): row[keys:] for row in clear}
    compared = different = 0
    for row in result.answer.rows:
        want = expected.pop(tuple(str(cell) for cell in row[:keys]), None)
        for index, cell in enumerate(row[keys:]):
            compared += 1
            different += want is None or not _equal(cell, want[index])
    left = {key for key in expected if key not in set(result.answer.suppressed)}
    return Asked(
        sql=result.sql,
        job=result.job,
        seconds=result.seconds,
        bytes=result.bytes,
        rows=len(result.answer.rows),
        suppressed_groups=len(result.answer.suppressed),
        compared=compared,
        different=different + len(left),
    )


def _equal(ours: object, clear: object) -> bool:
    """Integers exactly; pandas' means and deviations to twelve digits, which is what its floats can bear."""
    if isinstance(ours, int):
        return float(clear) == ours  # type: ignore[arg-type]  # a pandas number
    return isinstance(ours, float) and math.isclose(ours, float(clear), rel_tol=1e-12)  # type: ignore[arg-type]


def refuse(analyst: Analyst, refusal: Refusal, teller: Teller) -> Refused:
    """Ask what must be refused."""
    error: KeyongError | None = None
    try:
        analyst.ask(analyst.plan(refusal.sql, refusal.zh))
    except RequestError as refused:
        error = refused
    teller.refused(refusal, error)
    return Refused(sql=refusal.sql, expected=refusal.code, code=error.code if error else "")


def stop(analyst: Analyst, officers: Officers, expected: str, teller: Teller) -> Stopped:
    """Ask something that would be allowed, and let one department's officer stop it."""
    plan = analyst.plan(QUESTIONS[0].sql, "演示：被安全管理员中止的请求")
    job, approve = job_name(plan), approving(officers, job_name(plan))
    spoken = 0.0

    def step(name: str) -> None:
        nonlocal spoken
        if expected == "refused.denied" and name.startswith(WAITING):
            officers[STOPPER].reject(job, "用途不明确（演示）")
            spoken = time.monotonic()
        elif expected == "refused.revoked" and name == HALFWAY:
            officers[STOPPER].revoke(job, "发现数据质量问题（演示）")
            spoken = time.monotonic()
        else:
            approve(name)

    error: KeyongError | None = None
    try:
        analyst.ask(plan, step)
    except KeyongError as refused:
        error = refused
    stopped = Stopped(
        sql=plan.sql,
        expected=expected,
        code=error.code if error else "",
        department=STOPPER,
        seconds=round(time.monotonic() - spoken, 3),
    )
    teller.stopped(stopped, error)
    return stopped
