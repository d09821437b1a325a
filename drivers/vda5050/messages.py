"""The messages of VDA 5050 2.1: strictly what the document says in what we send, liberal in what we read.

Vehicles leave out, add and misspell; whatever can be understood without guessing is understood.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from gateway.contract.vehicles import (
    ActionStatus,
    NodeState,
    OrderEdge,
    OrderNode,
    VehicleAction,
    VehicleActionKind,
    VehicleError,
    VehicleOrder,
    VehiclePose,
    VehicleState,
)
from gateway.contract.wiring import VehicleWiring

Json = dict[str, Any]

VERSION: Final = "2.1.0"
MAJOR: Final = "v2"
PAYLOAD_MAX: Final = 1_000_000
"""Bytes of a message that are read at most."""
REFUSALS: Final = frozenset({"validationError", "orderError", "orderUpdateError", "noRouteError"})
"""Error types by which a vehicle refuses an order (6.6.4)."""
NO_ORDER: Final = "noOrderToCancel"
NO_PARAMETERS: Final[Mapping[str, str | float | None]] = {}
AUTOMATIC: Final = ("AUTOMATIC", "SEMIAUTOMATIC")
STATUSES: Final = {status.value: status for status in ActionStatus}


Text = str | None
Flag = bool | None
"""Where nothing may be said, some vehicles say null: it means the empty text, and no."""


class Read(BaseModel):
    """Base of what vehicles send: unknown fields are ignored. NaN and infinity, which JSON does not have, are not read."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True, allow_inf_nan=False
    )


class ReadNode(Read):
    """nodeStates of 6.10."""

    node_id: str
    sequence_id: int
    released: bool = True


class ReadAction(Read):
    """actionStates of 6.11."""

    action_id: str
    action_status: str
    result_description: str | None = None


class ReadReference(Read):
    """errorReferences of 6.10.4; values of other types than text are met."""

    reference_key: str
    reference_value: Annotated[str, BeforeValidator(str)]


class ReadError(Read):
    """errors of 6.10.4."""

    error_type: str
    error_level: Text = "WARNING"
    error_description: str | None = None
    error_references: tuple[ReadReference, ...] | None = None


class ReadLoad(Read):
    """loads of 6.10."""

    load_id: str | None = None


class ReadBattery(Read):
    """batteryState: charge in percent."""

    battery_charge: float = 100.0
    charging: bool = False


class ReadSafety(Read):
    """safetyState."""

    e_stop: str = "NONE"
    field_violation: bool = False


class ReadPosition(Read):
    """agvPosition."""

    x: float
    y: float
    theta: float = 0.0
    position_initialized: bool = True


class Header(Read):
    """What every message begins with (6.5)."""

    header_id: int = 0
    timestamp: str = ""
    version: str = ""


class State(Header):
    """The topic `state` (6.10)."""

    order_id: Text = ""
    order_update_id: int = 0
    last_node_id: Text = ""
    last_node_sequence_id: int = 0
    node_states: tuple[ReadNode, ...] | None = None
    action_states: tuple[ReadAction, ...] | None = None
    errors: tuple[ReadError, ...] | None = None
    loads: tuple[ReadLoad, ...] | None = None
    driving: bool = False
    paused: Flag = False
    new_base_request: Flag = False
    operating_mode: str = "AUTOMATIC"
    battery_state: ReadBattery = Field(default_factory=ReadBattery)
    safety_state: ReadSafety = Field(default_factory=ReadSafety)
    agv_position: ReadPosition | None = None


class Visualization(Header):
    """The topic `visualization` (6.13)."""

    agv_position: ReadPosition | None = None


class Connection(Header):
    """The topic `connection` (6.14)."""

    connection_state: Literal["ONLINE", "OFFLINE", "CONNECTIONBROKEN"]


class ReadTiming(Read):
    """protocolLimits.timing of the factsheet (6.15)."""

    min_order_interval: float = 0.0


class ReadLimits(Read):
    """protocolLimits of the factsheet."""

    timing: ReadTiming = Field(default_factory=ReadTiming)


class Factsheet(Header):
    """The topic `factsheet` (6.15); some vehicles send one without contents."""

    protocol_limits: ReadLimits = Field(default_factory=ReadLimits)


def made_at(header: Header) -> float | None:
    """Return a message's timestamp in Unix seconds, if it can be read."""
    try:
        return datetime.fromisoformat(header.timestamp).timestamp()
    except ValueError:
        return None


def shown_by(vehicle_id: str, state: State) -> VehicleState:
    """Return what a state says, in the words of the contract."""
    at = state.agv_position
    return VehicleState(
        vehicle_id=vehicle_id,
        order_id=state.order_id or "",
        update_id=state.order_update_id,
        last_node_id=state.last_node_id or "",
        last_node_sequence_id=state.last_node_sequence_id,
        node_states=tuple(
            NodeState(node_id=node.node_id, sequence_id=node.sequence_id, released=node.released)
            for node in state.node_states or ()
        ),
        driving=state.driving,
        automatic=state.operating_mode in AUTOMATIC,
        charging=state.battery_state.charging,
        battery=round(state.battery_state.battery_charge / 100, 2),
        actions=tuple(
            (action.action_id, STATUSES[action.action_status], action.result_description or "")
            for action in state.action_states or ()
            if action.action_status in STATUSES
        ),
        errors=tuple(_error(error) for error in state.errors or ()),
        loads=None if state.loads is None else tuple(load.load_id or "" for load in state.loads),
        new_base_request=bool(state.new_base_request),
        paused=bool(state.paused),
        emergency_stop=state.safety_state.e_stop != "NONE",
        localised=at is None or at.position_initialized,
        position=None if at is None or not at.position_initialized else (at.x, at.y),
    )


def _error(error: ReadError) -> VehicleError:
    return VehicleError(
        error_type=error.error_type,
        fatal=error.error_level == "FATAL",
        description=error.error_description or "",
        references=tuple((each.reference_key, each.reference_value) for each in error.error_references or ()),
    )


def header(header_id: int, at_us: int, vehicle: VehicleWiring) -> Json:
    """Return what every message begins with (6.5)."""
    made = datetime.fromtimestamp(at_us / 1e6, UTC)
    return {
        "headerId": header_id,
        "timestamp": made.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "version": VERSION,
        "manufacturer": vehicle.manufacturer,
        "serialNumber": vehicle.serial,
    }


def order_body(order: VehicleOrder) -> Json:
    """Return an order without its header (6.6)."""
    return {
        "orderId": order.order_id,
        "orderUpdateId": order.update_id,
        "nodes": [_node(node, order.map_id) for node in order.nodes],
        "edges": [_edge(edge) for edge in order.edges],
    }


def _node(node: OrderNode, map_id: str) -> Json:
    position: Json = {"x": node.x, "y": node.y, "mapId": map_id}
    if node.theta is not None:
        position["theta"] = node.theta
    if node.deviation is not None:
        position["allowedDeviationXY"] = node.deviation
    return {
        "nodeId": node.node_id,
        "sequenceId": node.sequence_id,
        "released": node.released,
        "nodePosition": position,
        "actions": [_action(action) for action in node.actions],
    }


def _edge(edge: OrderEdge) -> Json:
    body: Json = {
        "edgeId": edge.edge_id,
        "sequenceId": edge.sequence_id,
        "released": edge.released,
        "startNodeId": edge.start_node_id,
        "endNodeId": edge.end_node_id,
        "actions": [],
    }
    return body if edge.max_speed is None else body | {"maxSpeed": edge.max_speed}


def _action(action: VehicleAction) -> Json:
    parameters: dict[str, str | float | None] = {}
    if action.kind in (VehicleActionKind.PICK, VehicleActionKind.DROP):
        # 6.8.2 wants a type of station and of load; only their names mean something to us.
        parameters = {
            "stationType": "station",
            "stationName": action.station,
            "loadType": "container",
            "loadId": action.load_id,
        }
    return {
        "actionType": action.kind.value,
        "actionId": action.action_id,
        "blockingType": "HARD",
        "actionParameters": _parameters(parameters),
    }


def _parameters(values: Mapping[str, str | float | None]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in values.items() if value is not None]


def instant_action(
    kind: str, action_id: str, parameters: Mapping[str, str | float | None] = NO_PARAMETERS
) -> Json:
    """Return one instant action (6.12)."""
    return {
        "actionType": kind,
        "actionId": action_id,
        "blockingType": "NONE",
        "actionParameters": _parameters(parameters),
    }


def init_position(pose: VehiclePose) -> Json:
    """Return the instant action that tells a vehicle where it stands (6.8.2)."""
    parameters = {
        "x": pose.x,
        "y": pose.y,
        "theta": pose.theta,
        "mapId": pose.map_id,
        "lastNodeId": pose.node_id,
    }
    return instant_action("initPosition", pose.action_id, parameters)


def instant_actions_body(actions: list[Json], version: str) -> Json:
    """Return instant actions without their header.

    The document of 2.0 called them `instantActions` where its schema, like 2.1, says `actions`; vehicles of its time expect
    either. One that speaks 2.0, or has not been heard yet, gets both.
    """
    both = not version or version.startswith("2.0")
    return {"actions": actions, "instantActions": actions} if both else {"actions": actions}


def encoded(message: Json) -> bytes:
    """Return a message as it is sent."""
    return to_json(message)
