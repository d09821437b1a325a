"""OPC UA over TCP, by asyncua: how one session is made, used and ended.

The library's own reconnection stays off: it delays and repeats requests behind our back. Where certificates are
used, the server's is pinned: no other server can read what we send or answer it.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import structlog
from asyncua import Client, ua
from asyncua.client.ua_client import UaClientState
from asyncua.crypto import security_policies, uacrypto
from cryptography import x509

from drivers.links.cancellation import no_cancellation_lost
from drivers.links.errors import LinkError
from drivers.links.opcua_port import OpcUaPort, Typed, Value, Wake
from drivers.telegrams import ErrorKind
from gateway.contract.wiring import OpcUaLink, OpcUaSecurity, TagType

_log = structlog.get_logger()
# A loss is one line of ours; the library would add a dozen, with tracebacks.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)

_P = TypeVar("_P")
_T = TypeVar("_T")

SESSION_MS: Final = 10_000
"""A session that had to be left behind takes one of the server's few places for no longer than this."""
KEEP_ALIVE_MS: Final = 1_000
"""A subscription without changes says this often that it lives."""
SILENT_KEEP_ALIVES: Final = 3
"""After this many missing signs of life the subscription is dead, though the connection stands."""

_POLICIES: Final = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128Sha256RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256Sha256RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}
_VARIANTS: Final = {
    TagType.U16: ua.VariantType.UInt16,
    TagType.U32: ua.VariantType.UInt32,
    TagType.U64: ua.VariantType.UInt64,
    TagType.STRING: ua.VariantType.String,
}


@asynccontextmanager
async def connect_opcua(settings: OpcUaLink) -> AsyncGenerator[OpcUaPort]:
    """Make one session over the wire; end it in order if it still lives, else break it off.

    Raises:
        LinkError: no session could be made, and what an operator can do about it.
    """
    timeout_s = settings.timeout_ms / 1000
    # The library asks for a sign of life this often and waits as long for it: together timeout_s.
    client = Client(settings.url, timeout=timeout_s, watchdog_intervall=timeout_s / 2)
    client.session_timeout = SESSION_MS
    client.name = client.description = "warehouse-gateway"
    port: _WirePort | None = None
    try:
        port = await _open(client, settings)
        yield port
    finally:
        broken = client.state is not UaClientState.CONNECTED
        if port is not None:
            broken = broken or port.broken
            port.close()
        await _close(client, timeout_s, broken=broken)


async def _open(client: Client, settings: OpcUaLink) -> "_WirePort":
    try:
        with no_cancellation_lost():
            if settings.security is not None:
                await _secure(client, settings.security)
            await client.connect()
            namespaces = await client.get_namespace_array()
            port = _WirePort(client, _index(settings, namespaces), settings)
            client.connection_lost_callback = port.note_loss
            await port.subscribe()
    except LinkError:
        raise
    except Exception as error:
        raise _no_session(settings, error) from error
    return port


def _index(settings: OpcUaLink, namespaces: Sequence[str]) -> int:
    if settings.namespace in namespaces:
        return namespaces.index(settings.namespace)
    known = ", ".join(namespaces)
    raise LinkError(ErrorKind.REFUSED, f"{settings.url} has no namespace {settings.namespace}, only {known}")


def _no_session(settings: OpcUaLink, error: Exception) -> LinkError:
    text = f"no session with {settings.url}: {_told(error)}"
    if isinstance(error, OSError) and error.errno is not None:
        return LinkError(ErrorKind.DISCONNECT, text)
    if security := settings.security:
        text += (
            f". Is {security.server_certificate} the server's own certificate,"
            f" and does the server trust {security.certificate}?"
        )
    return LinkError(ErrorKind.TIMEOUT if isinstance(error, TimeoutError) else ErrorKind.REFUSED, text)


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionError) and error.errno is None:
        return "the connection broke"
    return str(error) or type(error).__name__


async def _secure(client: Client, security: OpcUaSecurity) -> None:
    own = _certificate(security.certificate)
    pinned = _certificate(security.server_certificate)
    key, form = _file(security.private_key)
    client.application_uri = _application_uri(own, security.certificate)
    await client.set_security(
        _POLICIES[security.policy],
        certificate=uacrypto.der_from_x509(own),
        private_key=uacrypto.CertProperties(key, extension=form),
        server_certificate=uacrypto.der_from_x509(pinned),
        mode=ua.MessageSecurityMode.SignAndEncrypt,
    )


def _certificate(path: Path) -> x509.Certificate:
    content, form = _file(path)
    load = x509.load_pem_x509_certificate if form == "pem" else x509.load_der_x509_certificate
    try:
        return load(content)
    except ValueError as error:
        raise LinkError(ErrorKind.REFUSED, f"{path} is not a certificate") from error


def _file(path: Path) -> tuple[bytes, str]:
    """Return what stands in the file of a certificate or key, and whether that is `pem` or `der`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LinkError(ErrorKind.REFUSED, f"cannot read {path}: {error.strerror}") from error
    return content, "pem" if content.startswith(b"-----BEGIN") else "der"


def _application_uri(certificate: x509.Certificate, path: Path) -> str:
    """Return the URI that the session has to state: servers compare the two (OPC 10000-4, 5.6.2)."""
    with suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if uris := names.get_values_for_type(x509.UniformResourceIdentifier):
            return uris[0]
    raise LinkError(
        ErrorKind.REFUSED, f"{path} names no application URI (subject alternative name of type URI)"
    )


async def _close(client: Client, timeout_s: float, *, broken: bool) -> None:
    protocol = client.uaclient.protocol
    transport = None if protocol is None else protocol.transport
    if broken and transport is not None:
        # Not close(): bytes that still wait in a buffer must not reach a peer that comes back later.
        transport.abort()
        await asyncio.sleep(0)
    try:
        with no_cancellation_lost(), suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await client.disconnect()
    finally:
        if transport is not None:  # the library closes it only once its farewell has been answered
            transport.abort()


class _WirePort:
    """OpcUaPort on a session of asyncua, with the one subscription that everything is watched by.

    asyncua hands over a notification before it asks for the next one: in order, and without a queue.
    """

    def __init__(self, client: Client, namespace: int, settings: OpcUaLink) -> None:
        self.lost: asyncio.Future[LinkError] = asyncio.get_running_loop().create_future()
        self._session = client.uaclient.session
        self._namespace = namespace
        self._settings = settings
        self._reads: dict[tuple[str, ...], ua.ReadParameters] = {}
        self._owners: dict[str, ua.NodeId] = {}
        self._wakes: dict[tuple[str, ...], Wake] = {}
        self._watches: dict[int, tuple[str, ...]] = {}
        self._subscription = 0
        self._silent_after_s = 0.0
        self._silence: asyncio.TimerHandle | None = None

    @property
    def broken(self) -> bool:
        """The session was lost with its connection: the server can be told nothing more."""
        return self.lost.done() and self.lost.result().kind in {ErrorKind.TIMEOUT, ErrorKind.DISCONNECT}

    async def read(self, nodes: tuple[str, ...]) -> tuple[Value, ...]:
        parameters = self._reads.get(nodes)
        if parameters is None:
            parameters = self._reads[nodes] = ua.ReadParameters(
                TimestampsToReturn=ua.TimestampsToReturn.Neither,
                NodesToRead=[self._value_of(node) for node in nodes],
            )
        results = await self._ask(self._session.read, parameters)
        return tuple(_shown(node, result) for node, result in zip(nodes, results, strict=True))

    async def write(self, values: Mapping[str, Typed]) -> None:
        parameters = ua.WriteParameters(
            NodesToWrite=[
                ua.WriteValue(
                    NodeId=self._node(node),
                    AttributeId=ua.AttributeIds.Value,
                    Value=ua.DataValue(_variant(value)),
                )
                for node, value in values.items()
            ]
        )
        results = await self._ask(self._session.write, parameters)
        for node, status in zip(values, results, strict=True):
            _check(node, status)

    async def call(self, method: str, arguments: Sequence[Typed]) -> tuple[Value, ...]:
        request = ua.CallMethodRequest(
            ObjectId=await self._owner(method),
            MethodId=self._node(method),
            InputArguments=[_variant(argument) for argument in arguments],
        )
        (result,) = await self._ask(self._session.call, [request])
        _check(method, result.StatusCode)
        return tuple(output.Value for output in result.OutputArguments)

    async def watch(self, nodes: tuple[str, ...], wake: Wake) -> None:
        known = nodes in self._wakes
        self._wakes[nodes] = wake
        if not known:
            await self._monitor(nodes)

    async def note_loss(self, error: Exception) -> None:
        """Take the library's word that the connection is gone."""
        self._lose(ErrorKind.DISCONNECT, _told(error))

    async def subscribe(self) -> None:
        """Make the session's subscription; to be done once, before anything is watched."""
        publishing_ms = self._settings.publishing_ms
        keep_alives = max(1, KEEP_ALIVE_MS // publishing_ms)
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=float(publishing_ms),
            RequestedMaxKeepAliveCount=keep_alives,
            RequestedLifetimeCount=10 * keep_alives,
            PublishingEnabled=True,
        )
        made = await self._session.create_subscription(parameters, self._published)
        self._subscription = made.SubscriptionId
        keep_alive_ms = made.RevisedPublishingInterval * made.RevisedMaxKeepAliveCount
        self._silent_after_s = SILENT_KEEP_ALIVES * keep_alive_ms / 1000
        self._listen()

    def close(self) -> None:
        """Stop listening; a session that was not lost before is lost now."""
        self._lose(ErrorKind.DISCONNECT, "the session was closed")

    async def _ask(self, request: Callable[[_P], Awaitable[_T]], parameters: _P) -> _T:
        """Ask for something; any answer but a proper one ends the session."""
        if self.lost.done():
            raise self.lost.result()
        try:
            with no_cancellation_lost():
                return await request(parameters)
        except TimeoutError as error:
            raise self._lose(ErrorKind.TIMEOUT, f"no answer in {self._settings.timeout_ms} ms") from error
        except ua.UaStatusCodeError as error:
            raise self._lose(ErrorKind.REFUSED, _told(error)) from error
        except (OSError, ua.UaError) as error:
            raise self._lose(ErrorKind.DISCONNECT, _told(error)) from error
        except Exception as error:
            # What the library's parser makes of an answer that is none.
            raise self._lose(ErrorKind.BAD_FRAME, _told(error)) from error

    def _lose(self, kind: ErrorKind, reason: str) -> LinkError:
        """End the session; the first reason that is told stays."""
        if not self.lost.done():
            self.lost.set_result(LinkError(kind, f"{self._settings.url}: {reason}"))
        if self._silence is not None:
            self._silence.cancel()
        return self.lost.result()

    def _listen(self) -> None:
        """Start to wait for the subscription's next sign of life."""
        if self._silence is not None:
            self._silence.cancel()
        loop = asyncio.get_running_loop()
        reason = "the subscription has fallen silent"
        self._silence = loop.call_later(self._silent_after_s, self._lose, ErrorKind.TIMEOUT, reason)

    def _published(self, result: ua.PublishResult) -> None:
        if self.lost.done():
            return
        self._listen()
        changed: set[tuple[str, ...]] = set()
        for notification in result.NotificationMessage.NotificationData or ():
            if isinstance(notification, ua.DataChangeNotification):
                changed |= {self._watches[item.ClientHandle] for item in notification.MonitoredItems}
            elif isinstance(notification, ua.StatusChangeNotification):
                self._lose(ErrorKind.DISCONNECT, f"the subscription has ended: {notification.Status.name}")
        for nodes in changed:
            self._wakes[nodes]()

    async def _monitor(self, nodes: tuple[str, ...]) -> None:
        first = len(self._watches) + 1
        handles = range(first, first + len(nodes))
        self._watches |= dict.fromkeys(handles, nodes)
        parameters = ua.CreateMonitoredItemsParameters(
            SubscriptionId=self._subscription,
            TimestampsToReturn=ua.TimestampsToReturn.Neither,
            ItemsToCreate=[
                ua.MonitoredItemCreateRequest(
                    ItemToMonitor=self._value_of(node),
                    MonitoringMode=ua.MonitoringMode.Reporting,
                    RequestedParameters=ua.MonitoringParameters(
                        ClientHandle=handle,
                        SamplingInterval=float(self._settings.publishing_ms),
                        QueueSize=1,  # the newest change is enough: it only wakes
                    ),
                )
                for handle, node in zip(handles, nodes, strict=True)
            ],
        )
        results = await self._ask(self._session.create_monitored_items, parameters)
        refused = [node for node, made in zip(nodes, results, strict=True) if not made.StatusCode.is_good()]
        if refused:
            _log.warning("nodes cannot be watched, only polled", link=self._settings.id, nodes=refused)

    async def _owner(self, method: str) -> ua.NodeId:
        """Return the object to which a method belongs: a call has to name both (OPC 10000-4, 5.12.2)."""
        if method not in self._owners:
            parents = ua.BrowseParameters(
                NodesToBrowse=[
                    ua.BrowseDescription(
                        NodeId=self._node(method),
                        BrowseDirection=ua.BrowseDirection.Inverse,
                        ReferenceTypeId=ua.NodeId(ua.Int32(ua.ObjectIds.HasComponent)),
                    )
                ]
            )
            (result,) = await self._ask(self._session.browse, parents)
            _check(method, result.StatusCode)
            if not result.References:
                raise LinkError(ErrorKind.REFUSED, f"{method} is not a component of any object")
            self._owners[method] = result.References[0].NodeId
        return self._owners[method]

    def _value_of(self, node: str) -> ua.ReadValueId:
        return ua.ReadValueId(NodeId=self._node(node), AttributeId=ua.AttributeIds.Value)

    def _node(self, node: str) -> ua.NodeId:
        return ua.NodeId(ua.String(node), ua.Int16(self._namespace))


def _variant(typed: Typed) -> ua.Variant:
    return ua.Variant(typed.value, _VARIANTS[typed.type])


def _shown(node: str, result: ua.DataValue) -> Value:
    if result.StatusCode is not None:
        _check(node, result.StatusCode)
    value = result.Value.Value if result.Value is not None else None
    if value is None:
        return ""
    if not isinstance(value, int | str):
        raise LinkError(ErrorKind.BAD_FRAME, f"{node} holds {value!r}, neither a number nor a string")
    return value


def _check(node: str, status: ua.StatusCode) -> None:
    if not status.is_good():
        raise LinkError(ErrorKind.REFUSED, f"{node}: {status.name}")
