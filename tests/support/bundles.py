"""A small federation that writes real records, with real keys and a clock of its own, for bundles to be made of.

Only what is signed and written is real here: no process runs. Everything about the formats is taken from
docs/record.md and the crypto package, so that the offline verifiers are checked against a second reading of the page.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from crypto.dsse import sign_envelope, sign_hybrid_envelope
from crypto.merkle import leaf_hash, node_hash
from crypto.notes import KeyKind, append_lines, cosign, sign_note, vkey
from crypto.signing import HybridKey, SigningKey
from federation.audit.bundle import BundleContents

ORIGIN = "keyong.test/0123456789abcdef"
EVENT_TYPE = "application/vnd.keyong.event+json"
STATEMENT_TYPE = "application/vnd.keyong.statement+json"
ANALYST = "analyst@tax"
DEPUTY = "deputy@tax"
CLASSES = {"control": 2035, "ciphertext": 1441, "sealed": 2152, "record": 5120, "masked": 980, "unmask": 700}


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha(text: str | bytes) -> str:
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


class City:
    """Departments, their officers, a coordinator and an analyst, and the log they have written so far."""

    def __init__(self, departments: Sequence[str] = ("tax", "hukou", "social", "housing")) -> None:
        self.departments = list(departments)
        self.keys = {name: SigningKey.generate() for name in ("coordinator", *departments, ANALYST)}
        self.witnesses = {name: HybridKey.generate() for name in departments}
        self.officers = {name: HybridKey.generate() for name in (*(f"officer@{n}" for n in departments), DEPUTY)}
        self.now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC).timestamp()
        self.entries: list[bytes] = []
        self.checkpoints: list[tuple[int, str]] = []
        self.heads: dict[str, str] = {}
        self.seen = {name: (0, "") for name in self.keys}
        self.chains = {name: (0, "0" * 64) for name in self.keys}
        self.wire: dict[tuple[str, int], int] = {}
        self.session: dict[str, int] = {}
        self.unreceipted: dict[str, list[tuple[str, int]]] = {name: [] for name in departments}
        self.jobs: dict[str, bytes] = {}
        self.shelf = ""
        self._edge: list[tuple[int, bytes]] = []
        self._folded = self._nonce = 0
        self.roster = canonical(
            {
                "version": 2,
                "origin": ORIGIN,
                "epoch": 1,
                "parties": [
                    {"name": name, "role": role_of(name), "signing": base64.b64encode(key.public).decode()}
                    for name, key in self.keys.items()
                ],
                "officers": [
                    {
                        "name": name,
                        "role": "officer",
                        "person": f"person of {name}",
                        "signing": base64.b64encode(key.public.ed25519).decode(),
                    }
                    for name, key in self.officers.items()
                ],
            }
        )

    # --- writing ---

    def sign(self, event: dict[str, object], key: SigningKey) -> bytes:
        return sign_envelope(key, EVENT_TYPE, canonical(event))

    def event(self, node: str, kind: str, job: str = "", /, *, actor: tuple[str, str] | None = None, **data) -> int:
        """Append an event of `node`; returns its index."""
        self.now += 0.02
        seq, prev = self.chains[node]
        name, role = actor or (node, role_of(node) if role_of(node) != "department" else "node")
        size, root = self.seen[node]
        at = datetime.fromtimestamp(self.now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = {
            "v": 1, "log": ORIGIN, "node": node, "seq": seq, "prev": prev, "time": at, "type": kind, "job": job,
            "attempt": 1 if job else 0, "actor": {"name": name, "role": role}, "seen": {"size": size, "root": root},
            "data": data,
        }  # fmt: skip
        entry = self.sign(event, self.keys[node])
        self.chains[node] = (seq + 1, sha(entry))
        self.entries.append(entry)
        return len(self.entries) - 1

    def raw(self, node: str, payload: bytes, *, key: SigningKey | None = None) -> int:
        """Append whatever bytes as an event of `node`, signed like one; returns its index."""
        entry = sign_envelope(key or self.keys[node], EVENT_TYPE, payload)
        self.chains[node] = (self.chains[node][0] + 1, sha(entry))
        self.entries.append(entry)
        return len(self.entries) - 1

    def event_at(self, index: int) -> dict:
        """Read an event back."""
        return json.loads(base64.b64decode(json.loads(self.entries[index])["payload"]))

    def find(self, kind: str, node: str = "", job: str = "", start: int = 0) -> int:
        """Index of the first such event."""
        for index in range(start, len(self.entries)):
            event = self.event_at(index)
            if event["type"] == kind and node in ("", event["node"]) and job in ("", event["job"]):
                return index
        raise LookupError(kind)

    def next_checkpoint(self, index: int) -> int:
        """Size of the first sealed checkpoint that covers an entry."""
        return next(size for size, _ in self.checkpoints if size > index)

    def start(self) -> City:
        for name in ("coordinator", *self.departments):
            self.event(name, "enrol", roster=sha(self.roster), epoch=1)
        for name in self.departments:
            self.restart(name)
        return self

    def restart(self, name: str) -> None:
        self.session[name] = self.session.get(name, 0) + 1
        self.wire[name, self.session[name]] = 0
        more = {"desk": self.shelf} if self.shelf else {}
        self.event(name, "start", session=self.session[name], isolation="confined", version="test", **more)

    def egress(self, node: str, kind: str, job: str = "", *, size: int = 0, to: str = "coordinator") -> int:
        self._nonce += 1
        message, size = f"{self._nonce:032x}", size or CLASSES[kind]
        index = self.event(
            node, "egress", job, message=message, to=to, payload=kind, bytes=size, commitment=sha(message),
            **{"class": kind},
        )  # fmt: skip
        self.wire[node, self.session[node]] += size
        if to == "coordinator":
            self.unreceipted[node].append((message, size))
        return index

    def receipts(self) -> None:
        for party, frames in self.unreceipted.items():
            names = "".join(f"{message}\n" for message, _ in frames)
            total = sum(size for _, size in frames)
            self.event(
                "coordinator", "receipt", party=party, session=self.session[party], frames=len(frames), bytes=total,
                messages=sha(names),
            )  # fmt: skip
            frames.clear()

    def statement(self, kind: str, department: str, *, officer: str = "", key: HybridKey | None = None, **more) -> str:
        self._nonce += 1
        name = officer or f"officer@{department}"
        at = datetime.fromtimestamp(self.now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {
            "v": 1, "kind": kind, "log": ORIGIN, "roster": sha(self.roster), "officer": name,
            "department": department, "nonce": f"{self._nonce:032x}", "time": at, **more,
        }  # fmt: skip
        return sign_hybrid_envelope(key or self.officers[name], STATEMENT_TYPE, canonical(fields)).decode()

    def grant(
        self, department: str, job: str, plan: str, *, expires_s: float = 3600, officer: str = "", **other
    ) -> int:
        name = officer or f"officer@{department}"
        expires = datetime.fromtimestamp(self.now + expires_s, UTC).isoformat(timespec="milliseconds")
        statement = other.pop("statement", None) or self.statement(
            "grant", department, officer=name, request=job, plan=plan, requester=ANALYST, purpose=sha("purpose"),
            max_runs=1, expires=expires.replace("+00:00", "Z"), snapshot="", conditions="",
            **other,
        )  # fmt: skip
        return self.event(
            department, "approval.grant", job, actor=(name, "officer"), plan=plan, requester=ANALYST,
            statement=statement,
        )  # fmt: skip

    def say(self, kind: str, department: str, job: str, plan: str) -> int:
        """Deny or revoke."""
        statement = self.statement(kind, department, request=job, plan=plan, reason=sha("reason"))
        actor = (f"officer@{department}", "officer")
        return self.event(
            department, f"approval.{kind}", job, actor=actor, plan=plan, requester=ANALYST, statement=statement
        )

    def request(self, job: str, *, purpose: str = "") -> str:
        plan = sha(job + "plan")
        self.event(ANALYST, "request.submit", job, plan=plan, commitment=sha(purpose or job))
        for name in self.departments:
            self.event(name, "request.receive", job, plan=plan, requester=ANALYST, commitment=sha(job))
        return plan

    def begin(self, job: str, plan: str, *, contributors: int = 0, **more) -> int:
        count = contributors or len(self.departments)
        names = " ".join(self.departments)
        return self.event(
            "coordinator", "job.start", job, plan=plan, requester=ANALYST, contributors=count, participants=names,
            **more,
        )  # fmt: skip

    def compute(self, job: str, plan: str) -> None:
        """The steps of an encrypted sum, after it was begun."""
        for name in self.departments:
            self.event(name, "job.join", job, plan=plan)
        for number in ("counts", "sums"):
            for name in self.departments:
                self.event(name, "commit", job, round=number, digest=sha(name + number), ciphertexts=1)
                self.egress(name, "control", job)
            for name in self.departments:
                self.egress(name, "ciphertext", job)
            for name in self.departments[:-1]:
                self.event(name, "open", job, round=number, reader=ANALYST, product=sha("product"))
                self.egress(name, "sealed", job)
            if number == "counts":
                self.event(self.departments[-1], "release.decide", job, groups=1, minimum_group=3, commitment=sha("d"))
                self.egress(self.departments[-1], "sealed", job)

    # --- a joint training ---

    def join(self, job: str, *, kind: str = "train") -> str:
        """A job that everybody granted and joined; returns its plan."""
        plan = self.request(job)
        for name in self.departments:
            self.grant(name, job, plan)
        self.seal()
        self.begin(job, plan, kind=kind)
        self.seal()
        for name in self.departments:
            self.event(name, "job.join", job, plan=plan)
        return plan

    def exchange(self, job: str, batch: int = 0) -> None:
        """Fresh keys for masks."""
        for name in self.departments:
            self.keys_of(name, job, batch=batch)

    def keys_of(self, name: str, job: str, **other) -> int:
        cohort, digest = " ".join(sorted(self.departments)), sha(f"keys {other.get('batch', 0)}")
        return self.event(name, "mask.keys", job, **{"rounds": 2, "cohort": cohort, "digest": digest, **other})

    def mask(self, name: str, job: str, number: str, **other) -> int:
        data = {"round": number, "given": sha(number), "digest": sha(name + number), "values": 3}
        return self.event(name, "mask", job, **{**data, **other})

    def sign_survivors(self, name: str, job: str, number: str, survivors: Sequence[str], **other) -> int:
        data = {"round": number, "given": sha(number), "survivors": " ".join(sorted(survivors)), "digest": sha("s")}
        return self.event(name, "survivors", job, **{**data, **other})

    def close(self, job: str, number: str, survivors: Sequence[str], **other) -> int:
        data = {"round": number, "given": sha(number), "survivors": " ".join(sorted(survivors)), "values": 3}
        return self.event("coordinator", "round", job, **{**data, **other})

    def add_up(self, job: str, number: str, survivors: Sequence[str] = ()) -> None:
        """One masked round."""
        there = survivors or self.departments
        for name in there:
            self.mask(name, job, number)
            self.egress(name, "masked", job)
        for name in there:
            self.sign_survivors(name, job, number, there)
            self.egress(name, "control", job)
        for name in there:
            self.egress(name, "unmask", job)
        self.close(job, number, there)

    def make_model(self, job: str, rounds: int) -> int:
        return self.event("coordinator", "model", job, digest=sha("model"), rounds=rounds, survivors="")

    def train(self, job: str) -> City:
        """A whole training of two rounds under masks; in the second, one department has disappeared."""
        plan = self.join(job)
        self.exchange(job)
        self.add_up(job, "moments")
        self.add_up(job, "update.1", self.departments[1:])
        self.make_model(job, 2)
        self.end(job, plan)
        self.seal()
        return self

    def end(self, job: str, plan: str, outcome: str = "released") -> None:
        self.receipts()
        self.event("coordinator", "job.end", job, outcome=outcome)
        self.event(ANALYST, "result.read", job, commitment=sha("result"))
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": job, "digest": {"sha256": sha("result")}}],
            "predicateType": "https://keyong.test/job/v1",
            "predicate": {"plan": plan, "size": len(self.entries)},
        }
        self.jobs[job] = sign_envelope(self.keys["coordinator"], "application/vnd.in-toto+json", canonical(statement))

    def run(self, job: str) -> City:
        """One whole job, as it should be."""
        plan = self.request(job)
        for name in self.departments:
            self.grant(name, job, plan)
        self.seal()
        self.begin(job, plan)
        self.seal()
        self.compute(job, plan)
        self.end(job, plan)
        self.seal()
        return self

    # --- sealing ---

    def root(self) -> bytes:
        for entry in self.entries[self._folded :]:
            self._edge.append((1, leaf_hash(entry)))
            while len(self._edge) > 1 and self._edge[-1][0] == self._edge[-2][0]:
                (width, right), (_, left) = self._edge.pop(), self._edge.pop()
                self._edge.append((2 * width, node_hash(left, right)))
        self._folded = len(self.entries)
        root = self._edge[-1][1]
        for _, left in reversed(self._edge[:-1]):
            root = node_hash(left, root)
        return root

    def note(self, size: int, root: bytes, by: Sequence[str] | None = None, *, origin: str = ORIGIN) -> str:
        """A checkpoint signed by the coordinator and co-signed by some departments, all unless named."""
        self.now += 0.5
        text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        note = sign_note(self.keys["coordinator"], origin, text)
        names = self.departments if by is None else by
        lines = [cosign(self.witnesses[n], f"{origin}/{n}", text, time_s=int(self.now)) for n in names]
        return append_lines(note, [line for pair in lines for line in pair])

    def seal(self, by: Sequence[str] | None = None) -> str:
        size, root = len(self.entries), self.root()
        note = self.note(size, root, by)
        self.checkpoints.append((size, note))
        for name in self.departments if by is None else by:
            self.seen[name] = (size, root.hex())
            self.heads[name] = note
        return note

    # --- what the evaluator has ---

    @property
    def quorum(self) -> int:
        n = len(self.departments)
        return (n + (n - 1) // 3) // 2 + 1

    def policy(self) -> str:
        lines = [f"log {vkey(ORIGIN, self.keys['coordinator'].public)}"]
        for name, key in self.witnesses.items():
            public = vkey(f"{ORIGIN}/{name}", key.public.ed25519, kind=KeyKind.COSIGNATURE)
            lines.append(f"witness {name} {public}")
        lines.append(f"group departments {self.quorum} {' '.join(self.departments)}")
        return "\n".join([*lines, "quorum departments", ""])

    def signers(self) -> str:
        lines = []
        for name, key in self.keys.items():
            lines.append(vkey(ORIGIN if name == "coordinator" else f"{ORIGIN}/{name}", key.public))
        for name, officer in self.officers.items():
            lines.append(vkey(f"{ORIGIN}/{name}", officer.public.ed25519))
            lines.append(vkey(f"{ORIGIN}/{name}", officer.public.mldsa44, kind=KeyKind.MLDSA44_COSIGNATURE))
        return "\n".join([*lines, ""])

    def contents(self) -> BundleContents:
        counts = [
            {"party": party, "session": number, "sent": sent, "received": 0, "ended": False}
            for (party, number), sent in self.wire.items()
        ]
        return BundleContents(
            origin=ORIGIN,
            entries=tuple(self.entries),
            checkpoints=tuple(self.checkpoints),
            roster=self.roster,
            catalogue=b"{}",
            policy=self.policy(),
            signers=self.signers(),
            heads=dict(self.heads),
            jobs=dict(self.jobs),
            wire=json.dumps(counts).encode(),
            indicators=b"[]",
        )


def role_of(name: str) -> str:
    return "coordinator" if name == "coordinator" else "analyst" if "@" in name else "department"


def evaluator(city: City, folder: Path) -> list[str]:
    """Write what the evaluator brings; returns the command's options without a head."""
    folder.mkdir(exist_ok=True)
    (folder / "policy").write_text(city.policy())
    (folder / "signers").write_text(city.signers())
    return ["--policy", str(folder / "policy"), "--signers", str(folder / "signers")]


def resealed(city: City, entries: Sequence[bytes], by: Sequence[str] | None = None) -> BundleContents:
    """What a coordinator makes of other entries: one new checkpoint over them, co-signed by whoever plays along."""
    other = City.__new__(City)
    other.__dict__.update(city.__dict__, entries=list(entries), _edge=[], _folded=0)
    note = other.note(len(entries), other.root(), by)
    return dataclasses.replace(
        city.contents(), entries=tuple(entries), checkpoints=((len(entries), note),), heads={}, jobs={}
    )


def write_payload_anew(folder: Path, change: Callable[[Path], None]) -> None:
    """Change files of a bundle and mend its manifests, as whoever forges it would."""
    change(folder)
    listed = sorted(p.relative_to(folder).as_posix() for p in (folder / "data").rglob("*") if p.is_file())
    manifest = "".join(f"{sha((folder / name).read_bytes())}  {name}\n" for name in listed)
    (folder / "manifest-sha256.txt").write_text(manifest)
    tags = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt")
    lines = "".join(f"{sha((folder / name).read_bytes())}  {name}\n" for name in tags)
    (folder / "tagmanifest-sha256.txt").write_text(lines)
