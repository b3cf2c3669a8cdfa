"""Real numbers as non-negative integers, and many of those side by side in few Paillier plaintexts.

`FixedPoint` has one public scale and offset for everybody, so that nothing tells how large a number is, and integer
sums are exact. `SlotLayout` makes one ciphertext sum them all: each slot is as wide as its largest possible *total*, so
honest additions never carry into a neighbour; slot 0 is lowest. The checks at unpacking are range checks and no MAC:
whoever can change a ciphertext can still move a total within its bound.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import index

import numpy as np
import numpy.typing as npt

from crypto.errors import SlotOverflowError, TamperedPlaintextError


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLayout:
    """Where each value of a vector lies; all parties of a sum must use the same one.

    Attributes:
        bounds: largest value ONE party may put into each slot, in that slot's base unit; 0 or more.
        addends: how many parties are summed; 1 or more.
        plaintext_bits: usable bits of one plaintext, `PublicKey.plaintext_bits`.

    Raises:
        SlotOverflowError: the total of one slot would not fit into a whole plaintext.
    """

    bounds: tuple[int, ...]
    addends: int
    plaintext_bits: int
    _places: tuple[tuple[int, int, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.addends < 1 or any(bound < 0 for bound in self.bounds):
            raise ValueError("a layout needs at least one addend and bounds of 0 or more")
        places = []
        plaintext, shift = 0, 0
        for slot, bound in enumerate(self.bounds):
            width = max(1, (bound * self.addends).bit_length())
            if width > self.plaintext_bits:
                raise SlotOverflowError(
                    f"slot {slot} needs {width} bits, a plaintext has {self.plaintext_bits}; "
                    "lower its bound or take a larger key"
                )
            if shift + width > self.plaintext_bits:
                plaintext, shift = plaintext + 1, 0
            places.append((plaintext, shift, width))
            shift += width
        object.__setattr__(self, "_places", tuple(places))

    @property
    def plaintexts(self) -> int:
        """How many plaintexts, and so ciphertexts, one vector takes."""
        return self._places[-1][0] + 1 if self._places else 0

    def pack(self, values: Sequence[int]) -> list[int]:
        """Lay one party's values into plaintexts.

        Args:
            values: shape (slots,), each from 0 to its bound.

        Raises:
            SlotOverflowError: a value is outside its bound, or there are more or fewer values than slots.
        """
        if len(values) != len(self.bounds):
            raise SlotOverflowError(f"{len(values)} values for {len(self.bounds)} slots")
        # index(): a fixed-width integer, such as numpy's, would lose its high bits in the shift without a word.
        integers = [index(value) for value in values]
        for slot, (value, bound) in enumerate(zip(integers, self.bounds, strict=True)):
            if not 0 <= value <= bound:
                raise SlotOverflowError(f"the value for slot {slot} is outside its declared bound; clip it first")
        return self._lay(integers)

    def unpack(self, plaintexts: Sequence[int]) -> list[int]:
        """Read the totals back, refusing what honest parties cannot have produced.

        Args:
            plaintexts: shape (plaintexts,), the decrypted sums of `addends` packed vectors.

        Returns:
            One total per slot, each from 0 to bound * addends.

        Raises:
            TamperedPlaintextError: a bit above the used slots is set, a total is above its bound, or the number of
                plaintexts is wrong.
        """
        if len(plaintexts) != self.plaintexts:
            raise TamperedPlaintextError(f"{len(plaintexts)} plaintexts where the layout has {self.plaintexts}")
        totals = [(plaintexts[plaintext] >> shift) & ((1 << width) - 1) for plaintext, shift, width in self._places]
        # A shifted ciphertext smuggles one party's value into free bits: laying the totals out again must give
        # exactly what was read, so there are no free bits.
        if self._lay(totals) != list(plaintexts):
            raise TamperedPlaintextError("bits outside the used slots are set; an input was tampered with")
        for slot, (total, bound) in enumerate(zip(totals, self.bounds, strict=True)):
            if total > bound * self.addends:
                raise TamperedPlaintextError(f"the total of slot {slot} is above what its bound allows")
        return totals

    def _lay(self, integers: Sequence[int]) -> list[int]:
        plaintexts = [0] * self.plaintexts
        for (plaintext, shift, _), integer in zip(self._places, integers, strict=True):
            plaintexts[plaintext] |= integer << shift
        return plaintexts


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedPoint:
    """Real numbers from -bound to bound as integers from 0 to 2 * largest: scaled, rounded, and shifted by `largest`.

    Attributes:
        bound: largest magnitude of one party's number, above 0.
        fraction_bits: how many binary places are kept; rounding is off by half of the last one at most.
    """

    bound: float
    fraction_bits: int = 40

    def __post_init__(self) -> None:
        # Scaled numbers must stay floats: 2**500 times 2**500 still is one.
        if not (0 < self.bound <= 2.0**500 and 0 <= self.fraction_bits <= 500):
            raise ValueError("the bound is a number above 0, at most 2**500, with 0 to 500 binary places")
        if self.largest == 0:
            raise ValueError("the bound is less than half of the last binary place")

    @property
    def largest(self) -> int:
        """What `bound` becomes before the shift; one party's integers reach twice this."""
        return round(math.ldexp(self.bound, self.fraction_bits))

    def encode(self, values: npt.NDArray[np.float64]) -> list[int]:
        """Turn one party's numbers into integers, to the nearest, halves to the even one.

        Args:
            values: shape (k,), each from -bound to bound.

        Returns:
            k integers, each from 0 to 2 * largest.

        Raises:
            SlotOverflowError: a number is beyond the bound or not finite.
        """
        # Compared in full precision: a narrower type would round the bound up to itself.
        values = np.asarray(values, dtype=np.float64)
        # Negated, because every comparison with NaN is false.
        (outside,) = np.nonzero(~(np.abs(values) <= self.bound))
        if outside.size:
            raise SlotOverflowError(f"number {outside[0]} is not finite or beyond its declared bound; clip it first")
        # A power of two only moves the exponent: the one rounding is rint's, and int() of a whole float is exact.
        scaled = np.rint(np.ldexp(values, self.fraction_bits))
        shift = self.largest
        return [int(number) + shift for number in scaled.tolist()]

    def decode_total(self, totals: Sequence[int], addends: int) -> npt.NDArray[np.float64]:
        """Turn sums of encoded numbers back into real ones.

        Args:
            totals: shape (k,), checked against 2 * largest * addends before, as `SlotLayout.unpack` does.
            addends: how many parties' integers were summed, each with the shift in it.

        Returns:
            Shape (k,), float64, each the nearest to the exact sum of the rounded numbers.
        """
        shift, scale = addends * self.largest, 1 << self.fraction_bits
        return np.array([(total - shift) / scale for total in totals], dtype=np.float64)
