"""Attacks on a joint training's record, of the kind of `bundle_attacks`: each by one thing that is wrong."""

from __future__ import annotations

from collections.abc import Callable

from federation.audit.bundle import BundleContents
from tests.support.bundle_attacks import Attack, Maker, sealed
from tests.support.bundles import City, sha

JOB, ROUND = "job-2", "update.1"
TRAINING_ATTACKS: dict[str, Maker] = {}


def attack(maker: Maker) -> Maker:
    TRAINING_ATTACKS[maker.__name__] = maker
    return maker


def joined(city: City) -> list[str]:
    """Everybody joined and exchanged keys; returns the departments."""
    city.join(JOB)
    city.exchange(JOB)
    return city.departments


def masked(city: City) -> list[str]:
    """All have masked the numbers of one round, and sent them."""
    for name in joined(city):
        city.mask(name, JOB, ROUND)
        city.egress(name, "masked", JOB)
    return city.departments


# --- what they were given ---


@attack
def another_model_for_one_department(city: City) -> Attack:
    first, second, *_ = joined(city)
    city.mask(first, JOB, ROUND)
    index = city.mask(second, JOB, ROUND, given=sha("another model"))
    return sealed(city, index, f"hukou was given something else in round {ROUND} of job {JOB}")


@attack
def another_model_for_one_department_under_the_joint_key(city: City) -> Attack:
    city.join(JOB)
    city.event("tax", "commit", JOB, round=ROUND, digest=sha("d"), ciphertexts=1, given=sha("model"))
    index = city.event("hukou", "commit", JOB, round=ROUND, digest=sha("d"), ciphertexts=1, given=sha("another"))
    return sealed(city, index, f"hukou was given something else in round {ROUND} of job {JOB}")


@attack
def survivors_signed_for_another_model(city: City) -> Attack:
    masked(city)
    index = city.sign_survivors("tax", JOB, ROUND, city.departments, given=sha("another model"))
    return sealed(city, index, f"tax was given something else in round {ROUND} of job {JOB}")


@attack
def other_keys_for_one_department(city: City) -> Attack:
    city.join(JOB)
    city.keys_of("tax", JOB)
    return sealed(city, city.keys_of("hukou", JOB, digest=sha("other keys")), "hukou saw other keys for the masks")


@attack
def keys_of_too_few(city: City) -> Attack:
    city.join(JOB)
    return sealed(city, city.keys_of("tax", JOB, cohort="hukou tax"), "tax saw other keys for the masks")


@attack
def keys_of_a_stranger(city: City) -> Attack:
    city.join(JOB)
    index = city.keys_of("tax", JOB, cohort="housing hukou mallory tax")
    return sealed(city, index, "tax saw other keys for the masks")


@attack
def keys_twice_in_one_exchange(city: City) -> Attack:
    joined(city)
    return sealed(city, city.keys_of("tax", JOB, batch=0), "tax did the same step of job job-2 twice")


# --- masks ---


@attack
def mask_by_one_that_never_joined(city: City) -> Attack:
    plan = city.request(JOB)
    for name in city.departments:
        city.grant(name, JOB, plan)
    city.begin(JOB, plan, kind="train")
    return sealed(city, city.mask("tax", JOB, ROUND), "tax worked on job job-2 without having joined it")


@attack
def mask_after_a_revocation(city: City) -> Attack:
    plan = city.join(JOB)
    city.exchange(JOB)
    city.say("revoke", "tax", JOB, plan)
    return sealed(city, city.mask("tax", JOB, ROUND), "tax worked on job job-2: revoked")


@attack
def two_masks_in_one_round(city: City) -> Attack:
    masked(city)
    return sealed(city, city.mask("tax", JOB, ROUND, digest=sha("x")), "tax did the same step of job job-2 twice")


@attack
def masked_numbers_twice(city: City) -> Attack:
    masked(city)
    return sealed(
        city, city.egress("tax", "masked", JOB), "tax sent masked numbers of job job-2 that are not on record"
    )


@attack
def masked_numbers_without_keys(city: City) -> Attack:
    city.join(JOB)
    city.mask("tax", JOB, ROUND)
    return sealed(city, city.egress("tax", "masked", JOB), "not on record, or without keys")


@attack
def more_masks_than_contributors(city: City) -> Attack:
    plan = city.request(JOB)
    for name in city.departments:
        city.grant(name, JOB, plan)
    city.begin(JOB, plan, kind="train", contributors=2)
    for name in city.departments:
        city.event(name, "job.join", JOB, plan=plan)
    city.mask("tax", JOB, ROUND)
    city.mask("hukou", JOB, ROUND)
    return sealed(city, city.mask("social", JOB, ROUND), f"more than 2 took part in round {ROUND}")


# --- who survived ---


@attack
def survivors_split(city: City) -> Attack:
    masked(city)
    city.sign_survivors("tax", JOB, ROUND, city.departments)
    index = city.sign_survivors("hukou", JOB, ROUND, city.departments[:3])
    return sealed(city, index, f"hukou signed other survivors of round {ROUND}")


@attack
def survivors_signed_by_one_that_is_none(city: City) -> Attack:
    masked(city)
    index = city.sign_survivors("tax", JOB, ROUND, city.departments[1:])
    return sealed(city, index, f"tax signed other survivors of round {ROUND}")


@attack
def absence_feigned_of_most(city: City) -> Attack:
    masked(city)
    index = city.sign_survivors("tax", JOB, ROUND, city.departments[:2])
    return sealed(city, index, f"round {ROUND} of job {JOB} had 2 survivors, 3 are needed")


@attack
def absence_in_a_sum(city: City) -> Attack:
    """Only a training goes on without some of its departments."""
    city.join(JOB, kind="sum")
    city.exchange(JOB)
    for name in city.departments[1:]:
        city.mask(name, JOB, ROUND)
    index = city.sign_survivors("hukou", JOB, ROUND, city.departments[1:])
    return sealed(city, index, f"round {ROUND} of job {JOB} had 3 survivors, 4 are needed")


@attack
def survivor_that_masked_nothing(city: City) -> Attack:
    for name in joined(city)[:3]:
        city.mask(name, JOB, ROUND)
        city.egress(name, "masked", JOB)
    index = city.sign_survivors("tax", JOB, ROUND, city.departments)
    return sealed(city, index, f"a survivor of round {ROUND} of job {JOB} had masked nothing before")


@attack
def unmasked_without_signing(city: City) -> Attack:
    for name in masked(city)[1:]:
        city.sign_survivors(name, JOB, ROUND, city.departments)
    return sealed(city, city.egress("tax", "unmask", JOB), "tax helped to take masks off in job job-2 without")


@attack
def unmasked_twice(city: City) -> Attack:
    for name in masked(city):
        city.sign_survivors(name, JOB, ROUND, city.departments)
    city.egress("tax", "unmask", JOB)
    return sealed(city, city.egress("tax", "unmask", JOB), "tax helped to take masks off in job job-2 without")


@attack
def unmasked_before_others_signed(city: City) -> Attack:
    masked(city)
    city.sign_survivors("tax", JOB, ROUND, city.departments)
    index = city.egress("tax", "unmask", JOB)
    return sealed(city, index, f"1 had signed who survived round {ROUND} of job {JOB}, 3 are needed")


# --- what the coordinator says ---


def added_up(city: City) -> None:
    joined(city)
    city.add_up(JOB, "moments")
    for name in city.departments[1:]:
        city.mask(name, JOB, ROUND)
        city.egress(name, "masked", JOB)
    for name in city.departments[1:]:
        city.sign_survivors(name, JOB, ROUND, city.departments[1:])


@attack
def round_of_other_survivors(city: City) -> Attack:
    added_up(city)
    index = city.close(JOB, ROUND, city.departments)
    return sealed(city, index, f"round {ROUND} of job {JOB} is not what the departments recorded: survivors")


@attack
def round_of_another_model(city: City) -> Attack:
    added_up(city)
    index = city.close(JOB, ROUND, city.departments[1:], given=sha("another"))
    return sealed(city, index, f"round {ROUND} of job {JOB} is not what the departments recorded: given")


@attack
def round_that_few_signed(city: City) -> Attack:
    masked(city)
    city.sign_survivors("tax", JOB, ROUND, city.departments)
    return sealed(city, city.close(JOB, ROUND, city.departments), "1 had signed who survived")


@attack
def round_of_nobody(city: City) -> Attack:
    joined(city)
    index = city.close(JOB, ROUND, city.departments)
    return sealed(city, index, f"round {ROUND} of job {JOB} is not what the departments recorded: round")


@attack
def round_under_the_joint_key_before_all_committed(city: City) -> Attack:
    city.join(JOB)
    for name in city.departments[1:]:
        city.event(name, "commit", JOB, round=ROUND, digest=sha("d"), ciphertexts=1, given=sha(ROUND))
    index = city.close(JOB, ROUND, city.departments[1:])
    return sealed(city, index, f"round {ROUND} of job {JOB} is not what the departments recorded: round")


@attack
def round_twice(city: City) -> Attack:
    added_up(city)
    city.close(JOB, ROUND, city.departments[1:])
    index = city.close(JOB, ROUND, city.departments[1:])
    return sealed(city, index, f"round {ROUND} of job {JOB} ended twice, or after the model")


@attack
def round_after_the_model(city: City) -> Attack:
    added_up(city)
    city.make_model(JOB, 1)
    index = city.close(JOB, ROUND, city.departments[1:])
    return sealed(city, index, f"round {ROUND} of job {JOB} ended twice, or after the model")


@attack
def round_told_by_a_department(city: City) -> Attack:
    added_up(city)
    index = city.event("tax", "round", JOB, round=ROUND, given=sha(ROUND), survivors="hukou", values=3)
    return sealed(city, index, "its actor may not do this")


@attack
def model_of_more_rounds(city: City) -> Attack:
    added_up(city)
    return sealed(city, city.make_model(JOB, 2), "the model of job job-2 states 2 rounds, 1 are on record")


@attack
def model_twice(city: City) -> Attack:
    added_up(city)
    city.make_model(JOB, 1)
    return sealed(city, city.make_model(JOB, 1), "or it is not the only one")


@attack
def model_out_of_a_sum(city: City) -> Attack:
    return sealed(city, city.make_model("job-1", 0), "job job-1 is of a kind that has no such step")


@attack
def scores_out_of_a_training(city: City) -> Attack:
    joined(city)
    index = city.event("tax", "predict", JOB, digest=sha("kept"))
    return sealed(city, index, "job job-2 is of a kind that has no such step")


@attack
def job_of_no_kind(city: City) -> Attack:
    plan = city.request(JOB)
    for name in city.departments:
        city.grant(name, JOB, plan)
    return sealed(city, city.begin(JOB, plan, kind="theft"), "it does not state kind as it must")


@attack
def survivors_out_of_order(city: City) -> Attack:
    data = {"round": ROUND, "survivors": " ".join(masked(city)), "digest": sha("s")}
    index = city.event("tax", "survivors", JOB, **data)
    return sealed(city, index, "it does not state survivors as it must")


# --- honest ones ---


def trained(city: City) -> BundleContents:
    return city.train(JOB).contents()


def trained_under_the_joint_key(city: City) -> BundleContents:
    plan = city.join(JOB)
    for number in ("moments", ROUND):
        for name in city.departments:
            city.event(name, "commit", JOB, round=number, digest=sha(name), ciphertexts=1, given=sha(number))
        for name in city.departments:
            city.egress(name, "ciphertext", JOB)
        city.close(JOB, number, city.departments)
    city.make_model(JOB, 2)
    city.end(JOB, plan)
    city.seal()
    return city.contents()


def trained_under_fresh_keys(city: City) -> BundleContents:
    """A second exchange, after one department has disappeared for good."""
    plan = city.join(JOB)
    city.exchange(JOB)
    city.add_up(JOB, "moments")
    there = city.departments[1:]
    for name in there:
        city.keys_of(name, JOB, batch=1, cohort=" ".join(sorted(there)))
    city.add_up(JOB, ROUND, there)
    city.make_model(JOB, 2)
    city.end(JOB, plan)
    city.seal()
    return city.contents()


def scored(city: City) -> BundleContents:
    plan = city.join(JOB, kind="predict")
    for name in city.departments:
        city.event(name, "predict", JOB, digest=sha(name))
    city.end(JOB, plan)
    city.seal()
    return city.contents()


HONEST: dict[str, Callable[[City], BundleContents]] = {
    maker.__name__: maker for maker in (trained, trained_under_the_joint_key, trained_under_fresh_keys, scored)
}
