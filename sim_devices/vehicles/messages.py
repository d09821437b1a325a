"""What the master control sends, read strictly by the document: VDA 5050 2.1.0, sections 6.4, 6.6.6 and 6.9.

The models declare what these vehicles can use. Optional fields that they cannot use are named beside: an
order that contains one is refused, as section 6.1.1 wants. Fields that the document does not know are
ignored.
"""

from collections.abc import Iterator
from enum import StrEnum
from math import pi
from typing import Annotated, Any, Final, TypeVar, cast

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from sim_devices.vehicles.refusal import ErrorType, Refused

Uint32 = Annotated[int, Field(ge=0, le=2**32 - 1)]
Text = Annotated[str, StringConstraints(max_length=1024)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""An id; `protocolLimits` of the factsheet tells its length."""

NODES_MAX: Final = 1000
ACTIONS_MAX: Final = 50
METRES_MAX: Final = 1e6
"""No place of any map is farther from its origin."""
SPEED_MIN: Final = 0.001
"""Slower the vehicles cannot drive, m/s."""


def _not_null(value: object) -> object:
    """A field that need not be there is left out; the document knows no null."""
    if value is None:
        raise ValueError("null is no value; leave the field out")
    return value


NotNull = AfterValidator(_not_null)
Metres = Annotated[float, Field(ge=-METRES_MAX, le=METRES_MAX)]


class _Incoming(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, strict=True, frozen=True, extra="allow", allow_inf_nan=False
    )

    def unusable(self, names: frozenset[str]) -> Iterator[str]:
        """Return which of these fields it contains."""
        return (name for name in self.model_extra or {} if name in names)


class BlockingType(StrEnum):
    """Section 6.12."""

    NONE = "NONE"
    SOFT = "SOFT"
    HARD = "HARD"


class ActionParameter(_Incoming):
    """Section 7.2."""

    key: Id
    value: list[Any] | bool | float | str | dict[str, Any]


class Action(_Incoming):
    """Section 6.6.6."""

    action_type: Id
    action_id: Id
    blocking_type: BlockingType
    action_parameters: Annotated[tuple[ActionParameter, ...], Field(max_length=ACTIONS_MAX)] = ()

    def parameter(self, key: str) -> object:
        """Return a parameter's value, None if it is not there."""
        return next((item.value for item in self.action_parameters if item.key == key), None)


class NodePosition(_Incoming):
    """Section 6.6.6; m and rad."""

    x: Metres
    y: Metres
    theta: Annotated[Annotated[float, Field(ge=-pi, le=pi)] | None, NotNull] = None
    allowed_deviation_xy: Annotated[float, Field(ge=0, alias="allowedDeviationXY")] = 0.0
    allowed_deviation_theta: Annotated[float, Field(ge=0, le=pi)] = 0.0
    map_id: Id


class Node(_Incoming):
    """Section 6.6.6."""

    node_id: Id
    sequence_id: Uint32
    released: bool
    node_position: Annotated[NodePosition | None, NotNull] = None
    actions: Annotated[tuple[Action, ...], Field(max_length=ACTIONS_MAX)]


class Edge(_Incoming):
    """Section 6.6.6. The vehicles know the length of an edge from the positions of its nodes."""

    edge_id: Id
    sequence_id: Uint32
    released: bool
    start_node_id: Id
    end_node_id: Id
    max_speed: Annotated[Annotated[float, Field(ge=SPEED_MIN)] | None, NotNull] = None
    length: Annotated[Annotated[float, Field(ge=0)] | None, NotNull] = None
    actions: Annotated[tuple[Action, ...], Field(max_length=ACTIONS_MAX)]


class _Message(_Incoming):
    """The protocol header, section 6.4."""

    header_id: Uint32
    timestamp: AwareDatetime
    version: Annotated[str, StringConstraints(pattern=r"^2\.\d+\.\d+$")]
    manufacturer: Text
    serial_number: Text


class Order(_Message):
    """Section 6.6.6."""

    order_id: Id
    order_update_id: Uint32
    nodes: Annotated[tuple[Node, ...], Field(min_length=1, max_length=NODES_MAX)]
    edges: Annotated[tuple[Edge, ...], Field(max_length=NODES_MAX)]


class InstantActions(_Message):
    """Section 6.9."""

    actions: Annotated[tuple[Action, ...], Field(max_length=ACTIONS_MAX)]


UNUSABLE_IN_ORDER: Final = frozenset({"zoneSetId"})
UNUSABLE_IN_EDGE: Final = frozenset(
    {
        "maxHeight",
        "minHeight",
        "orientation",
        "orientationType",
        "direction",
        "rotationAllowed",
        "maxRotationSpeed",
        "trajectory",
        "corridor",
    }
)


def read_order(payload: bytes, manufacturer: str, serial: str) -> Order:
    """Read an order.

    Raises:
        Refused: `validationError`, with a reference for everything that is wrong.
    """
    return _read(Order, "order", payload, manufacturer, serial)


def read_instant_actions(payload: bytes, manufacturer: str, serial: str) -> InstantActions:
    """Read instant actions.

    Raises:
        Refused: `validationError`, with a reference for everything that is wrong.
    """
    return _read(InstantActions, "instantActions", payload, manufacturer, serial)


_M = TypeVar("_M", bound=_Message)


def _read(model: type[_M], topic: str, payload: bytes, manufacturer: str, serial: str) -> _M:
    try:
        message = model.model_validate_json(payload)
    except ValidationError as error:
        wrong = [(".".join(map(str, detail["loc"])) or topic, detail["msg"]) for detail in error.errors()]
        raise Refused(
            ErrorType.VALIDATION, f"the {topic} is malformed", [*_identity(topic, payload), *wrong]
        ) from error
    if (message.manufacturer, message.serial_number) != (manufacturer, serial):
        raise Refused(
            ErrorType.VALIDATION,
            f"the {topic} is for {message.manufacturer} {message.serial_number}",
            _identity(topic, payload),
        )
    return message


def _identity(topic: str, payload: bytes) -> list[tuple[str, str]]:
    """Return what tells the sender which of its messages is meant, as far as a malformed one shows it."""
    try:
        content = from_json(payload)
    except ValueError:
        content = None
    known = cast("dict[str, object]", content) if isinstance(content, dict) else {}
    keys = ("headerId", "orderId", "orderUpdateId")
    return [("topic", topic), *((key, str(known[key])) for key in keys if key in known)]
