"""Accepting and cancelling transports: every reason of a refusal at once, in the caller's terms; a refusal changes nothing."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Final

from gateway.contract.events import EventType
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.model import WireModel
from gateway.contract.transports import TransportRequest, TransportStatus
from gateway.kernel.clock import to_micros
from gateway.transport.lifecycle import Lifecycle
from gateway.transport.messages import Submitted, SubmitTransports
from gateway.transport.plant import Plant
from gateway.transport.rows import Transport, head_start_us
from gateway.transport.tables import TransportTables
from gateway.transport.topology import Topology

OPEN_MAX: Final = 100_000
ATTRIBUTES_MAX_BYTES: Final = 4096
DEADLINE_MAX_S: Final = 366 * 86_400


def digest(request: WireModel) -> str:
    """Return a hash of what was asked for, whatever the order and spelling of its JSON."""
    body = json.dumps(request.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"))
    return sha256(body.encode()).hexdigest()[:32]


class Intake:
    """Accepts transports."""

    def __init__(
        self, tables: TransportTables, plant: Plant, topology: Topology, lifecycle: Lifecycle
    ) -> None:
        self._tables = tables
        self._plant = plant
        self._topology = topology
        self._lifecycle = lifecycle

    def submit(self, message: SubmitTransports) -> list[Submitted | Refusal]:
        """Accept each request or refuse it; see SubmitTransports."""
        books = self._tables.books
        start = books.mark()
        answers = [self._submit_one(request, message.known) for request in message.requests]
        refusals = [(index, answer) for index, answer in enumerate(answers) if isinstance(answer, Refusal)]
        if refusals and not message.each_alone:
            books.rollback(start)
            raise _all_refused(refusals, len(answers))
        return answers

    def _submit_one(self, request: TransportRequest, known: dict[str, str]) -> Submitted | Refusal:
        before = self._tables.transports.get(request.transport_id)
        known_digest = known.get(request.transport_id) if before is None else before.digest
        if known_digest is not None:
            return self._again(request, known_digest)
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        self._accept(request)
        return Submitted(request.transport_id, again=False)

    def _again(self, request: TransportRequest, known_digest: str) -> Submitted | Refusal:
        if known_digest == digest(request):
            return Submitted(request.transport_id, again=True)
        return Refusal(
            RefusalKind.CONFLICT,
            FieldError(
                "transportId",
                "idReused",
                f"transport {request.transport_id} was accepted before with another body; use a new transportId",
            ),
        )

    def _refusal(self, request: TransportRequest) -> Refusal | None:
        invalid = [*self._wrong_places(request), *self._wrong_values(request)]
        if invalid:
            return Refusal(RefusalKind.INVALID, *invalid)
        holder = self._tables.containers[request.container_id].transport_id
        if holder is not None:
            holding = self._tables.transports[holder]
            return Refusal(
                RefusalKind.CONFLICT,
                FieldError(
                    "containerId",
                    "containerBusy",
                    f"container {request.container_id} belongs to transport {holder} ({holding.status.value});"
                    " wait until it has ended, or resolve or cancel it",
                ),
            )
        if len(self._tables.transports) - len(self._tables.ended) >= OPEN_MAX:
            return Refusal(
                RefusalKind.BUSY,
                FieldError("", "tooManyOpen", f"{OPEN_MAX} transports are open; try again later"),
            )
        return None

    def _wrong_places(self, request: TransportRequest) -> list[FieldError]:
        errors: list[FieldError] = []
        container = self._tables.containers.get(request.container_id)
        if container is None:
            errors.append(
                FieldError(
                    "containerId",
                    "unknownContainer",
                    f"container {request.container_id} is not known; make it known with"
                    f" PUT /v1/containers/{request.container_id}/location",
                )
            )
        for field, location_id in (("source", request.source), ("destination", request.destination)):
            if location_id is not None and location_id not in self._plant.locations:
                errors.append(
                    FieldError(field, "unknownLocation", f"location {location_id} is not in the site file")
                )
        if errors or container is None:
            return errors
        here = container.location_id
        if here is None and container.transport_id is None:
            where = f"on {container.device_id}" if container.device_id else "nobody knows where"
            return [
                FieldError(
                    "containerId", "containerElsewhere", f"container {request.container_id} is {where}"
                )
            ]
        if request.source is not None and request.source != here and container.transport_id is None:
            return [
                FieldError(
                    "source",
                    "containerElsewhere",
                    f"container {request.container_id} is at {here}, not at {request.source}",
                )
            ]
        if request.destination == (request.source or here):
            return [
                FieldError(
                    "destination", "sameAsSource", f"source and destination are both {request.destination}"
                )
            ]
        kind = self._plant.site.type_of(request.container_id)
        goal = self._plant.locations[request.destination]
        if not goal.takes(kind):
            what = f"is of type {kind}" if kind else "is of no type that the site file names"
            accepted = ", ".join(goal.accepts or ())
            text = f"container {request.container_id} {what}; {goal.id} accepts {accepted}"
            return [FieldError("destination", "doesNotFit", text)]
        if here is not None and here not in self._plant.locations:
            text = (
                f"container {request.container_id} stood at {here}, which is not in the site file any more; say where it is"
                f" with PUT /v1/containers/{request.container_id}/location"
            )
            return [FieldError("containerId", "containerElsewhere", text)]
        if here is not None and self._topology.route(here, goal.id, container_type=kind) is None:
            load = f" for a container of type {kind}" if kind else ""
            return [FieldError("destination", "noRoute", f"no device leads from {here} to {goal.id}{load}")]
        return []

    def _wrong_values(self, request: TransportRequest) -> list[FieldError]:
        errors: list[FieldError] = []
        now_s = self._tables.books.now_us / 1e6
        if request.deadline is not None:
            deadline_s = request.deadline.timestamp()
            if deadline_s <= now_s:
                errors.append(FieldError("deadline", "deadlinePast", "the deadline has passed already"))
            elif deadline_s > now_s + DEADLINE_MAX_S:
                errors.append(
                    FieldError("deadline", "deadlineTooFar", "the deadline is more than a year away")
                )
        if len(json.dumps(request.attributes)) > ATTRIBUTES_MAX_BYTES:
            errors.append(
                FieldError(
                    "attributes",
                    "tooLarge",
                    f"attributes take more than {ATTRIBUTES_MAX_BYTES} bytes as JSON",
                )
            )
        return errors

    def _accept(self, request: TransportRequest) -> None:
        now = self._tables.books.now_us
        container = self._tables.containers[request.container_id]
        source = container.location_id
        if source is None:
            raise AssertionError("a container without a location was accepted")
        kind = self._plant.site.type_of(request.container_id)
        route = self._topology.route(source, request.destination, container_type=kind) or ()
        deadline = None if request.deadline is None else to_micros(request.deadline)
        # Nobody is overtaken by those who come later, although the clock was set back before this run.
        since = max(self._tables.books.steady_us, self._tables.newest_us)
        due = since + head_start_us(request.priority)
        if deadline is not None:
            due = min(due, since + deadline - now - round(sum(leg.expected_s for leg in route) * 1e6))
        transport = Transport(
            transport_id=request.transport_id,
            container_id=request.container_id,
            source=source,
            destination=request.destination,
            priority=request.priority,
            deadline_us=deadline,
            attributes=request.attributes,
            digest=digest(request),
            number=self._tables.next_number("transport"),
            status=TransportStatus.ACCEPTED,
            created_us=now,
            updated_us=now,
            due_us=due,
            goal=request.destination,
        )
        self._tables.transports.put(transport)
        self._tables.containers.put(replace(container, transport_id=request.transport_id))
        self._lifecycle.emit(
            EventType.TRANSPORT_ACCEPTED,
            transport,
            source=source,
            destination=request.destination,
            priority=request.priority,
            attributes=request.attributes,
        )


def _all_refused(refusals: list[tuple[int, Refusal]], count: int) -> Refusal:
    kinds = {refusal.kind for _, refusal in refusals}
    kind = RefusalKind.INVALID if RefusalKind.INVALID in kinds else refusals[0][1].kind
    if count == 1:
        return refusals[0][1]
    reasons = [
        FieldError(f"items[{index}].{reason.field}".rstrip("."), reason.code, reason.message)
        for index, refusal in refusals
        for reason in refusal.reasons
    ]
    return Refusal(kind, *reasons)
