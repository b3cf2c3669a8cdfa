from dashboard.services.log import LogReader
from federation.audit.record import RecordReader


def milestones(home):
    return LogReader(RecordReader(home.path)).look().milestones


def test_a_job_is_told_from_request_to_result(recorded):
    told = [(one.kind, one.round, len(one.parties)) for one in milestones(recorded)]
    assert told == [
        ("start", "", 4),
        ("request.submit", "", 1),
        ("approval.grant", "", 3),
        ("commit", "counts", 3),
        ("open", "counts", 2),
        ("release.decide", "", 1),
        ("commit", "sums", 3),
        ("open", "sums", 2),
        ("job.end", "", 1),
        ("result.read", "", 1),
    ]


def test_a_department_that_starts_again_is_a_milestone_of_its_own(recorded):
    recorded.write("gaoping", "start", session=2)
    recorded.write("gaoping", "start", session=3)
    assert [one.parties for one in milestones(recorded)[-2:]] == [("gaoping",), ("gaoping",)]


def test_two_jobs_are_not_told_as_one(recorded):
    recorded.run("q-0000000000bb")
    assert len(milestones(recorded)) == 10 + 9


def test_only_the_latest_are_kept(recorded):
    for number in range(10):
        recorded.run(f"q-{number:012}")
    assert len(milestones(recorded)) == 60
