"""Masks cancel in the sum, and nowhere else."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.encoding import FixedPoint
from crypto.errors import MaskError, ShareError, SlotOverflowError, TamperedPlaintextError
from crypto.masking import MaskKey, Words, expand, from_words, mask, to_words, unmask
from crypto.shamir import join, split

CONTEXT = b"job 7, round 3, model 4f"


def words(*values: int) -> Words:
    return np.array(values, dtype=np.uint64)


def fresh_seed() -> bytes:
    return secrets.token_bytes(32)


def added(vectors) -> Words:
    return np.sum(list(vectors), axis=0, dtype=np.uint64)


@dataclass(frozen=True)
class Party:
    name: str
    key: MaskKey = field(default_factory=MaskKey.generate)
    seed: bytes = field(default_factory=fresh_seed)

    def masked(self, values: Words, cohort: "Cohort", context: bytes = CONTEXT) -> Words:
        peers = {name: public for name, public in cohort.keys.items() if name != self.name}
        return mask(values, name=self.name, key=self.key, own_seed=self.seed, peers=peers, context=context)


class Cohort:
    def __init__(self, *names: str) -> None:
        self.parties = {name: Party(name) for name in names}
        self.keys = {name: party.key.public for name, party in self.parties.items()}

    def __getitem__(self, name: str) -> Party:
        return self.parties[name]

    def unmask(self, total: Words, *dropped: str, context: bytes = CONTEXT) -> Words:
        return unmask(
            total,
            own_seeds={name: party.seed for name, party in self.parties.items() if name not in dropped},
            dropped={name: self[name].key.to_bytes() for name in dropped},
            keys=self.keys,
            context=context,
        )


# --- The primitives, against their standards -------------------------------------------------------------------------

# RFC 7748, section 6.1.
ALICE = MaskKey.from_bytes(bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
BOB = MaskKey.from_bytes(bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
AGREED = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")


def hkdf(secret: bytes, info: bytes, length: int, salt: bytes = b"") -> bytes:
    """RFC 5869 with SHA-256: a second opinion."""
    extracted = hmac.digest(salt, secret, hashlib.sha256)
    output = block = b""
    while len(output) < length:
        block = hmac.digest(extracted, block + info + bytes([len(output) // 32 + 1]), hashlib.sha256)
        output += block
    return output[:length]


def chacha20_block(key: bytes, counter: int, nonce: bytes = bytes(12)) -> bytes:
    """RFC 8439, section 2.3: a second opinion."""
    material = b"expand 32-byte k" + key + counter.to_bytes(4, "little") + nonce
    start = np.frombuffer(material, dtype="<u4").astype(np.uint32)
    state = start.copy()
    columns = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    diagonals = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for a, b, c, d in (columns + diagonals) * 10:
        for left, right, turned, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[left : left + 1] += state[right : right + 1]
            mixed = int(state[turned] ^ state[left])
            state[turned] = (mixed << bits | mixed >> (32 - bits)) & 0xFFFFFFFF
    return (state + start).astype("<u4").tobytes()


def test_rfc_7748_keys_agree_on_the_published_secret():
    assert ALICE.public.hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert BOB.public.hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    assert ALICE.agree(BOB.public) == BOB.agree(ALICE.public) == AGREED


def test_the_second_opinion_gives_the_vectors_of_rfc_5869():
    # Appendix A.1 and A.3, the latter without salt and info.
    info = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")
    assert hkdf(b"\x0b" * 22, info, 42, salt=bytes(range(13))).hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    assert hkdf(b"\x0b" * 22, b"", 42).hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


def test_the_second_opinion_gives_the_vector_of_rfc_8439():
    # Section 2.3.2.
    assert chacha20_block(bytes(range(32)), 1, bytes.fromhex("000000090000004a00000000")).hex() == (
        "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
    )


@pytest.mark.parametrize("length", [0, 1, 8, 9, 300])
def test_a_seed_is_stretched_as_the_standards_say(length):
    key = hkdf(bytes(range(32)), b"pad", 32)
    stream = b"".join(chacha20_block(key, counter) for counter in range(length // 8 + 1))
    assert expand(bytes(range(32)), b"pad", length).tolist() == np.frombuffer(stream, dtype="<u8")[:length].tolist()


def test_a_masked_vector_is_the_one_of_the_formula():
    """What a second implementation must give: the framing of every info, and who adds and who subtracts."""

    def framed(*fields: bytes) -> bytes:
        return b"".join(len(item).to_bytes(4, "big") + item for item in fields)

    pair = framed(b"keyong masks 1 pair", b"alice", ALICE.public, b"bob", BOB.public, CONTEXT)
    for name, key, peer, other, sign in (("alice", ALICE, "bob", BOB, 1), ("bob", BOB, "alice", ALICE, -1)):
        own = framed(b"keyong masks 1 own", name.encode(), CONTEXT)
        pads = zip(expand(bytes(32), own, 3).tolist(), expand(AGREED, pair, 3).tolist(), strict=True)
        expected = [(5 + own_pad + sign * pair_pad) % 2**64 for own_pad, pair_pad in pads]
        peers = {peer: other.public}
        masked = mask(words(5, 5, 5), name=name, key=key, own_seed=bytes(32), peers=peers, context=CONTEXT)
        assert masked.tolist() == expected


# --- The sum ---------------------------------------------------------------------------------------------------------


def test_masks_of_three_cancel_when_one_drops_out():
    cohort = Cohort("chengqu", "gaoping", "zezhou")
    vectors = {"chengqu": words(1, 2**64 - 1), "gaoping": words(100, 1)}
    total = added(cohort[name].masked(vector, cohort) for name, vector in vectors.items())
    assert cohort.unmask(total, "zezhou").tolist() == [101, 0]


@given(data=st.data())
def test_masks_of_any_survivors_cancel(data):
    names = data.draw(st.lists(st.text(max_size=5), min_size=2, max_size=6, unique=True))
    dropped = data.draw(st.sets(st.sampled_from(names), max_size=len(names) - 1))
    length = data.draw(st.integers(0, 20))
    word = st.integers(0, 2**64 - 1)
    cohort = Cohort(*names)
    vectors = {
        name: data.draw(st.lists(word, min_size=length, max_size=length)) for name in names if name not in dropped
    }
    total = added(cohort[name].masked(words(*vector), cohort) for name, vector in vectors.items())
    expected = [sum(column) % 2**64 for column in zip(*vectors.values(), strict=True)]
    assert cohort.unmask(total, *dropped).tolist() == expected


def test_a_round_with_a_drop_out_gives_the_sum_of_real_numbers():
    """The whole round: five departments, a threshold of four, one of them gone after the shares were dealt."""
    fixed, names, gone = FixedPoint(bound=4.0), ["a", "b", "c", "d", "e"], "c"
    bounds = [2 * fixed.largest] * 2
    cohort = Cohort(*names)
    # (1) Everybody shares its private key and its seed among all.
    keys = {name: split(cohort[name].key.to_bytes(), shares=5, threshold=4) for name in names}
    seeds = {name: split(cohort[name].seed, shares=5, threshold=4) for name in names}
    # (2) All but one send their masked numbers, and the coordinator adds.
    updates = {"a": [0.5, -4.0], "b": [0.25, 1.0], "d": [-1.5, 1.0], "e": [4.0, -0.125]}
    total = added(
        cohort[name].masked(to_words(fixed.encode(np.array(update)), bounds, 5), cohort)
        for name, update in updates.items()
    )
    # (3) The survivors give their shares: of each other's seeds, and of the private key of the one that is gone.
    holders = [position for position, name in enumerate(names, start=1) if name in updates]

    def joined(shares: tuple[bytes, ...]) -> bytes:
        return join({x: shares[x - 1] for x in holders}, threshold=4)

    opened = unmask(
        total,
        own_seeds={name: joined(seeds[name]) for name in updates},
        dropped={gone: joined(keys[gone])},
        keys=cohort.keys,
        context=CONTEXT,
    )
    assert fixed.decode_total(from_words(opened, bounds, 4), addends=4).tolist() == [3.25, -2.125]


def test_masking_changes_neither_the_values_nor_the_total_it_is_given():
    cohort = Cohort("a", "b")
    values = words(1, 2)
    total = cohort["a"].masked(values, cohort) + cohort["b"].masked(values, cohort)
    kept = total.copy()
    cohort.unmask(total)
    assert values.tolist() == [1, 2]
    assert total.tolist() == kept.tolist()


# --- Attacks that fail -----------------------------------------------------------------------------------------------


def test_the_own_seed_alone_does_not_open_a_vector():
    """The coordinator has asked for the survivors' seeds; pair masks still cover each of them."""
    cohort = Cohort("a", "b", "c")
    masked = cohort["a"].masked(words(*range(100)), cohort)
    opened = unmask(
        masked, own_seeds={"a": cohort["a"].seed}, dropped={}, keys={"a": cohort.keys["a"]}, context=CONTEXT
    )
    assert not np.any(opened == words(*range(100)))


def test_the_private_key_alone_does_not_open_a_vector_that_came_too_late():
    """Who was taken for dropped, and was only slow, is still covered by its own mask: what the second mask is for."""
    cohort = Cohort("a", "b")
    late = cohort["a"].masked(words(*range(100)), cohort)
    peers_sum = cohort["b"].masked(words(*[0] * 100), cohort)
    # With a's private key everybody can make what b's masks leave, and so take the pair mask off a's late vector.
    pair_mask = peers_sum - mask(
        words(*[0] * 100), name="b", key=cohort["b"].key, own_seed=cohort["b"].seed, peers={}, context=CONTEXT
    )
    assert not np.any(late + pair_mask == words(*range(100)))


def test_all_but_two_together_see_only_the_sum_of_the_two():
    cohort = Cohort("a", "b", "c", "d")
    vectors = {"a": words(*range(100)), "b": words(*range(1000, 1100))}
    masked = {name: cohort[name].masked(vector, cohort) for name, vector in vectors.items()}
    colluders = {"c": cohort["c"].key.to_bytes(), "d": cohort["d"].key.to_bytes()}
    # They take off every mask that they share with a, and a's own, which they were told since a survived.
    alone = {name: public for name, public in cohort.keys.items() if name != "b"}
    seen = unmask(masked["a"], own_seeds={"a": cohort["a"].seed}, dropped=colluders, keys=alone, context=CONTEXT)
    assert not np.any(seen == vectors["a"])
    assert cohort.unmask(added(masked.values()), "c", "d").tolist() == (vectors["a"] + vectors["b"]).tolist()


def reached(cohort: int, threshold: int, colluders: int) -> bool:
    """Whether a lying coordinator gets both secrets of one party, however it spreads its lies over the honest ones.

    Each honest party gives one kind of share for the victim, of its seed or of its key; a colluder gives both.
    """
    honest = cohort - colluders
    return any(
        min(colluders + told_dropped, colluders + honest - told_dropped) >= threshold
        for told_dropped in range(honest + 1)
    )


def test_feigned_dropout_never_reaches_a_threshold_above_two_thirds():
    for cohort in range(2, 61):
        for threshold in range(2 * cohort // 3 + 1, cohort + 1):
            assert 3 * threshold > 2 * cohort
            assert not any(reached(cohort, threshold, colluders) for colluders in range((cohort - 1) // 3 + 1))


@pytest.mark.parametrize("cohort", range(4, 61, 3))
def test_a_threshold_of_two_thirds_would_be_reached_by_a_third_of_colluders(cohort):
    """The bound is tight, for cohorts of 3f + 1."""
    assert reached(cohort, 2 * cohort // 3, (cohort - 1) // 3)


def lie(threshold: int, told_dropped: int) -> Words:
    """Ten parties, three of them with the coordinator, which tells some that p0 dropped out and others that it did not.

    Returns what it reads of p0's vector of zeros.

    Raises:
        ShareError: it does not get to the threshold of one of the secrets.
    """
    cohort = Cohort(*(f"p{number}" for number in range(10)))
    victim = cohort["p0"]
    keys = split(victim.key.to_bytes(), shares=10, threshold=threshold)
    seeds = split(victim.seed, shares=10, threshold=threshold)
    colluders = {8, 9, 10}
    says_key = colluders | set(range(1, told_dropped + 1))
    says_seed = colluders | set(range(told_dropped + 1, 8))
    private = MaskKey.from_bytes(join({x: keys[x - 1] for x in says_key}, threshold=threshold))
    seed = join({x: seeds[x - 1] for x in says_seed}, threshold=threshold)
    masked = victim.masked(words(*[0] * 100), cohort)
    peers = {name: public for name, public in cohort.keys.items() if name != "p0"}
    return masked - mask(words(*[0] * 100), name="p0", key=private, own_seed=seed, peers=peers, context=CONTEXT)


@pytest.mark.parametrize("told_dropped", range(8))
def test_a_coordinator_that_lies_about_dropout_gets_one_secret_at_most(told_dropped):
    with pytest.raises(ShareError, match="7 are needed"):
        lie(threshold=7, told_dropped=told_dropped)


def test_with_a_bare_majority_the_same_lie_opens_a_vector():
    """Shows that the attack is one."""
    assert not np.any(lie(threshold=6, told_dropped=3))


def test_who_was_given_another_model_adds_noise():
    """Pasquini et al., CCS 2022: everybody else's model is one whose updates are zero: the sum would be one party's."""
    cohort = Cohort("chengqu", "gaoping", "zezhou")
    total = cohort["chengqu"].masked(words(*range(100)), cohort, b"job 7, round 3, model 4f")
    total += cohort["gaoping"].masked(words(*[0] * 100), cohort, b"job 7, round 3, model 00")
    total += cohort["zezhou"].masked(words(*[0] * 100), cohort, b"job 7, round 3, model 00")
    for context in (b"job 7, round 3, model 4f", b"job 7, round 3, model 00"):
        opened = cohort.unmask(total, context=context)
        assert not np.any(opened == words(*range(100)))
        with pytest.raises(TamperedPlaintextError, match="masks did not cancel"):
            from_words(opened, [100] * 100, addends=3)


def test_a_mask_key_replayed_in_another_round_gives_other_masks():
    cohort = Cohort("a", "b")
    first = cohort["a"].masked(words(*range(100)), cohort, b"job 7, round 3")
    second = cohort["a"].masked(words(*range(100)), cohort, b"job 7, round 4")
    assert not np.any(first == second)
    # The pair mask differs as well: with the own masks taken off, the two do not become alike.
    for masked, context in ((first, b"job 7, round 3"), (second, b"job 7, round 4")):
        masked -= mask(
            words(*[0] * 100), name="a", key=cohort["a"].key, own_seed=cohort["a"].seed, peers={}, context=context
        )
    assert not np.any(first == second)


def test_a_vector_replayed_from_another_round_spoils_the_sum():
    cohort = Cohort("a", "b")
    total = cohort["a"].masked(words(1), cohort, b"round 3") + cohort["b"].masked(words(2), cohort, b"round 4")
    with pytest.raises(TamperedPlaintextError):
        from_words(cohort.unmask(total, context=b"round 4"), [10], addends=2)


def test_a_key_swapped_on_the_way_to_one_party_spoils_the_sum():
    cohort = Cohort("a", "b", "c")
    deceived = mask(
        words(1),
        name="a",
        key=cohort["a"].key,
        own_seed=cohort["a"].seed,
        peers={"b": MaskKey.generate().public, "c": cohort.keys["c"]},
        context=CONTEXT,
    )
    total = deceived + cohort["b"].masked(words(2), cohort) + cohort["c"].masked(words(3), cohort)
    with pytest.raises(TamperedPlaintextError):
        from_words(cohort.unmask(total), [10], addends=3)


def test_two_forms_of_one_public_key_give_different_masks():
    """X25519 ignores the highest bit, so both agree on one secret: only the key derivation tells them apart."""
    public = MaskKey.generate().public
    twin = public[:31] + bytes([public[31] ^ 0x80])
    key = MaskKey.generate()
    assert key.agree(public) == key.agree(twin)
    one, other = (
        mask(words(0), name="a", key=key, own_seed=bytes(32), peers={"b": form}, context=CONTEXT)
        for form in (public, twin)
    )
    assert one.tolist() != other.tolist()


def test_a_name_cannot_flow_over_into_the_context():
    key = MaskKey.generate()
    one, other = (
        mask(words(0), name=name, key=key, own_seed=bytes(32), peers={}, context=context)
        for name, context in (("ab", b"c"), ("a", b"bc"))
    )
    assert one.tolist() != other.tolist()


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda cohort: MaskKey.generate().to_bytes(), id="somebody's"),
        pytest.param(lambda cohort: cohort["b"].key.to_bytes(), id="another party's"),
        pytest.param(
            lambda cohort: bytes([cohort["c"].key.to_bytes()[0] ^ 8]) + cohort["c"].key.to_bytes()[1:], id="bit"
        ),
    ],
)
def test_a_wrong_reconstructed_private_key_is_refused(wrong):
    cohort = Cohort("a", "b", "c")
    total = cohort["a"].masked(words(1), cohort) + cohort["b"].masked(words(2), cohort)
    with pytest.raises(ShareError, match="'c'"):
        unmask(
            total,
            own_seeds={"a": cohort["a"].seed, "b": cohort["b"].seed},
            dropped={"c": wrong(cohort)},
            keys=cohort.keys,
            context=CONTEXT,
        )


def test_a_wrong_reconstructed_seed_leaves_noise():
    cohort = Cohort("a", "b")
    total = cohort["a"].masked(words(1), cohort) + cohort["b"].masked(words(2), cohort)
    seeds = {"a": cohort["a"].seed, "b": fresh_seed()}
    opened = unmask(total, own_seeds=seeds, dropped={}, keys=cohort.keys, context=CONTEXT)
    with pytest.raises(TamperedPlaintextError):
        from_words(opened, [10], addends=2)


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "public", [b"", bytes(31), bytes(32), bytes([1]) + bytes(31)], ids=["empty", "short", "0", "1"]
)
def test_a_peer_with_whom_there_is_no_secret_is_refused(public):
    with pytest.raises(MaskError):
        mask(words(1), name="a", key=ALICE, own_seed=bytes(32), peers={"b": public}, context=CONTEXT)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.array([1]), id="signed: would become floats"),
        pytest.param(np.array([1.5]), id="floats"),
        pytest.param(np.array([[1]], dtype=np.uint64), id="a matrix"),
    ],
)
def test_what_is_no_row_of_words_is_not_masked(values):
    with pytest.raises(ValueError, match="uint64"):
        mask(values, name="a", key=ALICE, own_seed=bytes(32), peers={}, context=CONTEXT)
    with pytest.raises(ValueError, match="uint64"):
        unmask(values, own_seeds={}, dropped={}, keys={}, context=CONTEXT)


def test_nobody_is_a_peer_of_its_own():
    with pytest.raises(ValueError, match="peer"):
        mask(words(1), name="a", key=ALICE, own_seed=bytes(32), peers={"a": ALICE.public}, context=CONTEXT)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_of_another_length_is_refused(length):
    with pytest.raises(ValueError, match="32 bytes"):
        expand(bytes(length), b"", 1)


@pytest.mark.parametrize(
    ("seeds", "dropped"),
    [
        pytest.param({"a", "b"}, {"b"}, id="somebody survived and dropped"),
        pytest.param({"a"}, set(), id="somebody is forgotten"),
        pytest.param({"a", "b", "z"}, set(), id="a stranger"),
    ],
)
def test_everybody_survived_or_dropped_out(seeds, dropped):
    with pytest.raises(ValueError, match="either survived or dropped"):
        unmask(
            words(1),
            own_seeds=dict.fromkeys(seeds, bytes(32)),
            dropped=dict.fromkeys(dropped, BOB.to_bytes()),
            keys={"a": ALICE.public, "b": BOB.public},
            context=CONTEXT,
        )


def test_a_private_key_of_another_length_is_refused():
    with pytest.raises(MaskError, match="32 bytes"):
        MaskKey.from_bytes(bytes(33))


def test_a_mask_key_shows_only_its_fingerprint():
    assert ALICE.to_bytes().hex() not in repr(ALICE)
    assert len(repr(ALICE)) == len("MaskKey()") + 16


# --- Limbs -----------------------------------------------------------------------------------------------------------


def test_limbs_lie_from_the_lowest_up():
    assert to_words([2**32 + 5, 7, 0], [2**33, 10, 0], addends=2).tolist() == [5, 1, 7, 0]
    assert from_words(words(10, 2, 14, 0), [2**33, 10, 0], addends=2) == [2**33 + 10, 14, 0]


@given(data=st.data())
def test_sums_of_limbs_are_sums_of_values(data):
    bounds = data.draw(st.lists(st.integers(0, 2**100), max_size=10))
    parties = data.draw(st.integers(1, 6))
    rows = [[data.draw(st.integers(0, bound)) for bound in bounds] for _ in range(parties)]
    total = added(to_words(row, bounds, parties) for row in rows)
    assert from_words(total, bounds, parties) == [sum(column) for column in zip(*rows, strict=True)]


def test_as_many_addends_as_are_allowed_do_not_overflow_a_word():
    full, bound = 2**31, 2**32 - 1
    assert from_words(words(full * bound), [bound], addends=full) == [full * bound]


def test_masked_limbs_give_the_exact_total():
    cohort = Cohort("a", "b", "c")
    bounds = [2**45, 2**70]
    rows = {"a": [2**45, 3], "b": [1, 2**70], "c": [2**45 - 1, 2**69]}
    total = added(cohort[name].masked(to_words(row, bounds, 3), cohort) for name, row in rows.items())
    assert from_words(cohort.unmask(total), bounds, 3) == [2**46, 2**70 + 2**69 + 3]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([6, 0], id="above its bound"),
        pytest.param([-1, 0], id="negative"),
        pytest.param([1], id="a value missing"),
        pytest.param([1, 1, 1], id="a value too many"),
    ],
)
def test_values_that_do_not_fit_are_refused(values):
    with pytest.raises(SlotOverflowError):
        to_words(values, [5, 1], addends=3)


def test_the_refusal_names_the_place_and_not_the_value():
    with pytest.raises(SlotOverflowError, match="value 1") as caught:
        to_words([1, 987654], [5, 5], addends=3)
    assert "987654" not in str(caught.value)


def test_fractions_are_refused_rather_than_cut_off():
    with pytest.raises(TypeError):
        to_words([1.5], [5], addends=1)


@pytest.mark.parametrize(
    "total",
    [
        pytest.param([0, 2**31], id="a word missing"),
        pytest.param([0, 0, 0, 0], id="a word too many"),
        pytest.param([0, 0, 16], id="a small total above its bound"),
        pytest.param([3 * (2**32 - 1) + 1, 0, 0], id="a low limb above what three can give"),
        pytest.param([0, 4, 0], id="a high limb above its bound"),
        pytest.param([1, 3, 0], id="limbs within, their total above"),
        pytest.param([2**64 - 1, 0, 0], id="a sum below zero"),
    ],
)
def test_totals_that_no_honest_parties_give_are_refused(total):
    with pytest.raises(TamperedPlaintextError):
        from_words(words(*total), [2**32, 5], addends=3)


def test_a_high_limb_above_its_own_bound_is_refused_though_the_total_is_not():
    # Three high limbs of at most 1 give 3 at most; 4 * 2**32 is still below three times 2**33 - 1.
    with pytest.raises(TamperedPlaintextError, match="limb"):
        from_words(words(0, 4), [2**33 - 1], addends=3)


def test_the_largest_honest_totals_are_read():
    assert from_words(words(0, 3, 15), [2**32, 5], addends=3) == [3 * 2**32, 15]


@pytest.mark.parametrize(("bounds", "addends"), [([-1], 1), ([1], 0), ([1], 2**31 + 1)])
def test_a_layout_that_means_nothing_is_refused(bounds, addends):
    with pytest.raises(ValueError, match="addends from 1"):
        to_words([0], bounds, addends)
    with pytest.raises(ValueError, match="addends from 1"):
        from_words(words(0), bounds, addends)
