"""Firms, and what each department sees of them.

Four latent values drive a firm: governance, liquidity, scale and demand. Every department sees its own
noisy copy of the growth that follows from them, which is why together they know more than any of them alone.
"""

from dataclasses import dataclass

import numpy as np

from jincheng.counties import COUNTIES, County
from jincheng.credit_codes import credit_codes
from jincheng.draws import Booleans, Floats, Integers, Texts, happens, sigmoid
from jincheng.people import DEVELOPMENT

FIRMS_PER_CITIZEN = 0.076
FIRMS_PER_COUNTY = 10**7  # room for the serial numbers of one county

KINDS = ("企业", "个体工商户", "农民专业合作社")
KIND_WEIGHTS = (0.27, 0.70, 0.03)
KIND_SUFFIXES = ("有限公司", "商行", "合作社")
INDUSTRIES = (
    "农林牧渔业",
    "制造业",
    "采矿业",
    "批发和零售业",
    "交通运输业",
    "住宿和餐饮业",
    "居民服务业",
    "科技服务业",
)
INDUSTRY_WEIGHTS = (0.05, 0.10, 0.06, 0.40, 0.10, 0.14, 0.10, 0.05)
INDUSTRY_LOG_KWH = np.array([0.5, 1.6, 0.7, 0.0, 0.3, 0.4, 0.1, 0.2])
RATINGS = ("D", "C", "M", "B", "A")
RATING_CUTS = (-1.6, -0.8, 0.2, 1.0)
CANCELLED_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Latent:
    """What drives a firm, about standard normal each but for growth; never written."""

    governance: Floats
    liquidity: Floats
    scale: Floats
    demand: Floats
    growth: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What market regulation knows; `kind` and `industry` are indices, capital is in 10,000 yuan."""

    kind: Integers
    industry: Integers
    age_years: Floats
    capital: Floats
    abnormal: Booleans
    penalties: Integers
    changes: Integers
    cancelled: Booleans


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxes:
    """What the tax office knows; sales in 10,000 yuan a year, `rating` an index into RATINGS."""

    sales: Floats
    trend: Floats
    deviation: Floats
    arrears: Integers
    zero_months: Integers
    rating: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """What social security knows; `turnover` is the part of the staff that left within a year."""

    headcount: Integers
    trend: Floats
    arrears: Integers
    turnover: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What the power utility knows; kWh a month."""

    kwh: Floats
    trend: Floats
    arrears: Integers
    night_share: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What natural resources and housing know."""

    owned: Booleans
    mortgaged: Booleans


@dataclass(frozen=True, slots=True, kw_only=True)
class Firms:
    """The firms of one chunk; every array in it has one entry for each."""

    code: Texts
    serial: Integers
    latent: Latent
    registration: Registration
    taxes: Taxes
    staff: Staff
    power: Power
    estate: Estate
    enforced: Integers


def draw_firms(rng: np.random.Generator, county: County, *, numbers: range) -> Firms:
    """Draw the firms of one chunk, which have these running numbers in their county."""
    count = len(numbers)
    latent = _draw_latent(rng, county, count)
    registration = _draw_registration(rng, latent)
    is_enterprise = registration.kind == 0
    serial = FIRMS_PER_COUNTY * COUNTIES.index(county) + np.asarray(numbers, dtype=np.int64)
    return Firms(
        code=credit_codes(county.area_code, registration.kind + 1, serial),
        serial=serial,
        latent=latent,
        registration=registration,
        taxes=_draw_taxes(rng, latent, is_enterprise),
        staff=_draw_staff(rng, latent, is_enterprise),
        power=_draw_power(rng, latent, registration.industry),
        estate=_draw_estate(rng, latent, registration.age_years),
        enforced=rng.poisson(np.exp(-2.7 - 0.5 * latent.governance - 0.4 * latent.liquidity)),
    )


def _draw_latent(rng: np.random.Generator, county: County, count: int) -> Latent:
    governance, demand = rng.normal(size=count), rng.normal(size=count)
    liquidity = 0.45 * governance + rng.normal(0, 0.9, count)
    return Latent(
        governance=governance,
        liquidity=liquidity,
        scale=rng.normal(size=count) + 0.25 * DEVELOPMENT[county.key],
        demand=demand,
        growth=0.10 * liquidity + 0.18 * demand + rng.normal(0, 0.10, count),
    )


def _draw_registration(rng: np.random.Generator, latent: Latent) -> Registration:
    count = len(latent.scale)
    kind = rng.choice(len(KINDS), size=count, p=KIND_WEIGHTS)
    is_enterprise = kind == 0
    return Registration(
        kind=kind,
        industry=rng.choice(len(INDUSTRIES), size=count, p=INDUSTRY_WEIGHTS),
        age_years=rng.gamma(1.6, 3.8, count).clip(None, 35),
        capital=np.exp(2.2 + 1.9 * is_enterprise + 0.8 * latent.scale + rng.normal(0, 0.9, count)),
        abnormal=happens(rng, sigmoid(-2.9 - 0.8 * latent.governance)),
        penalties=rng.poisson(np.exp(-2.4 - 0.5 * latent.governance)),
        changes=rng.poisson(np.exp(-1.0 + 0.2 * is_enterprise - 0.25 * latent.liquidity)),
        cancelled=rng.random(count) < CANCELLED_SHARE,
    )


def _draw_taxes(rng: np.random.Generator, latent: Latent, is_enterprise: Booleans) -> Taxes:
    count = len(latent.scale)
    governance, liquidity = latent.governance, latent.liquidity
    log_sales = 3.2 + 1.6 * is_enterprise + 0.9 * latent.scale + 0.15 * governance + rng.normal(0, 0.55, count)
    standing = 0.6 * governance + 0.4 * liquidity + rng.normal(0, 1.1, count)
    return Taxes(
        sales=np.exp(log_sales),
        trend=latent.growth + rng.normal(0, 0.17, count),
        deviation=np.exp(-1.0 - 0.15 * governance + rng.normal(0, 0.3, count)),
        arrears=rng.poisson(np.exp(-1.9 - 0.55 * liquidity - 0.3 * governance)),
        zero_months=rng.binomial(12, sigmoid(-2.6 - 0.5 * latent.scale - 2.7 * latent.growth)),
        rating=np.digitize(standing, RATING_CUTS),
    )


def _draw_staff(rng: np.random.Generator, latent: Latent, is_enterprise: Booleans) -> Staff:
    count = len(latent.scale)
    headcount = np.exp(0.6 + 1.1 * is_enterprise + 0.75 * latent.scale + rng.normal(0, 0.4, count))
    return Staff(
        headcount=headcount.round().clip(1, None).astype(np.int64),
        trend=0.6 * latent.growth + rng.normal(0, 0.16, count),
        arrears=rng.poisson(np.exp(-2.1 - 0.7 * latent.liquidity + 0.1 * is_enterprise)),
        turnover=rng.beta(2 + latent.governance.clip(-1.5, 3), 6),
    )


def _draw_power(rng: np.random.Generator, latent: Latent, industry: Integers) -> Power:
    count = len(latent.scale)
    return Power(
        kwh=np.exp(5.0 + INDUSTRY_LOG_KWH[industry] + 0.8 * latent.scale + rng.normal(0, 0.5, count)),
        trend=0.9 * latent.growth + rng.normal(0, 0.14, count),
        arrears=rng.poisson(np.exp(-2.0 - 0.6 * latent.liquidity - 0.2 * latent.demand)),
        night_share=rng.beta(2, 4, count),
    )


def _draw_estate(rng: np.random.Generator, latent: Latent, age_years: Floats) -> Estate:
    owned = happens(rng, sigmoid(-1.2 + 0.7 * latent.scale + 0.1 * age_years))
    return Estate(owned=owned, mortgaged=owned & happens(rng, sigmoid(-0.6 - 0.4 * latent.liquidity)))
