"""Attacks on a bundle: what was done to an honest record, and the place that every verifier must name.

Each attack takes a federation with two finished jobs and returns what its forger would write, the place, and words of
the reason. Manifests are always mended: whoever can change entries can do that too.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from crypto.notes import append_lines, cosign
from crypto.signing import HybridKey, SigningKey
from federation.audit.bundle import BundleContents
from tests.support.bundles import ANALYST, DEPUTY, EVENT_TYPE, ORIGIN, City, canonical, resealed, sha


class Attack(NamedTuple):
    """Attributes:
    heads: what the evaluator was given by departments.
    """

    contents: BundleContents
    where: str
    reason: str
    heads: tuple[str, ...] = ()


Maker = Callable[[City], Attack]
ATTACKS: dict[str, Maker] = {}


def attack(maker: Maker) -> Maker:
    ATTACKS[maker.__name__] = maker
    return maker


def honest() -> City:
    """The same city for every test of a process, and a copy of its own for each."""
    return copy.deepcopy(_honest())


@cache
def _honest() -> City:
    return City().start().run("job-0").run("job-1")


def sealed(city: City, index: int, reason: str) -> Attack:
    """The wrong thing stands in an entry that all departments co-signed."""
    if len(city.entries) > city.checkpoints[-1][0]:
        city.seal()
    return Attack(city.contents(), f"entry {index}", reason)


def changed(city: City, index: int, **fields) -> bytes:
    return canonical({**city.event_at(index), **fields})


# --- the log ----------------------------------------------------------------------------------------------------------


@attack
def bit_flipped_in_an_entry(city: City) -> Attack:
    entries = list(city.entries)
    entries[40] = entries[40][:100] + bytes([entries[40][100] ^ 1]) + entries[40][101:]
    contents = dataclasses.replace(city.contents(), entries=tuple(entries))
    return Attack(contents, f"checkpoint {city.next_checkpoint(40)}", "entry 40: ")


@attack
def entry_removed_and_the_log_signed_anew(city: City) -> Attack:
    return Attack(resealed(city, city.entries[:40] + city.entries[41:], []), "checkpoint 124", "0 of 4 cosignatures")


@attack
def entry_removed_and_all_co_sign(city: City) -> Attack:
    index = city.find("commit", "hukou")  # the next one is hukou's too
    entries = city.entries[:index] + city.entries[index + 1 :]
    return Attack(resealed(city, entries), f"entry {index}", "the chain of hukou")


@attack
def entries_swapped(city: City) -> Attack:
    index = city.find("commit", "hukou")
    entries = [*city.entries[:index], city.entries[index + 1], city.entries[index], *city.entries[index + 2 :]]
    return Attack(resealed(city, entries), f"entry {index}", "the chain of hukou")


@attack
def stranger_inserted(city: City) -> Attack:
    event = {**city.event_at(40), "node": "mallory", "seq": 0, "prev": "0" * 64}
    entry = city.sign(event, SigningKey.generate())
    return Attack(resealed(city, [*city.entries[:50], entry, *city.entries[50:]]), "entry 50", "no key for mallory")


@attack
def entry_replayed(city: City) -> Attack:
    entries = [*city.entries[:50], city.entries[12], *city.entries[50:]]
    return Attack(resealed(city, entries), "entry 50", f"the chain of {city.event_at(12)['node']}")


@attack
def tail_cut_off(city: City) -> Attack:
    size = city.checkpoints[2][0]
    contents = dataclasses.replace(
        city.contents(),
        entries=tuple(city.entries[:size]),
        checkpoints=tuple(city.checkpoints[:3]),
        heads={},
        jobs={},
    )
    head = city.note(125, city.root(), ["tax"])
    return Attack(contents, "head of tax", f"TRUNCATED: it covers 125 entries, the bundle ends at {size}", (head,))


@attack
def coordinator_rewrites_and_signs_anew(city: City) -> Attack:
    event = city.event_at(40)
    entry = city.sign({**event, "job": "other"}, city.keys["coordinator"])
    contents = resealed(city, [*city.entries[:40], entry, *city.entries[41:]], [])
    return Attack(contents, "checkpoint 125", "0 of 4 cosignatures")


@attack
def cosignatures_stripped(city: City) -> Attack:
    size, note = city.checkpoints[1]
    text, _, lines = note.rpartition("\n\n")
    bare = f"{text}\n\n{lines.splitlines(keepends=True)[0]}"
    checkpoints = [(at, bare if at == size else other) for at, other in city.checkpoints]
    contents = dataclasses.replace(city.contents(), checkpoints=tuple(checkpoints))
    return Attack(contents, f"checkpoint {size}", "0 of 4 cosignatures")


@attack
def cosigned_by_unknown_keys(city: City) -> Attack:
    text, note = city.checkpoints[-1][1].rpartition("\n\n")[0] + "\n", city.note(125, city.root(), [])
    lines = [cosign(HybridKey.generate(), f"{ORIGIN}/{name}", text, time_s=int(city.now)) for name in city.departments]
    forged = append_lines(note, [line for pair in lines for line in pair])
    contents = dataclasses.replace(city.contents(), checkpoints=((125, forged),))
    return Attack(contents, "checkpoint 125", "0 of 4 cosignatures")


@attack
def quorum_short_by_one(city: City) -> Attack:
    return Attack(resealed(city, city.entries, ["tax", "hukou"]), "checkpoint 125", "2 of 4 cosignatures")


@attack
def head_of_another_history(city: City) -> Attack:
    entries = list(city.entries)
    entries[-1] = entries[0]
    other = resealed(city, entries).checkpoints[0][1]
    return Attack(city.contents(), "head of housing", "two histories", (other,))


@attack
def head_of_an_unknown_department(city: City) -> Attack:
    text = city.checkpoints[-1][1].rpartition("\n\n")[0] + "\n"
    line, _ = cosign(HybridKey.generate(), f"{ORIGIN}/zezhou", text, time_s=int(city.now))
    head = append_lines(city.note(125, city.root(), []), [line])
    contents = dataclasses.replace(city.contents(), heads={"zezhou": head})
    return Attack(contents, "head of zezhou", "no department of your policy")


@attack
def entry_forged_in_a_departments_name(city: City) -> Attack:
    seq, prev = city.chains["tax"]
    index = city.raw("tax", changed(city, city.find("commit", "tax"), seq=seq, prev=prev), key=SigningKey.generate())
    return sealed(city, index, "not signed by tax")


@attack
def entry_of_another_log(city: City) -> Attack:
    seq, prev = city.chains["tax"]
    index = city.raw("tax", changed(city, 0, log="keyong.test/other", node="tax", seq=seq, prev=prev))
    return sealed(city, index, "another log")


@attack
def checkpoint_seen_that_never_was(city: City) -> Attack:
    city.seen["tax"] = (20, "ab" * 32)
    return sealed(city, city.event("tax", "incident", code="node.late"), "a checkpoint that this log never had")


@attack
def time_ahead(city: City) -> Attack:
    now, city.now = city.now, city.now + 600
    index = city.event("tax", "incident", code="node.late")
    city.now = now
    return sealed(city, index, "not within 120 s")


@attack
def time_back(city: City) -> Attack:
    city.now += 600
    city.event("hukou", "incident", code="node.late")
    city.seal()
    city.now -= 600
    index = city.event("tax", "incident", code="node.late")
    city.now += 600
    return sealed(city, index, "not within 120 s")


@attack
def checkpoint_signed_by_another_log_key(city: City) -> Attack:
    city.keys["coordinator"], real = SigningKey.generate(), city.keys["coordinator"]
    note = city.note(125, city.root())
    city.keys["coordinator"] = real
    contents = dataclasses.replace(city.contents(), checkpoints=((125, note),))
    return Attack(contents, "checkpoint 125", "the log's key of your policy did not sign it")


# --- who approved -----------------------------------------------------------------------------------------------------


@attack
def approval_missing(city: City) -> Attack:
    plan = city.request("job-2")
    for name in city.departments[1:]:
        city.grant(name, "job-2", plan)
    return sealed(
        city, city.begin("job-2", plan), "3 of 4 departments that take part had approved job job-2: no approval"
    )


@attack
def approval_denied(city: City) -> Attack:
    plan = city.request("job-2")
    for name in city.departments[1:]:
        city.grant(name, "job-2", plan)
    city.say("deny", "tax", "job-2", plan)
    return sealed(city, city.begin("job-2", plan), "3 of 4 departments that take part had approved job job-2: denied")


@attack
def approval_expired(city: City) -> Attack:
    plan = city.request("job-2")
    for name in city.departments:
        city.grant(name, "job-2", plan, expires_s=10 if name == "tax" else 3600)
    city.now += 11
    return sealed(city, city.begin("job-2", plan), "job-2: expired")


@attack
def approval_expired_in_the_middle(city: City) -> Attack:
    plan = city.request("job-2")
    for name in city.departments:
        city.grant(name, "job-2", plan, expires_s=10 if name == "tax" else 3600)
    city.begin("job-2", plan)
    city.now += 11
    return sealed(city, city.event("tax", "job.join", "job-2", plan=plan), "tax worked on job job-2: expired")


@attack
def approval_for_another_plan(city: City) -> Attack:
    plan = city.request("job-2")
    for name in city.departments:
        city.grant(name, "job-2", sha("another plan") if name == "tax" else plan)
    return sealed(city, city.begin("job-2", plan), "approved for another plan")


@attack
def approval_used_twice(city: City) -> Attack:
    return sealed(city, city.begin("job-1", sha("job-1plan")), "job job-1 ran twice on one approval")


@attack
def approval_revoked_before_a_step(city: City) -> Attack:
    plan = city.request("job-2")
    for name in city.departments:
        city.grant(name, "job-2", plan)
    city.begin("job-2", plan)
    city.event("tax", "job.join", "job-2", plan=plan)
    city.say("revoke", "tax", "job-2", plan)
    index = city.event("tax", "commit", "job-2", round="counts", digest=sha("d"), ciphertexts=1)
    return sealed(city, index, "tax worked on job job-2: revoked")


@attack
def approval_by_an_officer_of_another_department(city: City) -> Attack:
    plan = city.request("job-2")
    return sealed(city, city.grant("tax", "job-2", plan, officer="officer@hukou"), "no officer of tax")


@attack
def approval_without_statement(city: City) -> Attack:
    plan = city.request("job-2")
    index = city.event("tax", "approval.grant", "job-2", actor=("officer@tax", "officer"), plan=plan, requester=ANALYST)
    return sealed(city, index, "no officer's statement")


@attack
def statement_signed_by_another_key(city: City) -> Attack:
    plan = city.request("job-2")
    city.officers["officer@tax"], real = HybridKey.generate(), city.officers["officer@tax"]
    index = city.grant("tax", "job-2", plan)
    city.officers["officer@tax"] = real
    return sealed(city, index, "the statement is not officer@tax's")


@attack
def statement_of_another_job(city: City) -> Attack:
    plan = city.request("job-2")
    old = city.event_at(city.find("approval.grant", "tax"))["data"]["statement"]
    return sealed(city, city.grant("tax", "job-2", plan, statement=old), "does not say what the event says: request")


@attack
def statement_used_again(city: City) -> Attack:
    first = city.find("approval.grant", "tax", "job-1")
    old = city.event_at(first)["data"]["statement"]
    index = city.grant("tax", "job-1", sha("job-1plan"), statement=old)
    return sealed(city, index, f"used before, in entry {first}")


@attack
def approval_given_a_second_time(city: City) -> Attack:
    """One officer is enough here; a second one's grant could outlive the first one's."""
    plan = city.request("job-2")
    city.grant("tax", "job-2", plan)
    return sealed(city, city.grant("tax", "job-2", plan, officer=DEPUTY), "tax has said its word on job job-2 before")


@attack
def approval_after_a_denial(city: City) -> Attack:
    plan = city.request("job-2")
    city.say("deny", "tax", "job-2", plan)
    return sealed(city, city.grant("tax", "job-2", plan), "tax has said its word on job job-2 before")


@attack
def roster_that_asks_for_no_officer(city: City) -> Attack:
    roster = city.roster.replace(b'"epoch":1', b'"epoch":1,"grants":0')
    contents = dataclasses.replace(city.contents(), roster=roster)
    return Attack(contents, "file data/roster.json", "not a roster of this log")


@attack
def roster_that_asks_for_an_officer_in_words(city: City) -> Attack:
    roster = city.roster.replace(b'"epoch":1', b'"epoch":1,"grants":true')
    contents = dataclasses.replace(city.contents(), roster=roster)
    return Attack(contents, "file data/roster.json", "not a roster of this log")


@attack
def one_person_in_two_roles(city: City) -> Attack:
    roster = city.roster.replace(b"person of officer@hukou", b"person of officer@tax")
    contents = dataclasses.replace(city.contents(), roster=roster)
    return Attack(contents, "file data/roster.json", "one key or one name stands for two")


@attack
def roster_exchanged(city: City) -> Attack:
    roster = city.roster.replace(b'"epoch":1', b'"epoch":2')
    contents = dataclasses.replace(city.contents(), roster=roster)
    return Attack(contents, "file data/roster.json", "enrolled under, entry 0")


@attack
def roster_with_another_key(city: City) -> Attack:
    key, other = (base64.b64encode(key) for key in (city.keys["tax"].public, SigningKey.generate().public))
    contents = dataclasses.replace(city.contents(), roster=city.roster.replace(key, other))
    return Attack(contents, "file data/roster.json", "its key for tax is not the one in your signers")


@attack
def job_begun_by_a_department(city: City) -> Attack:
    plan = city.request("job-2")
    for name in city.departments:
        city.grant(name, "job-2", plan)
    index = city.event("tax", "job.start", "job-2", plan=plan, requester=ANALYST, contributors=4, participants="")
    return sealed(city, index, "its actor may not do this")


@attack
def approval_by_an_auditor(city: City) -> Attack:
    statement = city.event_at(city.find("approval.grant", "tax"))["data"]["statement"]
    actor, plan = ("officer@tax", "auditor"), sha("job-0plan")
    index = city.event("tax", "approval.grant", "job-0", actor=actor, plan=plan, statement=statement)
    return sealed(city, index, "its actor may not do this")


@attack
def ciphertexts_before_all_committed(city: City) -> Attack:
    plan = city.request("job-2")
    for name in city.departments:
        city.grant(name, "job-2", plan)
    city.begin("job-2", plan)
    city.event("tax", "job.join", "job-2", plan=plan)
    city.event("tax", "commit", "job-2", round="counts", digest=sha("d"), ciphertexts=1)
    return sealed(city, city.egress("tax", "ciphertext", "job-2"), "before all 4 had committed")


@attack
def worked_without_joining(city: City) -> Attack:
    plan = city.request("job-2")
    for name in city.departments:
        city.grant(name, "job-2", plan)
    city.begin("job-2", plan)
    index = city.event("tax", "commit", "job-2", round="counts", digest=sha("d"), ciphertexts=1)
    return sealed(city, index, "tax worked on job job-2 without having joined it")


@attack
def opened_twice(city: City) -> Attack:
    again = dict(round="counts", reader=ANALYST, product=sha("product"))
    return sealed(city, city.event("tax", "open", "job-1", **again), "tax did the same step of job job-1 twice")


@attack
def sent_without_a_job(city: City) -> Attack:
    return sealed(city, city.egress("tax", "ciphertext", "job-9"), "before it began")


# --- what left --------------------------------------------------------------------------------------------------------


def receipt(city: City, party: str, frames: int, size: int, names: str) -> int:
    data = dict(party=party, session=city.session[party], frames=frames, bytes=size, messages=sha(names))
    return city.event("coordinator", "receipt", **data)


@attack
def receipt_of_more_bytes(city: City) -> Attack:
    city.egress("tax", "record", size=100)
    index = receipt(city, "tax", 1, 101, city.unreceipted["tax"][0][0] + "\n")
    attempt = sealed(city, index, f"receipt in entry {index}: 101 received, 100 recorded")
    return attempt._replace(where="ledger of tax, session 1")


@attack
def receipt_of_another_message(city: City) -> Attack:
    city.egress("tax", "record", size=100)
    index = receipt(city, "tax", 1, 100, "another\n")
    return sealed(city, index, "other messages were received")._replace(where="ledger of tax, session 1")


@attack
def bytes_left_that_no_entry_records(city: City) -> Attack:
    city.wire["tax", 1] += 1
    city.restart("tax")
    attempt = sealed(city, 0, "bytes are recorded and")
    return attempt._replace(where="ledger of tax, session 1")


@attack
def ledger_of_more_than_was_sent(city: City) -> Attack:
    city.wire["hukou", 1] -= 1
    return sealed(city, 0, "bytes are recorded and")._replace(where="ledger of hukou, session 1")


@attack
def egress_without_its_size(city: City) -> Attack:
    again = {"class": "record", "to": "coordinator", "message": "1", "payload": "synced"}
    return sealed(city, city.event("tax", "egress", **again), "it does not state bytes as it must")


# --- hostile entries --------------------------------------------------------------------------------------------------


def hostile(name: str, payload: Callable[[City], bytes]) -> None:
    def make(city: City) -> Attack:
        return sealed(city, city.raw("tax", payload(city)), "not an event in canonical form")

    ATTACKS[name] = make


hostile("entry_of_deep_json", lambda city: b"[" * 20_000)
hostile("entry_with_a_key_twice", lambda city: changed(city, 12).replace(b'"v":1}', b'"v":1,"v":1}'))
hostile("entry_not_canonical", lambda city: changed(city, 12).replace(b'"v":1}', b'"v": 1}'))
hostile("entry_with_nan", lambda city: changed(city, 12).replace(b'"v":1}', b'"v":NaN}'))
hostile("entry_with_a_float", lambda city: changed(city, 12).replace(b'"v":1}', b'"v":1.0}'))
hostile("entry_with_a_gigantic_number", lambda city: changed(city, 12, seq=10**40))
hostile("entry_without_a_field", lambda city: canonical({"v": 1}))
hostile("entry_that_is_no_text", lambda city: b"\xff\xfe")


@attack
def envelope_of_another_type(city: City) -> Attack:
    entry = city.entries[12].replace(EVENT_TYPE.encode(), b"application/vnd.keyong.other+json")
    return Attack(resealed(city, [*city.entries, entry]), "entry 125", "not an event in canonical form")


@attack
def envelope_with_a_space(city: City) -> Attack:
    payload = base64.b64encode(b"{}").decode()
    entry = f'{{"payload": "{payload}","payloadType":"{EVENT_TYPE}","signatures":[]}}'.encode()
    return Attack(resealed(city, [*city.entries, entry]), "entry 125", "not an event in canonical form")


# --- honest records that are not quite the usual one: accepted, with what the verifier has to say of them

VARIATIONS: dict[str, tuple[Callable[[City], BundleContents], str]] = {}


def variation(says: str) -> Callable[[Callable[[City], BundleContents]], Callable[[City], BundleContents]]:
    def keep(maker: Callable[[City], BundleContents]) -> Callable[[City], BundleContents]:
        VARIATIONS[maker.__name__] = maker, says
        return maker

    return keep


def wired(city: City, **ended: int) -> BundleContents:
    """Counts with some sessions ended after fewer bytes."""
    counts = [
        {"party": p, "session": n, "sent": sent - ended.get(p, 0), "received": 0, "ended": p in ended}
        for (p, n), sent in city.wire.items()
    ]
    return dataclasses.replace(city.contents(), wire=json.dumps(counts).encode())


@variation("4 approvals were automatic, by rule and by no person")
def approved_by_rule(city: City) -> BundleContents:
    plan = city.request("job-2")
    for name in city.departments:
        city.event(name, "approval.grant", "job-2", actor=(name, "automatic"), plan=plan, requester=ANALYST, max_runs=1)
    city.begin("job-2", plan)
    city.compute("job-2", plan)
    city.end("job-2", plan)
    city.seal()
    return city.contents()


@variation("4 approvals were automatic, by rule and by no person")
def approved_by_rule_where_a_shelf_is_kept(city: City) -> BundleContents:
    city.shelf = "syft-job 0.1.40"
    for name in city.departments:
        city.restart(name)
    return approved_by_rule(city)


@variation("1 entries were delivered late")
def department_away_for_an_hour(city: City) -> BundleContents:
    written, city.now = city.now, city.now + 3600
    city.event("hukou", "incident", code="node.gone")
    city.seal(["hukou", "social", "housing"])
    back, city.now = city.now, written
    city.event("tax", "incident", code="node.late")
    city.now = back
    city.restart("tax")
    city.seal()
    return city.contents()


@variation("1 recorded but never sent")
def department_killed_while_sending(city: City) -> BundleContents:
    city.egress("tax", "record", size=300)
    city.unreceipted["tax"].clear()
    city.seal()
    return wired(city, tax=200)


@variation("tax, at the end of the record: 300 bytes not yet in the ledger, 0 frames without receipt")
def last_frame_not_yet_in_the_log(city: City) -> BundleContents:
    city.wire["tax", 1] += 300
    receipt(city, "tax", 1, 300, "name\n")
    city.seal()
    return city.contents()


@variation("tax, at the end of the record: 0 bytes not yet in the ledger, 1 frames without receipt")
def last_frame_without_receipt(city: City) -> BundleContents:
    city.egress("tax", "record")
    city.seal()
    return city.contents()


@variation("")
def officers_say_no_and_speak_of_members(city: City) -> BundleContents:
    plan = city.request("job-2")
    city.say("deny", "tax", "job-2", plan)
    city.grant("hukou", "job-2", plan)
    city.say("revoke", "hukou", "job-2", plan)
    for name in city.departments:
        statement = city.statement("sign-roster", name)
        city.event(name, "member.sign", actor=(f"officer@{name}", "officer"), statement=statement)
    for kind in ("suspend", "resume"):
        statement = city.statement(kind, "tax", party="hukou", reason=sha("gone"))
        city.event("tax", f"member.{kind}", actor=("officer@tax", "officer"), party="hukou", statement=statement)
    city.seal(city.departments[1:])
    return city.contents()


@variation("")
def restarted_departments(city: City) -> BundleContents:
    for name in city.departments:
        city.restart(name)
    city.run("job-2")
    return city.contents()
