"""The evidence bundle: everything an evaluator takes away, as plain files in a BagIt 1.0 bag (RFC 8493).

Entries stand in entry bundles of c2sp.org/tlog-tiles, proofs are c2sp.org/tlog-proof. Writing is all or nothing: the
bag grows in a folder beside its place and is moved there whole. Nothing is verified here beyond the manifests; that
is for `offline.verify`, which travels with the bundle, and for the evaluator's own keys. BagIt's fetch.txt and other
digests are left out.
"""

from __future__ import annotations

import base64
import errno
import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path

import msgspec

from crypto.merkle import leaf_hash, node_hash
from federation.audit.offline import verify as offline
from federation.errors import HomeError, RecordError

# Pages with more entries than this take long to open; the page then asks for the bundle's data folder.
EMBEDDED_ENTRIES = 20_000
PROVEN = frozenset({"approval.grant", "approval.deny", "approval.revoke", "release.decide", "model"})
# ZIP cannot tell times before 1980, and the same bundle shall give the same bytes.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)

# Of characters: a name, and base64 of 76 bytes; ML-DSA-44 makes more than 3,000.
MAX_ED25519_LINE = 1_000

BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleContents:
    """What goes into a bundle.

    Attributes:
        origin: of the log.
        entries: all up to the size of the last checkpoint, in order.
        checkpoints: sealed ones as (size, note with its lines), ascending; the last with lines of both kinds.
        roster: canonical bytes.
        catalogue: canonical bytes.
        policy: c2sp.org/tlog-policy, a convenience copy.
        signers: one vkey per line, a convenience copy.
        heads: by department, the checkpoint it co-signed last, not larger than the last one here.
        jobs: by job, the DSSE envelope of its in-toto Statement.
        wire: the copy proxy's counts, JSON.
        indicators: the figures, JSON.
    """

    origin: str
    entries: Sequence[bytes]
    checkpoints: Sequence[tuple[int, str]]
    roster: bytes
    catalogue: bytes
    policy: str
    signers: str
    heads: Mapping[str, str]
    jobs: Mapping[str, bytes]
    wire: bytes
    indicators: bytes

    def __post_init__(self) -> None:
        """Refuse what no verifier would accept."""
        sizes = [size for size, _ in self.checkpoints]
        if not sizes or sizes != sorted(set(sizes)) or sizes[-1] != len(self.entries):
            raise ValueError("a bundle ends at its last checkpoint, and has one for each size")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle read back, its manifests checked and nothing else.

    Attributes:
        size: how many entries its last checkpoint states.
        checkpoint: that checkpoint's note.
        checkpoints: every earlier sealed one, by size.
    """

    size: int
    checkpoint: str
    checkpoints: dict[int, str]
    roster: bytes
    catalogue: bytes
    policy: str
    signers: str
    heads: dict[str, str]
    jobs: dict[str, bytes]
    wire: bytes
    indicators: bytes
    _files: offline.Files

    def entries(self, start: int = 0) -> Iterator[bytes]:
        """Read the entries from index `start` on, one entry bundle at a time.

        Raises:
            RecordError: an entry bundle is not whole.
        """
        for number, width in offline.tiles_of(self.size)[start // offline.TILE :]:
            with _refusals():
                tile = offline.read_tile(self._files, number, width)
            yield from tile[max(0, start - number * offline.TILE) :]


def write_bundle(folder: Path, contents: BundleContents) -> None:
    """Write a bundle, whole or not at all.

    Raises:
        FileExistsError: there is something at `folder` already.
        HomeError: the disk is full or cannot be written; nothing is left under that name.
    """
    if os.path.lexists(folder):
        raise FileExistsError(errno.EEXIST, "a bundle is never overwritten", str(folder))
    draft: Path | None = None
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        payload: dict[str, str] = {}
        for name, content in _payload(contents):
            _write(draft / name, content)
            payload[name] = hashlib.sha256(content).hexdigest()
        for name, content in _tags(contents, payload, draft):
            _write(draft / name, content)
        draft.chmod(0o755)
        draft.rename(folder)
        _sync_folder(folder.parent)
    except OSError as exc:
        code = "home.disk_full" if exc.errno in (errno.ENOSPC, errno.EDQUOT) else "home.storage"
        raise HomeError(code, file=folder.name) from exc
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle whose files are exactly those of its manifests; folder or .zip.

    Raises:
        RecordError: it is not a bundle, or a file is missing, too many, or not the one in the manifest.
    """
    with _refusals():
        files = offline.Files(str(folder))
        offline.check_manifest(files)
        checkpoint = files.text("data/checkpoint")
        heads = {name.rpartition("/")[2]: files.text(name) for name in files.under("data/heads/")}
        jobs = {_stem(name, ".intoto.json"): files.read(name) for name in files.under("data/jobs/")}
        earlier = [files.text(name) for name in files.under("data/checkpoints/")]
        return Bundle(
            size=offline.read_note(checkpoint, "file data/checkpoint").size,
            checkpoint=checkpoint,
            checkpoints={offline.read_note(note, "file data/checkpoints").size: note for note in earlier},
            roster=files.read("data/roster.json"),
            catalogue=files.read("data/catalogue.json"),
            policy=files.text("data/policy"),
            signers=files.text("data/signers"),
            heads=heads,
            jobs=jobs,
            wire=files.read("data/wire.json"),
            indicators=files.read("data/indicators.json"),
            _files=files,
        )


def pack(folder: Path, archive: Path) -> None:
    """Put a bundle into one .zip; the same bundle gives the same bytes.

    Raises:
        FileExistsError: there is something at `archive` already.
        HomeError: the disk is full or cannot be written.
    """
    if os.path.lexists(archive):
        raise FileExistsError(errno.EEXIST, "an archive is never overwritten", str(archive))
    draft = archive.with_name(f".{archive.name}.draft")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                info = zipfile.ZipInfo(f"{folder.name}/{file.relative_to(folder).as_posix()}", ZIP_TIME)
                info.external_attr, info.compress_type, info.create_system = 0o100644 << 16, zipfile.ZIP_DEFLATED, 3
                packed.writestr(info, file.read_bytes(), compresslevel=9)
        draft.rename(archive)
    except OSError as exc:
        code = "home.disk_full" if exc.errno in (errno.ENOSPC, errno.EDQUOT) else "home.storage"
        raise HomeError(code, file=archive.name) from exc
    finally:
        draft.unlink(missing_ok=True)


# --- what is in it ---------------------------------------------------------------------------------------------------


def _payload(contents: BundleContents) -> Iterator[tuple[str, bytes]]:
    """Every file below data/, the page last: it holds most of the others."""
    shown = {}
    for name, content in _record(contents):
        yield name, content
        shown[name] = content
    for name, content in _proofs(contents):
        yield name, content
    yield "data/verify.py", _resource("verify.py")
    root = offline.read_note(contents.checkpoints[-1][1], "checkpoint").root.hex()
    readme = _resource("README.txt").decode()
    for word, value in (("{origin}", contents.origin), ("{size}", str(len(contents.entries))), ("{root}", root)):
        readme = readme.replace(word, value)
    yield "data/README.txt", readme.encode()
    embedded = shown if len(contents.entries) <= EMBEDDED_ENTRIES else {}
    yield "data/open-me.html", open_me(embedded)


def _record(contents: BundleContents) -> Iterator[tuple[str, bytes]]:
    yield "data/roster.json", contents.roster
    yield "data/catalogue.json", contents.catalogue
    yield "data/policy", contents.policy.encode()
    yield "data/signers", contents.signers.encode()
    yield "data/wire.json", contents.wire
    yield "data/indicators.json", contents.indicators
    *earlier, (_, last) = contents.checkpoints
    yield "data/checkpoint", last.encode()
    for size, note in earlier:
        yield f"data/checkpoints/{size:012d}", _ed25519_lines(note).encode()
    for party, note in contents.heads.items():
        yield f"data/heads/{party}", note.encode()
    for job, envelope in contents.jobs.items():
        yield f"data/jobs/{job}.intoto.json", envelope
    for number, width in offline.tiles_of(len(contents.entries)):
        entries = contents.entries[number * offline.TILE : number * offline.TILE + width]
        tile = b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)
        yield offline.tile_name(number, width), tile


def _ed25519_lines(note: str) -> str:
    """A checkpoint without its ML-DSA-44 lines, which are forty times as long; `data/checkpoint` keeps both."""
    body, _, lines = note.rpartition("\n\n")
    return body + "\n\n" + "".join(line for line in lines.splitlines(keepends=True) if len(line) < MAX_ED25519_LINE)


class _Envelope(msgspec.Struct):
    payload: bytes


class _Event(msgspec.Struct):
    type: str


_envelope, _event = msgspec.json.Decoder(_Envelope), msgspec.json.Decoder(_Event)


def _type(entry: bytes) -> str:
    """An event's type; "" for what is no event: a broken log is evidence too, and goes into the bundle as it is."""
    try:
        return _event.decode(_envelope.decode(entry).payload).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _proofs(contents: BundleContents) -> Iterator[tuple[str, bytes]]:
    """A proof for every approval and release: levels of the tree are worked out once for all of them."""
    levels = [[leaf_hash(entry) for entry in contents.entries]]
    while len(levels[-1]) > 1:
        level = levels[-1]
        above = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        levels.append(above + level[len(level) & ~1 :])
    note = _ed25519_lines(contents.checkpoints[-1][1])
    for index, entry in enumerate(contents.entries):
        if _type(entry) in PROVEN:
            path = [
                level[index >> height ^ 1] for height, level in enumerate(levels) if index >> height ^ 1 < len(level)
            ]
            lines = "".join(base64.b64encode(sibling).decode() + "\n" for sibling in path)
            yield (
                f"data/proofs/{index}.tlog-proof",
                f"c2sp.org/tlog-proof@v1\nindex {index}\n{lines}\n{note}".encode(),
            )


def _tags(contents: BundleContents, payload: Mapping[str, str], draft: Path) -> Iterator[tuple[str, bytes]]:
    """Tag files, the manifest of them last."""
    size = sum((draft / name).stat().st_size for name in payload)
    info = f"Bag-Software-Agent: keyong\nExternal-Identifier: {contents.origin}\nPayload-Oxum: {size}.{len(payload)}\n"
    tags = {"bagit.txt": BAGIT, "bag-info.txt": info.encode(), "manifest-sha256.txt": _manifest(payload)}
    yield from tags.items()
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in tags.items()}
    yield "tagmanifest-sha256.txt", _manifest(hashes)


def _manifest(hashes: Mapping[str, str]) -> bytes:
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode()


def open_me(files: Mapping[str, bytes]) -> bytes:
    """The page with these files inside, and a policy that lets it run itself and nothing else."""
    page = _resource("open-me.html").decode()
    # One source for the words of every reason; their braces are the page's placeholders.
    for name, table in (("REASONS", offline.REASONS), ("WHY", offline.WHY)):
        page = page.replace(f"{{/*{name}*/}}", json.dumps(table, ensure_ascii=False))
    packed = b"".join(
        struct.pack(">HI", len(name.encode()), len(content)) + name.encode() + content
        for name, content in files.items()
    )
    data = base64.b64encode(gzip.compress(packed, 9, mtime=0)).decode() if files else ""
    script = re.search(r"<script>(.*?)</script>", page, re.S)
    style = re.search(r"<style>(.*?)</style>", page, re.S)
    if script is None or style is None:
        raise ValueError("the page has lost its script or its style")
    page = page.replace("SCRIPT-HASH", _csp_hash(script[1])).replace("STYLE-HASH", _csp_hash(style[1]))
    return page.replace("RECORD-DATA", data).encode()


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# --- files -----------------------------------------------------------------------------------------------------------


def _resource(name: str) -> bytes:
    return (resources("federation.audit.offline") / name).read_bytes()


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stem(name: str, ending: str) -> str:
    return name.rpartition("/")[2].removesuffix(ending)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the offline verifier says into our error."""
    try:
        yield
    except offline.Reject as exc:
        reason = exc.lines()[0].partition(": ")[2]
        raise RecordError("record.invalid", where=exc.where, reason=reason) from exc
    except (OSError, zipfile.BadZipFile) as exc:
        raise RecordError("record.invalid", where="bundle", reason="it cannot be read") from exc
