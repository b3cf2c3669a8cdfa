"""What parties say to each other: typed payloads, and the signed envelope around one.

A payload is a frozen struct, told by its tag; unknown tags and unknown fields are refused. The envelope is signed over
everything that fixes its meaning, so that an answer cannot be moved to another job, attempt, roster or recipient.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

# The name of one sum of a job: "counts", "update.12".
Round = Annotated[str, msgspec.Meta(max_length=64, pattern=r"\A[a-z][a-z0-9._-]*\Z")]

# Names, hashes and numbers of headers go into events and into the contexts of boxes: short, and on one line.
Name = Annotated[str, msgspec.Meta(max_length=128, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]

# One message: the largest legitimate one carries the ciphertexts of every contributor, some MB.
MAX_MESSAGE_BYTES = 64 * 2**20


class Payload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of everything that is said."""


# -- coordinator to department --------------------------------------------------------------------------------------


class Propose(Payload, frozen=True, tag="propose"):
    """Do you agree to this?

    Attributes:
        request: the analyst's signed envelope with the plan.
    """

    request: bytes


class Begin(Payload, frozen=True, tag="begin"):
    """Everybody has agreed; see for yourself, and begin your part.

    Attributes:
        agreements: the signed envelopes of all that take part.
        checkpoint: a sealed checkpoint that all of them co-signed.
    """

    agreements: tuple[bytes, ...]
    checkpoint: str


class Commit(Payload, frozen=True, tag="commit"):
    """Encrypt your numbers of this round and commit to the ciphertexts.

    Attributes:
        given: what the round works on, the same for everybody: for a query's sums, the gate's signed envelope saying
            which groups are suppressed; in a training, the model.
    """

    round: Round
    given: bytes | None = None


class Reveal(Payload, frozen=True, tag="reveal"):
    """Everybody has committed; send your ciphertexts.

    Attributes:
        commitments: the signed envelopes of all contributors.
    """

    round: Round
    commitments: tuple[bytes, ...]


class Open(Payload, frozen=True, tag="open"):
    """Recompute the product and open it partially to the recipient that the plan names for the round.

    Attributes:
        inputs: the signed ciphertext envelopes of all contributors.
        product: the coordinator's product of the ciphertexts.
        checkpoint: sealed after everybody revealed, so that a revocation by anyone shows.
        given: as in Commit.
    """

    round: Round
    commitments: tuple[bytes, ...]
    inputs: tuple[bytes, ...]
    product: tuple[bytes, ...]
    checkpoint: str
    given: bytes | None = None


class Advertise(Payload, frozen=True, tag="advertise"):
    """Make keys for the masks of this many rounds, and show their public sides.

    Attributes:
        batch: 0, 1, 2, ...; each is a fresh exchange.
    """

    batch: int
    rounds: Annotated[int, msgspec.Meta(ge=1, le=4096)]


class DealMasks(Payload, frozen=True, tag="deal_masks"):
    """Everybody has shown their keys; deal shares of your secrets to them.

    Attributes:
        keys: the signed envelopes of the whole cohort.
    """

    batch: int
    keys: tuple[bytes, ...]


class KeepMasks(Payload, frozen=True, tag="keep_masks"):
    """Keep the shares that the others dealt to you.

    Attributes:
        shares: the signed envelopes of the whole cohort.
    """

    batch: int
    shares: tuple[bytes, ...]


class Mask(Payload, frozen=True, tag="mask"):
    """Compute your numbers of this round and send them under masks.

    Attributes:
        index: which of the batch's keys are this round's.
        given: as in Commit.
        checkpoint: sealed a moment ago.
    """

    round: Round
    batch: int
    index: int
    checkpoint: str
    given: bytes | None = None


class Agree(Payload, frozen=True, tag="agree"):
    """These sent their masked numbers; sign that it is they."""

    round: Round
    survivors: tuple[str, ...]


class OpenMasks(Payload, frozen=True, tag="open_masks"):
    """So many have signed the same; give the reader what takes the masks off.

    Attributes:
        statements: the signed envelopes.
    """

    round: Round
    statements: tuple[bytes, ...]


class Decide(Payload, frozen=True, tag="decide"):
    """Release gate: combine these shares, read the counts, decide which groups are suppressed.

    Attributes:
        shares: the signed envelopes that open the counts to the gate.
    """

    shares: tuple[bytes, ...]


class RunScript(Payload, frozen=True, tag="run_script"):
    """Run the script that you agreed to, and send what your release rules let out."""


class Describe(Payload, frozen=True, tag="describe"):
    """Which datasets do you offer, and what do made-up rows of them look like?"""


class Sync(Payload, frozen=True, tag="sync"):
    """Send what your journal holds and the log does not yet."""


class Attest(Payload, frozen=True, tag="attest"):
    """Witness: bring your mirror up to this checkpoint and co-sign it.

    Attributes:
        note: the checkpoint, signed by the coordinator.
        start: the size from which `entries` go on; what the coordinator takes the mirror's to be.
        entries: the log's entries from there up to the checkpoint's size.
    """

    note: str
    start: int
    entries: tuple[bytes, ...]


# -- department to coordinator --------------------------------------------------------------------------------------


class Agreement(Payload, frozen=True, tag="agreement"):
    """This department agrees to the plan.

    Attributes:
        statements: its officers' signed grants, of as many as the roster asks for; none if its rule is automatic.
    """

    statements: tuple[str, ...] = ()


class Pending(Payload, frozen=True, tag="pending"):
    """The request lies on the officer's desk."""


class Begun(Payload, frozen=True, tag="begun"):
    """I have seen everybody's agreement, and have begun."""


class Cosigned(Payload, frozen=True, tag="cosigned"):
    """A witness's answer.

    Attributes:
        size: of its mirror, now.
        lines: its cosignatures of the checkpoint; none if the entries did not follow on its mirror.
    """

    size: int
    lines: tuple[str, ...]


class Commitment(Payload, frozen=True, tag="commitment"):
    """SHA-256 of the ciphertexts that will follow, hex."""

    round: Round
    digest: str


class Ciphertexts(Payload, frozen=True, tag="ciphertexts"):
    """One department's encrypted numbers, packed.

    Attributes:
        committed: SHA-256 over the digests of all commitments it saw before it sent this, hex: key holders compare.
    """

    round: Round
    committed: str
    values: tuple[bytes, ...]


class MaskKeys(Payload, frozen=True, tag="mask_keys"):
    """The public keys of one department's masks, a fresh one for every round."""

    batch: int
    keys: tuple[bytes, ...]


class MaskShares(Payload, frozen=True, tag="mask_shares"):
    """Shares of one department's secrets, sealed to each of the others.

    Attributes:
        cohort: SHA-256 over everybody's public keys as it saw them, hex: others who saw other ones notice.
    """

    batch: int
    cohort: str
    boxes: dict[str, bytes]


class MasksKept(Payload, frozen=True, tag="masks_kept"):
    """I hold everybody's shares."""

    batch: int


class Masked(Payload, frozen=True, tag="masked"):
    """One department's numbers under masks: 64-bit words, little-endian; uniformly random to whoever lacks the rest.

    Attributes:
        index: which of the batch's keys it used.
    """

    round: Round
    index: int
    words: bytes


class Bare(Payload, frozen=True, tag="bare"):
    """One department's numbers without any protection: in a lab that says so, and nowhere else."""

    round: Round
    words: bytes


class Survivors(Payload, frozen=True, tag="survivors"):
    """Signed: these departments' masked numbers are in the sum, and this is what the round worked on.

    Attributes:
        given: SHA-256, hex; "" for nothing.
    """

    round: Round
    survivors: tuple[str, ...]
    given: str


class Unmask(Payload, frozen=True, tag="unmask"):
    """Shares of what takes the masks off the sum, sealed to its reader."""

    round: Round
    box: bytes


class Share(Payload, frozen=True, tag="share"):
    """A partial decryption, sealed to its reader."""

    round: Round
    box: bytes


class Decision(Payload, frozen=True, tag="decision"):
    """Which groups are suppressed, sealed to each contributor and to the analyst; the coordinator cannot read it."""

    boxes: dict[str, bytes]


class ScriptOutput(Payload, frozen=True, tag="script_output"):
    """A script's released result, sealed to the analyst: a `federation.scripting.result.Released`."""

    box: bytes


class Dataset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dataset as an analyst sees it.

    Attributes:
        name: tax.pit.
        card: the data card, Markdown, in both languages.
        mock: made-up rows of the true shape, a Parquet file.
    """

    name: str
    card: str
    mock: bytes


class Datasets(Payload, frozen=True, tag="datasets"):
    """The datasets that this department offers: public, and made without looking at a row."""

    datasets: tuple[Dataset, ...]


class Synced(Payload, frozen=True, tag="synced"):
    """The rest of the journal travels beside this."""


class Failure(Payload, frozen=True, tag="failure"):
    """It cannot be done: a code and nothing else."""

    code: str


class Learned(Payload, frozen=True, tag="learned"):
    """What the coordinator tells the analyst of a training, sealed: a `federation.learning.report.Report`.

    Attributes:
        done: whether training came to its end; if not, the model is as the last round began with it.
    """

    done: bool
    box: bytes


# -- analyst to the federation --------------------------------------------------------------------------------------


class Request(Payload, frozen=True, tag="request"):
    """An analyst's plan, in its canonical bytes."""

    plan: bytes


# -- a party and its launcher, before it may speak to anyone ----------------------------------------------------------


class Identity(Payload, frozen=True, kw_only=True, tag="identity"):
    """I am ready; these are my public keys.

    Attributes:
        witness, witness_mldsa: a department's keys for co-signing checkpoints.
        enrolled: hash of the roster I have pinned; "" if none yet.
    """

    party: str
    signing: bytes
    box: bytes
    witness: bytes = b""
    witness_mldsa: bytes = b""
    enrolled: str


class Deal(Payload, frozen=True, tag="deal"):
    """Dealer: make the joint key and seal one share to each of these.

    Attributes:
        holders: party to public box key, in the order of the shares.
    """

    holders: dict[str, bytes]
    threshold: int
    key_bits: int


class Dealt(Payload, frozen=True, tag="dealt"):
    """The joint public key and the sealed shares; the dealer ends with this."""

    public_key: bytes
    shares: dict[str, bytes]


class Enrol(Payload, frozen=True, tag="enrol"):
    """The roster to pin; for key holders with their sealed share."""

    roster: bytes
    share: bytes = b""


class Enrolled(Payload, frozen=True, tag="enrolled"):
    """I have pinned it."""

    roster: str


class Unready(Payload, frozen=True, tag="unready"):
    """I cannot start; the code says why, and `details` names what federation.toml declares."""

    code: str
    details: dict[str, str]


Message = (
    Propose | Begin | Commit | Reveal | Open | Decide | Sync | Attest
    | Advertise | DealMasks | KeepMasks | Mask | Agree | OpenMasks
    | Agreement | Pending | Begun | Commitment | Ciphertexts | Share | Decision | Synced | Cosigned | Failure
    | MaskKeys | MaskShares | MasksKept | Masked | Bare | Survivors | Unmask | Learned
    | RunScript | ScriptOutput | Describe | Datasets
    | Request | Identity | Deal | Dealt | Enrol | Enrolled | Unready
)  # fmt: skip

_payload_decoder = msgspec.msgpack.Decoder(Message)
_encoder = msgspec.msgpack.Encoder(order="deterministic")


def encode(payload: Payload) -> bytes:
    """Return the canonical MessagePack bytes of a payload."""
    return _encoder.encode(payload)


def decode(data: bytes) -> Message:
    """Read a payload.

    Raises:
        ValueError: the bytes are not a payload, or not its canonical form.
    """
    payload: Message = _payload_decoder.decode(data)
    if _encoder.encode(payload) != data:
        raise ValueError("not the canonical bytes of a payload")
    return payload


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, array_like=True):
    """What an envelope's signature binds its payload to.

    Attributes:
        origin: the log's origin, so that nothing can be carried from one federation to another.
        job: the job's name; "" outside a job.
        attempt: 1 for the first try; a new attempt is agreed to anew.
        plan: hash of the plan; "" outside a job.
        roster: hash of the roster whose keys count.
        epoch: of the joint key.
        number: 128 random bits in hex, this message's own name.
        reply_to: the number of the message it answers; "" for a request.
    """

    origin: Name
    job: Name
    attempt: int
    plan: Name
    roster: Name
    epoch: int
    sender: Name
    recipient: Name
    number: Name
    reply_to: Name


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, array_like=True):
    """A payload under its header, signed by the sender."""

    header: Header
    payload: bytes
    signature: bytes

    def signed_bytes(self) -> bytes:
        """The bytes that the signature covers."""
        return b"keyong/envelope/v1\n" + _encoder.encode((self.header, self.payload))

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        return _encoder.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Envelope:
        """Read an envelope; its signature is not checked here.

        Raises:
            ValueError: the bytes are no envelope, or not its canonical form.
        """
        envelope = _envelope_decoder.decode(data)
        if envelope.to_bytes() != data:
            raise ValueError("not the canonical bytes of an envelope")
        return envelope


_envelope_decoder = msgspec.msgpack.Decoder(Envelope)


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """What one Flower message carries: an envelope, and journal entries on their way to the log.

    Attributes:
        known: in a request, how many of the recipient's entries the log has; the answer brings those after them.
    """

    envelope: bytes
    entries: tuple[bytes, ...] = ()
    known: int = 0
