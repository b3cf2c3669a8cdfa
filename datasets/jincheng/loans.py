"""Loans to firms, and which of them default within twelve months.

The cross terms at the end are written in on purpose: no department can see them alone.
"""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Booleans, Floats, happens, sigmoid
from jincheng.firms import Firms

GOOD_RATING = 3  # B or A


@dataclass(frozen=True, slots=True, kw_only=True)
class Loans:
    """The loan of each firm in one chunk.

    Attributes:
        amount: 10,000 yuan.
        probability: of default; latent.
        defaults: within twelve months.
    """

    amount: Floats
    probability: Floats
    defaults: Booleans


def draw_loans(rng: np.random.Generator, firms: Firms) -> Loans:
    """Draw every firm's loan, and whether it is paid back."""
    probability = sigmoid(-4.15 + _alone(firms) + _together(firms))
    return Loans(
        amount=firms.taxes.sales * rng.uniform(0.05, 0.30, len(firms.code)),
        probability=probability,
        defaults=happens(rng, probability),
    )


def _alone(firms: Firms) -> Floats:
    """Log-odds of default that a single department sees something of, or none."""
    latent, registration, taxes = firms.latent, firms.registration, firms.taxes
    log_odds: Floats = (
        -0.35 * latent.liquidity
        - 0.30 * latent.governance
        - 1.9 * latent.growth
        - 0.22 * np.log1p(registration.age_years)
        + 0.80 * registration.abnormal
        + 0.35 * np.minimum(registration.penalties, 3)
        + 0.25 * np.minimum(registration.changes, 3)
        + 0.38 * np.minimum(taxes.arrears, 3)
        - 0.25 * (taxes.rating >= GOOD_RATING)
        + 0.48 * np.minimum(firms.staff.arrears, 3)
        - 1.1 * firms.staff.trend.clip(-0.6, 0.6)
        + 0.50 * np.minimum(firms.power.arrears, 3)
        + 0.80 * np.minimum(firms.enforced, 3)
        + 0.70 * firms.estate.mortgaged
        - 0.35 * firms.estate.owned
    )
    return log_odds


def _together(firms: Firms) -> Floats:
    """Log-odds of default that only shows where two departments' columns are seen together."""
    taxes, staff, power = firms.taxes, firms.staff, firms.power
    sales_outgrow_power = taxes.trend - power.trend > 0.35
    shrinking = (staff.trend < -0.15) & (power.trend < -0.15)
    log_odds: Floats = 1.0 * sales_outgrow_power + 1.0 * shrinking + 0.9 * ((taxes.arrears > 0) & (staff.arrears > 0))
    return log_odds
