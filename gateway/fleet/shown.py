"""What a vehicle's state says: whether it stands, what troubles it, and what has become of an order."""

from typing import Final

from gateway.contract.faults import Fault
from gateway.contract.reports import Load
from gateway.contract.vehicles import ActionStatus, VehicleError, VehicleState, action_id_of
from gateway.fleet.phases import Phase, Sign
from gateway.fleet.roads import Roads
from gateway.fleet.rows import Order, Purpose

FINAL: Final = frozenset({ActionStatus.FINISHED, ActionStatus.FAILED})
ACTIVE: Final = frozenset({ActionStatus.INITIALIZING, ActionStatus.RUNNING, ActionStatus.PAUSED})
REFUSALS: Final[dict[str, bool]] = {
    "validationError": False,
    "noRouteError": False,
    "orderError": True,
    "orderUpdateError": True,
}
"""Error types that refuse an order (VDA 5050 §6.6.4) → whether the same may be asked again."""
FAULTS: Final[dict[str, Fault]] = {
    fault.value: fault
    for fault in (
        Fault.SOURCE_EMPTY,
        Fault.DESTINATION_OCCUPIED,
        Fault.WRONG_CONTAINER,
        Fault.NO_READ,
        Fault.LOAD_MISSING,
    )
}
"""Error types by which a vehicle tells why a pick or drop has failed. The document has none of its own (§6.10.4, §6.11) and leaves
them to the maker; a vehicle with other words has a fault of the device, which those words explain to a person."""


HANDLED: Final = {
    Purpose.PICK: (Load.EMPTY, Load.LOADED),
    Purpose.DROP: (Load.LOADED, Load.EMPTY),
}
"""What a vehicle reports about a load on board before its action and after it."""
LOST: Final = "it does not know where it is"


def stands(shown: VehicleState) -> bool:
    """Tell whether the vehicle has nothing left to do: a new order may begin where it stands (§6.6.2)."""
    return not (shown.driving or shown.node_states or any(status in ACTIVE for _, status, _ in shown.actions))


def waits_for_more(shown: VehicleState) -> bool:
    """Tell whether the vehicle has driven out its base and waits for the rest of an order (§6.6.1)."""
    if shown.driving or not shown.node_states or any(node.released for node in shown.node_states):
        return False
    return not any(status in ACTIVE for _, status, _ in shown.actions)


def node_of(shown: VehicleState, roads: Roads) -> str | None:
    """Return the node that the vehicle is at or has left last, as far as it tells."""
    if shown.last_node_id in roads.nodes:
        return shown.last_node_id
    return None if shown.position is None else roads.nearest(*shown.position)


def trouble_of(shown: VehicleState) -> str | None:
    """Return why the vehicle cannot be used, in its own words where it has some."""
    if shown.barred:
        return shown.barred
    if shown.emergency_stop:
        return "emergency stop"
    if not shown.automatic:
        return "not in automatic mode"
    fatal = next((error for error in shown.errors if error.fatal), None)
    if fatal is not None:
        return words_of(fatal)
    return None if shown.localised else LOST


def is_lost(shown: VehicleState) -> bool:
    """Tell whether the vehicle could be told where it stands, and needs it."""
    return not shown.localised and shown.automatic and not shown.emergency_stop


def load_of(shown: VehicleState) -> Load:
    """Return what the vehicle reports about a load on board."""
    if shown.loads is None:
        return Load.UNKNOWN
    return Load.LOADED if shown.loads else Load.EMPTY


def status_of(shown: VehicleState, action_id: str) -> ActionStatus | None:
    """Return the status of an action; None if the vehicle does not show it."""
    return next((status for known, status, _ in shown.actions if known == action_id), None)


def words_about(shown: VehicleState, action_id: str) -> str:
    """Return what the vehicle says about an action that has failed; empty if nothing."""
    words = [result for known, _, result in shown.actions if known == action_id and result]
    words += [words_of(error) for error in _errors_about(shown, action_id)]
    return "; ".join(words)


def _errors_about(shown: VehicleState, action_id: str) -> list[VehicleError]:
    return [error for error in shown.errors if ("actionId", action_id) in error.references]


def echoes(shown: VehicleState, order: Order) -> bool:
    """Tell whether the vehicle shows the newest message of the order."""
    return shown.order_id == order.order_id and shown.update_id >= order.message.update_id


def refusal_of(order: Order, shown: VehicleState) -> VehicleError | None:
    """Return the error by which the vehicle refuses the newest message of the order."""
    if echoes(shown, order):
        return None
    return next(
        (error for error in shown.errors if error.error_type in REFUSALS and _is_about(error, order)), None
    )


def _is_about(error: VehicleError, order: Order) -> bool:
    references = dict(error.references)
    update = str(order.message.update_id)
    return references.get("orderId") == order.order_id and references.get("orderUpdateId", update) == update


def may_repeat(refusal: VehicleError) -> bool:
    """Tell whether the same may be asked again after this refusal."""
    return REFUSALS[refusal.error_type]


def sign_of(order: Order, shown: VehicleState) -> Sign | None:
    """Return what the state says about an order; None if nothing new."""
    action = _action_of(order, shown)
    refuses = order.phase is not Phase.CANCELLED and refusal_of(order, shown) is not None
    if refuses and action is not ActionStatus.FINISHED and not is_at_earlier(order, shown):
        return Sign.REFUSED
    if shown.order_id != order.order_id and action is not ActionStatus.FINISHED:
        return _sign_elsewhere(order, shown)
    if order.phase in (Phase.SENT, Phase.RECALLED):
        return Sign.SHOWN
    if action is ActionStatus.FINISHED or _has_arrived(order, shown):
        return Sign.DONE
    if order.phase is Phase.CANCELLED:
        return Sign.CALLED_OFF if _is_called_off(order, shown) else None
    if action is ActionStatus.FAILED:
        return Sign.FAILED
    return Sign.FORGOTTEN if has_dropped(order, shown) else None


def _action_of(order: Order, shown: VehicleState) -> ActionStatus | None:
    """Return how far the action is; it is done if it was done for an earlier order of the same command."""
    if order.action is None:
        return None
    kind = order.action.kind.value
    if any(status_of(shown, action_id_of(each, kind)) is ActionStatus.FINISHED for each in order.earlier):
        return ActionStatus.FINISHED
    return status_of(shown, order.action.action_id)


def is_at_earlier(order: Order, shown: VehicleState) -> bool:
    """Tell whether the vehicle carries out an earlier order of the same command after all."""
    return shown.order_id in order.earlier and shown.order_id != order.message.after


def _sign_elsewhere(order: Order, shown: VehicleState) -> Sign | None:
    """Return what a state with another order says."""
    traces = _bears_traces(order, shown)
    never_had = shown.order_id == order.message.after and not traces
    if order.phase is Phase.RECALLED and not traces and not _is_called_off(order, shown):
        return None
    if order.phase is Phase.RECALLED and never_had:
        return Sign.CALLED_OFF
    if order.phase is Phase.SENT and never_had:
        return None
    ended = stands(shown) or waits_for_more(shown)  # nobody will lead it on
    return Sign.FORGOTTEN if ended and shown.automatic else None


def _bears_traces(order: Order, shown: VehicleState) -> bool:
    """Tell whether the vehicle is where, or has on board what, only the order can have led to, though it shows that it has none."""
    here = shown.last_node_id
    has_moved = here in order.nodes[order.start :] and here not in order.nodes[: order.start]
    return has_moved or (order.load, load_of(shown)) == HANDLED.get(order.purpose)


def _is_called_off(order: Order, shown: VehicleState) -> bool:
    return status_of(shown, order.cancel_id) in FINAL and stands(shown)


def is_at_goal(order: Order, shown: VehicleState) -> bool:
    """Tell whether the vehicle stands where it was sent."""
    return order.passed == len(order.nodes) - 1 and not shown.node_states and not shown.driving


def _has_arrived(order: Order, shown: VehicleState) -> bool:
    """Tell whether the vehicle is where it was sent with nothing to be waited for there."""
    charges = order.purpose is Purpose.CHARGE and shown.charging
    return is_at_goal(order, shown) and (order.action is None or charges)


def has_dropped(order: Order, shown: VehicleState) -> bool:
    """Tell whether the vehicle keeps the order's id but has stopped before the end of its base, as after manual driving."""
    stopped = echoes(shown, order) and stands(shown) and shown.automatic
    return stopped and order.passed < order.released - 1


def fault_of(order: Order, shown: VehicleState) -> tuple[Fault, str]:
    """Return why the action has failed, and the vehicle's words for it."""
    action_id = "" if order.action is None else order.action.action_id
    types = (error.error_type for error in _errors_about(shown, action_id))
    fault = next((FAULTS[each] for each in types if each in FAULTS), Fault.DEVICE_FAULT)
    return fault, words_about(shown, action_id) or f"{order.purpose.value} failed"


def words_of(error: VehicleError) -> str:
    """Return what an error says, as people read it."""
    return f"{error.error_type}: {error.description}" if error.description else error.error_type
