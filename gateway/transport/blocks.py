"""Blocked locations: nothing is brought to one before somebody has looked at it.

A machine that finds a place occupied against the books has it blocked: nobody knows what stands there. A person locks one for
a reason that no machine can see, such as a bent rail: then nothing is fetched from it either, and nothing but a person opens it
again. What a machine has been told already it finishes. A load on board that has nowhere else to go keeps its machine from all
other work, so somebody is called.
"""

from typing import Final

from gateway.contract.commands import Op
from gateway.contract.events import EventType
from gateway.contract.transports import Act
from gateway.transport.alarms import Alarms
from gateway.transport.lifecycle import Lifecycle
from gateway.transport.rerouting import Rerouting
from gateway.transport.rows import Block, Transport
from gateway.transport.tables import TransportTables

LOAD_WAITS: Final = "loadWaits"
"""The alarm of a machine that cannot put its load down."""


class Blocks:
    """Blocks locations and opens them, and tells the feed."""

    def __init__(
        self, tables: TransportTables, lifecycle: Lifecycle, rerouting: Rerouting, alarms: Alarms
    ) -> None:
        self._tables = tables
        self._lifecycle = lifecycle
        self._rerouting = rerouting
        self._alarms = alarms

    def block(self, location_id: str, reason: str) -> None:
        """A machine has found it occupied; what a person has said about it stays."""
        if location_id not in self._tables.blocks:
            self._put(Block(location_id=location_id, reason=reason))
            self._rerouting.lead_around(location_id)

    def lock(self, location_id: str, act: Act) -> None:
        """A person lets nothing come here or leave; loads that are on their way here go around it, wait, or get another place."""
        self._put(Block(location_id=location_id, reason=act.reason, operator=act.operator))
        for transport in list(self._tables.transports.values()):
            if transport.reserved == location_id and not self._is_put_down(transport):
                self._lifecycle.change(transport, reserved=None)
        self._rerouting.lead_around(location_id)

    def call_for_loads(self) -> None:
        """Call somebody for every load on board that is to be put down at a blocked place, as long as that is so."""
        waiting = {device_id: held for device_id in self._tables.loads if (held := self._held_up(device_id))}
        for alarm in list(self._tables.alarms.values()):
            if alarm.code == LOAD_WAITS and alarm.subject not in waiting:
                self._alarms.clear(alarm.alarm_id)
        for device_id, (transport, place) in waiting.items():
            self._alarms.replace(
                f"{LOAD_WAITS}:{device_id}",
                device_id,
                LOAD_WAITS,
                f"{device_id} stands with {transport.container_id} on board: {self._tables.blocks[place].text}",
                f"open {place} once it is free, or cancel {transport.transport_id}: its load is brought elsewhere",
            )

    def _held_up(self, device_id: str) -> tuple[Transport, str] | None:
        """Return what a device has on board and cannot put down, and where."""
        transport_id = self._tables.containers[self._tables.loads[device_id]].transport_id
        transport = None if transport_id is None else self._tables.transports[transport_id]
        if transport is None or transport.job_id is not None or transport.problem is not None:
            return None
        leg = transport.current
        return None if leg is None or leg.target not in self._tables.blocks else (transport, leg.target)

    def look(self, location_id: str, act: Act) -> None:
        """Somebody has seen what stands there, in passing: that opens what a machine has blocked, and no lock."""
        block = self._tables.blocks.get(location_id)
        if block is not None and block.operator is None:
            self.open(location_id, act)

    def open(self, location_id: str, act: Act) -> None:
        """A blocked location takes loads again."""
        self._tables.blocks.remove(location_id)
        self._emit(EventType.LOCATION_UNBLOCKED, location_id, act.reason, act.operator)
        self._rerouting.find_opened_ways()

    def _put(self, block: Block) -> None:
        self._tables.blocks.put(block)
        self._emit(EventType.LOCATION_BLOCKED, block.location_id, block.reason, block.operator)

    def _is_put_down(self, transport: Transport) -> bool:
        """Tell whether a machine has been told already to put the load down here."""
        job = None if transport.job_id is None else self._tables.jobs[transport.job_id]
        return job is not None and job.command.op is not Op.PICK

    def _emit(self, kind: EventType, location_id: str, reason: str, operator: str | None) -> None:
        self._tables.books.emit(kind, location_id, locationId=location_id, reason=reason, operator=operator)
