"""The cable of one link, and what goes wrong with it: drops, black holes, slow and lost and doubled answers.

It is put between a server and its sockets, below the protocol, so one cable serves every protocol. A black hole holds bytes
back as TCP does: what a client has sent arrives when the hole is over, even if the client has given up long since; a write
that raised at the client may so be executed late.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from sim_devices.faults.book import Troubles
from sim_devices.faults.kinds import BlackHole, DuplicateReply, FaultBase, LinkDrop, LostReply, SlowAnswers

HELD_CHUNKS = 10_000
"""Answers that a black hole holds back; a connection that has more of them breaks."""

WIRE_FAULTS: frozenset[type[FaultBase]] = frozenset({LinkDrop, BlackHole, SlowAnswers, LostReply})
"""What can happen to any link; Modbus answers can also be doubled (OPC UA numbers its answers, so no client takes a second one)."""


class Plug(Protocol):
    """The server's end of one connection."""

    def check(self) -> None:
        """A black hole may have begun or be over."""
        ...

    def cut(self) -> None:
        """Break the connection."""
        ...


class Wire:
    """One link's cable."""

    def __init__(self, troubles: Troubles, powered: Callable[[], bool]) -> None:
        """Lay the cable.

        Args:
            troubles: what is wrong with the link.
            powered: whether anything behind it has power; without, the link is down.
        """
        self.troubles = troubles
        self._powered = powered
        self._plugs: set[Plug] = set()
        self._doubled = 0
        troubles.watch(self.check)

    @property
    def up(self) -> bool:
        """Whether connections live."""
        return self._powered() and not self.troubles.find(LinkDrop)

    def plug(self, server_side: asyncio.Protocol) -> asyncio.Protocol:
        """Return what to give to `create_server` instead of the server's own protocol of one connection."""
        return _SocketPlug(self, server_side)

    def check(self) -> None:
        """Something may be another than it was: cut, hold or release connections."""
        if not self.up:
            self.cut()
        for plug in tuple(self._plugs):
            plug.check()

    def cut(self) -> None:
        """Break all connections at once; what has not been sent is lost."""
        for plug in tuple(self._plugs):
            plug.cut()

    def join(self, plug: Plug) -> None:
        """A connection has been made."""
        self._plugs.add(plug)

    def leave(self, plug: Plug) -> None:
        """A connection is gone."""
        self._plugs.discard(plug)

    def executed(self) -> None:
        """A write has been executed and is not yet answered."""
        if self.troubles.spend(LostReply):
            self.cut()
        elif self.troubles.spend(DuplicateReply):
            self._doubled += 1

    def copies(self) -> int:
        """Return how often the next answer is sent."""
        doubled, self._doubled = self._doubled, 0
        return 2 if doubled else 1


class _Cable(asyncio.Transport):
    """What a server writes into: passes bytes on as the troubles of the wire allow."""

    def __init__(self, socket: asyncio.Transport, wire: Wire) -> None:
        super().__init__()
        self._socket = socket
        self._wire = wire
        self._held: list[bytes] = []
        self._free_at = 0.0
        self._choked = False

    def choke(self) -> None:
        """The client takes no answers: it is not listened to until it does."""
        self._choked = True
        self.check()

    def clear(self) -> None:
        """The client takes answers again."""
        self._choked = False
        self.check()

    def check(self) -> None:
        """A black hole may have begun or be over."""
        if self.is_closing():
            return
        swallowed = self._wire.troubles.find(BlackHole)
        if swallowed or self._choked:
            self._socket.pause_reading()
        else:
            self._socket.resume_reading()
        if swallowed:
            return
        held, self._held = self._held, []
        for data in held:
            self._send(data)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        for _ in range(self._wire.copies()):
            if self._wire.troubles.find(BlackHole):
                self._hold(bytes(data))
            else:
                self._send(bytes(data))

    def close(self) -> None:
        self._socket.close()

    def abort(self) -> None:
        self._socket.abort()

    def is_closing(self) -> bool:
        return self._socket.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket.get_extra_info(name, default)

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        if len(self._held) > HELD_CHUNKS:
            self.abort()

    def _send(self, data: bytes) -> None:
        """Send at once, or late; never before what was sent earlier."""
        loop = asyncio.get_running_loop()
        slow = self._wire.troubles.find(SlowAnswers)
        due = max(self._free_at, loop.time() + (slow.answer_s if slow else 0.0))
        if due > loop.time():
            self._free_at = due
            loop.call_at(due, self._pass_on, data)
        else:
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if not self.is_closing():
            self._socket.write(data)


class _SocketPlug(asyncio.Protocol):
    """A connection over a socket."""

    def __init__(self, wire: Wire, server_side: asyncio.Protocol) -> None:
        self._wire = wire
        self._server_side = server_side
        self._cable: _Cable | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if not self._wire.up:
            transport.abort()
            return
        self._cable = _Cable(transport, self._wire)
        self._wire.join(self)
        self._server_side.connection_made(self._cable)
        self._cable.check()

    def data_received(self, data: bytes) -> None:
        if self._cable:
            self._server_side.data_received(data)

    def pause_writing(self) -> None:
        if self._cable:
            self._cable.choke()

    def resume_writing(self) -> None:
        if self._cable:
            self._cable.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cable:
            self._wire.leave(self)
            self._server_side.connection_lost(exc)

    def check(self) -> None:
        """A black hole may have begun or be over."""
        if self._cable:
            self._cable.check()

    def cut(self) -> None:
        """Break the connection."""
        if self._cable:
            self._cable.abort()
