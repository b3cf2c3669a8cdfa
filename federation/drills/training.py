"""Attacks on a joint training: what departments were shown, whose masks came off, and what is said of the model.

Departments that record truthfully what a coordinator asks of them give it away; so do the coordinator and one of them
together, as long as the rest records truthfully.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection

import msgspec

from federation.audit.events import Event
from federation.drills.approvals import revoke
from federation.drills.masked import GONE, ROUNDS, STAYED
from federation.drills.scene import Item, find
from federation.drills.stage import TRAINING, Drill, Perform, Stage, verifying
from federation.drills.town import COORDINATOR, DEPARTMENTS

NAME = "tax"
MIDDLE, LAST = ROUNDS[1:]
MASKED, UNMASK = {"class": "masked"}, {"class": "unmask"}


def _at(items: list[Item], kind: str, node: str, **data: object) -> tuple[int, Event]:
    at = find(items, kind, node, job=TRAINING, **data)
    event = items[at]
    if not isinstance(event, Event):
        raise TypeError("an event was to be found")
    return at, event


def _say(items: list[Item], kind: str, node: str, said: dict[str, int | str], **data: object) -> list[Item]:
    """Something else in one event."""
    at, event = _at(items, kind, node, **data)
    other = msgspec.structs.replace(event, data={**event.data, **said})
    return [*items[:at], other, *items[at + 1 :]]


def _twice(items: list[Item], kind: str, node: str, **data: object) -> list[Item]:
    at, event = _at(items, kind, node, **data)
    return [*items[: at + 1], event, *items[at + 1 :]]


def _without(items: list[Item], kind: str, nodes: Collection[str], **data: object) -> list[Item]:
    gone = [_at(items, kind, node, **data)[0] for node in nodes]
    return [item for at, item in enumerate(items) if at not in gone]


def _unmasked_in(items: list[Item], name: str, node: str) -> int:
    """Where a department's shares left in a round: the first of them after it signed who survived."""
    signed, _ = _at(items, "survivors", node, round=name)
    return signed + find(items[signed:], "egress", node, job=TRAINING, **UNMASK)


def _forged(change: Callable[[Stage, list[Item]], list[Item]]) -> Perform:
    return lambda stage: verifying(stage.scene().forged(lambda items: change(stage, items)))


def split_survivors(stage: Stage, items: list[Item]) -> list[Item]:
    """One department is asked to take off the masks of other survivors than the rest: a sum each, and a difference."""
    return _say(items, "survivors", NAME, {"survivors": " ".join(STAYED)}, round=MIDDLE)


def feigned_absence(stage: Stage, items: list[Item]) -> list[Item]:
    """All but two are said to have disappeared, which leaves the sum of those two."""
    two, rest = DEPARTMENTS[1::2], DEPARTMENTS[::2]
    for node in rest:
        at = _unmasked_in(items, MIDDLE, node)
        items = [*items[:at], *items[at + 1 :]]
    items = _without(items, "survivors", rest, round=MIDDLE)
    for node in two:
        items = _say(items, "survivors", node, {"survivors": " ".join(two)}, round=MIDDLE)
    return items


def feigned_presence(stage: Stage, items: list[Item]) -> list[Item]:
    """Who has disappeared is said to have survived: both of its secrets could be asked for."""
    for node in STAYED:
        items = _say(items, "survivors", node, {"survivors": " ".join(DEPARTMENTS)}, round=LAST)
    return items


def other_model(stage: Stage, items: list[Item]) -> list[Item]:
    """One department works on a model made for it alone."""
    return _say(items, "mask", NAME, {"given": secrets.token_hex(32)}, round=MIDDLE)


def other_keys(stage: Stage, items: list[Item]) -> list[Item]:
    """One department is shown other keys, which the coordinator made."""
    return _say(items, "mask.keys", NAME, {"digest": secrets.token_hex(32)})


def unsigned(stage: Stage, items: list[Item]) -> list[Item]:
    """A department gives its shares away without a word on who survived."""
    return _without(items, "survivors", [NAME], round=MIDDLE)


def alone(stage: Stage, items: list[Item]) -> list[Item]:
    """A department gives its shares away before anybody else has signed the same."""
    others = [name for name in DEPARTMENTS if name != NAME]
    shares = {_unmasked_in(items, MIDDLE, name) for name in others}
    items = [item for at, item in enumerate(items) if at not in shares]
    return _without(items, "survivors", others, round=MIDDLE)


def unmasked_twice(stage: Stage, items: list[Item]) -> list[Item]:
    """A department gives shares away a second time in one round: those of the other secrets."""
    at = _unmasked_in(items, MIDDLE, NAME)
    return [*items[: at + 1], items[at], *items[at + 1 :]]


def masked_twice(stage: Stage, items: list[Item]) -> list[Item]:
    """A department masks numbers twice with one round's keys: the difference is bare."""
    return _twice(items, "mask", NAME, round=MIDDLE)


def unrecorded(stage: Stage, items: list[Item]) -> list[Item]:
    """The same past the record: what left stands in the ledger only."""
    return _twice(items, "egress", NAME, **MASKED)


def unjoined(stage: Stage, items: list[Item]) -> list[Item]:
    """A department takes part without having seen everybody's approval."""
    return _without(items, "job.join", [NAME])


def revoked(stage: Stage, items: list[Item]) -> list[Item]:
    """An officer revokes between two rounds, and the department goes on."""
    return revoke(stage, items, _at(items, "survivors", NAME, round=MIDDLE)[0], NAME, job=TRAINING)


def revoked_elsewhere(stage: Stage, items: list[Item]) -> list[Item]:
    """Another department's officer revokes between two rounds, all have sealed that, and the rest goes on."""
    return revoke(stage, items, _unmasked_in(items, MIDDLE, GONE), GONE, job=TRAINING)


def round_survivors(stage: Stage, items: list[Item]) -> list[Item]:
    """The coordinator says of a round that all were there."""
    return _say(items, "round", COORDINATOR, {"survivors": " ".join(DEPARTMENTS)}, round=LAST)


def round_given(stage: Stage, items: list[Item]) -> list[Item]:
    """The coordinator says of a round that it worked on another model."""
    return _say(items, "round", COORDINATOR, {"given": secrets.token_hex(32)}, round=LAST)


def model_rounds(stage: Stage, items: list[Item]) -> list[Item]:
    """A model of more rounds than there were."""
    return _say(items, "model", COORDINATOR, {"rounds": 1_000})


def model_early(stage: Stage, items: list[Item]) -> list[Item]:
    """A model is shown, and a round follows."""
    items = _say(items, "model", COORDINATOR, {"rounds": len(ROUNDS) - 1})
    at, model = _at(items, "model", COORDINATOR)
    items = [*items[:at], *items[at + 1 :]]
    before, _ = _at(items, "round", COORDINATOR, round=LAST)
    return [*items[:before], model, *items[before:]]


def untrue(stage: Stage, items: list[Item]) -> list[Item]:
    """A department masks numbers that are not its own."""
    return _say(items, "mask", NAME, {"digest": secrets.token_hex(32)}, round=MIDDLE)


COORDINATES = ("协调方：对部门说法不一", "the coordinator, who tells departments different things")
INSIDE = ("一个部门与协调方串通", "a department and the coordinator together")
TELLS = ("协调方伪造自己的条目，全部见证附和", "the coordinator forges its own entries, all witnesses go along")


def _drill(name: str, zh: str, en: str, can: tuple[str, str], change: Callable[..., list[Item]], **miss: str) -> Drill:
    return Drill(name=name, zh=zh, en=en, can=can[0], can_en=can[1], perform=_forged(change), **miss)


DRILLS = (
    _drill("survivors-split", "对各方出示不同的存活名单", "survivors differ", COORDINATES, split_survivors),
    _drill("absence-feigned", "谎称多数部门掉线", "most are said to have disappeared", COORDINATES, feigned_absence),
    _drill(
        "presence-feigned", f"谎称已掉线的 {GONE} 仍在", f"{GONE} is said to be there", COORDINATES, feigned_presence
    ),
    _drill("model-for-one", "给一个部门发另一个模型", "one department gets another model", COORDINATES, other_model),
    _drill("keys-for-one", "给一个部门发另一套公钥", "one department gets other keys", COORDINATES, other_keys),
    _drill("unmask-unsigned", "未签存活名单就给出去掩码份额", "masks come off unsigned", INSIDE, unsigned),
    _drill("unmask-alone", "他人未签就给出去掩码份额", "masks come off before others sign", COORDINATES, alone),
    _drill("unmask-twice", "同一轮两次给出去掩码份额", "shares are given away twice", INSIDE, unmasked_twice),
    _drill("mask-twice", "同一轮掩码两次", "numbers are masked twice in a round", INSIDE, masked_twice),
    _drill("mask-unrecorded", "掩码数据出域而无记录", "masked numbers leave off the record", INSIDE, unrecorded),
    _drill("mask-unjoined", "未核对批准就参加训练", "a department never joined", INSIDE, unjoined),
    _drill("training-revoked", "训练中撤销仍继续", "a training goes on after a revocation", INSIDE, revoked),
    _drill(
        "training-revoked-other",
        "他方已撤销仍训练",
        "it goes on after another's revocation",
        COORDINATES,
        revoked_elsewhere,
    ),
    _drill("round-survivors", "谎报一轮的存活名单", "a round's survivors are misstated", TELLS, round_survivors),
    _drill("round-given", "谎报一轮所用的模型", "a round's model is misstated", TELLS, round_given),
    _drill("model-rounds", "谎报模型的轮数", "a model's rounds are misstated", TELLS, model_rounds),
    _drill("model-early", "模型完成后又有一轮", "a round follows the model", TELLS, model_early),
    _drill(
        "numbers-untrue",
        "在掩码下提交不实的数",
        "untrue numbers under a mask",
        INSIDE,
        untrue,
        miss="记录与掩码都不看数值；只有数值的公开上界受检，其余靠部门对自己的数据负责",
        miss_en="neither record nor masks look at numbers; only their public bounds are checked, the rest is on the"
        " department's word",
    ),
)
