from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.encoding import FixedPoint, SlotLayout
from crypto.errors import SlotOverflowError, TamperedPlaintextError
from crypto.paillier import Encryptor, PrivateKey, ciphertext_to_bytes, decrypt_vector, multiply


def layout(*bounds: int, addends: int = 3, plaintext_bits: int = 64) -> SlotLayout:
    return SlotLayout(bounds=bounds, addends=addends, plaintext_bits=plaintext_bits)


def test_slots_lie_from_the_lowest_bit_up():
    # Totals reach 15 and 3, so the slots are 4 and 2 bits wide: 3 + 1 * 16.
    assert layout(5, 1).pack([3, 1]) == [3 + 1 * 2**4]


def test_a_slot_whose_bound_is_zero_still_takes_a_bit():
    assert layout(0, 1, addends=1).pack([0, 1]) == [0b10]


def test_a_slot_never_lies_across_two_plaintexts():
    split = layout(7, 7, 7, addends=1, plaintext_bits=8)
    assert split.plaintexts == 2
    assert split.pack([1, 2, 3]) == [1 + 2 * 8, 3]


def test_a_layout_without_slots_has_no_plaintexts():
    assert layout().plaintexts == 0
    assert layout().unpack(layout().pack([])) == []


def test_every_party_at_its_bound_does_not_carry_into_the_neighbour():
    full = layout(5, 1)
    assert full.unpack([3 * full.pack([5, 1])[0]]) == [15, 3]


@given(data=st.data())
def test_sum_of_packed_vectors_unpacks_to_sums_of_values(data):
    bounds = data.draw(st.lists(st.integers(0, 2**40), max_size=30))
    parties = data.draw(st.integers(1, 6))
    rows = [[data.draw(st.integers(0, bound)) for bound in bounds] for _ in range(parties)]
    slots = layout(*bounds, addends=parties)
    packed = [slots.pack(row) for row in rows]
    totals = slots.unpack([sum(column) for column in zip(*packed, strict=True)])
    assert totals == [sum(row[slot] for row in rows) for slot in range(len(bounds))]


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
        layout(5, 1).pack(values)


def test_the_refusal_names_the_slot_and_not_the_value():
    with pytest.raises(SlotOverflowError, match="slot 1") as caught:
        layout(5, 5).pack([1, 987654])
    assert "987654" not in str(caught.value)


def test_a_slot_wider_than_a_plaintext_is_refused_when_the_layout_is_made():
    with pytest.raises(SlotOverflowError, match="slot 1"):
        layout(1, 2**64)


@pytest.mark.parametrize("wrong", [{"addends": 0}, {"bounds": (-1,)}])
def test_a_layout_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="layout"):
        SlotLayout(**{"bounds": (1,), "addends": 1, "plaintext_bits": 64} | wrong)


def test_fixed_width_integers_do_not_lose_their_high_bits():
    wide = layout(2**62, 2**62, addends=1, plaintext_bits=2047)
    values = np.array([2**62, 2**62])
    assert wide.unpack(wide.pack(values)) == [2**62, 2**62]


def test_fractions_are_refused_rather_than_cut_off():
    with pytest.raises(TypeError):
        layout(5).pack([1.5])


@pytest.mark.parametrize(
    "plaintexts",
    [
        pytest.param([1 << 6], id="a bit above the used slots"),
        pytest.param([1 << 63], id="the highest bit"),
        pytest.param([-1], id="negative"),
        pytest.param([], id="a plaintext missing"),
        pytest.param([0, 0], id="a plaintext too many"),
    ],
)
def test_plaintexts_that_no_packing_gives_are_refused(plaintexts):
    with pytest.raises(TamperedPlaintextError):
        layout(5, 1).unpack(plaintexts)


def test_a_total_above_its_bound_is_refused_and_not_shown():
    with pytest.raises(TamperedPlaintextError, match="slot 0") as caught:
        layout(4_000).unpack([12_001])  # 14 bits hold up to 16383
    assert "12001" not in str(caught.value)


def test_a_value_shifted_into_free_bits_is_caught(small_key: PrivateKey):
    """A colluding party sends a copy of another's ciphertext, moved up, to read it beside the total."""
    slots = layout(1000, plaintext_bits=small_key.public.plaintext_bits)
    encryptor = Encryptor(small_key.public)
    victim, third = (encryptor.encrypt_vector(slots.pack([value])) for value in (42, 7))
    n_squared = small_key.public.n_squared
    moved = ciphertext_to_bytes(small_key.public, pow(int.from_bytes(victim[0]), 2**400, n_squared))
    (opened,) = decrypt_vector(small_key, multiply(small_key.public, [victim, [moved], third]))
    assert opened >> 400 == 42  # without the check the attacker would have it
    with pytest.raises(TamperedPlaintextError):
        slots.unpack([opened])


# Two binary places: quarters.
QUARTERS = FixedPoint(bound=2.0, fraction_bits=2)


def test_real_numbers_become_integers_shifted_by_the_largest():
    assert QUARTERS.largest == 8
    assert QUARTERS.encode(np.array([-2.0, -0.25, 0.0, 1.5, 2.0])) == [0, 7, 8, 14, 16]


def test_halves_of_the_last_place_go_to_the_even_side():
    # In quarters: -1.5, -0.5, 0.5, 1.5, 2.5.
    assert QUARTERS.encode(np.array([-0.375, -0.125, 0.125, 0.375, 0.625])) == [6, 8, 8, 10, 10]


def test_forty_binary_places_are_kept_if_nothing_is_said():
    assert FixedPoint(bound=1.0).encode(np.array([2.0**-40, -(2.0**-40)])) == [2**40 + 1, 2**40 - 1]


def test_totals_become_real_numbers_again():
    # Three parties: 3 * 8 is the shift.
    assert QUARTERS.decode_total([24, 25, 0, 48], addends=3).tolist() == [0.0, 0.25, -6.0, 6.0]


@given(data=st.data())
def test_the_total_is_the_exact_sum_of_the_rounded_numbers(data):
    bound = data.draw(st.floats(2.0**-30, 2.0**60))
    fixed = FixedPoint(bound=bound, fraction_bits=data.draw(st.integers(40, 60)))
    parties, width = data.draw(st.integers(1, 6)), data.draw(st.integers(0, 5))
    rows = [data.draw(st.lists(st.floats(-bound, bound), min_size=width, max_size=width)) for _ in range(parties)]
    encoded = [fixed.encode(np.array(row, dtype=np.float64)) for row in rows]
    assert all(0 <= number <= 2 * fixed.largest for row in encoded for number in row)
    totals = fixed.decode_total([sum(column) for column in zip(*encoded, strict=True)], addends=parties)
    scale = 2**fixed.fraction_bits
    rounded = [[Fraction(round(Fraction(number) * scale), scale) for number in row] for row in rows]
    assert totals.tolist() == [float(sum(column)) for column in zip(*rounded, strict=True)]


@pytest.mark.parametrize("bound", [0.3, 1 / 3, 2.0**60 + 2.0**10, 1e-12])
def test_the_bound_itself_fits(bound):
    fixed = FixedPoint(bound=bound)
    assert fixed.encode(np.array([bound, -bound])) == [2 * fixed.largest, 0]


def test_encoded_numbers_fit_a_layout_of_their_bounds():
    slots = layout(2 * QUARTERS.largest)
    packed = [slots.pack(QUARTERS.encode(np.array([number])))[0] for number in (-2.0, 0.5, 2.0)]
    assert QUARTERS.decode_total(slots.unpack([sum(packed)]), addends=3).tolist() == [0.5]


def test_single_precision_does_not_widen_the_bound():
    # The single nearest to 0.3 is 1e-8 above it.
    with pytest.raises(SlotOverflowError):
        FixedPoint(bound=0.3).encode(np.array([0.3], dtype=np.float32))


@pytest.mark.parametrize("number", [2.0000001, -2.25, np.nan, np.inf, -np.inf, 1e300])
def test_a_number_beyond_the_bound_or_not_finite_is_refused(number):
    with pytest.raises(SlotOverflowError, match="number 1"):
        QUARTERS.encode(np.array([0.0, number]))


def test_the_refusal_names_the_place_and_not_the_number():
    with pytest.raises(SlotOverflowError) as caught:
        QUARTERS.encode(np.array([987654.0]))
    assert "987654" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bound": 0.0},
        {"bound": -1.0},
        {"bound": np.nan},
        {"bound": 2.0**501},
        {"bound": 0.1},
        {"bound": 100.0, "fraction_bits": -1},
        {"fraction_bits": 501},
    ],
    ids=str,
)
def test_a_fixed_point_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="bound"):
        FixedPoint(**{"bound": 1.0, "fraction_bits": 2} | wrong)
