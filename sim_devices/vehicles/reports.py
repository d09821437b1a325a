"""What a vehicle tells: the bodies of its messages without their header (VDA 5050 2.1.0, 6.10.6, 6.13 and 6.15).

Lengths are rounded to millimetres, the battery to hundredths of a per cent: more a vehicle could not measure.
"""

from collections.abc import Mapping
from typing import Final

from sim_devices.vehicles.actions import ActionState
from sim_devices.vehicles.messages import ACTIONS_MAX, NODES_MAX
from sim_devices.vehicles.orders import NEEDED_PARAMETERS
from sim_devices.vehicles.refusal import VehicleError
from sim_devices.vehicles.spec import VehicleSpec
from sim_devices.vehicles.vehicle import Vehicle

Json = dict[str, object]

MAP_VERSION: Final = "1"
LOAD_TYPE: Final = "container"
INSTANT_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "cancelOrder": (),
    "startPause": (),
    "stopPause": (),
    "startCharging": (),
    "stopCharging": (),
    "initPosition": ("x", "y", "theta", "mapId", "lastNodeId"),
    "stateRequest": (),
    "factsheetRequest": (),
}
"""Instant actions, with the parameters that they need."""
NUMBERS: Final = frozenset({"x", "y", "theta"})
"""Parameters that are numbers; the others are strings."""
SUPPORTED_PARAMETERS: Final = (
    "order.nodes.nodePosition",
    "order.nodes.nodePosition.theta",
    "order.nodes.nodePosition.allowedDeviationXY",
    "order.nodes.nodePosition.allowedDeviationTheta",
    "order.edges.maxSpeed",
    "order.edges.length",
)


def state(vehicle: Vehicle, now: float) -> Json:
    """Return the body of a state message."""
    route, loads = vehicle.book.route, vehicle.cargo.loads
    body: Json = {
        "maps": [{"mapId": vehicle.terrain.map_id, "mapVersion": MAP_VERSION, "mapStatus": "ENABLED"}],
        "orderId": route.order_id,
        "orderUpdateId": route.update_id,
        "lastNodeId": route.last_node_id,
        "lastNodeSequenceId": route.last_sequence_id,
        "nodeStates": [
            {"nodeId": s.node.node_id, "sequenceId": s.node.sequence_id, "released": s.node.released}
            for s in route.steps
        ],
        "edgeStates": [
            {"edgeId": s.edge.edge_id, "sequenceId": s.edge.sequence_id, "released": s.edge.released}
            for s in route.steps
        ],
        **visualization(vehicle, now),
        "driving": vehicle.chassis.driving,
        "paused": vehicle.instant_actions.paused,
        "newBaseRequest": route.new_base_request,
        "distanceSinceLastNode": round(vehicle.chassis.since_last_node(now), 3),
        "actionStates": [_action_state(action) for action in vehicle.book.actions],
        "batteryState": {
            "batteryCharge": round(100 * vehicle.chassis.charge(now), 2),
            "charging": vehicle.chassis.charging,
        },
        "operatingMode": "AUTOMATIC" if vehicle.condition.automatic else "MANUAL",
        "errors": [_error(error) for error in vehicle.errors(now)],
        "information": [],
        "safetyState": {"eStop": "NONE", "fieldViolation": vehicle.condition.obstructed},
    }
    if loads is not None:
        body["loads"] = [{"loadId": load, "loadType": LOAD_TYPE} for load in loads]
    return body


def visualization(vehicle: Vehicle, now: float) -> Json:
    """Return the body of a visualization message, which a state contains as well."""
    pose = vehicle.chassis.pose(now)
    return {
        "agvPosition": {
            "x": round(pose.x, 3),
            "y": round(pose.y, 3),
            "theta": round(pose.theta, 3),
            "mapId": vehicle.terrain.map_id,
            "positionInitialized": vehicle.condition.localised,
        },
        "velocity": {"vx": round(pose.speed, 3), "vy": 0.0, "omega": 0.0},
    }


def _action_state(state: ActionState) -> Json:
    body: Json = {
        "actionId": state.action.action_id,
        "actionType": state.action.action_type,
        "actionStatus": state.status.value,
    }
    return body | ({"resultDescription": state.result} if state.result else {})


def _error(error: VehicleError) -> Json:
    return {
        "errorType": error.error_type.value,
        "errorLevel": error.level.value,
        "errorDescription": error.description,
        "errorReferences": [
            {"referenceKey": key, "referenceValue": value} for key, value in error.references
        ],
    }


def factsheet(spec: VehicleSpec, state_s: float, visualization_s: float) -> Json:
    """Return the body of the factsheet; with the longest time between two states, and that between two positions."""
    motion = spec.motion
    return {
        "typeSpecification": {
            "seriesName": "simulated carrier",
            "agvKinematic": "OMNI",
            "agvClass": "CARRIER",
            "maxLoadMass": 50.0,
            "localizationTypes": ["DMC"],
            "navigationTypes": ["VIRTUAL_LINE_GUIDED"],
        },
        "physicalParameters": {
            "speedMin": 0.0,
            "speedMax": motion.speed,
            "accelerationMax": motion.acceleration,
            "decelerationMax": motion.acceleration,
            "heightMin": 0.3,
            "heightMax": 0.8,
            "width": 0.6,
            "length": 0.8,
        },
        "protocolLimits": {
            "maxStringLens": {"idLen": 256, "enumLen": 256, "loadIdLen": 256},
            "maxArrayLens": {
                "order.nodes": NODES_MAX,
                "order.edges": NODES_MAX,
                "node.actions": ACTIONS_MAX,
                "actions.actionsParameters": ACTIONS_MAX,
                "instantActions": ACTIONS_MAX,
                "state.loads": 1,
            },
            "timing": {
                "minOrderInterval": 0.0,
                "minStateInterval": 0.0,
                "defaultStateInterval": state_s,
                "visualizationInterval": visualization_s,
            },
        },
        "protocolFeatures": {
            "optionalParameters": [
                {"parameter": name, "support": "SUPPORTED"} for name in SUPPORTED_PARAMETERS
            ],
            "agvActions": [_ability(name) for name in {**NEEDED_PARAMETERS, **INSTANT_PARAMETERS}],
        },
        "agvGeometry": {},
        "loadSpecification": {
            "loadSets": [
                {
                    "setName": "DEFAULT",
                    "loadType": LOAD_TYPE,
                    "pickTime": motion.handling,
                    "dropTime": motion.handling,
                }
            ]
        },
    }


def _ability(action_type: str) -> Json:
    scopes = {"NODE": NEEDED_PARAMETERS, "INSTANT": INSTANT_PARAMETERS}
    needed = {key: None for table in scopes.values() for key in table.get(action_type, ())}
    return {
        "actionType": action_type,
        "actionScopes": [scope for scope, table in scopes.items() if action_type in table],
        "actionParameters": [
            {"key": key, "valueDataType": "FLOAT" if key in NUMBERS else "STRING", "isOptional": False}
            for key in needed
        ],
    }
