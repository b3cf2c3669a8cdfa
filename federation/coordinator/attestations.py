"""One in-toto Statement per job: what was run for whom on whose word, and where in the log it says so.

in-toto Attestation Framework, Statement v1, in a DSSE envelope signed by the coordinator. It points into the log and
proves nothing by itself; whoever wants proof follows the indexes.
"""

from __future__ import annotations

import msgspec

from crypto.dsse import sign_envelope
from crypto.signing import SigningKey
from federation.plan import Plan

INTOTO_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "tag:keyong.local,2026:job/v1"

_encoder = msgspec.json.Encoder(order="sorted")


def attest_job(
    job: str, plan: Plan, *, outcome: str, entries: list[tuple[int, str, str]], origin: str, key: SigningKey
) -> bytes:
    """Sign what became of a job.

    Args:
        outcome: "released", or the code of the error that ended it.
        entries: its entries in the log: index, type, party.

    Returns:
        The DSSE envelope, JSON.
    """
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": job, "digest": {"sha256": plan.hash}}],
        "predicateType": PREDICATE,
        "predicate": {
            "log": origin,
            "requester": plan.requester,
            "roster": plan.roster,
            "catalogue": plan.catalogue,
            "participants": list(plan.participants),
            "outcome": outcome,
            "entries": [{"index": index, "type": kind, "party": party} for index, kind, party in entries],
        },
    }
    return sign_envelope(key, INTOTO_TYPE, _encoder.encode(statement))
