"""The steps of a transport's life: every change of its status, with the event, the reservation and the alarm that go with it."""

from dataclasses import replace
from typing import Any

from gateway.contract.events import EventType
from gateway.contract.faults import FAULT_TEXTS, Fault, OperatorAction
from gateway.contract.transports import TransportStatus
from gateway.transport.alarms import Alarms
from gateway.transport.rows import Container, Leg, Problem, Transport
from gateway.transport.tables import TransportTables
from gateway.transport.transitions import TRANSPORT, Step


class Lifecycle:
    """Changes transports and the whereabouts of their containers."""

    def __init__(self, tables: TransportTables, alarms: Alarms) -> None:
        self._tables = tables
        self._alarms = alarms

    def emit(self, kind: EventType, transport: Transport, **data: Any) -> None:
        """Append an event about a transport to the feed."""
        self._tables.books.emit(
            kind,
            transport.transport_id,
            transport_id=transport.transport_id,
            transportId=transport.transport_id,
            containerId=transport.container_id,
            status=transport.status.value,
            **data,
        )

    def change(self, transport: Transport, **fields: Any) -> Transport:
        """Replace fields of a transport."""
        changed = replace(transport, updated_us=self._tables.books.now_us, **fields)
        self._tables.transports.put(changed)
        return changed

    def _step(self, transport: Transport, step: Step, **fields: Any) -> Transport:
        return self.change(transport, status=TRANSPORT[transport.status, step], **fields)

    def plan(self, transport: Transport, legs: tuple[Leg, ...]) -> Transport:
        """Give an accepted transport its route."""
        planned = self._step(transport, Step.PLAN, legs=legs, leg=0)
        self.emit(EventType.TRANSPORT_PLANNED, planned, legs=legs_data(legs))
        return planned

    def unplan(self, transport: Transport) -> Transport:
        """Take the route back: it is closed, and there is no other."""
        return self._step(transport, Step.UNPLAN, legs=(), leg=0)

    def begin_leg(self, transport: Transport, device_id: str, job_id: int) -> Transport:
        """Note that the first command of the current leg is in the journal; its target is reserved from now on."""
        leg = replace(transport.legs[transport.leg], device_id=device_id)
        legs = (*transport.legs[: transport.leg], leg, *transport.legs[transport.leg + 1 :])
        fields: dict[str, Any] = {"legs": legs, "job_id": job_id, "reserved": leg.target}
        if transport.status is TransportStatus.PLANNED:
            begun = self._step(transport, Step.START, **fields)
        else:
            begun = self.change(transport, **fields)
        self.emit(
            EventType.TRANSPORT_LEG_STARTED,
            begun,
            leg=transport.leg,
            source=leg.source,
            target=leg.target,
            deviceId=device_id,
        )
        return begun

    def end_leg(self, transport: Transport) -> Transport:
        """Note that the container has reached the target of the current leg."""
        leg = transport.legs[transport.leg]
        ended = self.change(transport, leg=transport.leg + 1, job_id=None, reserved=None, retries=0)
        self.put_at(transport.container_id, leg.target)
        self.emit(
            EventType.TRANSPORT_LEG_COMPLETED,
            ended,
            leg=transport.leg,
            target=leg.target,
            deviceId=leg.device_id,
        )
        return ended

    def put_at(self, container_id: str, location_id: str) -> None:
        """Book a container at a location."""
        container = self._tables.containers[container_id]
        self._tables.containers.put(replace(container, location_id=location_id, device_id=None))
        self._emit_container(EventType.CONTAINER_LOCATED, container, location_id)

    def take_on_board(self, container_id: str, device_id: str) -> None:
        """Book a container on a device."""
        container = self._tables.containers[container_id]
        self._tables.containers.put(replace(container, location_id=None, device_id=device_id))

    def lose(self, container_id: str) -> None:
        """Book that nobody knows where a container is."""
        container = self._tables.containers[container_id]
        self._tables.containers.put(replace(container, location_id=None, device_id=None))

    def forget(self, container_id: str) -> None:
        """Book that a container is not in the site any more."""
        container = self._tables.containers[container_id]
        self._emit_container(EventType.CONTAINER_REMOVED, container, container.location_id)
        self._tables.containers.remove(container_id)

    def _emit_container(self, kind: EventType, container: Container, location_id: str | None) -> None:
        self._tables.books.emit(
            kind,
            container.container_id,
            transport_id=container.transport_id,
            containerId=container.container_id,
            locationId=location_id,
            transportId=container.transport_id,
        )

    def arrive(self, transport: Transport, location_id: str) -> Transport:
        """End a transport whose container is where it should be."""
        done = self._end(transport, Step.ARRIVE)
        self._emit_container(
            EventType.CONTAINER_ARRIVED, self._tables.containers[done.container_id], location_id
        )
        self.emit(EventType.TRANSPORT_COMPLETED, done, locationId=location_id)
        self._release_container(done)
        return done

    def give_up(self, transport: Transport) -> Transport:
        """End a cancelled transport; its container is where the books say."""
        done = self._end(transport, Step.GIVE_UP)
        container = self._tables.containers[done.container_id]
        self.emit(
            EventType.TRANSPORT_CANCELLED,
            done,
            locationId=container.location_id,
            deviceId=container.device_id,
        )
        self._release_container(done)
        return done

    def _end(self, transport: Transport, step: Step) -> Transport:
        return self._step(transport, step, job_id=None, reserved=None)

    def _release_container(self, transport: Transport) -> None:
        container = self._tables.containers[transport.container_id]
        self._tables.containers.put(replace(container, transport_id=None))

    def halt(
        self,
        transport: Transport,
        fault: Fault,
        detail: str,
        actions: tuple[OperatorAction, ...],
        **fields: Any,
    ) -> Transport:
        """Stop a transport until somebody decides: *failed* if the outcome is known, *unknown* if it is not."""
        doubtful = fault in (Fault.OUTCOME_UNKNOWN, Fault.TIMEOUT)
        step, kind = (
            (Step.DOUBT, EventType.TRANSPORT_UNKNOWN) if doubtful else (Step.FAIL, EventType.TRANSPORT_FAILED)
        )
        text = FAULT_TEXTS[fault]
        problem = Problem(fault=fault, detail=detail, actions=actions)
        halted = self._step(transport, step, problem=problem, **fields)
        self.emit(
            kind,
            halted,
            reason={"code": fault.value, "title": text.title, "detail": detail, "advice": text.advice},
            actions=list(actions),
        )
        self._alarms.raise_alarm(
            problem_alarm(transport),
            transport.transport_id,
            fault.value,
            f"{text.title}: {detail}",
            text.advice,
            actions,
        )
        return halted

    def resume(self, transport: Transport, **fields: Any) -> Transport:
        """Let a halted transport go on."""
        self._alarms.clear(problem_alarm(transport))
        return self._step(transport, Step.RESUME, problem=None, retries=0, retry_at_us=0, **fields)


def problem_alarm(transport: Transport) -> str:
    """Return the id of the alarm that stands while a transport is halted."""
    return f"transport:{transport.transport_id}"


def legs_data(legs: tuple[Leg, ...]) -> list[dict[str, Any]]:
    """Return legs as events tell them."""
    return [
        {
            "source": leg.source,
            "target": leg.target,
            "carrierId": leg.carrier_id,
            "expectedSeconds": round(leg.expected_s, 1),
        }
        for leg in legs
    ]
