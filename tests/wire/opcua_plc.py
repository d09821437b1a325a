"""A PLC with mailboxes, written from docs/plc-handshake.md alone, and an OPC UA server that it hangs on.

It shares no line with the drivers: two readings of one specification meet in the tests that use it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from asyncua import Server, ua
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession

Block = dict[str, int | str]

NAMESPACE: Final = "urn:warehouse:mailbox"
CYCLE_S: Final = 0.005
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
EMPTY_BLOCK: Block = {name: "" if kind is STRING else 0 for name, kind in COMMAND.items()}


def check_of(block: Mapping[str, int | str]) -> int:
    """CRC-16 with the polynomial 0x8005, bits reflected, start 0xFFFF, over the 40 bytes of the block."""
    widths = (("epoch", 4), ("seq", 2), ("op", 2), ("jobId", 8), ("source", 4), ("target", 4))
    data = b"".join(int(block[name]).to_bytes(width, "big") for name, width in widths)
    data += str(block["container"]).encode().ljust(16, b"\0")
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            carry = register & 1
            register >>= 1
            if carry:
                register ^= 0xA001
    return register


def mailbox_status() -> Block:
    """What a device shows that was just built: empty, idle, in automatic mode."""
    status: Block = {name: "" if kind is STRING else 0 for name, kind in STATUS.items()}
    return status | {"bootId": 1, "sourceLoad": 2, "targetLoad": 2, "mode": 1}


@dataclass
class Plc:
    """One mailbox: takes blocks as rule 2 for the device says and moves loads in no time or `work_s`.

    Attributes:
        moves: how often each job was physically done: what really happened, whatever anybody was told.
    """

    work_s: float = 0.05
    status: Block = field(default_factory=mailbox_status)
    moves: Counter[int] = field(default_factory=Counter[int])
    running: bool = True
    _ends_at: float | None = None
    _block: Block = field(default_factory=Block)

    def cycle(self, block: Mapping[str, int | str], now: float) -> None:
        """One cycle of the program."""
        self.status["life"] = int(now * 10) % 65536
        if block["seq"]:
            self._look_at(block, now)
        if self._ends_at is not None and now >= self._ends_at:
            self._finish()

    def restart(self, *, keep_memory: bool) -> None:
        """Begin anew; without its memory it knows of no command."""
        boot_id = int(self.status["bootId"]) + 1
        if not keep_memory:
            self.status = mailbox_status() | {name: self.status[name] for name in ("position", "load")}
            self._ends_at = None
        self.status["bootId"] = boot_id

    def _look_at(self, block: Mapping[str, int | str], now: float) -> None:
        seq, ack = int(block["seq"]), int(self.status["ackSeq"])
        if block["check"] != check_of(block):
            self._refuse(seq, 1)
        elif int(block["epoch"]) < int(self.status["epoch"]):
            self._refuse(seq, 2)
        elif seq == ack:
            self.status["epoch"] = block["epoch"]
        elif not 0 < (seq - ack) % 65536 < 32768:
            self._refuse(seq, 3)
        elif ack != self.status["doneSeq"]:
            self._refuse(seq, 4)
        else:
            self._accept(block, now)

    def _refuse(self, seq: int, code: int) -> None:
        self.status |= {"refusedSeq": seq, "refusedCode": code}

    def _accept(self, block: Mapping[str, int | str], now: float) -> None:
        loaded = self.status["load"] == 1
        code = 21 if (block["op"] == 1 and loaded) or (block["op"] == 2 and not loaded) else 1
        self.status |= {"jobId": block["jobId"], "acceptCode": code, "epoch": block["epoch"]}
        self.status["ackSeq"] = block["seq"]
        if code == 1:
            self._block, self._ends_at = dict(block), now + self.work_s
        else:
            self.status |= {"doneCode": 0, "doneSeq": block["seq"]}

    def _finish(self) -> None:
        block, self._ends_at = self._block, None
        self.moves[int(block["jobId"])] += 1
        load = {1: 1, 2: 0}.get(int(block["op"]), self.status["load"])
        place = block["source"] if block["op"] == 1 else block["target"]
        self.status |= {"barcode": "", "load": load, "position": place, "doneCode": 1}
        self.status["doneSeq"] = self.status["ackSeq"]


class _Sessions(InternalServer):
    """Knows the sessions of its clients: the library keeps them for a while when the connection is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[InternalSession] = []

    def register_external_session(self, session: InternalSession) -> None:
        super().register_external_session(session)
        self.live.append(session)

    async def forget(self) -> None:
        """Lose all sessions, as a server does that dies."""
        while self.live:
            await self.live.pop().close_session()


class PlcServer:
    """An OPC UA server with PLCs behind it, each with command variables or with the method `Execute`.

    Attributes:
        plcs: by the base of their nodes' identifiers.
    """

    def __init__(self, server: Server, sessions: _Sessions, namespace: int) -> None:
        self.plcs: dict[str, Plc] = {}
        self._server = server
        self._sessions = sessions
        self._namespace = namespace
        self._blocks: dict[str, Block] = {}
        self._shown: dict[str, Block] = {}

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
        for name, value in mailbox_status().items():
            await owner.add_variable(self._id(base, f"Status.{name}"), f"2:{name}", value, STATUS[name])
        self.plcs[base] = Plc()
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
            for base, plc in self.plcs.items():
                if plc.running:
                    await self._cycle(base)
            await asyncio.sleep(CYCLE_S)

    async def power_cycle(self, base: str, *, keep_memory: bool) -> None:
        """Let a PLC lose its power and come back. What is written to it does not outlive that."""
        self.plcs[base].restart(keep_memory=keep_memory)
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
        await self._sessions.forget()

    async def restart(self) -> None:
        """Listen again after `kill`, on the same port."""
        assert self._server.bserver is not None
        await self._server.bserver.start()

    async def _cycle(self, base: str) -> None:
        block = self._blocks[base] if base in self._blocks else self._written(base)
        self.plcs[base].cycle(block, asyncio.get_running_loop().time())
        await self._show(base)

    def _written(self, base: str) -> Block:
        block = dict(EMPTY_BLOCK)
        for name in COMMAND:
            variant = self._server.read_attribute_value(self._id(base, f"Cmd.{name}")).Value
            if variant is not None and variant.Value is not None:
                block[name] = variant.Value
        return block

    async def _show(self, base: str) -> None:
        """Write what has changed into the status variables, `ackSeq` and `doneSeq` last (rule 3)."""
        status, shown = self.plcs[base].status, self._shown[base]
        changed = [name for name, value in status.items() if shown.get(name) != value]
        for name in sorted(changed, key=lambda name: name in {"ackSeq", "doneSeq"}):
            value = ua.DataValue(ua.Variant(status[name], STATUS[name]))
            await self._server.write_attribute_value(self._id(base, f"Status.{name}"), value)
            shown[name] = status[name]

    async def _execute(self, base: str, _owner: ua.NodeId, *inputs: ua.Variant) -> list[ua.Variant]:
        self._blocks[base] = {
            name: value.Value or EMPTY_BLOCK[name] for name, value in zip(COMMAND, inputs, strict=True)
        }
        await self._cycle(base)
        status = self.plcs[base].status
        taken = status["ackSeq"] == self._blocks[base]["seq"]
        return [ua.Variant(status["acceptCode"] if taken else 0, UINT16)]

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
    sessions = _Sessions()
    server = Server(iserver=sessions)
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
            yield PlcServer(server, sessions, namespace)
        finally:
            await sessions.forget()
