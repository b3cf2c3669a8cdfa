"""Attacks on the departments' witnesses, live: a real witness over a copy of its database is asked to co-sign."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec

from crypto.signing import SigningKey
from federation.audit.events import Event, peek_event, sign_event
from federation.audit.witness import MAX_MERGE_DELAY, Witness
from federation.drills.scene import Scene, size_of
from federation.drills.stage import Caught, Drill, Perform, Stage, refusing, verifying
from federation.drills.town import COORDINATOR, ORIGIN, Clock, folder_of
from federation.governance.roster import pin

NAME = "tax"
BY = f"witness of {NAME}"


def _ask(stage: Stage, more: Sequence[bytes], *, note: str = "", later: timedelta = timedelta()) -> Caught | None:
    """Ask the witness to co-sign the log that it knows with more entries behind it.

    Args:
        note: another checkpoint than the right one for these entries.
        later: how much time has passed.
    """
    scene = stage.scene()
    with stage.department(NAME) as department:
        department.journal.entries()
        head = department.witness.head()
        known = scene.entries[: head.size]
        asked = note or scene.note([*known, *more], {})
        log_key = scene.keys[COORDINATOR].public
        department.clock.now += later
        return refusing(
            BY,
            f"checkpoint {size_of(asked)}",
            lambda: department.witness.cosign(asked, log_key, head.size, more),
        )


def honest(stage: Stage) -> Caught | None:
    """The control: what the log really holds behind the head is co-signed."""
    scene = stage.scene()
    return _ask(stage, scene.entries[size_of(scene.shown_heads[NAME]) :])


def roll_back(stage: Stage) -> Caught | None:
    """An older checkpoint, genuine in itself."""
    scene = stage.scene()
    return _ask(stage, (), note=scene.note(scene.entries[: scene.sealed_sizes()[0]], {}))


def fork(stage: Stage) -> Caught | None:
    """Another root for the size that it co-signed last."""
    scene = stage.scene()
    size = size_of(scene.shown_heads[NAME])
    return _ask(stage, (), note=scene.note([scene.entries[1], scene.entries[0], *scene.entries[2:size]], {}))


def rewritten(stage: Stage) -> Caught | None:
    """A longer log whose beginning is another one."""
    scene = stage.scene()
    entries = [scene.entries[1], scene.entries[0], *scene.entries[2:]]
    return _ask(stage, scene.entries[size_of(scene.shown_heads[NAME]) :], note=scene.note(entries, {}))


def forged_entry(stage: Stage) -> Caught | None:
    """An event in the department's name, signed by the coordinator."""
    scene = stage.scene()
    return _ask(stage, (sign_event(_next_event(scene), scene.keys[COORDINATOR]),))


def stolen_key(stage: Stage) -> Caught | None:
    """An event in the department's name with its own, stolen key: it is not in its journal."""
    scene = stage.scene()
    return _ask(stage, (sign_event(_next_event(scene), scene.keys[NAME]),))


def _next_event(scene: Scene) -> Event:
    """What would come next in the department's chain."""
    own = [peek_event(entry) for entry in scene.journals[NAME]][-1]
    return msgspec.structs.replace(own, type="incident", data={"code": "drill"})


def _own_tail(scene: Scene) -> list[bytes]:
    """The department's entries behind its head."""
    known = sum(event.node == NAME for event in scene.events()[: size_of(scene.shown_heads[NAME])])
    return scene.journals[NAME][known:]


def drop_middle(stage: Stage) -> Caught | None:
    """The next event of the department is left out, the one after it is there."""
    return _ask(stage, _own_tail(stage.scene())[1:2])


def double(stage: Stage) -> Caught | None:
    """The next event of the department stands twice."""
    return _ask(stage, _own_tail(stage.scene())[:1] * 2)


def drop_last(stage: Stage) -> Caught | None:
    """All that the department wrote after its head is held back, past the maximum merge delay."""
    scene = stage.scene()
    others = [e for e in scene.entries[size_of(scene.shown_heads[NAME]) :] if peek_event(e).node != NAME]
    return _ask(stage, others[:1], later=2 * MAX_MERGE_DELAY)


def unsigned(stage: Stage) -> Caught | None:
    """A checkpoint that somebody else than the coordinator signed."""
    scene = stage.scene()
    return _ask(stage, (), note=scene.note(scene.entries, {}, key=SigningKey.generate()))


def restored(stage: Stage) -> Caught | None:
    """Yesterday's copy of the witness database takes the place of today's."""
    with stage.copy() as home:
        file = folder_of(home, NAME) / "witness.db"
        _remove(file)
        file.write_bytes(stage.backup.read_bytes())
        return _open(stage, home, create=False)


def lost(stage: Stage) -> Caught | None:
    """The witness database is gone, and a new one is to be begun."""
    with stage.copy() as home:
        _remove(folder_of(home, NAME) / "witness.db")
        return _open(stage, home, create=True)


def _open(stage: Stage, home: Path, *, create: bool) -> Caught | None:
    with closing(stage.journal(home, NAME)) as journal:

        def begin() -> None:
            make = Witness.create if create else Witness
            witness = make(
                folder_of(home, NAME) / "witness.db",
                origin=ORIGIN,
                party=NAME,
                clock=Clock(stage.ended),
                journal=journal,
                parties=stage.town.roster.signers,
            )
            witness.close()

        return refusing(BY, "witness.db", begin)


def _remove(file: Path) -> None:
    for one in file.parent.glob(f"{file.name}*"):
        one.unlink()


def lost_in_record(stage: Stage) -> Caught | None:
    """The same, and the verifier comes before the department does."""
    scene = stage.scene()
    del scene.shown_heads[NAME]
    return verifying(scene)


def restored_in_record(stage: Stage) -> Caught | None:
    """Yesterday's head, shown to the verifier."""
    scene = stage.scene()
    older = scene.sealed_sizes()[0]
    scene.shown_heads[NAME] = next(note for note in scene.notes if size_of(note) == older)
    return verifying(scene)


def two_rosters(stage: Stage) -> Caught | None:
    """One department is handed another roster than all others: found when the record is verified."""
    scene = stage.scene()
    scene.pinned[NAME] = msgspec.structs.replace(scene.roster, epoch=2).to_bytes()
    return verifying(scene)


def second_roster(stage: Stage) -> Caught | None:
    """A department that has pinned one roster is handed another."""
    other = msgspec.structs.replace(stage.town.roster, epoch=2)
    with stage.copy() as home:
        return refusing(NAME, "roster.json", lambda: pin(other, folder_of(home, NAME)))


def other_keys(stage: Stage) -> Caught | None:
    """A bundle with a roster of the coordinator's own making, before an evaluator with the departments' keys."""
    scene = stage.scene()
    keys = {**scene.keys, NAME: SigningKey.generate()}
    parties = tuple(msgspec.structs.replace(party, signing=keys[party.name].public) for party in scene.roster.parties)
    roster = msgspec.structs.replace(scene.roster, parties=parties)
    forged = dataclasses.replace(scene, roster=roster, keys=keys).forged(lambda items: items)
    return verifying(forged.bundle(), scene.trust())


COORDINATES = ("协调方，面对一个诚实的部门", "the coordinator, before one honest department")
ADMINISTERS = ("能改写一个部门的文件", "can write one department's files")


def _drill(name: str, zh: str, en: str, can: tuple[str, str], perform: Perform) -> Drill:
    return Drill(name=name, zh=zh, en=en, can=can[0], can_en=can[1], perform=perform)


DRILLS = (
    _drill("roll-back", "日志回退", "the log is rolled back", COORDINATES, roll_back),
    _drill("fork", "同一大小另一个树根", "another root for the same size", COORDINATES, fork),
    _drill("rewritten", "开头被改写的更长日志", "a longer log with another beginning", COORDINATES, rewritten),
    _drill(
        "forged-entry", "以部门名义伪造一条", "an entry is forged in a department's name", COORDINATES, forged_entry
    ),
    _drill("stolen-key", "窃得部门事件密钥后伪造", "an entry is forged with a stolen key", COORDINATES, stolen_key),
    _drill("drop-middle", "漏记中间一条", "an event in the middle is dropped", COORDINATES, drop_middle),
    _drill("double", "同一条记两遍", "an event is doubled", COORDINATES, double),
    _drill("drop-last", "扣住最后的事件", "the last events are held back", COORDINATES, drop_last),
    _drill("not-the-log", "他人签的检查点", "a checkpoint of another signer", COORDINATES, unsigned),
    _drill("restored", "见证库恢复成旧备份", "the witness database is an old backup", ADMINISTERS, restored),
    _drill("lost", "见证库丢失后另起炉灶", "the witness database is lost and begun anew", ADMINISTERS, lost),
    _drill(
        "lost-record", "见证库丢失，由核验发现", "the lost database, seen by the verifier", ADMINISTERS, lost_in_record
    ),
    _drill(
        "restored-record", "旧树头，由核验发现", "the old head, seen by the verifier", ADMINISTERS, restored_in_record
    ),
    _drill("two-rosters", "各方名册不一", "two rosters are pinned", ADMINISTERS, two_rosters),
    _drill("second-roster", "事后换名册", "another roster is handed out later", COORDINATES, second_roster),
    _drill("other-keys", "证据包里的名册换了公钥", "a bundle with a made-up roster", COORDINATES, other_keys),
)
