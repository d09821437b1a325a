"""What passes between the fleet room and the driver of a vehicle fleet, after VDA 5050 but free of its JSON.

The fleet room decides which nodes are released (the base) and journals it before it leaves; the driver renders it, sends
it until the vehicle echoes it, and turns vehicle states into reports.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter
from typing import Final
from uuid import UUID, uuid5

ACTION_IDS: Final = UUID("5b0f4a3e-7d0c-5d0e-9c54-3f0f6a0b5050")
CANCEL: Final = "cancelOrder"
UNDER_WAY_S: Final = 6.0
"""A message to or from a vehicle that has not arrived after this long will not."""


def action_id_of(order_id: str, what: str) -> str:
    """Return the UUID of an action, always the same for the same order and word (`pick`, `cancelOrder` …)."""
    return str(uuid5(ACTION_IDS, f"{order_id}/{what}"))


def cancel_id_of(order_id: str, times: int = 0) -> str:
    """Return the id of the cancel of an order, which the vehicle has refused so many times before."""
    return action_id_of(order_id, f"{CANCEL}.{times}" if times else CANCEL)


class VehicleActionKind(StrEnum):
    """Actions that the fleet room asks for at the end of an order."""

    PICK = "pick"
    DROP = "drop"
    START_CHARGING = "startCharging"
    STOP_CHARGING = "stopCharging"


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleAction:
    """One action at a node.

    Attributes:
        action_id: unique for ever; the driver passes it on unchanged.
        station: the location's id, for pick and drop (`stationName` on the wire).
        load_id: the container's id, for pick and drop.
    """

    action_id: str
    kind: VehicleActionKind
    station: str | None = None
    load_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderNode:
    """A node of a vehicle order; `sequence_id` is even and never changes within an order (VDA 5050 §6.6).

    Attributes:
        deviation: m around the node within which the vehicle counts as being there; None: its own tolerance.
    """

    node_id: str
    sequence_id: int
    released: bool
    x: float
    y: float
    theta: float | None = None
    deviation: float | None = None
    actions: tuple[VehicleAction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEdge:
    """An edge of a vehicle order; `sequence_id` is odd; released only if both its ends are."""

    edge_id: str
    sequence_id: int
    released: bool
    start_node_id: str
    end_node_id: str
    max_speed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleOrder:
    """An order or order update, exactly as it was journalled. Sending it again changes nothing (VDA 5050 §6.6.4).

    Attributes:
        after: orderId that the vehicle shows as long as it does not have this message; an update's own. One that shows
            any other order has forgotten, or is in other hands: it may have done all of it, and is sent nothing.
    """

    vehicle_id: str
    order_id: str
    update_id: int
    after: str
    map_id: str
    nodes: tuple[OrderNode, ...]
    edges: tuple[OrderEdge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VehiclePose:
    """Where people say that a vehicle stands; it is told with `initPosition` (VDA 5050 §6.8.2).

    Attributes:
        action_id: unique for ever; sending it again changes nothing.
        x, y, theta: m and rad on the map.
    """

    vehicle_id: str
    action_id: str
    node_id: str
    x: float
    y: float
    theta: float
    map_id: str


class ActionStatus(StrEnum):
    """VDA 5050 §6.11."""

    WAITING = "WAITING"
    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node that the vehicle still has to traverse."""

    node_id: str
    sequence_id: int
    released: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleError:
    """An error that the vehicle shows; `references` maps referenceKey to referenceValue."""

    error_type: str
    fatal: bool
    description: str = ""
    references: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleState:
    """The newest state of a vehicle: reported when something the fleet decides by has changed, and at least every 10 s."""

    vehicle_id: str
    order_id: str
    update_id: int
    last_node_id: str
    last_node_sequence_id: int
    node_states: tuple[NodeState, ...]
    driving: bool
    automatic: bool
    """operatingMode is AUTOMATIC or SEMIAUTOMATIC: orders may be sent."""
    charging: bool
    battery: float
    """State of charge, 0 … 1."""
    actions: tuple[tuple[str, ActionStatus, str], ...] = ()
    """(actionId, status, resultDescription) of the order's actions and of instant ones; a final status stays."""
    errors: tuple[VehicleError, ...] = ()
    loads: tuple[str, ...] | None = None
    """Load ids on board; None where the vehicle does not report loads."""
    new_base_request: bool = False
    paused: bool = False
    emergency_stop: bool = False
    barred: str = ""
    """Why the driver sends it nothing, whatever it shows, such as another gateway; empty: it may be commanded."""
    localised: bool = True
    """It knows where it is (positionInitialized), or never tells."""
    position: tuple[float, float] | None = None
    """x, y in m when the state was made, where the vehicle knows them; no reason for a report by itself."""

    @property
    def said(self) -> tuple[object, ...]:
        """All but where the vehicle is, which changes all the time: of two states with the same, neither is news."""
        return _SAID(self)


_SAID: Final = attrgetter(*(field.name for field in fields(VehicleState) if field.name != "position"))


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleOffline:
    """The vehicle's connection is OFFLINE or CONNECTIONBROKEN, or no state came for too long. It may still drive out its base."""

    vehicle_id: str
    reason: str


VehicleReport = VehicleState | VehicleOffline
