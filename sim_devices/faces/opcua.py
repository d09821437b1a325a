"""An OPC UA server for a node space (asyncua), one for all devices behind a link.

The server's variables are a copy of the space. What a device shows reaches them in one go between two
requests, and before the answer to the Write or Call that caused it. The device's own variables are read-only;
a Write is judged as a whole.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from asyncua import Server, ua
from asyncua.common.callback import CallbackType, ServerItemCallback
from asyncua.common.utils import ServiceError
from asyncua.crypto import uacrypto
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData, NodeManagementService
from asyncua.server.binary_server_asyncio import BinaryServer
from asyncua.server.internal_server import InternalServer
from asyncua.server.standard_address_space.standard_address_space import fill_address_space
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.contract.wiring import OpcUaLink, OpcUaSecurity, Tag, TagType
from sim_devices.clock import BEAT_S
from sim_devices.faces.nodes import NodeSpace, UnknownNode
from sim_devices.faces.wire import Wire

VARIANTS = {
    TagType.U16: ua.VariantType.UInt16,
    TagType.U32: ua.VariantType.UInt32,
    TagType.U64: ua.VariantType.UInt64,
    TagType.STRING: ua.VariantType.String,
}
POLICIES = {
    "Basic256Sha256": ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    "Aes128Sha256RsaOaep": ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    "Aes256Sha256RsaPss": ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
}
APPLICATION_URI = "urn:warehouse:simulated-device"

# Nine megabytes of generated code, in which a type checker would look for most of a minute whether they return.
_fill: Final = cast("Callable[[NodeManagementService], None]", fill_address_space)


def server_key(certificate: Path) -> Path:
    """Return where the private key of a simulated server lies: beside its certificate, `plc.pem` → `plc-key.pem`."""
    return certificate.with_name(f"{certificate.stem}-key.pem")


@cache
def _standard_nodes() -> AddressSpace:
    """Return the nodes that every OPC UA server has. Making them takes more than a second, copying them some 50 ms."""
    space = AddressSpace()
    _fill(NodeManagementService(space))
    return space


def _copy(node: NodeData) -> NodeData:
    copy = NodeData(node.nodeid)
    copy.references = list(node.references)
    for attribute, held in node.attributes.items():
        assert held.value is not None
        copy.attributes[attribute] = AttributeValue(held.value)
    return copy


class _QuickInternalServer(InternalServer):
    """asyncua's services, ready sooner where several servers run in one process."""

    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
        standard = await asyncio.to_thread(_standard_nodes)
        for node_id in standard.keys():
            self.aspace[node_id] = _copy(standard[node_id])

    async def stop(self) -> None:
        """Stop, and end the sessions that still wait for clients whose connections are gone."""
        for session in tuple(self._external_sessions.values()):
            await session.close_session(delete_subs=True)
        await super().stop()


class _WiredBinaryServer(BinaryServer):
    """asyncua's socket server with our cable below it."""

    wire: Wire

    def _make_protocol(self) -> Any:
        return self.wire.plug(super()._make_protocol())


class _WiredServer(Server):
    """asyncua's server, started on our cable."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(_QuickInternalServer())
        self._wire = wire

    async def start(self) -> None:
        await self._setup_server_nodes()
        await self.iserver.start()
        host, port = self._get_bind_socket_info()
        self.bserver = _WiredBinaryServer(self.iserver, host or "127.0.0.1", port or 4840, self.limits)
        self.bserver.wire = self._wire
        self.bserver.set_policies(self._policies)
        await self.bserver.start()


class OpcUaServer:
    """Serves one link's devices on a socket."""

    def __init__(self, link: OpcUaLink, root: Path, space: NodeSpace, wire: Wire) -> None:
        """Make a server that does not listen yet.

        Args:
            link: its URL says where to listen, its `security` whose certificate is trusted.
            root: folder that relative paths of the link start from.
            space: all that it offers.
            wire: the cable to put below it.
        """
        self._link = link
        self._root = root
        self._space = space
        self._wire = wire
        self._server = _WiredServer(wire)
        self._nodes: dict[str, tuple[ua.NodeId, ua.VariantType]] = {}
        self._identifiers: dict[ua.NodeId, str] = {}

    async def run(self, listening: asyncio.Event) -> None:
        """Serve until cancelled; `listening` is set as soon as clients can connect.

        Raises:
            OSError: the port is taken, or a certificate cannot be read.
        """
        await self._prepare()
        await self._server.start()
        try:
            listening.set()
            while True:
                await self._publish()
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S):
                        await self._space.changed.wait()
        finally:
            self._wire.cut()
            await self._server.stop()

    async def _prepare(self) -> None:
        server = self._server
        server.disable_clock()
        server.set_endpoint(self._link.url)
        server.set_identity_tokens([ua.AnonymousIdentityToken])
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        server.allow_remote_admin(False)
        await server.init()
        await server.set_application_uri(APPLICATION_URI)
        if self._link.security:
            await self._secure(self._link.security)
        namespace = await server.register_namespace(self._link.namespace)
        for identifier, tag in (self._space.shown | self._space.taken).items():
            await self._add_variable(namespace, identifier, tag)
        for identifier in self._space.called:
            await self._add_method(namespace, identifier)
        # asyncua calls the kind of event a str and takes only its enum.
        server.iserver.subscribe_server_callback(CallbackType.PostWrite, self._written)  # pyright: ignore[reportArgumentType]

    async def _secure(self, security: OpcUaSecurity) -> None:
        server = self._server
        server.set_security_policy([POLICIES[security.policy]])
        certificate = self._root / security.server_certificate
        await server.load_certificate(certificate)
        await server.load_private_key(server_key(certificate))
        trusted = uacrypto.der_from_x509(await uacrypto.load_certificate(self._root / security.certificate))

        async def only_trusted(certificate: x509.Certificate, _: ua.ApplicationDescription) -> None:
            if certificate.public_bytes(Encoding.DER) != trusted:
                raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)

        server.iserver.certificate_validator = only_trusted

    async def _add_variable(self, namespace: int, identifier: str, tag: Tag) -> None:
        node_id, variant = _node_id(identifier, namespace), VARIANTS[tag.type]
        name = ua.QualifiedName(identifier, namespace)
        empty = "" if tag.type is TagType.STRING else 0
        node = await self._server.nodes.objects.add_variable(node_id, name, empty, variant)
        if identifier in self._space.taken:
            await node.set_writable()
        self._nodes[identifier] = node_id, variant
        self._identifiers[node_id] = identifier

    async def _add_method(self, namespace: int, identifier: str) -> None:
        called = self._space.called[identifier]

        async def call(_: ua.NodeId, *arguments: ua.Variant) -> ua.CallMethodResult:
            return await self._call(identifier, [argument.Value for argument in arguments])

        await self._server.nodes.objects.add_method(
            _node_id(identifier, namespace),
            ua.QualifiedName(identifier, namespace),
            call,
            [_argument(tag.name, VARIANTS[tag.type]) for tag in called.tags],
            [_argument("acceptCode", ua.VariantType.UInt16)],
        )

    async def _call(self, identifier: str, arguments: list[Any]) -> ua.CallMethodResult:
        try:
            answer = self._space.call(identifier, arguments)
        except UnknownNode:
            return ua.CallMethodResult(ua.StatusCode(ua.UInt32(ua.StatusCodes.BadInvalidArgument)))
        self._wire.executed()
        await self._publish()
        if answer is None:
            return ua.CallMethodResult(ua.StatusCode(ua.UInt32(ua.StatusCodes.BadDeviceFailure)))
        return ua.CallMethodResult(OutputArguments=[ua.Variant(answer, ua.VariantType.UInt16)])

    async def _written(self, event: ServerItemCallback, _: Any) -> None:
        """A Write has been stored: let the devices judge it before it is answered."""
        if not event.is_external:
            return
        written: dict[str, Any] = {}
        for item, status in zip(event.request_params.NodesToWrite, event.response_params, strict=True):
            identifier = self._identifiers.get(item.NodeId)
            if identifier is not None and status.is_good() and item.AttributeId == ua.AttributeIds.Value:
                written[identifier] = item.Value.Value.Value
        if written:
            self._space.write(written)
            self._wire.executed()
            await self._publish()

    async def _publish(self) -> None:
        for identifier, value in self._space.changes().items():
            node_id, variant = self._nodes[identifier]
            plain = str(value) if isinstance(value, str) else int(value)
            await self._server.iserver.write_attribute_value(
                node_id, ua.DataValue(ua.Variant(plain, variant))
            )


def _node_id(identifier: str, namespace: int) -> ua.NodeId:
    return ua.NodeId(ua.String(identifier), ua.Int16(namespace))


def _argument(name: str, variant: ua.VariantType) -> ua.Argument:
    return ua.Argument(Name=name, DataType=ua.NodeId(ua.Int32(variant.value)), ValueRank=ua.Int32(-1))
