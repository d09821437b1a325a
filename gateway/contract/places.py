"""Where goods may lie, and what lies where it does not belong (contract v1, /v1/wes/places and /v1/wes/misplaced)."""

from enum import StrEnum

from gateway.contract.model import WireModel


class PlaceFit(StrEnum):
    """What makes a flat place fit goods, the best first."""

    SAME_LOT = "sameLot"
    """Some of the lot lies there."""
    SAME_PRODUCT = "sameProduct"
    EMPTY = "empty"
    OTHERS = "others"
    """Other products lie there."""


class PlaceView(WireModel):
    """A flat place where goods may be put.

    Attributes:
        distance_m: to the location that was named, or else to the nearest station; 0 where the site has none.
    """

    location_id: str
    zone: str
    fit: PlaceFit
    distance_m: float


class MisplacedView(WireModel):
    """A container, or a flat place, whose goods do not belong where they are.

    Attributes:
        kind: container or location.
        why: in words.
    """

    holder_id: str
    kind: str
    location_id: str
    why: str
