"""The transport room, put together: which message goes to whom, what happens at the start, and what follows every batch."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from gateway.contract.commands import Op
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandRejected,
    CommandUnknown,
    DeviceFault,
    DeviceOffline,
    DeviceRecovered,
    HelpWanted,
    MatterSettled,
)
from gateway.site.model import Site
from gateway.transport.alarms import Alarms
from gateway.transport.blocks import Blocks
from gateway.transport.decisions import Decisions
from gateway.transport.dispatch import Dispatcher
from gateway.transport.intake import Intake
from gateway.transport.journal import Journal
from gateway.transport.lifecycle import Lifecycle
from gateway.transport.messages import (
    BlockLocation,
    CancelTransport,
    CorrectContainer,
    LocaliseDevice,
    LookForRoom,
    Open,
    RemoveContainer,
    ResetDevice,
    ResolveTransport,
    SetDeviceEnabled,
    SubmitTransports,
    Tick,
    UnblockLocation,
)
from gateway.transport.needs import Needs
from gateway.transport.outcome import Outcome, fault_alarm, load_alarm
from gateway.transport.plant import FleetControl, Plant
from gateway.transport.puts import Puts
from gateway.transport.queues import Queues
from gateway.transport.rerouting import Rerouting
from gateway.transport.rows import Channel, Container, Counter, Device, Transport
from gateway.transport.tables import TransportTables
from gateway.transport.topology import Topology
from gateway.transport.traffic import Traffic

REMEMBER_ENDED_S: Final = 60
"""Ended transports stay in memory this long, so that a request under way with the same id meets them."""


class TransportEngine:
    """The transport room of one site.

    Attributes:
        journal: where commands are numbered.
        queues: which loads wait for which channel.
    """

    def __init__(self, tables: TransportTables, site: Site, fleets: Mapping[str, FleetControl]) -> None:
        self._tables = tables
        self._plant = Plant(site, fleets)
        self.journal = Journal(tables, self._plant)
        self._alarms = alarms = Alarms(tables)
        lifecycle = Lifecycle(tables, alarms)
        topology = Topology(site, {fleet_id: fleet.expected_s for fleet_id, fleet in fleets.items()})
        traffic = Traffic(tables, self._plant)
        self.queues = Queues(tables, self._plant)
        self._dispatcher = Dispatcher(
            tables, self._plant, self.queues, topology, traffic, self.journal, lifecycle
        )
        self._rerouting = Rerouting(tables, self._plant, traffic, self._dispatcher, lifecycle)
        self._blocks = blocks = Blocks(tables, lifecycle, self._rerouting, alarms)
        self._outcome = Outcome(tables, self.journal, lifecycle, self._rerouting, alarms, blocks)
        self._intake = Intake(tables, self._plant, topology, lifecycle)
        self._decisions = Decisions(
            tables, self._plant, self.journal, lifecycle, self._rerouting, self._outcome, blocks
        )
        self._puts = Puts(tables, self._plant, self.journal)
        self._reports: dict[type, Callable[[Any], None]] = {
            ChannelOnline: self._outcome.channel_online,
            DeviceOffline: self._outcome.device_offline,
            DeviceFault: self._outcome.device_fault,
            DeviceRecovered: self._outcome.device_recovered,
            HelpWanted: self._outcome.help_wanted,
            MatterSettled: self._outcome.matter_settled,
            CommandAccepted: self._outcome.accepted,
            CommandRejected: self._outcome.rejected,
            CommandDone: self._outcome.done,
            CommandFailed: self._outcome.failed,
            CommandUnknown: self._outcome.unknown,
        }

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], object]]:
        """Message type → handler."""
        return {
            Open: self._open,
            Tick: self._tick,
            LookForRoom: self._look_for_room,
            SubmitTransports: self._intake.submit,
            CancelTransport: self._decisions.cancel,
            ResolveTransport: self._decisions.resolve,
            SetDeviceEnabled: self._decisions.set_enabled,
            ResetDevice: self._decisions.reset,
            LocaliseDevice: self._decisions.localise,
            CorrectContainer: self._decisions.correct,
            RemoveContainer: self._decisions.remove,
            BlockLocation: self._decisions.block,
            UnblockLocation: self._decisions.unblock,
            **self._reports,
            **self._puts.handlers,
        }

    def settle(self) -> None:
        """Start whatever has become possible."""
        self._dispatcher.run()

    def hear(self, report: object) -> None:
        """Take a fleet's report in the commit that is under way."""
        self._reports[type(report)](report)

    def is_enabled(self, device_id: str) -> bool:
        """Tell whether people let the engine use a device."""
        device = self._tables.devices.get(device_id)
        return device is None or device.enabled

    def may_be_laden(self, device_id: str) -> bool:
        """Tell whether a device has a load on board by the books, or nobody has looked yet whether they are right."""
        return device_id in self._tables.loads or load_alarm(device_id) in self._tables.alarms

    def missing(self) -> Iterator[str]:
        """Tell what is under way and the site lacks: with it the gateway cannot go on."""
        return Needs(self._tables, self._plant).missing()

    def stranded(self) -> Iterator[str]:
        """Tell which containers stand where the site has no place: nobody can fetch them before it is told where they are."""
        return Needs(self._tables, self._plant).stranded()

    def explain(self, transport: Transport) -> str | None:
        """Return why a transport does not move at the moment; None if it does."""
        return self._dispatcher.explain(transport)

    def _open(self, _: Open) -> None:
        self._make_known()
        for job_id in list(self._tables.open_jobs):
            job = self._tables.jobs[job_id]
            if job.command.op is not Op.RESET:
                self.journal.hand_over(job.command)
            else:
                self.journal.abandon(job, "the gateway was restarted")
        self._puts.resume()
        for fleet in self._plant.fleets.values():
            fleet.resume()

    def _make_known(self) -> None:
        """Enter the site's devices; nothing has been heard of them in this run. The stock is entered once, for ever."""
        self._clear_old_alarms()
        for device_id in self._plant.device_ids():
            known = self._tables.devices.get(device_id)
            enabled = True if known is None else known.enabled
            self._tables.devices.put(Device(device_id=device_id, enabled=enabled))
        for device_id, channel in self._plant.channels():
            key = Channel.key_of(device_id, channel)
            known_channel = self._tables.channels.get(key)
            self._tables.channels.put(
                Channel(
                    key=key,
                    device_id=device_id,
                    channel=channel,
                    last_seq=0 if known_channel is None else known_channel.last_seq,
                    job_id=None if known_channel is None else known_channel.job_id,
                )
            )
        if self._tables.counters.get("stock") is None:
            self._tables.counters.put(Counter(name="stock", value=1))
            for stock in self._plant.site.initial_stock():
                self._tables.containers.put(
                    Container(container_id=stock.container, location_id=stock.location)
                )

    def _clear_old_alarms(self) -> None:
        """Clear alarms of machines that are gone, and faults of vehicles, which their fleet tells in each run anew."""
        gone = {row.device_id for row in self._tables.devices.values()}.difference(self._plant.device_ids())
        told_anew = map(fault_alarm, self._plant.fleet_of)
        of_gone = [row.alarm_id for row in self._tables.alarms.values() if row.subject in gone]
        for alarm_id in (*of_gone, *told_anew):
            self._alarms.clear(alarm_id)

    def _look_for_room(self, _: LookForRoom) -> None:
        self._tables.next_number("lookForRoom")

    def _tick(self, _: Tick) -> None:
        self._outcome.look_for_timeouts()
        self._rerouting.find_other_homes()
        self._rerouting.find_missing_ways()
        self._blocks.call_for_loads()
        oldest = self._tables.books.steady_us - REMEMBER_ENDED_S * 1_000_000
        for transport_id, since in list(self._tables.ended.items()):
            if since < oldest:
                self._tables.transports.forget(transport_id)
        self.settle()  # a pause may be over, though nothing has changed
