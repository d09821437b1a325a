"""A station's work on one container: from its arrival to the word that it may leave (S0-18, S0-31, S0-37…40).

The push to the station is a row in the transaction of the arrival: the station's page and whoever works there see it at once. A
station that takes no work refuses it, and what hangs on the container is rolled back (S0-32). The feedback is the row's end.
"""

from dataclasses import dataclass
from typing import Final

from pydantic_core import to_json

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.codes import Code, OperationState
from gateway.wes.codes import PresentationState as S
from gateway.wes.context import WesContext
from gateway.wes.floor.puts import recall
from gateway.wes.orders.headers import STAGE, SYSTEM
from gateway.wes.planning.presentations import Presentation, lock_presentation, move
from gateway.wes.planning.rollback import begin_rollback
from gateway.wes.planning.stations import open_stations
from gateway.wes.planning.tasks import Task, claim, conflict, lock_tasks, missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a station is asked to do with one container.

    Attributes:
        scanned_at: when the right container was scanned; None: nobody has begun.
    """

    operation_id: int
    presentation_id: int
    station_id: str
    state: OperationState
    operator: str | None
    opened_at: Micros
    scanned_at: Micros | None
    container_id: str
    location_id: str


OPERATION: Final = (
    "SELECT o.operation_id, o.presentation_id, o.station_id, o.state, o.operator, o.opened_at, o.scanned_at,"
    " p.container_id, p.destination FROM operations o JOIN presentations p ON p.presentation_id = o.presentation_id"
)
TASKS: Final = (
    f"a.presentation_id = :presentation_id AND a.code >= {Code.RELEASED:d} AND a.code < {Code.CANCELLING:d}"
)
_INSERT: Final = (
    "INSERT INTO operations (operation_id, presentation_id, station_id, state, operator, payload, opened_at)"
    " VALUES (:operation_id, :presentation_id, :station_id, 'open', NULL, :payload, :at_us)"
)
_PUSHED: Final = """SELECT a.allocation_id, a.work_id, d.oms_order_no, l.sku, o.lot_no, o.expiry_at, a.cell, a.quantity, w.slot_id
FROM allocations a JOIN work_orders w ON w.work_id = a.work_id JOIN orders d ON d.order_id = w.order_id
JOIN order_lines l ON l.line_id = a.line_id JOIN lots o ON o.lot_id = a.lot_id
WHERE a.presentation_id = :presentation_id AND a.code = 70 ORDER BY a.allocation_id"""
_NAMES: Final = (
    "allocationId",
    "workId",
    "orderNo",
    "skuId",
    "lotNo",
    "expiryAt",
    "cell",
    "quantity",
    "slotId",
)
_UNPUSHED: Final = (
    "SELECT p.presentation_id FROM presentations p WHERE p.state = 'arrived' AND p.purpose = 'pick' AND NOT EXISTS"
    " (SELECT 1 FROM operations o WHERE o.presentation_id = p.presentation_id) AND NOT EXISTS"
    " (SELECT 1 FROM rollbacks r WHERE r.presentation_id = p.presentation_id AND r.ended_at IS NULL)"
    " ORDER BY p.presentation_id LIMIT :limit"
)
_SCANNED: Final = (
    "UPDATE operations SET scanned_at = COALESCE(scanned_at, :at_us), operator = :operator"
    " WHERE operation_id = :operation_id"
)
_END: Final = (
    "UPDATE operations SET state = :state, operator = :operator, done_at = :at_us"
    " WHERE operation_id = :operation_id AND state = 'open'"
)


async def push(tx: Tx, context: WesContext, arrived: Presentation) -> None:
    """Ask the station of a container that has just arrived to work on it; a station that takes no work refuses."""
    stations = {station.station_id: station for station in await open_stations(tx, context)}
    if arrived.station_id not in stations:
        reason = f"station {arrived.station_id} takes no work"
        await begin_rollback(tx, context, arrived.presentation_id, reason)
        return
    operation_id, at_us = context.ids.next(), context.clock.now_us()
    row: dict[str, SqlValue] = {
        "operation_id": operation_id,
        "presentation_id": arrived.presentation_id,
        "station_id": arrived.station_id,
        "payload": await _payload(tx, arrived, stations[arrived.station_id].wall),
        "at_us": at_us,
    }
    await tx.execute_many(_INSERT, [row])
    await _note(tx, operation_id, "open", at_us, SYSTEM)


async def push_waiting(tx: Tx, context: WesContext) -> None:
    """Push what stands at a station without having arrived there just now: a container that stays for more."""
    limit = {"limit": context.wes.timers.dispatch.batch}
    for (presentation_id,) in await tx.fetch(_UNPUSHED, limit):
        presentation = await lock_presentation(tx, presentation_id)
        if presentation is not None and presentation.state is S.ARRIVED:
            await push(tx, context, presentation)


async def find_operation(tx: Tx, operation_id: int) -> Operation:
    """Return an operation.

    Raises:
        Refusal: there is none.
    """
    rows = await tx.fetch(f"{OPERATION} WHERE o.operation_id = :id", {"id": operation_id})
    if not rows:
        raise missing("operationId", f"no operation {operation_id}")
    return operation_of(rows[0])


async def scan(tx: Tx, context: WesContext, operation_id: int, container_id: str, operator: str) -> None:
    """Begin the work on a container that was scanned (S1-71).

    Raises:
        Refusal: it is another container, or the operation has ended.
    """
    operation = await _open(tx, operation_id)
    if container_id != operation.container_id:
        text = f"{operation.container_id} should stand at {operation.location_id}, not {container_id}"
        raise conflict("containerId", "wrongContainer", text)
    tasks = await _tasks(tx, operation)
    at_us = context.clock.now_us()
    row = {"operation_id": operation_id, "operator": operator, "at_us": at_us}
    await tx.execute_many(_SCANNED, [row])
    await claim(tx, context, [task for task in tasks if task.held is None], operator)


async def finish(tx: Tx, context: WesContext, operation_id: int, operator: str) -> None:
    """The station's feedback: nothing is left to do, the container may leave (S0-39, S0-40).

    Raises:
        Refusal: something is left, or the operation has ended.
    """
    operation = await _open(tx, operation_id)
    for task in await _tasks(tx, operation):
        if task.lit:
            text = f"{task.lit} pieces are in a hand before {task.slot_id}"
            raise conflict("operationId", "notDone", text)
        if task.rest and task.code < Code.PICKED:
            text = f"{task.rest} pieces of allocation {task.allocation_id} are still to be picked"
            raise conflict("operationId", "notDone", text)
    await _end(tx, context, operation, OperationState.DONE, operator)
    presentation = await lock_presentation(tx, operation.presentation_id)
    if presentation is not None and presentation.state is S.ARRIVED:
        await move(tx, context, presentation, S.LEAVING)


async def reject(tx: Tx, context: WesContext, operation_id: int, reason: str, operator: str) -> None:
    """Give a container up at its station: its lights go out, and what hangs on it is rolled back.

    Raises:
        Refusal: the operation has ended.
    """
    operation = await _open(tx, operation_id)
    tasks = await _tasks(tx, operation)
    await recall(tx, context, [task.allocation_id for task in tasks])
    await _end(tx, context, operation, OperationState.WITHDRAWN, operator)
    await begin_rollback(tx, context, operation.presentation_id, f"{operator}: {reason}")


async def check_begun(tx: Tx, task: Task) -> None:
    """Make sure that a container was scanned before something is taken out of it.

    Raises:
        Refusal: it was not, or the operation has ended.
    """
    if task.presentation_id is None:
        return
    rows = await tx.fetch(f"{OPERATION} WHERE o.presentation_id = :id", {"id": task.presentation_id})
    operation = operation_of(rows[0]) if rows else None
    if operation is None or operation.state is not OperationState.OPEN or operation.scanned_at is None:
        raise conflict("allocationId", "notScanned", f"scan {task.holder_id} first")


def operation_of(row: Row) -> Operation:
    """Read OPERATION."""
    (
        operation_id,
        presentation_id,
        station_id,
        state,
        operator,
        opened_at,
        scanned_at,
        container_id,
        location_id,
    ) = row
    return Operation(
        operation_id=operation_id,
        presentation_id=presentation_id,
        station_id=station_id,
        state=OperationState(state),
        operator=operator,
        opened_at=opened_at,
        scanned_at=scanned_at,
        container_id=container_id,
        location_id=location_id,
    )


async def _open(tx: Tx, operation_id: int) -> Operation:
    operation = await find_operation(tx, operation_id)
    if operation.state is not OperationState.OPEN:
        raise conflict("operationId", "hasEnded", f"operation {operation_id} is {operation.state}")
    return operation


async def _tasks(tx: Tx, operation: Operation) -> list[Task]:
    return await lock_tasks(tx, TASKS, presentation_id=operation.presentation_id)


async def _end(
    tx: Tx, context: WesContext, operation: Operation, state: OperationState, operator: str
) -> None:
    at_us = context.clock.now_us()
    row: dict[str, SqlValue] = {
        "operation_id": operation.operation_id,
        "state": state,
        "operator": operator,
        "at_us": at_us,
    }
    await tx.execute_many(_END, [row])
    await _note(tx, operation.operation_id, state, at_us, operator)


async def _payload(tx: Tx, arrived: Presentation, wall: str | None) -> str:
    """Return what the station was told, as it was at that moment; what has become of it since is in the tables."""
    rows = await tx.fetch(_PUSHED, {"presentation_id": arrived.presentation_id})
    return to_json(
        {
            "containerId": arrived.container_id,
            "locationId": arrived.destination,
            "wall": wall,
            "tasks": [dict(zip(_NAMES, row, strict=True)) for row in rows],
        }
    ).decode()


async def _note(tx: Tx, operation_id: int, code: str, at_us: Micros, operator: str) -> None:
    row: dict[str, SqlValue] = {
        "document": "operation",
        "document_id": operation_id,
        "code": code,
        "at_us": at_us,
        "operator": operator,
    }
    await tx.execute_many(STAGE, [row])
