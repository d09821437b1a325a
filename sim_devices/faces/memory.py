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
        self._late: dict[asyncio.Future[Any], None] = {}
        wire.join(self)

    def ask(self, request: Callable[[], T]) -> asyncio.Future[T]:
        """Have a request executed and promise the answer.

        The answer is ConnectionError if the link is down or breaks before it, and then the request may have been executed;
        LookupError if the request asks for what is not there.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if not self._wire.up or len(self._asked) >= HELD_MAX:
            answer.set_exception(ConnectionRefusedError("the link is down"))
            return answer
        self._asked.append((request, answer))
        self.check()
        return answer

    def check(self) -> None:
        """Execute what has been asked, unless a black hole holds it."""
        while self._asked and not self._answering and not self._wire.troubles.find(BlackHole):
            request, self._answering = self._asked.popleft()
            answer, result = self._answering, _execute(request)
            self._answering = None
            if slow := self._wire.troubles.find(SlowAnswers):
                self._late[answer] = None
                asyncio.get_running_loop().call_later(slow.answer_s, self._give_late, answer, result)
            else:
                _give(answer, result)

    def cut(self) -> None:
        """Break the connection: nobody gets an answer, and what is not yet executed never will be."""
        unanswered = [*self._late, *(answer for _, answer in self._asked)]
        self._asked.clear()
        self._late.clear()
        for answer in [self._answering, *unanswered]:
            if answer and not answer.done():
                answer.set_exception(ConnectionResetError("the link broke"))

    def _give_late(self, answer: asyncio.Future[Any], result: object) -> None:
        self._late.pop(answer, None)
        _give(answer, result)


class RegisterLine:
    """Registers in memory, for a Modbus driver: IndexError means an illegal address."""

    def __init__(self, space: RegisterSpace, wire: Wire) -> None:
        self._space = space
        self._wire = wire
        self._line = MemoryLine(wire)

    def connect(self) -> asyncio.Future[None]:
        """Make the connection."""
        return self._line.ask(_nothing)

    def read_holding(self, address: int, count: int) -> asyncio.Future[Sequence[int]]:
        """Read registers."""
        return self._line.ask(partial(self._space.read, address, count))

    def write_registers(self, address: int, values: Sequence[int]) -> asyncio.Future[None]:
        """Write registers by one request."""

        def write() -> None:
            self._space.write(address, values)
            self._wire.executed()

        return self._line.ask(write)


class NodeLine:
    """Variables and methods in memory, for an OPC UA driver: LookupError means a node that is not there."""

    def __init__(self, space: NodeSpace, wire: Wire) -> None:
        self._space = space
        self._wire = wire
        self._line = MemoryLine(wire)

    def connect(self) -> asyncio.Future[None]:
        """Make the session."""
        return self._line.ask(_nothing)

    def read(self, identifiers: Sequence[str]) -> asyncio.Future[Sequence[int | str]]:
        """Read variables."""
        return self._line.ask(partial(self._space.read, identifiers))

    def write(self, values: Mapping[str, int | str]) -> asyncio.Future[None]:
        """Write variables by one request."""

        def write() -> None:
            self._space.write(values)
            self._wire.executed()

        return self._line.ask(write)

    def call(self, identifier: str, arguments: Sequence[int | str]) -> asyncio.Future[Sequence[int | str]]:
        """Call a method; one that does not answer, because the device is dead, is not there."""

        def call() -> Sequence[int | str]:
            answer = self._space.call(identifier, arguments)
            self._wire.executed()
            if answer is None:
                raise UnknownNode(f"the device behind {identifier} is dead")
            return [answer]

        return self._line.ask(call)

    def watch(self, identifiers: Sequence[str], wake: Callable[[], None]) -> asyncio.Future[None]:
        """Have `wake` called after changes; a black hole swallows the call."""

        def awake() -> None:
            if self._wire.up and not self._wire.troubles.find(BlackHole):
                wake()

        return self._line.ask(partial(self._space.watch, identifiers, awake))


def _nothing() -> None:
    """What it takes to connect."""


def _give(answer: asyncio.Future[Any], result: object) -> None:
    """Answer, unless the connection has broken or nobody waits any more."""
    if answer.done():
        return
    if isinstance(result, LookupError):
        answer.set_exception(result)
    else:
        answer.set_result(result)


def _execute(request: Callable[[], object]) -> object:
    try:
        return request()
    except LookupError as refused:
        return refused
