"""An OPC UA server in memory with one PLC behind it, and the faults of a wire."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from tests.contract.promises import promised
from tests.plc import EMPTY_BLOCK, Fields
from tests.wire.opcua_plc import CYCLE_S, Plc


class MemoryPlc:
    """A PLC whose nodes begin with `base`, with command variables and the method `Execute`.

    Attributes:
        reachable: it accepts sessions, and those that it has stand.
        silent: it does not answer, and does nothing that it is asked.
        answers_to_lose: so many of the next writes and calls break the connection after they were executed.
        writes_to_refuse: so many of the next writes name a node that is not there.
    """

    def __init__(self, base: str) -> None:
        self.plc = Plc()
        self.reachable = True
        self.silent = False
        self.answers_to_lose = 0
        self.writes_to_refuse = 0
        self._base = base
        self._broken = False
        self._block: Fields = dict(EMPTY_BLOCK)
        self._wakes: dict[tuple[str, ...], Callable[[], None]] = {}
        self._shown: Fields = {}

    async def run(self) -> None:
        """Run the program, cycle by cycle, until cancelled."""
        while True:
            self._cycle()
            await asyncio.sleep(CYCLE_S)

    def power_cycle(self, *, keeping_memory: bool) -> None:
        """Lose power and come back; what stood in the command block is gone."""
        self.plc.restart(keeping_memory=keeping_memory)
        self._block = dict(EMPTY_BLOCK)

    def break_sessions(self) -> None:
        """Break what is connected; who comes again is accepted."""
        self._broken = True
        for wake in self._wakes.values():
            wake()

    @promised
    async def connect(self) -> None:
        """Accept a session."""
        self._broken = False
        await self._reach()
        self._wakes.clear()

    @promised
    async def read(self, nodes: Sequence[str]) -> Sequence[int | str]:
        """Return what the status variables hold."""
        await self._reach()
        status = {f"{self._base}Status.{name}": value for name, value in self.plc.status().items()}
        return [status[node] for node in nodes]

    @promised
    async def write(self, values: Mapping[str, int | str]) -> None:
        """Take a command block."""
        await self._reach()
        if self.writes_to_refuse:
            self.writes_to_refuse -= 1
            raise KeyError(f"{self._base}Cmd.seq")
        self._take({name: values[f"{self._base}Cmd.{name}"] for name in EMPTY_BLOCK})

    @promised
    async def call(self, method: str, arguments: Sequence[int | str]) -> Sequence[int | str]:
        """Take a command block as arguments."""
        await self._reach()
        if method != f"{self._base}Execute":
            raise KeyError(method)
        self._take(dict(zip(EMPTY_BLOCK, arguments, strict=True)))
        return [self.plc.memory["acceptCode"]]

    @promised
    async def watch(self, nodes: Sequence[str], wake: Callable[[], None]) -> None:
        """Remember who wants to be woken."""
        await self._reach()
        self._wakes[tuple(nodes)] = wake

    async def _reach(self) -> None:
        if self.silent:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        if self._broken or not self.reachable:
            raise ConnectionError("unplugged")

    def _take(self, block: Fields) -> None:
        self._block = block
        self._cycle()
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            raise ConnectionError("the answer was lost")

    def _cycle(self) -> None:
        self.plc.block = self._block
        self.plc.work(asyncio.get_running_loop().time())
        shown = self.plc.status() | {"life": 0}
        if shown != self._shown and not self.silent:
            self._shown = shown
            for wake in self._wakes.values():
                wake()
