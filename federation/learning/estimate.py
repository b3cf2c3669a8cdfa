"""How much a training will send, before it is approved: worked out of the plan alone.

What is counted are the works that go out, the vectors that come back, and about what envelopes and signatures add,
for every round of training. Left out is what a job sends once: approvals, keys, statistics and the last measure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crypto.encoding import SlotLayout
from federation.learning.artifact import Standard, encode_arrays
from federation.learning.histograms import BIN_BOUNDS
from federation.learning.models import shapes_of
from federation.learning.privacy import noise_for
from federation.learning.work import Update, bounds, encode_work
from federation.plan import TrainPlan, Trees

LIMB_BITS, WORD_BYTES = 32, 8
# Envelopes, signatures, checkpoints and shares of one round at one department: so much, and so much for each member of
# the cohort, as measured with cohorts of three and four.
ROUND_BYTES, ROUND_BYTES_EACH = 2_000, 4_100
# A node of a finished tree as it travels: its feature, its bin and what it adds.
NODE_BYTES = 12


def expected_bytes(plan: TrainPlan, *, key_bits: int) -> int:
    """Work out about how many bytes all rounds of a training send, both ways, over all departments.

    Args:
        key_bits: of the joint key; of no use to masks.

    Raises:
        RequestError: the plan's epsilon cannot be kept.
    """
    if isinstance(plan.model, Trees):
        each = sum(
            plan.model.trees * _answer_bytes(plan, BIN_BOUNDS * (_bins(plan, plan.model) * 2**level), key_bits)
            for level in range(plan.model.depth)
        )
        nodes = 2 ** (plan.model.depth + 1) - 1
        # The trees so far go out with every level: half of them on average.
        each += plan.rounds * plan.model.trees * nodes * NODE_BYTES // 2
    else:
        numbers = sum(1 for feature in plan.features if not feature.values)
        arrays = encode_arrays([np.zeros(shape) for shape in shapes_of(plan.model, plan.width)])
        standard = Standard(means=(0.5,) * numbers, deviations=(0.5,) * numbers)
        work = Update(standard=standard, rows=2**16, arrays=arrays)
        noise = noise_for(plan) if plan.privacy else None
        each = plan.rounds * (len(encode_work(work)) + _answer_bytes(plan, bounds(plan, work, noise), key_bits))
    cohort = len(plan.contributors)
    return cohort * (each + plan.rounds * (ROUND_BYTES + ROUND_BYTES_EACH * cohort))


def _bins(plan: TrainPlan, model: Trees) -> int:
    """Bins of all features together, each with one for nulls."""
    return sum(1 + (len(feature.values) or model.bins) for feature in plan.features)


def _answer_bytes(plan: TrainPlan, largest: Sequence[int], key_bits: int) -> int:
    """How long one department's vector is on the wire; with Paillier, its part of what is opened too."""
    if plan.protection == "paillier":
        layout = SlotLayout(bounds=tuple(largest), addends=len(plan.contributors), plaintext_bits=key_bits - 1)
        sent, cohort = layout.plaintexts * key_bits // 4, len(plan.contributors)
        # Each opener is given everybody's ciphertexts and their product, and gives a partial decryption.
        return sent + (cohort + 2) * sent * len(plan.openers) // cohort
    return WORD_BYTES * sum(max(1, -(-bound.bit_length() // LIMB_BITS)) for bound in largest)
