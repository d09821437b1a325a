"""What people decide: cancel, resolve, enable, disable, reset, localise, correct. Every act is recorded with who and why."""

from dataclasses import replace

from gateway.contract.commands import Op
from gateway.contract.events import EventType
from gateway.contract.faults import FieldError, OperatorAction, Refusal, RefusalKind
from gateway.contract.transports import Act, ResolveRequest, TransportStatus
from gateway.transport.blocks import Blocks
from gateway.transport.journal import Journal
from gateway.transport.lifecycle import Lifecycle
from gateway.transport.messages import (
    BlockLocation,
    CancelTransport,
    CorrectContainer,
    LocaliseDevice,
    RemoveContainer,
    ResetDevice,
    ResolveTransport,
    SetDeviceEnabled,
    UnblockLocation,
)
from gateway.transport.outcome import Outcome
from gateway.transport.plant import Plant
from gateway.transport.rerouting import Rerouting
from gateway.transport.rows import ActRecord, Container, Device, Transport
from gateway.transport.tables import TransportTables
from gateway.transport.transitions import HALTED


class Decisions:
    """Handles what people decide."""

    def __init__(
        self,
        tables: TransportTables,
        plant: Plant,
        journal: Journal,
        lifecycle: Lifecycle,
        rerouting: Rerouting,
        outcome: Outcome,
        blocks: Blocks,
    ) -> None:
        self._tables = tables
        self._plant = plant
        self._journal = journal
        self._lifecycle = lifecycle
        self._rerouting = rerouting
        self._outcome = outcome
        self._blocks = blocks

    def cancel(self, message: CancelTransport) -> Transport:
        """Cancel: at once if nothing has moved, else the load is brought to a defined place first.

        What has halted is somebody's to decide, by name: it is resolved, not cancelled.
        """
        transport = self._transport(message.transport_id)
        if transport.status is TransportStatus.CANCELLED or transport.cancel_requested:
            return transport
        if transport.status is TransportStatus.COMPLETED:
            raise Refusal(
                RefusalKind.CONFLICT,
                FieldError("", "alreadyCompleted", f"transport {transport.transport_id} is completed"),
            )
        if transport.problem is not None:
            actions = ", ".join(transport.problem.actions)
            text = (
                f"transport {transport.transport_id} is {transport.status.value} and waits for somebody's decision:"
                f" resolve it, with who and why ({actions})"
            )
            raise Refusal(RefusalKind.CONFLICT, FieldError("", "needsDecision", text))
        transport = self._lifecycle.change(transport, cancel_requested=True)
        if transport.status is TransportStatus.EXECUTING:
            return self._cancel_under_way(transport)
        return self._lifecycle.give_up(transport)

    def _cancel_under_way(self, transport: Transport) -> Transport:
        if transport.job_id is None:
            return self._rerouting.bring_home(transport)
        job = self._tables.jobs[transport.job_id]
        fleet = self._plant.fleet(job.command.device_id)
        if fleet is not None and job.command.op is Op.PICK:
            fleet.withdraw(transport.job_id)
        return self._tables.transports[transport.transport_id]

    def resolve(self, message: ResolveTransport) -> Transport:
        """Carry out an operator's decision about a transport that cannot go on by itself."""
        transport = self._transport(message.transport_id)
        request = message.request
        self._check_may_resolve(transport, request)
        self._record(
            request,
            f"transport.{request.action.value}",
            transport.transport_id,
            transport.transport_id,
            {"locationId": request.location_id},
        )
        self._lifecycle.emit(
            EventType.TRANSPORT_RESOLVED,
            transport,
            action=request.action.value,
            locationId=request.location_id,
            operator=request.operator,
            reason=request.reason,
        )
        transport = self._release(transport, request)
        match request.action:
            case OperatorAction.COMPLETE_AT:
                location_id = self._location(request)
                self._lifecycle.put_at(transport.container_id, location_id)
                return self._lifecycle.arrive(transport, location_id)
            case OperatorAction.CONTAINER_AT:
                return self._go_on_from(transport, self._location(request))
            case OperatorAction.RETRY:
                return self._retry(transport)
            case OperatorAction.CANCEL:
                return self._cancel_settled(transport)

    def _check_may_resolve(self, transport: Transport, request: ResolveRequest) -> None:
        if transport.problem is None and not self._is_cut_off(transport):
            raise Refusal(
                RefusalKind.CONFLICT,
                FieldError(
                    "",
                    "nothingToResolve",
                    f"transport {transport.transport_id} is {transport.status.value} and needs no decision",
                ),
            )
        if transport.problem is not None and request.action not in transport.problem.actions:
            allowed = ", ".join(transport.problem.actions)
            raise _refuse(
                "action", "actionNotAllowed", f"{request.action.value} cannot settle this; allowed: {allowed}"
            )
        if request.action in (OperatorAction.COMPLETE_AT, OperatorAction.CONTAINER_AT):
            self._check_room(self._location(request), self._tables.containers[transport.container_id])

    def _is_cut_off(self, transport: Transport) -> bool:
        """A command is under way at a device that is out of reach: an operator who stands there may settle it."""
        job = None if transport.job_id is None else self._tables.jobs[transport.job_id]
        if job is None:
            return False
        device = self._tables.devices[job.command.device_id]
        return not device.online or not device.enabled

    def _check_room(self, location_id: str, container: Container | None) -> None:
        """Refuse that a container be where others stand by the books, or come to: a machine would put them onto each other."""
        if location_id not in self._plant.locations:
            raise _refuse("locationId", "unknownLocation", f"location {location_id} is not in the site file")
        if container is not None and container.location_id == location_id:
            return
        holding = self._tables.occupants.get(location_id, ())
        coming = [
            row
            for row in self._tables.transports.values()
            if row.reserved == location_id
            and (container is None or row.container_id != container.container_id)
        ]
        if len(holding) + len(coming) < self._plant.locations[location_id].capacity:
            return
        if not coming:
            text = f"{location_id} holds {', '.join(sorted(holding))} already by the books"
            raise _refuse("locationId", "locationOccupied", text)
        text = (
            f"{location_id} is promised to {coming[0].container_id}, which is on its way there: put the load elsewhere and"
            f" say where, or cancel transport {coming[0].transport_id} first"
        )
        raise _refuse("locationId", "locationPromised", text)

    def _release(self, transport: Transport, request: ResolveRequest) -> Transport:
        """End what is under way and let the transport go on; a place that stopped it may be used again unless it is given up."""
        if transport.job_id is not None:
            job = self._tables.jobs[transport.job_id]
            self._journal.abandon(job, f"settled by {request.operator}: {request.action.value}")
        leg = transport.current
        given_up = request.action is OperatorAction.CANCEL
        if not given_up and leg is not None:
            self._blocks.look(leg.target, request)
        if transport.status in HALTED:
            return self._lifecycle.resume(transport, job_id=None, reserved=None)
        return self._lifecycle.change(transport, job_id=None, reserved=None)

    def _go_on_from(self, transport: Transport, location_id: str) -> Transport:
        self._lifecycle.put_at(transport.container_id, location_id)
        if location_id == transport.goal:
            return self._lifecycle.arrive(transport, location_id)
        if transport.cancel_requested:
            return self._rerouting.bring_home(transport)
        return self._rerouting.go_on(transport)

    def _retry(self, transport: Transport) -> Transport:
        container = self._tables.containers[transport.container_id]
        if container.location_id == transport.goal:
            return self._lifecycle.arrive(transport, transport.goal)
        if transport.cancel_requested:
            return self._rerouting.bring_home(transport)
        return self._rerouting.go_on(transport)

    def _cancel_settled(self, transport: Transport) -> Transport:
        container = self._tables.containers[transport.container_id]
        if container.location_id is None and container.device_id is None:
            raise _refuse(
                "action", "containerLost", "nobody knows where the load is: use containerAt or completeAt"
            )
        return self._rerouting.bring_home(self._lifecycle.change(transport, cancel_requested=True))

    def set_enabled(self, message: SetDeviceEnabled) -> Device:
        """Let the engine use a device, or no longer; what is under way is finished."""
        device = self._device(message.device_id)
        if device.enabled == message.enabled:
            return device
        changed = replace(device, enabled=message.enabled)
        self._tables.devices.put(changed)
        kind = EventType.DEVICE_ENABLED if message.enabled else EventType.DEVICE_DISABLED
        self._record(message.act, kind.value, message.device_id)
        self._tables.books.emit(
            kind,
            device.device_id,
            deviceId=device.device_id,
            operator=message.act.operator,
            reason=message.act.reason,
        )
        self._outcome.call_to_silent(device.device_id)
        if message.enabled:
            self._rerouting.find_opened_ways()
        else:
            self._rerouting.avoid(device.device_id)
        return changed

    def reset(self, message: ResetDevice) -> Device:
        """Ask the device to clear its fault, and take its load as the books say; the device tells when it has recovered."""
        device = self._device(message.device_id)
        self._record(message.act, "device.reset", message.device_id)
        self._outcome.settle_load(message.device_id)
        for row in list(self._tables.channels.values()):
            idle = row.job_id is None and row.boot_id is not None
            if row.device_id == message.device_id and idle and device.online:
                self._journal.issue(Op.RESET, device_id=row.device_id, channel=row.channel, expected_s=1.0)
        return self._tables.devices[message.device_id]

    def localise(self, message: LocaliseDevice) -> Device:
        """Tell a vehicle where it stands; it shows in its states whether it takes that for true."""
        device = self._device(message.device_id)
        fleet = self._plant.fleet(message.device_id)
        if fleet is None:
            raise _refuse(
                "deviceId", "notAVehicle", f"{message.device_id} is no vehicle: it cannot lose its place"
            )
        fleet.localise(message.device_id, message.node_id, message.theta)
        self._record(message.act, "device.localise", message.device_id, details={"nodeId": message.node_id})
        return device

    def correct(self, message: CorrectContainer) -> Container:
        """Put the books right about a container that no transport holds."""
        container = self._tables.containers.get(message.container_id)
        if container is not None:
            _check_idle(container, self._way_out(container))
        self._check_room(message.location_id, container)
        if container is None:
            self._tables.containers.put(Container(container_id=message.container_id))
        self._record(
            message.act,
            "container.located",
            message.container_id,
            details={"locationId": message.location_id},
        )
        self._lifecycle.put_at(message.container_id, message.location_id)
        self._blocks.look(message.location_id, message.act)
        return self._tables.containers[message.container_id]

    def remove(self, message: RemoveContainer) -> None:
        """Forget a container that has left the site, but for one on a device: what lies there would be nobody's."""
        container = self._tables.containers.get(message.container_id)
        if container is None:
            text = f"no container {message.container_id} is known"
            raise Refusal(RefusalKind.NOT_FOUND, FieldError("containerId", "unknownContainer", text))
        _check_idle(container, "cancel that one first")
        if container.device_id is not None:
            text = f"container {message.container_id} is on {container.device_id}: say first where it was put"
            raise _refuse("", "onDevice", text)
        details = {"locationId": container.location_id}
        self._record(message.act, "container.removed", message.container_id, details=details)
        self._lifecycle.forget(message.container_id)

    def block(self, message: BlockLocation) -> None:
        """Let nothing come to a location or leave it, for a reason that a person has seen."""
        self._check_location(message.location_id)
        self._record(message.act, "location.blocked", message.location_id)
        self._blocks.lock(message.location_id, message.act)

    def unblock(self, message: UnblockLocation) -> None:
        """Let a location take loads again, after somebody has looked that it is as the books say."""
        self._check_location(message.location_id)
        if message.location_id in self._tables.blocks:
            self._record(message.act, "location.unblocked", message.location_id)
            self._blocks.open(message.location_id, message.act)

    def _check_location(self, location_id: str) -> None:
        if location_id not in self._plant.locations:
            text = f"location {location_id} is not in the site file"
            raise Refusal(RefusalKind.NOT_FOUND, FieldError("locationId", "unknownLocation", text))

    def _record(
        self,
        act: Act,
        what: str,
        subject: str,
        transport_id: str | None = None,
        details: dict[str, str | None] | None = None,
    ) -> None:
        number = self._tables.next_number("act")
        self._tables.acts.put(
            ActRecord(
                number=number,
                at_us=self._tables.books.now_us,
                operator=act.operator,
                reason=act.reason,
                act=what,
                subject=subject,
                transport_id=transport_id,
                details=dict(details or {}),
            )
        )
        self._tables.acts.forget(number)

    def _transport(self, transport_id: str) -> Transport:
        transport = self._tables.transports.get(transport_id)
        if transport is None:
            raise Refusal(
                RefusalKind.NOT_FOUND,
                FieldError("transportId", "unknownTransport", f"no open transport {transport_id}"),
            )
        return transport

    def _device(self, device_id: str) -> Device:
        device = self._tables.devices.get(device_id)
        if device is None:
            raise Refusal(
                RefusalKind.NOT_FOUND,
                FieldError("deviceId", "unknownDevice", f"no device {device_id} in the site file"),
            )
        return device

    def _way_out(self, container: Container) -> str:
        """Return how the place of a container that a transport has can be told."""
        transport = self._tables.transports.get(container.transport_id or "")
        halted = transport is not None and transport.status in HALTED
        return "resolve that one with containerAt" if halted else "cancel that one first"

    def _location(self, request: ResolveRequest) -> str:
        if request.location_id is None:
            raise _refuse(
                "locationId", "missing", f"{request.action.value} needs the locationId of the container"
            )
        return request.location_id


def _check_idle(container: Container, way_out: str) -> None:
    if container.transport_id is not None:
        text = f"container {container.container_id} belongs to transport {container.transport_id}; {way_out}"
        raise Refusal(RefusalKind.CONFLICT, FieldError("", "containerBusy", text))


def _refuse(field: str, code: str, message: str) -> Refusal:
    return Refusal(RefusalKind.INVALID, FieldError(field, code, message))
