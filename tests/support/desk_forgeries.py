"""A small record of the desk and of one script, and every way of forging it that all three verifiers must refuse.

The parties forge their past together and sign all of it anew, but for the statements of officers that do not go along.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from federation.audit.bundle import BundleContents
from federation.audit.events import Actor, Event, Seen
from federation.audit.trust import policy_text, signers_text
from federation.drills import desk
from federation.drills.approvals import revoke
from federation.drills.desk import DEPUTY, OFFICER
from federation.drills.scene import Item, Scene, size_of
from federation.drills.scripted import OWNER, make_script, run_script
from federation.drills.stage import FIRST, SCRIPT, Stage
from federation.drills.town import BEGINNING, COORDINATOR, Town, make_plan, written
from federation.governance.statements import Grant
from tests.support.records import at, change, drop, insert

replace = msgspec.structs.replace
Changed = Callable[[list[Item]], list[Item]]
OUTPUT = {"class": "output"}
NO_STEP = f"job {SCRIPT} is of a kind that has no such step"


class DeskStage(Stage):
    """A sum that has begun, and a script that was run and released, in a federation where two officers grant."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.town = folder, Town(folder / "home")
        self.plans = {FIRST: make_plan(self.town.roster)}
        self.town.submit(FIRST, self.plans[FIRST])
        self.town.agree(FIRST, self.plans[FIRST])
        self.town.begin(FIRST, self.plans[FIRST])
        self.plans[SCRIPT] = run_script(self.town, SCRIPT)
        self.home = self.town.close()
        self._scene = Scene.of_home(self.home)
        self.ended = self.town.clock.now

    def policy(self) -> str:
        return policy_text(self.town.roster)

    def signers(self) -> str:
        """What an evaluator brings, as `City` has it."""
        return signers_text(self.town.roster)

    def contents(self, scene: Scene) -> BundleContents:
        """What the forgers of a record would write into a bundle."""
        shown = scene.bundle()
        counts = [
            {"party": s.party, "session": s.number, "sent": s.sent, "received": 0, "ended": s.ended}
            for s in shown.counted
        ]
        return BundleContents(
            origin=scene.roster.origin,
            entries=shown.entries,
            checkpoints=[(size_of(note), note) for note in shown.notes],
            roster=scene.roster.to_bytes(),
            catalogue=b"{}",
            policy=self.policy(),
            signers=self.signers(),
            heads={},
            jobs={},
            wire=json.dumps(counts).encode(),
            indicators=b"[]",
        )


class Forgery(NamedTuple):
    """Attributes:
    product: words of the reason by the product; `offline` by the two verifiers in the bundle.
    elsewhere: the verifiers in the bundle look at words when the job begins, the product at what they let out.
    """

    make: Callable[[Stage], Changed]
    product: str
    offline: str
    elsewhere: bool = False


FORGERIES: dict[str, Forgery] = {}


def forgery(
    name: str, make: Changed | Callable[[Stage], Changed], product: str, offline: str = "", *, elsewhere: bool = False
) -> None:
    FORGERIES[name] = Forgery(make, product, offline or product, elsewhere)  # type: ignore[arg-type]


def always(changed: Changed) -> Callable[[Stage], Changed]:
    return lambda stage: changed


def mine(kind: str, **data: object) -> Callable[[list[Item]], int]:
    return at(kind, OWNER, job=SCRIPT, **data)


def by(officer: str) -> Callable[[list[Item]], int]:
    """Where an officer's grant of the script stands."""

    def place(items: list[Item]) -> int:
        return next(
            index
            for index, item in enumerate(items)
            if isinstance(item, Event) and (item.type, item.job, item.actor.name) == ("approval.grant", SCRIPT, officer)
        )

    return place


def saying(kind: str, **data: object) -> Callable[..., Callable[[Stage], Changed]]:
    """Something else in the first such event."""
    return lambda **said: always(change(mine(kind, **data), data=said))


def other_event(place: Callable[[list[Item]], int], **fields: object) -> Changed:
    """One more event behind another one, which it resembles."""

    def changed(items: list[Item]) -> list[Item]:
        event = items[place(items)]
        assert isinstance(event, Event)
        return insert(replace(event, **fields), place)(items)

    return changed


# --- what the drills perform ---

DRILLED = {
    "script-unapproved": ("no approval by tax", "0 of 1 departments that take part had approved", True),
    "script-twice": ("tax did the same step of a job twice", "tax did the same step of job", False),
    "output-unreleased": ("that no script had released", "that no script had released", False),
    "output-unrun": ("that no script had released", "that no script had released", False),
    "script-other-step": (NO_STEP, NO_STEP, False),
    "script-revoked": ("revoked by tax", "revoked", True),
    "shelf-denied": ("as approved, which was not so", "as approved, which was not so", False),
    "shelf-exchanged": ("on the shelf of tax were exchanged", "on the shelf of tax were exchanged", False),
    "shelf-never-asked": ("that it never received", "that it never received", False),
    "shelf-unshown": ("did not show as approved", "did not show as approved", False),
    "grant-alone": ("1 of 2 approvals by tax", "granted by fewer officers than it takes", True),
    "grant-twice": ("tax has said its word", "tax has said its word", False),
    "grant-denied": ("denied by tax", "denied", True),
}
for _name, (_product, _offline, _elsewhere) in DRILLED.items():
    forgery(_name, lambda stage, name=_name: desk.forge(stage, name), _product, _offline, elsewhere=_elsewhere)

# --- a script's own event ---

for _field, _said in (
    ("code", "x"), ("code", "A" * 64), ("code", 5), ("status", "finished"), ("status", "refused."), ("status", 0),
    ("digits", 0), ("digits", 7), ("digits", "4"), ("bits", -1), ("bits", "1"), ("milliseconds", -1),
    ("milliseconds", ""),
):  # fmt: skip
    forgery(f"script that states {_field} {_said!r}", saying("script")(**{_field: _said}), "it does not state")

# --- a script's job ---

forgery(
    "script at two departments",
    always(change(at("job.start", COORDINATOR, job=SCRIPT), data={"participants": "hukou tax"})),
    "runs a script at more than one department",
    "it does not state participants",
)
forgery(
    "script of nobody",
    always(change(at("job.start", COORDINATOR, job=SCRIPT), data={"contributors": 0})),
    "runs a script at more than one department",
    "it does not state participants",
)
for _data in ({"contributors": 0, "participants": ""}, {"contributors": 0}, {"contributors": 99}):
    forgery(
        f"sum of {_data}",
        always(change(at("job.start", COORDINATOR, job=FIRST), data=_data)),
        "does not state participants",
    )
forgery(
    "script in a sum",
    always(change(at("job.start", COORDINATOR, job=SCRIPT), data={"kind": "sum"})),
    NO_STEP,
)
forgery("script before joining", always(drop(mine("job.join"))), "without having joined it", elsewhere=True)
for _kind in ("commit", "open", "release.decide", "mask.keys", "mask", "survivors", "predict"):
    forgery(f"{_kind} in a script", always(other_event(mine("script"), type=_kind, data={"round": "r"})), NO_STEP)


def told(kind: str, **data: object) -> Callable[[Stage], Changed]:
    """The coordinator tells something of the script's job."""
    end = at("job.end", COORDINATOR, job=SCRIPT)
    return always(other_event(end, type=kind, data=data))


forgery(
    "round of a script",
    told("round", round="r", survivors="tax", given=""),
    "ended before everybody had contributed",
    "is not what the departments recorded",
)
forgery("model of a script", told("model", rounds=0), "was to train nothing", NO_STEP)

# --- what leaves of it ---

forgery("output twice", always(other_event(mine("egress", **OUTPUT))), "tax sent an output of job drill-script that no")
forgery("output of a script that failed", saying("script")(status="failed"), "that no script had released")
forgery(
    "share out of a script",
    saying("egress", **OUTPUT)(**{"class": "sealed"}),
    "sealed left for job drill-script",
    NO_STEP,
)
forgery(
    "output of a sum",
    always(change(at("egress", OWNER, job=FIRST, payload="begun"), data=OUTPUT)),
    "tax sent an output of job drill-1 that no script",
)
forgery("output of a job that nobody knows", always(change(mine("egress", **OUTPUT), job="drill-9")), "of job drill-9")
forgery("output outside any job", always(change(mine("egress", **OUTPUT), job="")), "something of job  before it")

# --- the shelf ---

for _state, _shown in (
    ("pending", "approved"), ("pending", "rejected"), ("pending", "open"), ("approved", "pending"),
    ("approved", "rejected"), ("approved", "done"), ("done", "pending"), ("done", "rejected"),
):  # fmt: skip
    forgery(
        f"shelf that shows {_shown} instead of {_state}",
        saying("shelf", state=_state)(state=_shown),
        f"the shelf of tax shows job {SCRIPT} as {_shown}, which was not so",
    )
forgery("files that are no hash", saying("shelf")(files="x"), "it does not state files")
forgery("files exchanged when it is over", saying("shelf", state="done")(files="ab" * 32), "were exchanged")
forgery(
    "shelf that an officer speaks for",
    always(change(mine("shelf"), actor=Actor(name=OFFICER, role="officer"))),
    "may not do this",
)
forgery(
    "shelf of one that was not asked",
    always(other_event(mine("shelf"), node="hukou", actor=Actor(name="hukou", role="node"))),
    "hukou shows a request on its shelf that it never received",
)
forgery(
    "shelf of the coordinator",
    always(other_event(mine("shelf"), node=COORDINATOR, actor=Actor(name=COORDINATOR, role="node"), seen=Seen())),
    "coordinator may not do this",
    "its actor may not do this",
)
forgery("shelf of nothing received", always(drop(mine("request.receive"))), "that it never received")
forgery("desk that is no text", always(change(at("start", OWNER, job=""), data={"desk": 1})), "it does not state desk")


def shown_after(kind: str) -> Callable[[Stage], Changed]:
    """The shelf shows the request as approved, or as waiting, after its officers have revoked."""

    def make(stage: Stage) -> Changed:
        def changed(items: list[Item]) -> list[Item]:
            items = revoke(stage, items, mine("shelf", state="done")(items), OWNER, job=SCRIPT)
            last = at("approval.revoke", OWNER, job=SCRIPT)
            shown = items[mine("shelf", state="approved")(items)]
            assert isinstance(shown, Event)
            before = items[last(items)]
            assert isinstance(before, Event)
            other = replace(shown, seen=before.seen, time=before.time, data={**shown.data, "state": kind})
            return insert(other, last)(items)

        return changed

    return make


for _kind in ("approved", "pending"):
    forgery(f"shelf that shows {_kind} what was revoked", shown_after(_kind), f"as {_kind}, which was not so")

# --- two officers ---


def deputy_says(**more: str) -> Callable[[Stage], Changed]:
    """The second grant says something else."""
    return lambda stage: change(
        by(DEPUTY),
        data={"statement": stage.town.state(Grant, OWNER, stage.plans[SCRIPT], job=SCRIPT, officer=DEPUTY, **more)},
    )


def granted_for_another_plan(stage: Stage) -> Changed:
    plan = make_script(stage.town.roster)
    statement = stage.town.state(Grant, OWNER, plan, job=SCRIPT, officer=OFFICER)
    return change(by(OFFICER), data={"statement": statement, "plan": plan.hash})


def granted_again(stage: Stage) -> Changed:
    statement = stage.town.state(Grant, OWNER, stage.plans[SCRIPT], job=SCRIPT, officer=OFFICER)
    data = {"plan": stage.plans[SCRIPT].hash, "requester": stage.plans[SCRIPT].requester, "statement": statement}
    return other_event(by(DEPUTY), actor=Actor(name=OFFICER, role="officer"), data=data)


def by_rule(officer: str) -> Changed:
    """A rule grants where an officer should."""

    def changed(items: list[Item]) -> list[Item]:
        event = items[by(officer)(items)]
        assert isinstance(event, Event)
        data = {name: said for name, said in event.data.items() if name != "statement"}
        rule = replace(event, actor=Actor(name=OWNER, role="automatic"), data=data)
        return [rule if item is event else item for item in items]

    return changed


def only_by_rule(items: list[Item]) -> list[Item]:
    return drop(mine("shelf", state="approved"))(drop(by(OFFICER))(by_rule(DEPUTY)(items)))


def denied_first(stage: Stage) -> Changed:
    return lambda items: desk.denied(stage, items, by=OFFICER)


def revoked_between(stage: Stage) -> Changed:
    return lambda items: revoke(stage, items, by(OFFICER)(items), OWNER, job=SCRIPT)


BEFORE = f"tax has said its word on job {SCRIPT} before"
forgery("officers grant different plans", granted_for_another_plan, "tax approved another plan", BEFORE)
forgery("third grant", granted_again, BEFORE)
forgery("rule grants beside an officer", always(by_rule(DEPUTY)), BEFORE)
forgery("officer grants beside a rule", always(by_rule(OFFICER)), BEFORE)
forgery("rule grants alone", always(only_by_rule), "1 of 2 approvals by tax", "granted by fewer", elsewhere=True)
forgery("grant after a denial", denied_first, BEFORE)
forgery("second grant after a revocation", revoked_between, BEFORE)
forgery(
    "second grant had expired",
    deputy_says(expires=written(BEGINNING - timedelta(days=1))),
    "the approval by tax on job drill-script had expired",
    "expired",
    elsewhere=True,
)


# --- what is right ---


def as_it_is(stage: Stage) -> Changed:
    return lambda items: items


def without_a_shelf(stage: Stage) -> Changed:
    """As before there were shelves: nobody declares one, and none is shown."""

    def older(items: list[Item]) -> list[Item]:
        kept = []
        for item in items:
            if isinstance(item, Event) and item.type == "start":
                item = replace(item, data={name: said for name, said in item.data.items() if name != "desk"})
            if not isinstance(item, Event) or item.type != "shelf":
                kept.append(item)
        return kept

    return older


def revoked_when_it_is_over(stage: Stage) -> Changed:
    return shown_after("rejected")(stage)


def begun_again(stage: Stage) -> Changed:
    """The record could not be sealed the first time, say; nobody had joined."""
    start = at("job.start", COORDINATOR, job=SCRIPT)
    return lambda items: insert(items[start(items)], start)(items)


def refused_release(stage: Stage) -> Changed:
    """The department refuses what came out, and says only that."""

    def refused(items: list[Item]) -> list[Item]:
        items = change(mine("script"), data={"status": "refused.script_groups"})(items)
        return change(mine("egress", **OUTPUT), data={"class": "error", "payload": "failure"})(items)

    return refused


def catalogue_told(stage: Stage) -> Changed:
    """What has no job, and no approval, leaves as part of the catalogue."""
    return change(at("egress", OWNER, job="", **{"class": "record"}), data={"class": "catalogue"})


def with_a_minimum_group(stage: Stage) -> Changed:
    """An officer grants under a condition that the release holds to."""
    more: dict[str, object] = {"minimum_group": 50}
    return deputy_says(**more)(stage)  # type: ignore[arg-type]  # a number


HONEST = {
    make.__name__: make
    for make in (
        as_it_is, begun_again, without_a_shelf, revoked_when_it_is_over, refused_release, catalogue_told,
        with_a_minimum_group,
    )
}  # fmt: skip
