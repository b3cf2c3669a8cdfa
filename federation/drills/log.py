"""Attacks on the log and its checkpoints, by whoever can write files, and by the coordinator with its own key."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import msgspec

from crypto.merkle import root_hash
from crypto.notes import append_lines, cosign
from crypto.signing import HybridKey, SigningKey
from federation.audit.events import Event, sign_event
from federation.audit.log import checkpoint_text
from federation.drills.scene import Item, Mark, Scene, find
from federation.drills.stage import SECOND, Caught, Drill, Perform, Stage, verifying
from federation.drills.town import COORDINATOR, DEPARTMENTS

FILES, FILES_EN = "能改写协调方的日志文件", "can write the coordinator's log file"
KEY, KEY_EN = "协调方：能改写日志并重签检查点", "the coordinator: rewrites the log and signs checkpoints anew"
HALF, HALF_EN = "协调方，外加半数部门的见证密钥", "the coordinator, with the witness keys of half of the departments"
ALL, ALL_EN = "协调方与全部部门串通", "the coordinator and all departments together"


def _entry(scene: Scene) -> int:
    """The index of what is attacked: the commitment of one department in the second job."""
    return next(i for i, e in enumerate(scene.events()) if (e.type, e.node, e.job) == ("commit", "hukou", SECOND))


def flip_bit(stage: Stage) -> Caught | None:
    """One bit of one entry."""
    scene = stage.scene()
    at = _entry(scene)
    altered = bytearray(scene.entries[at])
    altered[60] ^= 1
    scene.entries[at] = bytes(altered)
    return verifying(scene)


def remove_entry(stage: Stage) -> Caught | None:
    """One entry less."""
    scene = stage.scene()
    del scene.entries[_entry(scene)]
    return verifying(scene)


def remove_last(stage: Stage) -> Caught | None:
    """The last entry, as if it had not come yet."""
    scene = stage.scene()
    del scene.entries[-1]
    return verifying(scene)


def swap_entries(stage: Stage) -> Caught | None:
    """Two entries of two parties change places: each chain for itself is whole."""
    scene = stage.scene()
    events = scene.events()
    at = next(i for i in range(_entry(scene), len(events)) if events[i].node != events[i + 1].node)
    scene.entries[at], scene.entries[at + 1] = scene.entries[at + 1], scene.entries[at]
    return verifying(scene)


def insert_stranger(stage: Stage) -> Caught | None:
    """An entry of somebody whom no roster knows."""
    scene = stage.scene()
    at = _entry(scene)
    event = msgspec.structs.replace(scene.events()[at], node="stranger", seq=0, prev="0" * 64)
    scene.entries.insert(at, sign_event(event, SigningKey.generate()))
    return verifying(_resigned(scene))


def replay_entry(stage: Stage) -> Caught | None:
    """A genuine entry once more, later."""
    scene = stage.scene()
    scene.entries.insert(_entry(scene) + 20, scene.entries[_entry(scene)])
    return verifying(_resigned(scene))


def double_last(stage: Stage) -> Caught | None:
    """The last entry twice."""
    scene = stage.scene()
    scene.entries.append(scene.entries[-1])
    return verifying(_resigned(scene))


def other_log(stage: Stage) -> Caught | None:
    """A genuine event of another log with the same parties and keys."""

    def carry(items: list[Item]) -> list[Item]:
        at = find(items, "commit", "hukou", job=SECOND)
        return _with(items, at, log="keyong.drill/ffffffffffffffff")

    return verifying(stage.scene().forged(carry))


def _with(items: list[Item], at: int, **fields: object) -> list[Item]:
    event = items[at]
    assert isinstance(event, Event)  # noqa: S101 - `find` finds nothing else
    return [*items[:at], msgspec.structs.replace(event, **fields), *items[at + 1 :]]


def _resigned(scene: Scene, times: Mapping[str, int] | None = None) -> Scene:
    """One new checkpoint over all entries, by the coordinator; co-signed by whom is asked for."""
    return dataclasses.replace(scene.copy(), notes=[scene.note(scene.entries, times or {})])


def rewrite(stage: Stage) -> Caught | None:
    """History is rewritten, consistently; no department co-signs it."""
    scene = stage.scene()
    forged = scene.forged(_silence, forgers=())
    return verifying(forged.bundle(scene.sealed_sizes()), scene.trust())


def _silence(items: list[Item]) -> list[Item]:
    """Another outcome of the second job than it had."""
    return _with(items, find(items, "job.end", COORDINATOR, job=SECOND), data={"outcome": "refused.too_small"})


def strip_cosignatures(stage: Stage) -> Caught | None:
    """The last sealed checkpoint without its cosignatures."""
    scene = stage.scene()
    bundle, last = scene.bundle(), scene.sealed_sizes()[-1]
    bundle.notes[-1] = scene.note(scene.entries[:last], {})
    return verifying(bundle, scene.trust())


def strip_post_quantum(stage: Stage) -> Caught | None:
    """The last sealed checkpoint with its Ed25519 lines only."""
    scene = stage.scene()
    bundle = scene.bundle()
    text, _, lines = bundle.notes[-1].rpartition("\n\n")
    short = [line for line in lines.splitlines(keepends=True) if len(line) < 1000]
    bundle.notes[-1] = f"{text}\n\n{''.join(short)}"
    return verifying(bundle, scene.trust())


def unknown_witnesses(stage: Stage) -> Caught | None:
    """Cosignatures under the departments' names, by keys of the coordinator's own making."""
    scene = stage.scene()
    bundle, last = scene.bundle(), scene.sealed_sizes()[-1]
    text = checkpoint_text(scene.roster.origin, last, root_hash(scene.entries[:last]))
    lines = [
        line
        for name in DEPARTMENTS
        for line in cosign(
            HybridKey.generate(), scene.roster.cosigner_name(name), text, time_s=int(stage.ended.timestamp())
        )
    ]
    bundle.notes[-1] = append_lines(scene.note(scene.entries[:last], {}), lines)
    return verifying(bundle, scene.trust())


def carried_cosignature(stage: Stage) -> Caught | None:
    """A department's genuine cosignature, put beside a checkpoint that it is not of."""
    scene = stage.scene()
    body, _, lines = scene.bundle().notes[-1].rpartition("\n\n")
    older = next(note for note in scene.notes if scene.roster.cosigner_name("tax") in note)
    log_line, *rest = lines.splitlines(keepends=True)
    mine = [line for line in older.splitlines(keepends=True) if scene.roster.cosigner_name("tax") in line]
    others = [line for line in rest if scene.roster.cosigner_name("tax") not in line]
    bundle = scene.bundle()
    bundle.notes[-1] = f"{body}\n\n{''.join([log_line, *others, *mine])}"
    return verifying(bundle, scene.trust())


def split_view(stage: Stage) -> Caught | None:
    """Two histories, each co-signed by a half that is shown only that one: neither half is a quorum."""
    scene = stage.scene()
    first = scene.forged(lambda items: items, forgers=DEPARTMENTS[:2])
    second = scene.forged(_silence, forgers=DEPARTMENTS[2:])
    sizes, trust = scene.sealed_sizes(), scene.trust()
    return verifying(first.bundle(sizes), trust) and verifying(second.bundle(sizes), trust)


def split_proof(stage: Stage) -> Caught | None:
    """Two histories again, and two departments lay their heads side by side."""
    scene = stage.scene()
    forged = scene.forged(_silence)
    heads = {"tax": scene.shown_heads["tax"]}
    return verifying(forged.bundle(), dataclasses.replace(scene.trust(), heads=heads))


def _cut(scene: Scene) -> Scene:
    """The bundle as it was a sealed checkpoint ago, genuine throughout; counts to match."""
    return scene.bundle(scene.sealed_sizes()[:-1])


def cut_with_head(stage: Stage) -> Caught | None:
    """The end is cut off at a sealed checkpoint; one department gave its head away."""
    scene = stage.scene()
    return verifying(_cut(scene), scene.trust(heads=["tax"]))


def cut_without_head(stage: Stage) -> Caught | None:
    """The same, and nobody has a head."""
    scene = stage.scene()
    return verifying(_cut(scene), scene.trust())


def everybody(stage: Stage) -> Caught | None:
    """All sign another past, and nobody outside has a head of the true one."""
    scene = stage.scene()
    forged = scene.forged(_silence)
    return verifying(forged) or verifying(forged.bundle(), forged.trust(heads=DEPARTMENTS))


def foreign_key(stage: Stage) -> Caught | None:
    """A department's events under a new key that no roster has: a rotation that nobody co-signed."""
    scene = stage.scene()
    keys = {**scene.keys, "tax": SigningKey.generate()}
    return verifying(dataclasses.replace(scene, keys=keys).forged(lambda items: items))


def in_anothers_name(stage: Stage) -> Caught | None:
    """An event of one department, signed with another's key."""
    scene = stage.scene()
    at = _entry(scene)
    scene.entries[at] = sign_event(scene.events()[at], scene.keys["tax"])
    return verifying(scene)


def wrong_hour(stage: Stage) -> Caught | None:
    """A department dates an event an hour ahead; all co-sign it."""
    return verifying(stage.scene().forged(lambda items: _dated(items, "hukou", "2026-03-01T09:00:00.000Z")))


def backdated(stage: Stage) -> Caught | None:
    """A department dates an event an hour back; all co-sign it."""
    return verifying(stage.scene().forged(lambda items: _dated(items, "hukou", "2026-03-01T07:00:00.000Z")))


def _dated(items: list[Item], node: str, time: str) -> list[Item]:
    return _with(items, find(items, "commit", node, job=SECOND), time=time)


def seen_never(stage: Stage) -> Caught | None:
    """An event that names a checkpoint of a log that was shown to nobody else."""

    def pretend(items: list[Item]) -> list[Item]:
        at = find(items, "commit", "hukou", job=SECOND)
        event = items[at]
        assert isinstance(event, Event)  # noqa: S101
        sizes = [item.size for item in items[:at] if isinstance(item, Mark)]
        # A size without a mark is left as it stands when the past is signed again.
        free = next(size for size in range(sizes[-1], 0, -1) if size not in sizes and size > event.seen.size)
        return _with(items, at, seen=msgspec.structs.replace(event.seen, size=free, root="ab" * 32))

    return verifying(stage.scene().forged(pretend))


def _drill(name: str, zh: str, en: str, can: tuple[str, str], perform: Perform, **miss: str) -> Drill:
    return Drill(name=name, zh=zh, en=en, can=can[0], can_en=can[1], perform=perform, **miss)


BY_FILES, BY_KEY, BY_HALF, BY_ALL = (FILES, FILES_EN), (KEY, KEY_EN), (HALF, HALF_EN), (ALL, ALL_EN)
DRILLS = (
    _drill("flip-bit", "改动一个比特", "one bit of one entry is flipped", BY_FILES, flip_bit),
    _drill("remove-entry", "删除一条", "one entry is removed", BY_FILES, remove_entry),
    _drill("remove-last", "删除最后一条", "the last entry is removed", BY_FILES, remove_last),
    _drill("swap-entries", "两条互换位置", "two entries change places", BY_FILES, swap_entries),
    _drill("insert-stranger", "插入名册之外者的一条", "an entry of a stranger is inserted", BY_KEY, insert_stranger),
    _drill("replay-entry", "重放一条旧记录", "an old entry is replayed", BY_KEY, replay_entry),
    _drill("double-last", "最后一条记两遍", "the last entry is doubled", BY_KEY, double_last),
    _drill("other-log", "搬入另一本日志的记录", "an event of another log is carried in", BY_ALL, other_log),
    _drill("rewrite", "改写历史并重签", "history is rewritten and signed anew", BY_KEY, rewrite),
    _drill("strip", "去掉联署", "the cosignatures are stripped", BY_KEY, strip_cosignatures),
    _drill("strip-mldsa", "只去掉抗量子联署", "the ML-DSA-44 lines are stripped", BY_FILES, strip_post_quantum),
    _drill("unknown-witness", "用自造密钥冒充联署", "made-up witness keys co-sign", BY_KEY, unknown_witnesses),
    _drill("carried-line", "挪用旧联署", "an older cosignature is carried over", BY_KEY, carried_cosignature),
    _drill("split-halves", "对两半部门出示两份历史", "two halves are shown two histories", BY_HALF, split_view),
    _drill("split-heads", "两份历史，树头对照", "two histories, and heads are compared", BY_ALL, split_proof),
    _drill("cut-with-head", "截去尾部，某部门外存树头", "the end is cut off; a head is outside", BY_ALL, cut_with_head),
    _drill(
        "cut-without-head",
        "截去尾部，外部没有树头",
        "the end is cut off, and nobody outside has a head",
        BY_ALL,
        cut_without_head,
        miss="较早的状态本身处处真实；只有保存在外的树头能显示其后还有记录",
        miss_en="an older state is genuine throughout: only a head held outside shows that there was more",
    ),
    _drill(
        "everybody",
        "全体串通改写历史",
        "everybody signs another past",
        BY_ALL,
        everybody,
        miss="所有密钥都在造假者手中；只有此前交到外部的树头能指出改写",
        miss_en="every key is the forgers': only a head given away before shows that it was another past",
    ),
    _drill("foreign-key", "未入名册的新密钥", "a key that no roster has signs", BY_ALL, foreign_key),
    _drill("other-name", "冒用他人名义", "one department signs in another's name", BY_FILES, in_anothers_name),
    _drill("clock-ahead", "时钟拨快一小时", "an event is dated an hour ahead", BY_ALL, wrong_hour),
    _drill("clock-back", "时钟拨慢一小时", "an event is dated an hour back", BY_ALL, backdated),
    _drill("never-seen", "引用不存在的检查点", "an event names a checkpoint that never was", BY_ALL, seen_never),
)
