"""Many non-negative integers side by side in few Paillier plaintexts, so that one ciphertext sums them all.

Each slot is as wide as its largest possible *total*, so honest additions never carry into a neighbour; slot 0 is
lowest. The checks at unpacking are range checks and no MAC: whoever can change a ciphertext can still move a total
within its bound. Signed values are not handled: the caller shifts them by a public offset first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import index

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
