"""Everything of flwr that its makers do not call public and that its SuperLink runtime takes; pinned by a test.

Written against flwr 1.41.0, which is pinned exactly. Flower's own clients and its own server are used as they are; only
what drives them is ours: a SuperNode that stays warm, since Flower's sleeps for three seconds between two looks and
starts a Python for every message, and a ServerApp that is a process of ours instead of a child of Flower's.

Leaves out: gRPC, which 1.43 removes; simulation; the SuperExec, since nothing here is ever started by Flower.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeVar

import anyio.to_thread
import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import Error, Message
from flwr.app.message import remove_content_from_message
from flwr.cli.build import build_fab_from_files
from flwr.common.constant import HEARTBEAT_DEFAULT_INTERVAL, TRANSPORT_TYPE_GRPC_RERE, ErrorCode
from flwr.common.serde import fab_to_proto, message_from_proto, message_to_proto, run_from_proto
from flwr.proto.control_pb2 import RegisterNodeRequest, StartRunRequest, UnregisterNodeRequest
from flwr.proto.fleet_pb2 import ActivateNodeRequest, DeactivateNodeRequest, PullMessagesRequest, PushMessagesRequest
from flwr.proto.heartbeat_pb2 import SendNodeHeartbeatRequest
from flwr.proto.message_pb2 import ConfirmMessageReceivedRequest
from flwr.proto.node_pb2 import Node
from flwr.proto.run_pb2 import GetRunRequest
from flwr.proto.runtime_pb2 import AcquireTaskRequest, PullTaskInputRequest
from flwr.supercore.constant import TaskType
from flwr.supercore.control.control_http_client import ControlHttpClient
from flwr.supercore.fab import Fab
from flwr.supercore.heartbeat import HeartbeatSender, make_task_heartbeat_fn_http
from flwr.supercore.inflatable.inflatable_object import (
    get_all_nested_objects,
    get_object_tree,
    iterate_object_tree,
    no_object_id_recompute,
)
from flwr.supercore.inflatable.inflatable_protobuf_utils import (
    make_pull_object_fn_protobuf,
    make_push_object_fn_protobuf,
)
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents, pull_objects, push_objects
from flwr.supercore.interceptors import RuntimeTokenHttpInterceptor, RuntimeVersionHttpInterceptor
from flwr.supercore.interceptors.http.utils import add_headers
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supercore.protobuf.client import ProtobufCall, ProtobufRequestContext
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink.grid import HttpGrid, http_grid
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from federation.runtime.superlink.door import OPENING_HEADER

T = TypeVar("T")

# A message is known before its objects have come. Flower then waits a second; they are a few milliseconds away.
_pull_soon = partial(pull_objects, initial_backoff=0.01, backoff_cap=0.1)
# What the SuperLink's own middlewares are for, by the first word of their names.
INTERFACES = {
    "Control": "/v1/control/",
    "Runtime": "/v1/runtime/",
    "NodeAuth": "/v1/fleet/",
    "Fleet": "/v1/fleet/",
}
# A node counts as gone after twice the interval.
HEARTBEAT_S = HEARTBEAT_DEFAULT_INTERVAL / 2


class _Opening:
    """Shows the SuperLink's door what opens it."""

    def __init__(self, opening: str) -> None:
        self._headers = {OPENING_HEADER: opening}

    def intercept(self, context: ProtobufRequestContext, call_next: ProtobufCall) -> httpx.Response:
        add_headers(context.request, self._headers)
        return call_next(context)


# HttpGrid is passed on: what else would name it reads it from here.
__all__ = [
    "HEARTBEAT_S",
    "Control",
    "FleetNode",
    "HttpGrid",
    "be_quiet",
    "build_fab",
    "refusal",
    "superlink_app",
    "take_run",
]


def be_quiet() -> None:
    """Keep Flower and its HTTP client from logging every request."""
    for name in ("flwr", "httpx", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def build_fab(files: Mapping[str, bytes]) -> bytes:
    """Pack an app as Flower's own command does."""
    return bytes(build_fab_from_files(dict(files))[0])


def superlink_app() -> ASGIApp:
    """Make Flower's SuperLink as an ASGI app: state in memory, authenticated nodes, nothing started beside it."""
    from flwr.superlink.auth_plugin import NoOpControlAuthnPlugin  # only the SuperLink's process pays for these
    from flwr.superlink.cli.flower_superlink import SuperLinkLifespan
    from flwr.superlink.config_loader import SuperLinkLifespanConfig
    from flwr.superlink.main import create_app

    config = SuperLinkLifespanConfig(
        control_address="",
        health_server_address=None,
        host="127.0.0.1",
        port=0,
        insecure=False,
        certificates=None,
        superexec_auth_secret=None,
        authn_plugin=NoOpControlAuthnPlugin(),
        event_log_plugin=None,
        fleet_event_log_plugin=None,
        enable_event_log=False,
        artifact_provider=None,
        enable_supernode_auth=True,
        fleet_api_type=TRANSPORT_TYPE_GRPC_RERE,
        fleet_api_address=None,
        simulation=False,
        ssl_ca_certfile=None,
        ssl_certfile=None,
        ssl_keyfile=None,
        database=":flwr-in-memory:",
        isolation="process",  # no SuperExec: nothing is started for a run
        runtime_dependency_install=False,
    )
    app = create_app(config, SuperLinkLifespan)
    # Each middleware of one interface costs every request of the others a millisecond; it looks at none of them.
    app.user_middleware = [
        Middleware(OnlyFor, middleware=found, prefix=prefix) if (prefix := _interface(found)) else found
        for found in app.user_middleware
    ]
    # With its state in memory no handler waits for anything, and handing one to a thread, which happens five times per
    # request, costs more than the handler.
    vars(anyio.to_thread)["run_sync"] = _run_here
    return app


async def _run_here(call: Callable[..., T], *args: object, **_: object) -> T:
    return call(*args)


def _interface(middleware: Middleware) -> str:
    """The paths that a middleware of the SuperLink is for; "" if for all."""
    name = getattr(middleware.cls, "__name__", "")
    return next((path for word, path in INTERFACES.items() if name.startswith(word)), "")


class OnlyFor:
    """Lets a middleware see the requests of one interface only."""

    def __init__(self, app: ASGIApp, *, middleware: Middleware, prefix: str) -> None:
        self._app, self._prefix = app, prefix
        self._within = middleware.cls(app, *middleware.args, **middleware.kwargs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, by the middleware or past it."""
        within = scope["type"] != "http" or scope["path"].startswith(self._prefix)
        await (self._within if within else self._app)(scope, receive, send)


class Control:
    """The operator's interface of a SuperLink."""

    def __init__(self, address: str, certificate: bytes, opening: str) -> None:
        self._client = ControlHttpClient.from_server_address(
            address,
            insecure=False,
            root_certificates=certificate,
            interceptors=[RuntimeVersionHttpInterceptor("flwr CLI"), _Opening(opening)],
        )

    def register(self, name: str, public: bytes) -> int:
        """Let a SuperNode in by its public key; returns its node id."""
        return int(self._client.RegisterNode(RegisterNodeRequest(public_key=public, name=name)).node_id)

    def unregister(self, node: int) -> None:
        """Let a SuperNode in no longer."""
        with suppress(httpx.HTTPError):
            self._client.UnregisterNode(UnregisterNodeRequest(node_id=node))

    def start_run(self, fab: bytes) -> int:
        """Begin a run of an app; nobody works on it until its task is taken."""
        proto = fab_to_proto(Fab(hashlib.sha256(fab).hexdigest(), fab, {}))
        return int(self._client.StartRun(StartRunRequest(fab=proto)).run_id)


def take_run(address: str, certificate: bytes, opening: str) -> HttpGrid:
    """Become the ServerApp of the one run that waits for one, and keep it alive; returns Flower's own grid."""

    def client(*interceptors: object) -> RuntimeHttpClient:
        version = RuntimeVersionHttpInterceptor(component_name="flwr-serverapp")
        return RuntimeHttpClient.from_server_address(
            address,
            insecure=False,
            root_certificates=certificate,
            interceptors=[version, _Opening(opening), *interceptors],  # type: ignore[list-item]
        )

    with client() as anonymous:
        token = anonymous.AcquireTask(AcquireTaskRequest(supported_task_types=[TaskType.SERVER_APP])).token
    vars(http_grid)["pull_objects"] = _pull_soon
    grid = HttpGrid(address, root_certificates=certificate, token=token)
    runtime = client(RuntimeTokenHttpInterceptor(token=token))
    grid._client = runtime
    given = runtime.PullTaskInput(PullTaskInputRequest())
    TaskIdentity.task_id, TaskIdentity.run_id = given.task_id, given.run.run_id
    TaskIdentity.node_id = given.context.node_id
    grid.set_run(run_from_proto(given.run))
    HeartbeatSender(make_task_heartbeat_fn_http(runtime)).start()
    return grid


class FleetNode:
    """A SuperNode's side of the SuperLink's fleet interface."""

    def __init__(self, address: str, certificate: bytes) -> None:
        """Make a key pair of its own; it lives as long as this process."""
        private = ec.generate_private_key(ec.SECP256R1())
        self.public = public_key_to_bytes(private.public_key())
        self._client = FleetHttpClient.from_server_address(
            address,
            insecure=False,
            root_certificates=certificate,
            interceptors=[
                RuntimeVersionHttpInterceptor(component_name="SuperNode"),
                NodeAuthHttpInterceptor(private, private.public_key()),
            ],
        )
        self._node = Node()

    def activate(self) -> None:
        """Come online; the key must have been registered."""
        request = ActivateNodeRequest(public_key=self.public, heartbeat_interval=HEARTBEAT_DEFAULT_INTERVAL)
        self._node = Node(node_id=self._client.ActivateNode(request).node_id)

    def deactivate(self) -> None:
        """Go offline."""
        self._client.DeactivateNode(DeactivateNodeRequest(node_id=self._node.node_id))

    def heartbeat(self) -> None:
        """Say that it is still there."""
        self._client.SendNodeHeartbeat(
            SendNodeHeartbeatRequest(node=self._node, heartbeat_interval=HEARTBEAT_DEFAULT_INTERVAL)
        )

    def app_of(self, message: Message) -> str:
        """The SHA-256 of the app whose run a message belongs to, hex."""
        request = GetRunRequest(node=self._node, run_id=message.metadata.run_id)
        return str(self._client.GetRun(request).run.fab_hash)

    def pull(self) -> Message | None:
        """The next message for this node, or None if there is none now."""
        response = self._client.PullMessages(PullMessagesRequest(node=self._node))
        if not response.messages_list:
            return None
        metadata, tree = message_from_proto(response.messages_list[0]).metadata, response.message_object_trees[0]
        run, name = metadata.run_id, metadata.message_id
        pull = make_pull_object_fn_protobuf(self._client.PullObject, self._node, run)
        contents = _pull_soon([part.object_id for part in iterate_object_tree(tree)], pull)
        self._client.ConfirmMessageReceived(
            ConfirmMessageReceivedRequest(node=self._node, run_id=run, message_object_id=name)
        )
        message = inflate_object_from_contents(name, contents)
        if not isinstance(message, Message):
            raise TypeError("the SuperLink delivered something that is no message")
        message.metadata.__dict__["_message_id"] = name
        return message

    def push(self, reply: Message) -> None:
        """Send a reply."""
        with no_object_id_recompute():
            reply.metadata.__dict__["_message_id"] = reply.object_id
            objects = get_all_nested_objects(reply)
            response = self._client.PushMessages(
                PushMessagesRequest(
                    node=self._node,
                    messages_list=[message_to_proto(remove_content_from_message(reply))],
                    message_object_trees=[get_object_tree(reply)],
                    clientapp_runtime_list=[0.0],
                )
            )
            run = reply.metadata.run_id
            push = make_push_object_fn_protobuf(self._client.PushObject, self._node, run, response.session_id)
            push_objects(objects, push, object_ids_to_push=set(response.objects_to_push))


def refusal(message: Message) -> Message:
    """Answer a message of another app than ours."""
    return Message(Error(code=ErrorCode.INVALID_FAB, reason="this node runs one app only"), reply_to=message)
