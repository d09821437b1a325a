"""Links in memory: requests instead of bytes, for drivers that run on the same loop without sockets or threads.

The wire's faults happen to requests as they happen to bytes: what a black hole holds is executed when it is over, even if who
asked has given up; a reply that is lost is that of a request that was executed.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from sim_devices.faces.nodes import NodeSpace, UnknownNode
from sim_devices.faces.registers import RegisterSpace
from sim_devices.faces.wire import Wire
from sim_devices.faults.kinds import BlackHole, SlowAnswers

T = TypeVar("T")

HELD_MAX = 1000
"""Requests that a black hole holds; more find the link down."""


class MemoryLine:
    """One connection. Requests are executed one after the other, in the order in which they were asked."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._asked: deque[tuple[Callable[[], object], asyncio.Future[Any]]] = deque()
        self._answering: asyncio.Future[Any] | None = None
        wire.join(self)

    async def ask(self, request: Callable[[], T]) -> T:
        """Have a request executed and return the answer.

        Raises:
            ConnectionError: the link is down or breaks before the answer; the request may have been executed.
            LookupError: the request asks for what is not there.
        """
        if not self._wire.up or len(self._asked) >= HELD_MAX:
            raise ConnectionRefusedError("the link is down")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asked.append((request, answer))
        self.check()
        result = await answer
        if slow := self._wire.troubles.find(SlowAnswers):
            await asyncio.sleep(slow.answer_s)
        return result

    def check(self) -> None:
        """Execute what has been asked, unless a black hole holds it."""
        while self._asked and not self._answering and not self._wire.troubles.find(BlackHole):
            request, self._answering = self._asked.popleft()
            answer, result = self._answering, _execute(request)
            self._answering = None
            if answer.done():
                continue
            if isinstance(result, LookupError):
                answer.set_exception(result)
            else:
                answer.set_result(result)

    def cut(self) -> None:
        """Break the connection: nobody gets an answer, and what is not yet executed never will be."""
        unanswered = [answer for _, answer in self._asked]
        self._asked.clear()
        for answer in [self._answering, *unanswered]:
            if answer and not answer.done():
                answer.set_exception(ConnectionResetError("the link broke"))


class RegisterLine:
    """Registers in memory, for a Modbus driver: IndexError means an illegal address."""

    def __init__(self, space: RegisterSpace, wire: Wire) -> None:
        self._space = space
        self._wire = wire
        self._line = MemoryLine(wire)

    async def connect(self) -> None:
        """Make the connection."""
        await self._line.ask(lambda: None)

    async def read_holding(self, address: int, count: int) -> list[int]:
        """Read registers."""
        return await self._line.ask(partial(self._space.read, address, count))

    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        """Write registers by one request."""

        def write() -> None:
            self._space.write(address, values)
            self._wire.executed()

        await self._line.ask(write)


class NodeLine:
    """Variables and methods in memory, for an OPC UA driver: LookupError means a node that is not there."""

    def __init__(self, space: NodeSpace, wire: Wire) -> None:
        self._space = space
        self._wire = wire
        self._line = MemoryLine(wire)

    async def connect(self) -> None:
        """Make the session."""
        await self._line.ask(lambda: None)

    async def read(self, identifiers: Sequence[str]) -> list[int | str]:
        """Read variables."""
        return await self._line.ask(partial(self._space.read, identifiers))

    async def write(self, values: Mapping[str, int | str]) -> None:
        """Write variables by one request."""

        def write() -> None:
            self._space.write(values)
            self._wire.executed()

        await self._line.ask(write)

    async def call(self, identifier: str, arguments: Sequence[int | str]) -> list[int | str]:
        """Call a method; one that does not answer, because the device is dead, is not there."""

        def call() -> list[int | str]:
            answer = self._space.call(identifier, arguments)
            self._wire.executed()
            if answer is None:
                raise UnknownNode(f"the device behind {identifier} is dead")
            return [answer]

        return await self._line.ask(call)

    async def watch(self, identifiers: Sequence[str], wake: Callable[[], None]) -> None:
        """Have `wake` called after changes; a black hole swallows the call."""

        def awake() -> None:
            if self._wire.up and not self._wire.troubles.find(BlackHole):
                wake()

        await self._line.ask(partial(self._space.watch, identifiers, awake))


def _execute(request: Callable[[], object]) -> object:
    try:
        return request()
    except LookupError as refused:
        return refused
