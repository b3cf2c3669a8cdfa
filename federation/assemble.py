"""The only place where objects are wired together: the program that `federation.operate` starts.

It is the launcher, and after a fork each of the parties: the coordinator, a department, the dealer.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from logging.handlers import RotatingFileHandler
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from crypto import threshold
from crypto.errors import CryptoError
from crypto.paillier import Encryptor, generate
from crypto.sealing import open_box, seal
from crypto.threshold import KeyShare
from federation import sandbox
from federation.adapters import Adapter, AdapterCode, find_adapter
from federation.aggregation.office import Office
from federation.audit.events import Actor
from federation.audit.journal import Draft, Journal
from federation.audit.log import Log
from federation.audit.record import Public
from federation.audit.witness import Witness
from federation.coordinator.attestations import attest_job
from federation.coordinator.control import ControlServer
from federation.coordinator.datasets import Offers
from federation.coordinator.grid_wire import GridWire
from federation.coordinator.jobs import Job, JobQueue
from federation.coordinator.models import KeptModels
from federation.coordinator.receipts import Receipts
from federation.coordinator.seals import Sealer
from federation.coordinator.sequencer import Sequencer
from federation.coordinator.server_app import JobRunner, Trainer, server_app
from federation.errors import HomeError, KeyongError, NodeError, RecordError, RefusedError, SettingsError
from federation.governance import datasite
from federation.governance.approvals import Approvals
from federation.governance.identity import Identity, write_secret, write_whole
from federation.governance.roster import Roster, pin
from federation.governance.shelf import NoShelf
from federation.messages import Dataset, Deal, Dealt, Enrol, Enrolled, Header, Payload, Unready, decode, encode
from federation.messages import Identity as IdentityMessage
from federation.node.bench import Bench
from federation.node.client_app import client_app
from federation.node.department import Department
from federation.node.desk import Desk
from federation.node.fingerprints import Fingerprints
from federation.node.gateway import Gateway
from federation.node.mirror import RecordMirror
from federation.node.offering import offer, register
from federation.operate import Launch, now, socket_places
from federation.queries.sums import new_nonce
from federation.runtime import flower
from federation.runtime.deadline import ending_after
from federation.runtime.epochs import check_past
from federation.runtime.frames import frame, receive
from federation.runtime.home import Home
from federation.runtime.launcher import (
    COORDINATOR,
    DEALER,
    EXIT_BUG,
    EXIT_DISK_FULL,
    EXIT_GARBAGE,
    EXIT_STORAGE,
    EXIT_WITNESS_LOST,
    EXIT_WITNESS_ROLLED_BACK,
    PR_SET_NAME,
    Ceremony,
    Launcher,
    Starter,
)
from federation.runtime.local_grid import LocalGrid
from federation.runtime.superlink.fleet import Carriers
from federation.sandbox.limits import NoRunner, Runner
from federation.settings import Department as DepartmentSettings

if TYPE_CHECKING:
    from federation.runtime.superlink.grid import SuperLinkGrid
    from federation.runtime.superlink.notices import LinkUp

logger = logging.getLogger(__name__)

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
MAX_LOG_BYTES = 5_000_000
OVER_TCP = "process isolation only: it reaches its database over TCP"
GRACE_S = 1.0
# Less than the maximum merge delay: who waited for a silent one must not be found late for it.
SEAL_DEADLINE_S = 5
WITNESS_STATUS = {"witness.lost": EXIT_WITNESS_LOST, "witness.rolled_back": EXIT_WITNESS_ROLLED_BACK}


def main() -> int:
    """Run the launcher's process."""
    launch = msgspec.json.decode(sys.stdin.buffer.read(), type=Launch)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_NAME, b"ky-launcher", 0, 0, 0)
    # Imported once here, so that no party has to: each would take seconds in the middle of a job.
    import duckdb  # noqa: F401

    import federation.coordinator.trainings
    import federation.learning.prediction
    import federation.learning.programme  # noqa: F401

    home, settings = Home(Path(launch.home)), launch.settings
    if settings.catalogue.approvals == "officers":
        datasite.load()
    public = Public(
        name=settings.name,
        departments=tuple(d.name for d in settings.departments),
        labels=settings.labels("zh"),
        labels_en=settings.labels("en"),
        stores={d.name: {store.table: store.adapter for store in d.stores} for d in settings.departments},
        unconfined=launch.unconfined,
        networked=tuple(d.name for d in settings.departments if d.network),
        runtime=launch.runtime,
    )
    write_whole(home.path / "launcher" / "public.json", msgspec.json.encode(public))
    # What plans refer to by its hash; public, and part of every bundle.
    write_whole(home.path / "launcher" / "catalogue.json", settings.catalogue.to_bytes())
    control = socket.socket(fileno=launch.control)
    starters = {
        COORDINATOR: Starter(
            run=lambda stream, *_: _run_coordinator(launch, stream, control),
            keep=(launch.control,),
            network=launch.runtime == "flower",
        ),
        DEALER: Starter(run=lambda stream, *_: _run_dealer(launch, stream)),
    }
    benches = _benches(launch)
    for department in settings.departments:
        secrets = launch.secrets.get(department.name)
        starters[department.name] = Starter(
            run=lambda *streams, d=department: _run_department(launch, d, *streams),
            readable=tuple(path for store in department.stores for path in store.files),
            network=department.network,
            keep=(launch.desks[department.name], *(() if secrets is None else (secrets,))),
            bench=department.name in benches,
        )
    reporting = True

    def report(said: dict[str, object]) -> None:
        nonlocal reporting
        if reporting:
            with contextlib.suppress(OSError):
                os.write(launch.report, json.dumps(said).encode() + b"\n")
            if "ready" in said or "code" in said:
                os.close(launch.report)
                reporting = False

    ceremony = Ceremony(
        origin=launch.origin,
        epoch=launch.epoch,
        previous=launch.previous,
        threshold=settings.catalogue.threshold,
        key_bits=settings.key_bits,
        analysts=launch.analysts,
        officers=launch.officers,
        grants=settings.officers_needed,
    )
    launcher = Launcher(
        home=home.path,
        confined=not launch.unconfined,
        starters=starters,
        ceremony=ceremony,
        listener=socket.socket(fileno=launch.operator),
        report=report,
        carriers=_carriers() if launch.runtime == "flower" else None,
    )
    gc.freeze()  # children share these pages as long as the collector does not touch them
    return launcher.run()


def _benches(launch: Launch) -> frozenset[str]:
    """The departments that hold a table which scripts may be run over, if this machine has a sandbox for them."""
    tables = {table.name for table in launch.settings.catalogue.tables if table.scripts}
    holders = frozenset(d.name for d in launch.settings.departments if any(s.table in tables for s in d.stores))
    if not holders or launch.unconfined:
        return frozenset()
    if (reason := sandbox.why_not()) is not None:  # tried here, once for all who are forked from here
        logger.warning("no script will run: %s", reason)
        return frozenset()
    return holders


def _carriers() -> Carriers:
    """The SuperLink and the SuperNodes, in the launcher's network: within the bubblewrap it is a loopback, no more."""
    # The coordinator's side too: imported before the first fork, as everything that takes a second.
    import federation.runtime.superlink.grid  # noqa: F401
    from federation.runtime.superlink.link import run_link
    from federation.runtime.superlink.node import run_node

    def node(end: socket.socket, link: LinkUp) -> Starter:
        return Starter(
            run=lambda stream, *_: _logged(lambda: run_node(stream, end, link)), keep=(end.fileno(),), network=True
        )

    return Carriers(link=Starter(run=lambda stream, *_: _logged(lambda: run_link(stream)), network=True), node=node)


def _logged(run: Callable[[], int]) -> int:
    _keep_log()
    return run()


def _run_department(
    launch: Launch, settings: DepartmentSettings, stream: socket.socket, session: int, bench: socket.socket | None
) -> int:
    _keep_log()
    home = Home(Path(launch.home)).party(settings.name)
    try:
        identity = Identity.in_home(settings.name, home)
        journal = Journal(
            home / "journal.db",
            origin=launch.origin,
            node=settings.name,
            key=identity.signing,
            clock=now,
        )
    except (HomeError, OSError) as error:
        logger.error("%s", error)
        return _storage_status(error)
    stores, codes, unready = _open_stores(launch, settings)
    fingerprints = Fingerprints.sample(stores, launch.settings.catalogue)
    datasets: tuple[Dataset, ...] = ()
    try:
        datasets = offer(launch.settings, settings.name, fingerprints)
    except SettingsError as error:
        unready = unready or _unready(error)
    by_officers = launch.settings.catalogue.approvals == "officers"
    shelf = datasite.Datasite(home / datasite.FOLDER, settings.name) if by_officers else NoShelf()
    gateway = Gateway(journal, settings.name, fingerprints)
    try:
        # Before there is a roster a witness can show its keys, and nothing else.
        own = {settings.name: identity.signing.public}
        with contextlib.closing(_open_witness(home, launch.origin, settings.name, journal, own)) as witness:
            cosigner, seen = witness.public, witness.head()
    except KeyongError as error:
        logger.error("%s", error)
        return _storage_status(error)
    journal.seen = lambda: seen  # after a restart too, no event tells less than the one before it
    link = _DepartmentLink(settings.name, launch.origin, stream, gateway)
    started = Draft(
        type="start",
        actor=Actor(name=settings.name, role="node"),
        data={
            "session": session,
            "catalogue": launch.settings.catalogue.hash,
            "isolation": launch.unconfined or (OVER_TCP if settings.network else "confined"),
            "version": version("keyong"),
            "fingerprints": fingerprints.summary(),
            # Which code reads the data, and what the conformance kit said of it.
            "adapters": _listed({code.name: code.sha256 for code in codes}),
            "conformance": _listed({c.name: launch.conformance[c.name] for c in codes if c.name in launch.conformance}),
            "desk": shelf.software,
        },
        body=fingerprints.to_bytes(),
    )
    try:
        if unready is not None:
            try:
                link.say(unready, (started,))
            except RefusedError as error:  # what went wrong with the store quotes one of its cells
                link.say(Unready(code=error.code, details={}), ())
            return 0
        pinned = home / "roster.json"
        enrolled = Roster.from_bytes(pinned.read_bytes()).hash if pinned.exists() else ""
        link.say(
            IdentityMessage(
                party=settings.name,
                signing=identity.signing.public,
                box=identity.box.public,
                witness=cosigner.ed25519,
                witness_mldsa=cosigner.mldsa44,
                enrolled=enrolled,
            ),
            (started,),
        )
        enrol = link.hear()
        if not isinstance(enrol, Enrol):
            return EXIT_GARBAGE
        try:
            roster, past = _pin(home, enrol.roster, identity, (cosigner.ed25519, cosigner.mldsa44))
        except (RefusedError, RecordError) as error:
            link.say(_unready(error), ())
            return 0
        share = _keep_share(home, enrol.share, identity, roster)
        public_key = roster.paillier(minimum_bits=launch.minimum_key_bits)
        enrolment = Draft(
            type="enrol",
            actor=Actor(name=settings.name, role="node"),
            data={
                "roster": roster.hash,
                "epoch": roster.epoch,
                "key": public_key.fingerprint,
                "share": share.index,
                **past,
            },
        )
        link.say(Enrolled(roster=roster.hash), () if journal.holds("enrol", "") else (enrolment,))
        witness = _open_witness(home, roster.origin, settings.name, journal, roster.signers)
        mirror = RecordMirror(witness, roster)
        journal.seen = witness.head
        approvals = Approvals(
            department=settings.name,
            roster=roster,
            rule=launch.settings.catalogue.approvals,
            journal=journal,
            folder=home / "desk",
            clock=now,
            shelf=shelf,
        )
        gateway.permit = approvals.check
        desk = Desk(socket.socket(fileno=launch.desks[settings.name]), approvals, mirror.head)
        office = Office(
            identity=identity,
            roster=roster,
            catalogue=launch.settings.catalogue,
            public_key=public_key,
            share=share,
            encryptor=Encryptor(public_key),
            stores=stores,
            approvals=approvals,
            mirror=mirror,
            check_cells=gateway.check_cells,
            check_text=gateway.check_text,
            clock=now,
            home=home,
            runner=_runner(bench, home, desk, approvals),
        )
        department = Department(office, journal, gateway, mirror, desk, datasets)
        if isinstance(shelf, datasite.Datasite):
            register(shelf, datasets, launch.settings, settings.name)
        # Only what the coordinator has given up is ended: nobody waits for that answer any more.
        _serve(stream, department, desk, launch.settings.deadline_s + GRACE_S)
    except (HomeError, OSError) as error:
        # Without a ledger nothing may leave, not even the reason: the exit status is all there is.
        logger.error("%s", error)
        return _storage_status(error)
    except NodeError as error:
        logger.error("%s", error)
        return EXIT_GARBAGE
    return 0


def _runner(bench: socket.socket | None, home: Path, desk: Desk, approvals: Approvals) -> Runner:
    """Who runs this department's scripts; while one runs, its officers are heard."""
    if bench is None:
        return NoRunner()

    def alive(job: str) -> None:
        desk.serve()
        plan = approvals.plan(job)
        approvals.check(job, plan.hash if plan else "")

    return Bench(bench, home / "scripts", desk.fileno(), alive)


def _open_stores(
    launch: Launch, settings: DepartmentSettings
) -> tuple[dict[str, Adapter], list[AdapterCode], Unready | None]:
    """Open a department's tables; with the code that does it, and why not if one does not open."""
    if settings.name in launch.secrets:
        secrets = os.pread(launch.secrets[settings.name], 1 << 20, 0)
        os.environ.update(msgspec.json.decode(secrets, type=dict[str, str]))
    # A socket's path may have 107 bytes, and a home may be deep: we are in ours.
    places = socket_places(settings, Path("/proc/self/cwd"))
    moved = {} if launch.unconfined else dict(zip(settings.sockets, map(str, places), strict=True))
    stores: dict[str, Adapter] = {}
    codes: list[AdapterCode] = []
    for store in settings.stores:
        try:
            code = find_adapter(store.adapter, store.code_file)
            codes.append(code)
            stores[store.table] = code.open(store.columns, store.options_with_sockets(moved))
        except KeyongError as error:
            logger.error("table %s: %s", store.table, error)
            details = {"table": store.table, **{k: str(v) for k, v in error.details.items()}}
            return stores, codes, Unready(code=error.code, details=details)
    return stores, codes, None


def _listed(digests: Mapping[str, str]) -> str:
    """Write digests by name as one text, as events hold it."""
    return " ".join(f"{name}={digest}" for name, digest in sorted(digests.items()))


def _open_witness(home: Path, origin: str, party: str, journal: Journal, parties: Mapping[str, bytes]) -> Witness:
    """Open the witness, or begin it if this department never co-signed anything."""
    file = home / "witness.db"
    if file.exists():
        return Witness(file, origin=origin, party=party, clock=now, journal=journal, parties=parties)
    return Witness.create(file, origin=origin, party=party, clock=now, journal=journal, parties=parties)


def _serve(stream: socket.socket, department: Department, desk: Desk, limit_s: float) -> None:
    """Answer officers and Flower messages until the launcher closes the stream.

    A message that takes too long ends the process.
    """
    from flwr.app import Context, RecordDict

    flower.identify_task(1)
    app = client_app(department)
    context = Context(run_id=1, node_id=0, node_config={}, state=RecordDict(), run_config={})
    while True:
        ready = wait([desk.fileno(), stream.fileno()])
        if desk.fileno() in ready:
            desk.serve()
        if stream.fileno() not in ready:
            continue
        body = receive(stream)
        if body is None:
            return
        message = flower.from_bytes(body)
        try:
            with ending_after(limit_s):
                reply = app(message, context)
                answer = department.gateway.release(frame(flower.to_bytes(reply)))
        except (NodeError, RefusedError) as error:
            # Not the coordinator's word under our roster: no answer, so that nobody can probe us. Or the gateway holds
            # back the whole frame: what is in it must not leave in any form.
            logger.warning("no answer to a message: %s", error.code)
            continue
        stream.sendall(answer)


class _DepartmentLink:
    """What a department says to its launcher while it enrols; it too passes the gateway."""

    def __init__(self, name: str, origin: str, stream: socket.socket, gateway: Gateway) -> None:
        self._name, self._origin, self._stream, self._gateway = name, origin, stream, gateway

    def say(self, payload: Payload, drafts: Sequence[Draft]) -> None:
        header = Header(
            origin=self._origin,
            job="",
            attempt=0,
            plan="",
            roster="",
            epoch=0,
            sender=self._name,
            recipient="launcher",
            number=new_nonce(),
            reply_to="",
        )
        self._gateway.admit(header, payload, drafts)
        self._stream.sendall(self._gateway.release(frame(encode(payload))))

    def hear(self) -> Payload | None:
        body = receive(self._stream)
        return None if body is None else decode(body)


def _run_coordinator(launch: Launch, channel: socket.socket, control: socket.socket) -> int:
    _keep_log()
    home = Home(Path(launch.home)).party(COORDINATOR)
    try:
        identity = Identity.in_home(COORDINATOR, home)
        pinned = home / "roster.json"
        enrolled = Roster.from_bytes(pinned.read_bytes()).hash if pinned.exists() else ""
        channel.send(
            encode(
                IdentityMessage(
                    party=COORDINATOR, signing=identity.signing.public, box=identity.box.public, enrolled=enrolled
                )
            )
        )
        enrol = decode(channel.recv(1 << 20))
        if not isinstance(enrol, Enrol):
            return EXIT_GARBAGE
        try:
            roster, past = _pin(home, enrol.roster, identity)
        except RefusedError as error:
            channel.send(encode(_unready(error)))
            return 0
        origin, key = roster.origin, identity.signing
        journal = Journal(home / "journal.db", origin=origin, node=COORDINATOR, key=key, clock=now)
        log = Log(home / "log.db", origin=origin, key=key)
        sequencer = Sequencer(log, journal, roster)
        actor = Actor(name=COORDINATOR, role="coordinator")
        if not journal.holds("enrol", ""):
            enrolment: dict[str, int | str] = {"roster": roster.hash, "epoch": roster.epoch, **past}
            sequencer.record(Draft(type="enrol", actor=actor, data=enrolment))
        sequencer.record(Draft(type="start", actor=actor, data={"version": version("keyong")}))
        channel.send(encode(Enrolled(roster=roster.hash)))
    except (HomeError, OSError) as error:
        logger.error("%s", error)
        return _storage_status(error)
    from flwr.app import Context, RecordDict

    receipts = Receipts(COORDINATOR)
    grid = _grid(launch, roster, channel, receipts, identity)
    heard: dict[str, float] = {}

    def wire(job: Job | None = None) -> GridWire:
        return GridWire(
            grid=grid,
            nodes=grid,
            identity=identity,
            roster=roster,
            sequencer=sequencer,
            job=job.name if job else "",
            plan=job.plan.hash if job else "",
            # Sealing is quick: whoever is silent for long is left out, and does not hold up the others' jobs.
            deadline_s=launch.settings.deadline_s if job else min(SEAL_DEADLINE_S, launch.settings.deadline_s),
            heard=heard,
        )

    def attest(job: Job, outcome: str) -> None:
        entries = sequencer.end_job(job.name)
        signed = attest_job(job.name, job.plan, outcome=outcome, entries=entries, origin=roster.origin, key=key)
        folder = home / "jobs"
        try:
            folder.mkdir(exist_ok=True)
            write_whole(folder / f"{job.name}.intoto.json", signed)
        except OSError as exc:
            raise HomeError("home.storage", file=folder.name) from exc

    jobs = JobQueue()
    models = KeptModels(home / "models")
    offers = Offers(roster.names("department"), wire)
    ControlServer(control, jobs, sequencer, roster, models.find, offers).start()
    runner = JobRunner(
        trainer=Trainer(identity, roster, roster.paillier(minimum_bits=launch.minimum_key_bits), models.keep),
        sequencer=sequencer,
        sealer=Sealer(log=log, sequencer=sequencer, receipts=receipts, roster=roster, wire=wire),
        wire=wire,
        attest=attest,
    )
    app = server_app(
        jobs,
        runner,
        lambda _: grid.wait_for(roster.names("department"), launch.settings.deadline_s),
        offers.gather,
    )
    context = Context(run_id=1, node_id=flower.COORDINATOR_NODE, node_config={}, state=RecordDict(), run_config={})
    app(grid=grid, context=context)
    return 0


def _grid(
    launch: Launch, roster: Roster, channel: socket.socket, receipts: Receipts, identity: Identity
) -> LocalGrid | SuperLinkGrid:
    if launch.runtime == "local":
        return LocalGrid(roster.names("department"), channel, receipts)
    from federation.runtime.superlink.grid import SuperLinkGrid

    return SuperLinkGrid(channel, receipts, identity.signing)


def _run_dealer(launch: Launch, stream: socket.socket) -> int:
    """Make the joint key and its shares, hand them over sealed, and end.

    The dealer is trusted: for a moment it holds the whole key. It runs confined like any party, writes nothing to
    disk, and its process ends here; that its memory is gone cannot be proven.
    """
    body = receive(stream)
    deal = decode(body) if body else None
    if not isinstance(deal, Deal):
        return EXIT_GARBAGE
    private = generate(deal.key_bits, minimum_bits=launch.minimum_key_bits)
    shares = threshold.deal(private, holders=len(deal.holders), threshold=deal.threshold)
    sealed = {
        name: seal(box, share.to_bytes(), context=_share_context(launch.origin, name))
        for (name, box), share in zip(deal.holders.items(), shares, strict=True)
    }
    stream.sendall(frame(encode(Dealt(public_key=private.public.to_bytes(), shares=sealed))))
    return 0


def _share_context(origin: str, holder: str) -> bytes:
    return f"keyong\nkey share\n{origin}\n{holder}".encode()


def _unready(error: KeyongError) -> Unready:
    return Unready(code=error.code, details={name: str(value) for name, value in error.details.items()})


def _pin(
    home: Path, content: bytes, identity: Identity, cosigner: tuple[bytes, bytes] = (b"", b"")
) -> tuple[Roster, dict[str, int | str]]:
    """Pin the roster, in which we must stand with our own keys, and which must follow on the one pinned before.

    Returns:
        The roster, and what the `enrol` event states of the epoch before.
    """
    roster = Roster.from_bytes(content)
    own = roster.party(identity.name)
    keys = (identity.signing.public, identity.box.public, cosigner)
    if own is None or (own.signing, own.box, (own.witness, own.witness_mldsa)) != keys:
        raise HomeError("home.roster_differs", party=identity.name)
    past = check_past(home, roster, identity.name)
    pin(roster, home)
    return roster, past


def _keep_share(home: Path, box: bytes, identity: Identity, roster: Roster) -> KeyShare:
    """Keep the dealt share as it came at the first enrolment, in its box, and open it at every start.

    The box opens for this log only: a share of an epoch before, put back from a copy, does not.
    """
    file = home / "share.key"
    if box and not file.exists():
        write_secret(file, box)
    try:
        context = _share_context(roster.origin, identity.name)
        share = KeyShare.from_bytes(open_box(identity.box, file.read_bytes(), context=context))
    except (FileNotFoundError, CryptoError) as exc:
        raise HomeError("home.share_lost", party=identity.name) from exc
    if share.index != roster.holders.index(identity.name) + 1 or share.threshold != roster.threshold:
        raise HomeError("home.share_lost", party=identity.name)
    return share


def _storage_status(error: Exception) -> int:
    code = getattr(error, "code", "")
    if code in WITNESS_STATUS:
        return WITNESS_STATUS[code]
    full = code == "home.disk_full" or getattr(error, "errno", None) == 28
    return EXIT_DISK_FULL if full else EXIT_STORAGE if isinstance(error, OSError | HomeError) else EXIT_BUG


def _keep_log() -> None:
    """Log into our own home, which is the working directory, and turn the file over before it grows large.

    What a crash prints goes to the same file by the standard error stream.
    """
    handler = RotatingFileHandler("log.txt", maxBytes=MAX_LOG_BYTES, backupCount=3, encoding="utf-8")
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, handlers=[handler], force=True)


if __name__ == "__main__":
    status_code = main()
    sys.stderr.flush()
    os._exit(status_code)  # native libraries have nothing to say at the end of a process that only forked
