"""What the drivers report becomes true in the books: one handler for each kind of report.

A report about a command that the journal has closed is old, and changes nothing.
"""

from dataclasses import replace
from typing import Final

from gateway.contract.commands import Command, CommandStatus, Op
from gateway.contract.events import EventType
from gateway.contract.faults import Fault, OperatorAction
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
    Load,
    MatterSettled,
    Sensors,
)
from gateway.contract.transports import TransportStatus
from gateway.transport.alarms import Alarms
from gateway.transport.blocks import Blocks
from gateway.transport.journal import Journal
from gateway.transport.lifecycle import Lifecycle
from gateway.transport.reconcile import Whereabouts, whereabouts
from gateway.transport.rerouting import Rerouting
from gateway.transport.rows import NOT_HEARD, RETRY_MAX_S, Channel, Job, Transport
from gateway.transport.tables import TransportTables
from gateway.transport.transitions import HALTED

RETRIES_MAX: Final = 10
RETRY_FIRST_S: Final = 1.0

_LOCATE: Final = (OperatorAction.COMPLETE_AT, OperatorAction.CONTAINER_AT)
_RETRY: Final = (*_LOCATE, OperatorAction.RETRY, OperatorAction.CANCEL)


class Outcome:
    """Handles the reports of drivers and fleets."""

    def __init__(
        self,
        tables: TransportTables,
        journal: Journal,
        lifecycle: Lifecycle,
        rerouting: Rerouting,
        alarms: Alarms,
        blocks: Blocks,
    ) -> None:
        self._tables = tables
        self._journal = journal
        self._lifecycle = lifecycle
        self._rerouting = rerouting
        self._alarms = alarms
        self._blocks = blocks

    # Devices

    def channel_online(self, report: ChannelOnline) -> None:
        """The device is there; an idle channel counts on from the number that the device shows. A put wall has no channels."""
        device = self._tables.devices.get(report.device_id)
        if device is None:
            return
        if not device.online:
            self._tables.devices.put(replace(device, online=True, offline_reason=None))
            self._emit_device(EventType.DEVICE_ONLINE, device.device_id)
            self.call_to_silent(device.device_id)
        row = self._tables.channels.get(Channel.key_of(report.device_id, report.channel))
        if row is not None:
            self._channel_shows(row, report)

    def _channel_shows(self, row: Channel, report: ChannelOnline) -> None:
        if row.job_id is None:
            row = replace(row, last_seq=report.ack_seq)
        self._tables.channels.put(replace(row, boot_id=report.boot_id))
        self._compare_load(report, row)

    def _compare_load(self, report: ChannelOnline, row: Channel) -> None:
        """A load on board that the books do not know would be dropped on something: nothing moves before a person has looked."""
        booked = self._tables.loads.get(report.device_id)
        shown = report.sensors.load
        if row.job_id is not None or shown is Load.UNKNOWN:
            return
        if (booked is None) == (shown is Load.EMPTY):
            self.settle_load(report.device_id)
            return
        text = (
            f"{report.device_id} shows a load on board that the books do not know"
            if booked is None
            else f"{report.device_id} shows no load on board; the books say it carries {booked}"
        )
        self._alarms.raise_alarm(
            load_alarm(report.device_id),
            report.device_id,
            "loadContradiction",
            text,
            "Look at the device. Put the load right or say where the container is, then reset the device.",
        )
        self._show_fault(report.device_id)

    def device_offline(self, report: DeviceOffline) -> None:
        """The device does not answer: nothing new is given to it; what is under way stays as it is."""
        device = self._tables.devices.get(report.device_id)
        if device is None or device.offline_reason == report.reason:
            return
        self._tables.devices.put(replace(device, online=False, offline_reason=report.reason))
        for row in list(self._tables.channels.values()):
            if row.device_id == device.device_id:  # it may come back by another start, and not all at once
                self._tables.channels.put(replace(row, boot_id=None))
        self._emit_device(EventType.DEVICE_OFFLINE, device.device_id, reason=report.reason)
        self.call_to_silent(device.device_id)

    def call_to_silent(self, device_id: str) -> None:
        """Have an alarm stand as long as a device does not answer, unless it is disabled: people may have switched it off."""
        device, alarm_id = self._tables.devices[device_id], f"offline:{device_id}"
        if device.online or not device.enabled or device.offline_reason == NOT_HEARD:
            self._alarms.clear(alarm_id)
            return
        self._alarms.replace(
            alarm_id,
            device_id,
            "deviceOffline",
            f"{device_id} does not answer: {device.offline_reason}",
            "Check power and network of the device, and its address in the site file. The gateway goes on by itself"
            " when it answers again.",
        )

    def device_fault(self, report: DeviceFault) -> None:
        """The device shows a fault: nothing new is given to it until it has recovered."""
        if report.device_id in self._tables.devices:
            text = report.text if report.code == 0 else f"{report.text} (code {report.code})"
            self._alarms.replace(
                fault_alarm(report.device_id),
                report.device_id,
                "deviceFault",
                f"{report.device_id}: {text}",
                report.advice,
            )
            self._show_fault(report.device_id)

    def device_recovered(self, report: DeviceRecovered) -> None:
        """The device shows no fault any more: it gets work again, unless its load contradicts the books."""
        if report.device_id in self._tables.devices:
            self._alarms.clear(fault_alarm(report.device_id))
            self._show_fault(report.device_id)

    def help_wanted(self, report: HelpWanted) -> None:
        """A device does not manage something by itself: somebody is called."""
        self._alarms.raise_alarm(
            f"{report.matter}:{report.device_id}",
            report.device_id,
            report.matter,
            f"{report.device_id} {report.text}",
            report.advice,
        )

    def matter_settled(self, report: MatterSettled) -> None:
        """Nobody need look at the device for that any more."""
        self._alarms.clear(f"{report.matter}:{report.device_id}")

    def settle_load(self, device_id: str) -> None:
        """The device's load contradicts the books no more, or a person has looked at it: the device checks every command itself.

        A fault that the device itself shows stands until the device shows none.
        """
        self._alarms.clear(load_alarm(device_id))
        self._show_fault(device_id)

    def _show_fault(self, device_id: str) -> None:
        """Say what keeps the device from working, by the alarms that stand: its own fault before its load; or that nothing does."""
        device, alarms = self._tables.devices[device_id], self._tables.alarms
        standing = alarms.get(fault_alarm(device_id)) or alarms.get(load_alarm(device_id))
        fault = None if standing is None else standing.text.removeprefix(f"{device_id}: ")
        if device.fault == fault:
            return
        self._tables.devices.put(replace(device, fault=fault))
        if fault is None:
            self._emit_device(EventType.DEVICE_RECOVERED, device_id)
        else:
            self._emit_device(EventType.DEVICE_FAULT, device_id, text=fault)

    def _emit_device(self, kind: EventType, device_id: str, **data: str) -> None:
        self._tables.books.emit(kind, device_id, deviceId=device_id, **data)

    # Commands

    def accepted(self, report: CommandAccepted) -> None:
        """The device has the command."""
        job = self._open(report.job_id)
        if job is not None and job.status is CommandStatus.INTENT:
            self._journal.accept(job)

    def done(self, report: CommandDone) -> None:
        """The device has carried the command out."""
        job = self._open(report.job_id)
        if job is None:
            return
        transport = self._end(job, CommandStatus.DONE)
        if transport is not None:
            transport = self._book(transport, job.command)
            misread = _misread(job.command, report.barcode)
            if misread is None:
                self._go_on(transport)
            else:
                self._lifecycle.halt(transport, *misread, _RETRY)

    def _book(self, transport: Transport, command: Command) -> Transport:
        """Book what a command has done: on board after a PICK, at the target after a DROP or TRANSFER."""
        if command.op is Op.PICK:
            self._lifecycle.take_on_board(transport.container_id, command.device_id)
            return self._lifecycle.change(transport, job_id=None, retries=0)
        return self._lifecycle.end_leg(transport)

    def _go_on(self, transport: Transport) -> None:
        if transport.current is None:
            self._at_goal(transport)
        elif transport.cancel_requested and transport.goal == transport.destination:
            self._rerouting.bring_home(self._lifecycle.change(transport, reserved=None))

    def _at_goal(self, transport: Transport) -> None:
        if transport.cancel_requested:
            self._lifecycle.give_up(transport)
        else:
            self._lifecycle.arrive(transport, transport.goal)

    def rejected(self, report: CommandRejected) -> None:
        """The device refused and did nothing: ask again later with a new command, or leave it to a person."""
        job = self._open(report.job_id)
        if job is None:
            return
        transport = self._end(job, CommandStatus.FAILED, f"rejected: {report.text}")
        if transport is None:
            return
        retries = transport.retries + 1
        if report.retry and retries <= RETRIES_MAX:
            pause_s = min(RETRY_FIRST_S * 2 ** (retries - 1), RETRY_MAX_S)
            waiting = self._lifecycle.change(
                transport,
                job_id=None,
                reserved=self._kept_reservation(transport),
                retries=retries,
                retry_at_us=self._tables.books.steady_us + round(pause_s * 1e6),
                rejection=f"{job.command.device_id}: {report.text}",
            )
            self._bring_home_if_cancelled(waiting)
        else:
            self._halt(transport, Fault.REJECTED, f"{job.command.device_id}: {report.text}")

    def failed(self, report: CommandFailed) -> None:
        """The device has ended the command without success; it, or its sensors, tell where the load is."""
        job = self._open(report.job_id)
        if job is None:
            return
        transport = self._end(job, CommandStatus.FAILED, f"{report.fault.value}: {report.text}")
        if transport is None:
            return
        detail = f"{job.command.device_id}: {report.text}"
        match report.fault:
            case Fault.CANCELLED:
                withdrawn = self._lifecycle.change(transport, job_id=None, reserved=None)
                self._bring_home_if_cancelled(withdrawn)
            case Fault.SOURCE_EMPTY:
                self._halt(transport, Fault.SOURCE_EMPTY, detail)
            case Fault.DESTINATION_OCCUPIED:
                self._block_target(job.command)
                self._halt(transport, Fault.DESTINATION_OCCUPIED, detail)
            case Fault.WRONG_CONTAINER | Fault.NO_READ:
                self._after_misread(transport, job.command, report, detail)
            case Fault.LOAD_MISSING:
                self._lifecycle.lose(transport.container_id)
                self._lifecycle.halt(
                    transport, Fault.LOAD_MISSING, detail, _LOCATE, job_id=None, reserved=None
                )
            case Fault.DEVICE_FAULT | Fault.REJECTED | Fault.TIMEOUT | Fault.OUTCOME_UNKNOWN:
                self._after_fault(transport, job.command, report.sensors, detail)

    def _after_misread(
        self, transport: Transport, command: Command, report: CommandFailed, detail: str
    ) -> None:
        """A scanner at the target reads what has moved on, perhaps another load than the books say; a vehicle's, what it leaves."""
        if command.op is Op.PICK and whereabouts(command, report.sensors) is Whereabouts.SOURCE:
            self._halt(transport, report.fault, detail)
        else:
            self._lifecycle.halt(self._book(transport, command), report.fault, detail, _RETRY)

    def _after_fault(self, transport: Transport, command: Command, sensors: Sensors, detail: str) -> None:
        match whereabouts(command, sensors):
            case Whereabouts.SOURCE:
                self._halt(transport, Fault.DEVICE_FAULT, f"{detail}; the load is still at its source")
            case Whereabouts.ON_BOARD:
                self._lifecycle.take_on_board(transport.container_id, command.device_id)
                self._halt(transport, Fault.DEVICE_FAULT, f"{detail}; the load is on board")
            case Whereabouts.TARGET:
                self._go_on(self._book(transport, command))
            case Whereabouts.UNKNOWN:
                self._doubt(transport, command, detail)

    def unknown(self, report: CommandUnknown) -> None:
        """The device cannot tell: the sensors judge, and where they cannot, a person does."""
        job = self._open(report.job_id)
        if job is None:
            return
        key = Channel.key_of(job.command.device_id, job.command.channel)
        place = whereabouts(job.command, report.sensors)
        transport = self._end(job, CommandStatus.UNKNOWN, f"{report.text}; by the sensors: {place.value}")
        self._tables.channels.put(replace(self._tables.channels[key], boot_id=None))
        if transport is None:
            return
        match (job.command.op, place):
            case (Op.PICK, Whereabouts.ON_BOARD) | (Op.DROP | Op.TRANSFER, Whereabouts.TARGET):
                self._go_on(self._book(transport, job.command))
            case (Op.PICK | Op.TRANSFER, Whereabouts.SOURCE) | (Op.DROP, Whereabouts.ON_BOARD) if (
                transport.retries < RETRIES_MAX
            ):
                # It has not happened: the same is asked for with a new command once the channel is read.
                reserved = self._kept_reservation(transport)
                waiting = self._lifecycle.change(
                    transport, job_id=None, reserved=reserved, retries=transport.retries + 1
                )
                self._bring_home_if_cancelled(waiting)
            case _:
                self._doubt(transport, job.command, f"{job.command.device_id}: {report.text}")

    def look_for_timeouts(self) -> None:
        """Call out commands that take far longer than expected; their late answers still count."""
        now = self._tables.books.steady_us
        for job_id, since in list(self._tables.open_jobs.items()):
            job = self._tables.jobs[job_id]
            transport = self._transport_of(job)
            device = self._tables.devices[job.command.device_id]
            overdue = now - since > (60 + 5 * job.expected_s) * 1e6
            if (
                overdue
                and device.online
                and transport is not None
                and transport.status is TransportStatus.EXECUTING
            ):
                detail = f"{job.command.device_id} has not ended command {job_id} ({job.command.op.name})"
                self._lifecycle.halt(transport, Fault.TIMEOUT, detail, _RETRY)

    def _bring_home_if_cancelled(self, transport: Transport) -> None:
        """Bring a transport for which nothing is under way, if it is cancelled, to its end or on its way there."""
        if transport.cancel_requested and transport.goal == transport.destination:
            self._rerouting.bring_home(transport)

    def _halt(self, transport: Transport, fault: Fault, detail: str) -> None:
        reserved = self._kept_reservation(transport)
        self._lifecycle.halt(transport, fault, detail, _RETRY, job_id=None, reserved=reserved)

    def _kept_reservation(self, transport: Transport) -> str | None:
        """A load on board keeps its target: it has nowhere else to go. One that has not been taken yet lets others in."""
        on_board = self._tables.containers[transport.container_id].device_id is not None
        return transport.reserved if on_board else None

    def _doubt(self, transport: Transport, command: Command, detail: str) -> None:
        self._lifecycle.halt(
            transport,
            Fault.OUTCOME_UNKNOWN,
            f"{detail} ({command.op.name} of {transport.container_id})",
            (*_LOCATE, OperatorAction.RETRY),
            job_id=None,
        )

    def _block_target(self, command: Command) -> None:
        if command.target is not None:
            self._blocks.block(command.target.location_id, f"{command.device_id} found it occupied")

    def _open(self, job_id: int) -> Job | None:
        job = self._tables.jobs.get(job_id)
        return job if job is not None and job.ended_us is None else None

    def _end(self, job: Job, status: CommandStatus, text: str = "") -> Transport | None:
        """Close a command; return the transport that waits for it, which goes on if it was called out for its timeout."""
        self._journal.close(job, status, text)
        transport = self._transport_of(job)
        if transport is not None and transport.status in HALTED:
            return self._lifecycle.resume(transport)
        return transport

    def _transport_of(self, job: Job) -> Transport | None:
        transport_id = job.command.transport_id
        transport = None if transport_id is None else self._tables.transports.get(transport_id)
        return transport if transport is not None and transport.job_id == job.command.job_id else None


def fault_alarm(device_id: str) -> str:
    """Return the id of the alarm that stands while a device shows a fault."""
    return f"fault:{device_id}"


def load_alarm(device_id: str) -> str:
    """Return the id of the alarm that stands while a device's load contradicts the books."""
    return f"load:{device_id}"


def _misread(command: Command, barcode: str | None) -> tuple[Fault, str] | None:
    if barcode is None or command.container_id is None or barcode == command.container_id[:16]:
        return None
    where = command.target.location_id if command.target else command.device_id
    if barcode in ("", "?"):
        return Fault.NO_READ, f"the scanner at {where} could not read the barcode of {command.container_id}"
    return Fault.WRONG_CONTAINER, f"the scanner at {where} read {barcode} instead of {command.container_id}"
