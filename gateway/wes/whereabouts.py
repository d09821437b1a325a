"""Where an act takes place that names a document by its number only: the station, or where goods lie for whoever walks."""

from collections.abc import Mapping
from typing import Final, cast

from gateway.kernel.ports import SqlValue, Tx

_OF_WORK: Final = (
    "SELECT COALESCE(w.station_id, h.location_id) FROM allocations a JOIN work_orders w ON w.work_id = a.work_id"
    " LEFT JOIN holders h ON h.holder_id = a.holder_id WHERE a.allocation_id = "
)
_OF_HOLDER: Final = "SELECT location_id FROM holders WHERE holder_id = "
_WHERE: Final[Mapping[str, str]] = {
    "operationId": "SELECT station_id FROM operations WHERE operation_id = :value",
    "allocationId": f"{_OF_WORK}:value",
    "putId": f"{_OF_WORK}(SELECT allocation_id FROM wall_puts WHERE put_id = :value)",
    "questionId": "SELECT station_id FROM questions WHERE question_id = :value",
    "workId": "SELECT station_id FROM work_orders WHERE work_id = :value",
    "replenishmentId": f"{_OF_HOLDER}(SELECT source_id FROM replenishments WHERE replenishment_id = :value)",
    "taskId": f"{_OF_HOLDER}(SELECT source_id FROM transfer_tasks WHERE task_id = :value)",
    "lineId": f"{_OF_HOLDER}(SELECT holder_id FROM count_lines WHERE line_id = :value)",
    "holderId": f"{_OF_HOLDER}:value",
    "targetId": f"{_OF_HOLDER}:value",
    "containerId": f"{_OF_HOLDER}:value",
}
"""Where what a field names is; by the field's name on the wire."""
_NAMED: Final = frozenset({"holderId", "targetId", "containerId"})
"""Fields with a name; the others have a number."""
NUMBER_MAX: Final = 2**53 - 1


async def whereabouts(tx: Tx, body: Mapping[str, object]) -> list[str]:
    """Return the stations and locations at which what a body names is; none of what there is not."""
    places: list[str] = []
    for name, query in _WHERE.items():
        value = body.get(name)
        if _may_be_known(value, a_name=name in _NAMED):
            rows = await tx.fetch(query, {"value": cast(SqlValue, value)})
            places += [place for (place,) in rows if place is not None]
    return places


def _may_be_known(value: object, *, a_name: bool) -> bool:
    """Tell whether a value, which nobody has judged yet, can be asked for."""
    if a_name:
        return isinstance(value, str)
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= NUMBER_MAX
