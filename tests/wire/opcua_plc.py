"""An OPC UA server with PLCs behind it, as docs/plc-handshake.md describes it; no line is shared with drivers."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final, cast

from asyncua import Server, ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData, NodeManagementService
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.server.standard_address_space.standard_address_space import fill_address_space

from tests.plc import DROP, EMPTY_BLOCK, PICK, Fields, PlcChannel

NAMESPACE: Final = "urn:warehouse:mailbox"
CYCLE_S: Final = 0.005

# Nine megabytes of generated code, in which a type checker would look for most of a minute whether they return.
_fill: Final = cast("Callable[[NodeManagementService], None]", fill_address_space)

UINT16, UINT32, UINT64 = ua.VariantType.UInt16, ua.VariantType.UInt32, ua.VariantType.UInt64
STRING = ua.VariantType.String

COMMAND = {
    "epoch": UINT32,
    "seq": UINT16,
    "op": UINT16,
    "jobId": UINT64,
    "source": UINT32,
    "target": UINT32,
    "container": STRING,
    "bootId": UINT16,
    "check": UINT16,
}
STATUS = {
    "bootId": UINT16,
    "life": UINT16,
    "epoch": UINT32,
    "ackSeq": UINT16,
    "acceptCode": UINT16,
    "doneSeq": UINT16,
    "doneCode": UINT16,
    "jobId": UINT64,
    "position": UINT32,
    "load": UINT16,
    "sourceLoad": UINT16,
    "targetLoad": UINT16,
    "mode": UINT16,
    "faultCode": UINT16,
    "barcode": STRING,
    "refusedSeq": UINT16,
    "refusedCode": UINT16,
}
SHOWN_LAST: Final = {"ackSeq", "doneSeq"}
"""The device shows these after everything that they vouch for (rule 3)."""


class Plc(PlcChannel):
    """A PLC channel that carries out what it takes, in `work_s` seconds, and moves its load."""

    work_s = 0.05
    ends_at: float | None = None

    def work(self, now: float) -> None:
        """One cycle of the program, and of the machine."""
        self.cycle()
        if not self.executing:
            self.ends_at = None
        elif self.ends_at is None:
            self.ends_at = now + self.work_s
        elif now >= self.ends_at:
            done = self.taken[-1]
            self.sensors["load"] = {PICK: 1, DROP: 0}.get(int(done["op"]), self.sensors["load"])
            self.sensors["position"] = done["source"] if done["op"] == PICK else done["target"]
            self.finish()


@cache
def _standard_nodes() -> AddressSpace:
    """The nodes that every OPC UA server has: they take more than a second to make."""
    space = AddressSpace()
    _fill(NodeManagementService(space))
    return space


class _InternalServer(InternalServer):
    """Begins with copies of the standard nodes, and can forget its sessions: the library keeps them for a while."""

    def __init__(self) -> None:
        super().__init__()
        self._live: list[InternalSession] = []

    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
        standard = _standard_nodes()
        for node_id in standard.keys():
            node = NodeData(node_id)
            node.references = list(standard[node_id].references)
            node.attributes = {
                name: AttributeValue(held.value)
                for name, held in standard[node_id].attributes.items()
                if held.value is not None
            }
            self.aspace[node_id] = node

    def register_external_session(self, session: InternalSession) -> None:
        super().register_external_session(session)
        self._live.append(session)

    async def forget_sessions(self) -> None:
        """Lose all sessions, as a server does that dies."""
        while self._live:
            await self._live.pop().close_session()


class PlcServer:
    """An OPC UA server with PLCs behind it, each with command variables or with the method `Execute`.

    Attributes:
        plcs: by the base of their nodes' identifiers.
    """

    def __init__(self, server: Server, internal: _InternalServer, namespace: int) -> None:
        self.plcs: dict[str, Plc] = {}
        self._server = server
        self._internal = internal
        self._namespace = namespace
        self._blocks: dict[str, Fields] = {}
        self._shown: dict[str, Fields] = {}

    @property
    def url(self) -> str:
        """Where it listens: the same after every restart."""
        assert self._server.bserver is not None
        return f"opc.tcp://127.0.0.1:{self._server.bserver.port}/"

    @property
    def sessions(self) -> int:
        """How many clients are connected."""
        assert self._server.bserver is not None
        return len(self._server.bserver.clients)

    async def add(self, base: str, *, method: bool = False) -> Plc:
        """Put a PLC's object and variables under `base`, and command variables or the method."""
        owner = await self._server.nodes.objects.add_object(self._id(base, "object"), f"2:{base}")
        self.plcs[base] = Plc()
        for name, value in self.plcs[base].status().items():
            await owner.add_variable(self._id(base, f"Status.{name}"), f"2:{name}", value, STATUS[name])
        self._shown[base] = {}
        if method:
            self._blocks[base] = dict(EMPTY_BLOCK)
            inputs = [
                ua.Argument(Name=name, DataType=ua.NodeId(ua.Int32(kind.value)))
                for name, kind in COMMAND.items()
            ]
            execute = partial(self._execute, base)
            await owner.add_method(self._id(base, "Execute"), "2:Execute", execute, inputs, [UINT16])
            return self.plcs[base]
        for name, kind in COMMAND.items():
            node_id = self._id(base, f"Cmd.{name}")
            node = await owner.add_variable(node_id, f"2:Cmd.{name}", EMPTY_BLOCK[name], kind)
            await node.set_writable()
        return self.plcs[base]

    async def run(self) -> None:
        """Run the programs, cycle by cycle, until cancelled."""
        while True:
            for base in self.plcs:
                await self._cycle(base)
            await asyncio.sleep(CYCLE_S)

    async def power_cycle(self, base: str, *, keeping_memory: bool) -> None:
        """Let a PLC lose its power and come back; what stood in its command block is gone."""
        self.plcs[base].restart(keeping_memory=keeping_memory)
        if base in self._blocks:
            self._blocks[base] = dict(EMPTY_BLOCK)
            return
        for name, kind in COMMAND.items():
            value = ua.DataValue(ua.Variant(EMPTY_BLOCK[name], kind))
            await self._server.write_attribute_value(self._id(base, f"Cmd.{name}"), value)

    async def kill(self) -> None:
        """Break all connections off, forget all sessions and listen no more."""
        assert self._server.bserver is not None
        for transport in tuple(self._server.iserver.asyncio_transports):
            transport.abort()
        await self._server.bserver.stop()
        await self._internal.forget_sessions()

    async def restart(self) -> None:
        """Listen again after `kill`, on the same port."""
        assert self._server.bserver is not None
        await self._server.bserver.start()

    async def _cycle(self, base: str) -> None:
        plc = self.plcs[base]
        plc.block = self._blocks[base] if base in self._blocks else self._written(base)
        plc.work(asyncio.get_running_loop().time())
        await self._show(base)

    def _written(self, base: str) -> Fields:
        block = dict(EMPTY_BLOCK)
        for name in COMMAND:
            variant = self._server.read_attribute_value(self._id(base, f"Cmd.{name}")).Value
            if variant is not None and variant.Value is not None:
                block[name] = variant.Value
        return block

    async def _show(self, base: str) -> None:
        """Write what has changed into the status variables, `ackSeq` and `doneSeq` last."""
        status, shown = self.plcs[base].status(), self._shown[base]
        changed = [name for name, value in status.items() if shown.get(name) != value]
        for name in sorted(changed, key=SHOWN_LAST.__contains__):
            value = ua.DataValue(ua.Variant(status[name], STATUS[name]))
            await self._server.write_attribute_value(self._id(base, f"Status.{name}"), value)
            shown[name] = status[name]

    async def _execute(self, base: str, _owner: ua.NodeId, *inputs: ua.Variant) -> list[ua.Variant]:
        self._blocks[base] = {
            name: value.Value or EMPTY_BLOCK[name] for name, value in zip(COMMAND, inputs, strict=True)
        }
        await self._cycle(base)
        memory = self.plcs[base].memory
        taken = memory["ackSeq"] == self._blocks[base]["seq"]
        return [ua.Variant(memory["acceptCode"] if taken else 0, UINT16)]

    def _id(self, base: str, name: str) -> ua.NodeId:
        return ua.NodeId(ua.String(base + name), ua.Int16(self._namespace))


@dataclass(frozen=True)
class Identity:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


@asynccontextmanager
async def plc_server(identity: Identity | None = None) -> AsyncGenerator[PlcServer]:
    """Serve on a free port of 127.0.0.1; with an identity, only to clients that sign and encrypt."""
    internal = _InternalServer()
    server = Server(iserver=internal)
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/")
    if identity is None:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    else:
        server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        await server.load_certificate(identity.certificate)
        await server.load_private_key(identity.key)
    namespace = await server.register_namespace(NAMESPACE)
    async with server:
        try:
            yield PlcServer(server, internal, namespace)
        finally:
            await internal.forget_sessions()
