"""How reports reach the kernel: one at a time, each until it is durable."""

import asyncio
from typing import Protocol

from gateway.contract.driver import DriverContext
from gateway.contract.reports import Report


class Source(Protocol):
    """Somebody with something to tell."""

    def due(self) -> Report | None:
        """Return what the kernel has to hear next; the same object until it is told."""
        ...

    def told(self, report: Report) -> None:
        """The kernel has the report."""
        ...


class Teller:
    """Brings what a source has to tell to the kernel.

    There is no queue: a report is due at its source until the kernel has it.
    """

    def __init__(self, source: Source, context: DriverContext) -> None:
        self._source = source
        self._context = context
        self._news = asyncio.Event()

    def nudge(self) -> None:
        """The source may have something to tell."""
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while report := self._source.due():
                await self._context.report(report)
                self._source.told(report)
