"""A roster follows on another only as a majority signed it; and nothing of the old epoch counts under the new one."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import threshold
from crypto.errors import SealError, ShareError
from crypto.paillier import Encryptor
from crypto.sealing import open_box, seal
from federation.audit.events import Actor
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.audit.seal import read_cosigned
from federation.audit.witness import Witness
from federation.coordinator.sequencer import Sequencer
from federation.errors import KeyongError, NodeError, RefusedError, SettingsError, WitnessError
from federation.governance.epochs import (
    Change,
    Succession,
    check_change,
    check_last_seal,
    check_mandate,
    departments_after,
    follow,
    log_of,
    names_after,
    officers_changed,
    verify_succession,
    work_out,
)
from federation.governance.statements import Grant, SignRoster, read_statement, sign_statement
from federation.messages import Header, Share
from tests.support.rosters import (
    COMMON,
    DEPARTMENTS,
    IDENTITIES,
    NEW_KEY,
    NEXT,
    OFFICER_KEYS,
    OLD,
    OLD_KEY,
    change_to,
    checkpoint,
    mandate,
    next_roster,
    officer,
    officers,
    party,
    signs,
    succession,
)

replace = msgspec.structs.replace
CHANGE = change_to()
NEW = next_roster(CHANGE)
STATEMENTS = mandate(CHANGE, DEPARTMENTS)
MAJORITY = {name: STATEMENTS[name] for name in ("east", "north", "south")}


def refused(change: Change, statements: dict[str, str], new=NEW) -> KeyongError:
    with pytest.raises(RefusedError) as caught:
        verify_succession(OLD, change, statements, new)
    return caught.value


# --- what changes ---


def test_change_names_who_comes_who_goes_and_who_takes_new_keys():
    assert [one.name for one in CHANGE.joined] == ["hills"]
    assert CHANGE.left == ("west",)
    assert [one.name for one in CHANGE.rotated] == ["north"]
    assert departments_after(OLD, CHANGE) == ("east", "hills", "north", "south", "up")
    come, go = officers_changed(OLD, CHANGE)
    assert ([one.name for one in come], [one.name for one in go]) == (["officer@hills"], ["officer@west"])
    assert (CHANGE.epoch, CHANGE.log, CHANGE.previous) == (2, "keyong.test/epochs/2", OLD.hash)
    check_change(OLD, CHANGE)


def test_change_reads_back_from_its_bytes_with_the_same_hash():
    again = Change.from_bytes(CHANGE.to_bytes())
    assert (again, again.hash) == (CHANGE, CHANGE.hash)
    with pytest.raises(ValueError, match="canonical"):
        Change.from_bytes(CHANGE.to_bytes() + b" ")


def test_succession_reads_back_from_its_bytes():
    ending = succession(CHANGE)
    assert Succession.from_bytes(ending.to_bytes()) == ending
    with pytest.raises(ValueError, match="canonical"):
        Succession.from_bytes(ending.to_bytes() + b" ")


@pytest.mark.parametrize(
    ("departments", "rotate", "code"),
    [
        pytest.param(DEPARTMENTS, (), "settings.nothing_changes", id="nothing"),
        pytest.param(DEPARTMENTS, ("nobody",), "settings.rotate_unknown", id="a stranger's keys"),
        pytest.param(DEPARTMENTS[:4], ("west",), "settings.rotate_unknown", id="keys of one that leaves"),
        pytest.param((*DEPARTMENTS, "hills"), ("hills",), "settings.rotate_unknown", id="keys of one that joins"),
    ],
)
def test_settings_that_change_nothing_that_can_be_changed_are_refused(departments, rotate, code):
    with pytest.raises(SettingsError) as caught:
        change_to(departments, rotate)
    assert caught.value.code == code


def test_another_officer_alone_is_a_change():
    listed = officers(DEPARTMENTS)[1:]
    kept = {"departments": DEPARTMENTS, "analysts": ("analyst@city",), "threshold": 3, "grants": 1, "rotate": ()}
    change = work_out(OLD, officers=listed, draw=lambda name, role: party(NEXT[name]), **kept)
    assert [one.name for one in officers_changed(OLD, change)[1]] == ["auditor@city"]
    verify_succession(OLD, change, mandate(change), next_roster(change))


def test_analysts_come_and_go_with_an_epoch_as_departments_do():
    change = change_to(DEPARTMENTS, (), analysts=("analyst@west",))
    assert ([one.name for one in change.joined], change.left) == (["analyst@west"], ("analyst@city",))
    assert names_after(OLD, change, "analyst") == ("analyst@west",)
    assert departments_after(OLD, change) == DEPARTMENTS
    verify_succession(OLD, change, mandate(change), next_roster(change))


@pytest.mark.parametrize("analysts", [("analyst@city",), ("analyst@city", "analyst@west")])
def test_roster_without_the_analysts_that_were_agreed_to_is_refused(analysts):
    change, other = (change_to(DEPARTMENTS, ("up",), analysts=names) for names in (analysts, ("analyst@west",)))
    new = next_roster(change)
    assert refused(change, mandate(change), replace(new, parties=next_roster(other).parties)).code == "refused.change"


def test_number_of_officers_who_must_grant_changes_with_an_epoch():
    change = change_to(DEPARTMENTS, (), grants=2)
    verify_succession(OLD, change, mandate(change), next_roster(change))
    assert refused(change, mandate(change), next_roster(change, grants=1)).code == "refused.change"


def test_every_epoch_has_a_log_of_its_own():
    assert [log_of("a/b", epoch) for epoch in (1, 2, 3)] == ["a/b", "a/b/2", "a/b/3"]


# --- the good case ---


def test_roster_that_a_majority_signed_follows():
    verify_succession(OLD, CHANGE, MAJORITY, NEW)


def test_one_that_leaves_may_sign_and_counts():
    verify_succession(OLD, CHANGE, {name: STATEMENTS[name] for name in ("east", "up", "west")}, NEW)


def test_party_learns_where_the_log_before_ended():
    sealed, stated = follow(OLD, succession(CHANGE), NEW)
    assert (sealed.size, sealed.root) == (9, b"r" * 32)
    assert stated == {
        "change": CHANGE.hash,
        "previous_log": OLD.origin,
        "previous_root": (b"r" * 32).hex(),
        "previous_size": 9,
    }


@given(st.sets(st.sampled_from(DEPARTMENTS)))
@settings(deadline=None, max_examples=32)
def test_exactly_the_majorities_of_the_old_departments_suffice(departments):
    said = {name: STATEMENTS[name] for name in departments}
    if len(departments) >= 3:
        verify_succession(OLD, CHANGE, said, NEW)
    else:
        assert refused(CHANGE, said).code == "refused.mandate"


# --- who has said so ---


@pytest.mark.parametrize(
    ("third", "code"),
    [
        pytest.param(lambda: signs("south", CHANGE, roster=NEW), "refused.statement", id="under the next roster"),
        pytest.param(
            lambda: signs("south", CHANGE, roster=replace(OLD, epoch=7)), "refused.statement", id="under another roster"
        ),
        pytest.param(lambda: signs("south", CHANGE, log="keyong.test/x"), "refused.statement", id="for another log"),
        pytest.param(lambda: signs("south", change_to(rotate=())), "refused.change", id="for another change"),
        pytest.param(lambda: STATEMENTS["up"], "refused.officer", id="another department's officer"),
        pytest.param(lambda: signs("south", CHANGE, by="auditor@city"), "refused.officer", id="not a security officer"),
        pytest.param(lambda: signs("south", CHANGE, change="x" * 64), "refused.statement", id="for no hash at all"),
        pytest.param(lambda: STATEMENTS["south"].replace('"sig":"', '"sig":"AAAA', 1), "refused.statement", id="bytes"),
        pytest.param(lambda: _signs_roster("south"), "refused.change", id="a word on something else"),
    ],
)
def test_majority_with_one_word_that_does_not_hold_is_none(third, code):
    assert refused(CHANGE, {"east": STATEMENTS["east"], "north": STATEMENTS["north"], "south": third()}).code == code


def test_officer_of_one_that_joins_has_no_say_yet():
    said = {"east": STATEMENTS["east"], "north": STATEMENTS["north"], "hills": signs("hills", CHANGE)}
    assert refused(CHANGE, said).code == "refused.statement"


def test_officer_of_what_is_no_department_does_not_count():
    stranger = officer("officer@hills", "officer", OFFICER_KEYS["officer@hills"])
    old = replace(OLD, officers=(*OLD.officers, stranger))
    change = replace(CHANGE, previous=old.hash)
    check_mandate(old, change, {name: signs(name, change, roster=old) for name in ("east", "north", "south")})
    with pytest.raises(RefusedError) as caught:
        check_mandate(old, change, {name: signs(name, change, roster=old) for name in ("east", "north", "hills")})
    assert caught.value.code == "refused.change"


def _signs_roster(department: str) -> str:
    name = f"officer@{department}"
    common = {**COMMON, "log": OLD.origin, "roster": OLD.hash, "officer": name, "department": department}
    return sign_statement(SignRoster(**common), OFFICER_KEYS[name])


# --- changes that do not follow, though a majority signed them ---

HILLS, NORTH = party(NEXT["hills"]), party(NEXT["north"])
WESTERN = replace(party(NEXT["up"]), name="analyst@west", role="analyst")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"previous": "0" * 64}, id="of another roster"),
        pytest.param({"epoch": 3}, id="two epochs on"),
        pytest.param({"epoch": 1}, id="no epoch on"),
        pytest.param({"log": OLD.origin}, id="into the old log"),
        pytest.param({"log": "keyong.test/other/2"}, id="into a log elsewhere"),
        pytest.param({"joined": (replace(HILLS, name="east"),)}, id="joins and is there"),
        pytest.param({"joined": (replace(HILLS, name="officer@east"),)}, id="joins under an officer's name"),
        pytest.param({"joined": (replace(HILLS, role="analyst"),)}, id="joins as an analyst"),
        pytest.param({"joined": (HILLS, HILLS)}, id="joins twice"),
        pytest.param({"joined": (HILLS, replace(NORTH, name="alps"))}, id="not in order"),
        pytest.param({"joined": (replace(HILLS, signing=OLD.party("east").signing),)}, id="joins with another's key"),
        pytest.param({"joined": (replace(HILLS, signing=b""),)}, id="joins without a key"),
        pytest.param({"joined": (replace(HILLS, witness=b"w" * 32),)}, id="names a witness key"),
        pytest.param({"left": ("nobody",)}, id="leaves and is not there"),
        pytest.param({"left": ("coordinator",)}, id="the coordinator leaves"),
        pytest.param({"left": ("west", "west")}, id="leaves twice"),
        pytest.param({"rotated": (replace(NORTH, name="west"),)}, id="leaves with new keys"),
        pytest.param({"rotated": (replace(NORTH, name="nobody"),)}, id="new keys for nobody"),
        pytest.param({"rotated": (replace(NORTH, role="analyst"),)}, id="becomes an analyst"),
        pytest.param({"rotated": (replace(NORTH, signing=OLD.party("north").signing),)}, id="half of the keys are old"),
        pytest.param({"joined": (WESTERN, HILLS)}, id="an analyst of one that left"),
        pytest.param({"left": ("analyst@city", "officer@west", "west")}, id="an officer leaves as a party"),
        pytest.param({"officers": OLD.officers}, id="an officer of one that left"),
        pytest.param({"threshold": 1}, id="one share opens"),
        pytest.param({"threshold": 6}, id="more shares than departments"),
    ],
)
def test_change_that_does_not_follow_is_refused_whoever_signed_it(changes):
    change = replace(CHANGE, **changes)
    with pytest.raises(RefusedError) as caught:
        check_change(OLD, change)
    assert caught.value.code == "refused.change"
    assert refused(change, mandate(change)).details == caught.value.details


# --- rosters that are not the one that was signed ---


def swap(name: str, **changes: object):
    return {"parties": tuple(replace(one, **changes) if one.name == name else one for one in NEW.parties)}


OTHER = officer("officer@east", "officer", OFFICER_KEYS["officer@west"])
OLD_NORTH = OLD.party("north")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"previous": ""}, id="a first roster"),
        pytest.param({"previous": "0" * 64}, id="on another roster"),
        pytest.param({"epoch": 3}, id="of another epoch"),
        pytest.param({"origin": OLD.origin}, id="of the old log"),
        pytest.param({"parties": NEW.parties[:-1]}, id="somebody is missing"),
        pytest.param({"parties": (*NEW.parties, OLD.party("west"))}, id="one that left is there"),
        pytest.param({"parties": (*NEW.parties, party(IDENTITIES["west"]))}, id="somebody came unannounced"),
        pytest.param(swap("north", signing=OLD_NORTH.signing, box=OLD_NORTH.box), id="the old key instead of the new"),
        pytest.param(swap("north", signing=b"x" * 32), id="not the announced new key"),
        pytest.param(swap("hills", box=b"x" * 32), id="not the announced key of one that joins"),
        pytest.param(swap("east", signing=b"x" * 32), id="a key was swapped"),
        pytest.param(swap("coordinator", signing=b"x" * 32), id="the log's key was swapped"),
        pytest.param(swap("east", role="analyst"), id="a role was swapped"),
        pytest.param(swap("east", witness=OLD.party("east").witness), id="the old witness key"),
        pytest.param(swap("east", witness_mldsa=OLD.party("east").witness_mldsa), id="half of the old witness key"),
        pytest.param(swap("east", witness=b""), id="no witness key"),
        pytest.param({"officers": (*NEW.officers[:1], OTHER, *NEW.officers[2:])}, id="an officer's key was swapped"),
        pytest.param({"officers": NEW.officers[1:]}, id="an officer is missing"),
        pytest.param({"officers": OLD.officers}, id="the old officers"),
        pytest.param({"threshold": 2}, id="fewer shares open"),
        pytest.param({"holders": NEW.holders[1:]}, id="somebody holds no share"),
        pytest.param({"holders": (*NEW.holders[1:], "west")}, id="one that left holds a share"),
        pytest.param({"public_key": OLD.public_key}, id="the old joint key"),
    ],
)
def test_roster_that_is_not_the_one_that_was_signed_is_refused(changes):
    assert refused(CHANGE, MAJORITY, replace(NEW, **changes)).code == "refused.change"


# --- where the old log ended ---


@pytest.mark.parametrize("by", [("east", "north", "south"), ("east", "north", "south", "up")])
def test_old_log_is_sealed_by_a_quorum_of_those_that_stay(by):
    assert check_last_seal(OLD, CHANGE, checkpoint(by=by)).size == 9


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(lambda: checkpoint(by=("east", "north")), id="too few"),
        pytest.param(lambda: checkpoint(by=("east", "north", "west")), id="one of them leaves"),
        pytest.param(lambda: checkpoint().replace("\n9\n", "\n8\n"), id="altered"),
        pytest.param(lambda: "", id="nothing"),
    ],
)
def test_unsealed_end_of_the_old_log_is_refused(note):
    with pytest.raises(RefusedError):
        follow(OLD, succession(CHANGE, checkpoint=note()), NEW)


# --- nothing of the old epoch counts in the new one ---


def test_old_envelope_is_refused():
    header = Header(
        origin=OLD.origin,
        job="q-1",
        attempt=1,
        plan="p",
        roster=OLD.hash,
        epoch=OLD.epoch,
        sender="east",
        recipient="coordinator",
        number="n",
        reply_to="m",
    )
    answer = IDENTITIES["east"].sign(header, Share(round="counts", box=b"partial decryption"))
    OLD.open(answer)
    with pytest.raises(NodeError) as caught:
        NEW.open(answer)
    assert caught.value.code == "node.other_roster"
    # Nor with any two of the three that bind it changed, by the sender itself.
    for field in ("origin", "roster", "epoch"):
        fields = {"origin": NEW.origin, "roster": NEW.hash, "epoch": NEW.epoch, field: getattr(header, field)}
        with pytest.raises(NodeError):
            NEW.open(IDENTITIES["east"].sign(replace(header, **fields), Share(round="counts", box=b"")))


def test_envelope_under_keys_that_were_rotated_away_is_refused():
    header = Header(
        origin=NEW.origin,
        job="",
        attempt=0,
        plan="",
        roster=NEW.hash,
        epoch=NEW.epoch,
        sender="north",
        recipient="coordinator",
        number="n",
        reply_to="",
    )
    NEW.open(NEXT["north"].sign(header, Share(round="counts", box=b"")))
    with pytest.raises(NodeError) as caught:
        NEW.open(IDENTITIES["north"].sign(header, Share(round="counts", box=b"")))
    assert caught.value.code == "node.foreign"


def test_old_share_fits_neither_with_new_ones_nor_alone():
    old = threshold.deal(OLD_KEY, holders=5, threshold=3)
    new = threshold.deal(NEW_KEY, holders=5, threshold=3)
    public = NEW_KEY.public
    (ciphertext,) = Encryptor(public).encrypt_vector([1234])

    def opened(shares):
        parts = {share.index: threshold.partial_decrypt(public, share, [ciphertext]) for share in shares}
        return threshold.combine(public, parts, holders=5, threshold=3)

    assert opened(new[:3]) == [1234]
    for shares in ([old[0], *new[1:3]], [*old[:2], new[2]], old[:3]):
        with pytest.raises(ShareError):
            opened(shares)


def test_old_dealt_box_does_not_open_for_the_new_log():
    who = IDENTITIES["east"]
    box = seal(who.box.public, b"share", context=b"key share\n" + OLD.origin.encode())
    with pytest.raises(SealError):
        open_box(who.box, box, context=b"key share\n" + NEW.origin.encode())


def test_old_approval_is_refused():
    grant = Grant(
        **COMMON,
        log=OLD.origin,
        roster=OLD.hash,
        officer="officer@east",
        department="east",
        request="q-1",
        plan="p",
        requester="analyst@city",
        purpose="",
        expires="2027-01-01T00:00:00Z",
    )
    signed = sign_statement(grant, OFFICER_KEYS["officer@east"])
    read_statement(signed, OLD, department="east")
    with pytest.raises(RefusedError) as caught:
        read_statement(signed, NEW, department="east")
    assert caught.value.code == "refused.statement"


def test_old_checkpoint_is_refused():
    assert read_cosigned(checkpoint(), OLD).size == 9
    with pytest.raises(RefusedError) as caught:
        read_cosigned(checkpoint(), NEW)
    assert caught.value.code == "refused.seal"


def clock() -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC)


def written(folder, name: str, origin: str) -> Journal:
    folder.mkdir(exist_ok=True)
    journal = Journal(folder / "journal.db", origin=origin, node=name, key=IDENTITIES[name].signing, clock=clock)
    actor = Actor(name=name, role="coordinator" if name == "coordinator" else "node")
    journal.write([Draft(type="start", actor=actor, data={"session": 1})])
    return journal


def test_old_entry_enters_neither_the_new_log_nor_a_mirror_of_it(tmp_path):
    (old_entry,) = written(tmp_path / "old", "east", OLD.origin).entries()
    log = Log(tmp_path / "log.db", origin=NEW.origin, key=IDENTITIES["coordinator"].signing)
    sequencer = Sequencer(log, written(tmp_path / "coordinator", "coordinator", NEW.origin), NEW)
    with pytest.raises(NodeError) as caught:
        sequencer.accept("east", [old_entry])
    assert caught.value.code == "node.bad_event"
    # A coordinator that takes it in all the same finds no witness.
    note = log.append([old_entry])
    witness = Witness.create(
        tmp_path / "witness.db",
        origin=NEW.origin,
        party="up",
        clock=clock,
        journal=written(tmp_path / "up", "up", NEW.origin),
        parties=NEW.signers,
    )
    for refused_note, code in ((note, "witness.entry"), (checkpoint(), "witness.log_signature")):
        with pytest.raises(WitnessError) as stopped:
            witness.cosign(refused_note, IDENTITIES["coordinator"].signing.public, 0, [old_entry])
        assert stopped.value.code == code


def test_cosignature_by_an_old_witness_key_is_not_there_in_the_new_log():
    assert set(read_cosigned(checkpoint(by=("east", "north")), OLD).times) == {"east", "north"}
    assert read_cosigned(checkpoint(by=("east", "north"), roster=NEW), NEW).times == {}
