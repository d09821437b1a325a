"""Blocked locations: nothing is brought to one before somebody has looked at it.

A machine that finds a place occupied against the books has it blocked: nobody knows what stands there. A person locks one for
a reason that no machine can see, such as a bent rail: then nothing is fetched from it either, and nothing but a person opens it
again. What a machine has been told already it finishes.
"""

from gateway.contract.commands import Op
from gateway.contract.events import EventType
from gateway.contract.transports import Act
from gateway.transport.lifecycle import Lifecycle
from gateway.transport.rows import Block, Transport
from gateway.transport.tables import TransportTables


class Blocks:
    """Blocks locations and opens them, and tells the feed."""

    def __init__(self, tables: TransportTables, lifecycle: Lifecycle) -> None:
        self._tables = tables
        self._lifecycle = lifecycle

    def block(self, location_id: str, reason: str) -> None:
        """A machine has found it occupied; what a person has said about it stays."""
        if location_id not in self._tables.blocks:
            self._put(Block(location_id=location_id, reason=reason))

    def lock(self, location_id: str, act: Act) -> None:
        """A person lets nothing come here or leave; loads that are on their way here wait, or get another place."""
        self._put(Block(location_id=location_id, reason=act.reason, operator=act.operator))
        for transport in list(self._tables.transports.values()):
            if transport.reserved == location_id and not self._is_put_down(transport):
                self._lifecycle.change(transport, reserved=None)

    def look(self, location_id: str, act: Act) -> None:
        """Somebody has seen what stands there, in passing: that opens what a machine has blocked, and no lock."""
        block = self._tables.blocks.get(location_id)
        if block is not None and block.operator is None:
            self.open(location_id, act)

    def open(self, location_id: str, act: Act) -> None:
        """A blocked location takes loads again."""
        self._tables.blocks.remove(location_id)
        self._emit(EventType.LOCATION_UNBLOCKED, location_id, act.reason, act.operator)

    def _put(self, block: Block) -> None:
        self._tables.blocks.put(block)
        self._emit(EventType.LOCATION_BLOCKED, block.location_id, block.reason, block.operator)

    def _is_put_down(self, transport: Transport) -> bool:
        """Tell whether a machine has been told already to put the load down here."""
        job = None if transport.job_id is None else self._tables.jobs[transport.job_id]
        return job is not None and job.command.op is not Op.PICK

    def _emit(self, kind: EventType, location_id: str, reason: str, operator: str | None) -> None:
        self._tables.books.emit(kind, location_id, locationId=location_id, reason=reason, operator=operator)
