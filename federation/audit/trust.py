"""What an evaluator brings to a bundle: whose keys count, and how many witnesses (docs/record.md, section 7).

Two small text files made from a roster: `policy` in the form of c2sp.org/tlog-policy, and `signers`, a vkey a line.
Each department can write them out of its own pinned roster, so that nobody has to take them from whoever hands the
bundle over.
"""

from __future__ import annotations

from crypto.notes import KeyKind, vkey
from federation.audit.seal import quorum
from federation.governance.roster import Roster


def policy_text(roster: Roster) -> str:
    """Write the policy: the log, its witnesses, and the quorum of them."""
    log = next(party for party in roster.parties if party.role == "coordinator")
    witnesses = [party for party in roster.parties if party.role == "department"]
    lines = [f"log {vkey(roster.origin, log.signing)}"]
    for party in witnesses:
        key = vkey(roster.cosigner_name(party.name), party.witness, kind=KeyKind.COSIGNATURE)
        lines.append(f"witness {party.name} {key}")
    names = " ".join(party.name for party in witnesses)
    return "\n".join([*lines, f"group departments {quorum(len(witnesses))} {names}", "quorum departments", ""])


def signers_text(roster: Roster) -> str:
    """Write the signers: every party's event key, and officers' keys of both kinds."""
    lines = [
        vkey(roster.origin if party.role == "coordinator" else roster.cosigner_name(party.name), party.signing)
        for party in roster.parties
    ]
    for officer in roster.officers:
        lines.append(vkey(roster.cosigner_name(officer.name), officer.signing))
        lines.append(vkey(roster.cosigner_name(officer.name), officer.signing_mldsa, kind=KeyKind.MLDSA44_COSIGNATURE))
    return "\n".join([*lines, ""])
