"""What health insurance is asked to pay: every stay in hospital, and the year's visits."""

from dataclasses import dataclass

import numpy as np

from jincheng.draws import Dates, Floats, Integers
from jincheng.health import Health
from jincheng.people import REFERENCE_YEAR, People
from jincheng.relief import fen

# Hypertension, diabetes, heart attack, stroke, pneumonia, gallstones, kidney failure, lung cancer, broken hip, hernia.
ICD10 = ("I10", "E11", "I21", "I63", "J18", "K80", "N18", "C34", "S72", "K40")
ICD10_WEIGHTS = (0.16, 0.12, 0.08, 0.15, 0.15, 0.10, 0.06, 0.05, 0.06, 0.07)
LONGEST_STAY_DAYS = 60
HIGHEST_STAY_YUAN, HIGHEST_VISITS_YUAN = 200_000, 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of one chunk in one year.

    Attributes:
        patient: index of the person, one entry for each stay, as in the next five.
        diagnosis: index into ICD10.
        stay_fen: what the stay cost; `stay_self_pay_fen` is the patient's part of it.
        visits: outpatient visits; one entry for each person, as in the next two.
        visits_fen: what the visits cost; `visits_self_pay_fen` is the patient's part of it.
    """

    patient: Integers
    admitted: Dates
    diagnosis: Integers
    days: Integers
    stay_fen: Integers
    stay_self_pay_fen: Integers
    visits: Integers
    visits_fen: Integers
    visits_self_pay_fen: Integers

    @property
    def cost_fen(self) -> Integers:
        """What each person cost in the year."""
        return self.visits_fen + self.per_person(self.stay_fen)

    @property
    def self_pay_fen(self) -> Integers:
        """What each person paid in the year."""
        return self.visits_self_pay_fen + self.per_person(self.stay_self_pay_fen)

    def per_person(self, of_stays: Integers) -> Integers:
        """Add up something of the stays, one sum for each person."""
        # Sums of floats, but exact: they stay far below 2**53.
        return np.bincount(self.patient, of_stays, len(self.visits)).astype(np.int64)


def draw_claims(rng: np.random.Generator, people: People, health: Health) -> Claims:
    """Draw when, why and how long people were in hospital, and how often they saw a doctor."""
    patient = np.repeat(np.arange(len(people.age)), health.admissions)
    stays = len(patient)
    stay_yuan = health.cost_yuan[patient] / health.admissions[patient]
    stay_fen = fen(stay_yuan.clip(None, HIGHEST_STAY_YUAN))

    visits = rng.poisson(np.exp(0.3 + 0.30 * people.frailty.clip(None, 3) + 0.25 * health.chronic))
    visits_yuan = visits * np.exp(4.6 + rng.normal(0, 0.5, len(visits)))
    visits_fen = fen(visits_yuan.clip(None, HIGHEST_VISITS_YUAN))
    return Claims(
        patient=patient,
        admitted=np.datetime64(f"{REFERENCE_YEAR}-01-01") + rng.integers(0, 366, stays),
        diagnosis=rng.choice(len(ICD10), size=stays, p=ICD10_WEIGHTS),
        days=rng.gamma(3, 3.0, stays).round().clip(1, LONGEST_STAY_DAYS).astype(np.int64),
        stay_fen=stay_fen,
        stay_self_pay_fen=_part(stay_fen, health.self_pay_share[patient]),
        visits=visits,
        visits_fen=visits_fen,
        visits_self_pay_fen=_part(visits_fen, health.self_pay_share),
    )


def _part(amount_fen: Integers, share: Floats) -> Integers:
    return (amount_fen * share).round().astype(np.int64)
