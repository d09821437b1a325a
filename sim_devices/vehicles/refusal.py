"""Errors that a vehicle reports: their types, their references, and how a refusal travels inside the vehicle.

VDA 5050 2.1.0 names validationError, orderError, orderUpdateError (section 6.6.4) and noOrderToCancel
(6.6.3.2). A start that cannot be reached is a noRouteError, as vehicles of earlier versions call it. The
other types are these vehicles' own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

References = tuple[tuple[str, str], ...]
"""(referenceKey, referenceValue), section 7.1."""

REFERENCES_MAX: Final = 20
TEXT_MAX: Final = 1000
"""Characters of a description or of a reference: a state repeats them, and a broker takes no message of any size."""


class ErrorType(StrEnum):
    """What a vehicle may complain of."""

    VALIDATION = "validationError"
    ORDER = "orderError"
    ORDER_UPDATE = "orderUpdateError"
    NO_ROUTE = "noRouteError"
    NO_ORDER_TO_CANCEL = "noOrderToCancel"
    INSTANT_ACTION = "instantActionError"
    SOURCE_EMPTY = "sourceEmpty"
    DESTINATION_OCCUPIED = "destinationOccupied"
    WRONG_CONTAINER = "wrongContainer"
    NO_READ = "noRead"
    LOAD_MISSING = "loadMissing"
    LOAD_ON_BOARD = "loadOnBoard"
    HANDLING = "handlingError"
    CHARGING = "chargingError"
    LOCALIZATION = "localizationError"
    OBSTACLE = "obstacle"
    VEHICLE_FAULT = "vehicleFault"
    BATTERY_EMPTY = "batteryEmpty"


class ErrorLevel(StrEnum):
    """Section 6.10.5."""

    WARNING = "WARNING"
    FATAL = "FATAL"


@dataclass(frozen=True, slots=True)
class VehicleError:
    """One entry of `errors` in the state."""

    error_type: ErrorType
    description: str
    references: References = ()
    level: ErrorLevel = ErrorLevel.WARNING


class Refused(Exception):  # noqa: N818 - an answer to the master control
    """A message is not taken over; nothing has changed."""

    def __init__(
        self, error_type: ErrorType, description: str, references: Iterable[tuple[str, str]] = ()
    ) -> None:
        super().__init__(description)
        named = tuple((key[:TEXT_MAX], value[:TEXT_MAX]) for key, value in references)
        self.error = VehicleError(error_type, description[:TEXT_MAX], named[:REFERENCES_MAX])
