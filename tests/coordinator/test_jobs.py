"""Jobs run one at a time in the order they came, and end when whoever asked has gone."""

from __future__ import annotations

import threading

import pytest

from federation.coordinator.jobs import MAX_WAITING, Closed, Job, JobQueue, Tick
from federation.errors import NodeError, RefusedError
from federation.queries.sums import SealedTotals

RESULT = SealedTotals(decision=b"d", shares=(b"s",))


def job(name: str = "q-1") -> Job:
    return Job(name, None, b"request")  # the queue looks at no plan


def test_jobs_come_out_in_the_order_they_went_in():
    jobs = JobQueue()
    for name in ("q-1", "q-2", "q-3"):
        jobs.submit(job(name))
    assert [jobs.next(60).name for _ in range(3)] == ["q-1", "q-2", "q-3"]


def test_job_beyond_100_waiting_ones_is_refused():
    jobs = JobQueue()
    for _ in range(MAX_WAITING):
        jobs.submit(job())
    with pytest.raises(RefusedError) as refused:
        jobs.submit(job())
    assert refused.value.code == "refused.busy"
    assert "100 jobs are waiting" in refused.value.message("en")


def test_closed_queue_ends_after_the_waiting_jobs():
    jobs = JobQueue()
    jobs.submit(job())
    jobs.close()
    assert isinstance(jobs.next(60), Job)
    assert jobs.next(60) == Closed()


def test_queue_without_jobs_ticks_now_and_then():
    assert JobQueue().next(0.01) == Tick(nudged=False)


def test_nudged_queue_ticks_at_once():
    jobs = JobQueue()
    jobs.nudge()
    assert jobs.next(60) == Tick(nudged=True)


def test_nudging_a_full_queue_waits_for_nothing():
    jobs = JobQueue()
    for _ in range(MAX_WAITING):
        jobs.submit(job())
    jobs.nudge()
    assert isinstance(jobs.next(60), Job)


def test_next_waits_for_a_job():
    jobs, found = JobQueue(), []
    thread = threading.Thread(target=lambda: found.append(jobs.next(60)))
    thread.start()
    jobs.submit(job("q-7"))
    thread.join(10)
    assert found[0].name == "q-7"


def test_watcher_sees_every_step_and_the_end():
    watched = job()
    watched.step("agree")
    watched.step("decide")
    watched.finish(RESULT, None)
    assert [step[0] for step in watched.watch(10) if step] == ["agree", "decide", "end"]
    assert watched.result == RESULT


def test_watcher_of_a_silent_job_gets_none_now_and_then():
    assert next(job().watch(0.01)) is None


def test_watcher_is_woken_by_a_step():
    watched = job()
    seen = watched.watch(30)
    threading.Timer(0.02, watched.step, ["agree"]).start()
    assert next(seen)[0] == "agree"


def test_cancelled_job_stops_before_its_next_step():
    cancelled = job()
    cancelled.step("agree")
    cancelled.cancel()
    with pytest.raises(RefusedError) as refused:
        cancelled.step("counts.encrypt")
    assert refused.value.code == "refused.cancelled"
    assert [name for name, _ in cancelled.steps] == ["agree"]


def test_cancelling_a_job_that_is_over_takes_nothing_away():
    over = job()
    over.finish(RESULT, None)
    over.cancel()
    assert over.result == RESULT


def test_failed_job_keeps_its_error():
    failed, error = job(), NodeError("node.gone", party="gaoping")
    failed.finish(None, error)
    assert [step[0] for step in failed.watch(10) if step] == ["end"]
    assert (failed.result, failed.error) == (None, error)
