"""What the zones of a site are for, and what goods must be like to lie in them (S2-63, S2-103, S2-105, S2-110, S2-120).

A zone is the code that racks and locations bear. The goods of each purpose that has a zone of its own lie there and nowhere
else; the others lie wherever none of these zones is. What the goods of a zone must be like besides are conditions over facts, as
those of rules are. A place whose zone is not named here takes what `storage` takes. Who asks is gateway/wes/planning/belonging.py.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, PositiveFloat

from gateway.contract.transports import Identifier
from gateway.contract.wiring import WiringModel
from gateway.site.rules import Condition, Facts


class ZonePurpose(StrEnum):
    """What a zone is for."""

    STORAGE = "storage"
    """Whatever has no zone of its own."""
    PICK = "pick"
    """Only what orders may be promised."""
    QUALIFIED = "qualified"
    """The same, where nobody picks."""
    RECEIVING = "receiving"
    """Whatever has just come; nothing is sent there to stay."""
    PENDING = "pending"
    """What waits for an inspection."""
    REJECTED = "rejected"
    """What must not be used: rejected, expired or recalled."""
    RETURNS = "returns"
    """Lots that have come back from customers."""
    DAMAGED = "damaged"
    """What somebody has put aside."""


SET_APART: Final = frozenset(
    {ZonePurpose.PENDING, ZonePurpose.REJECTED, ZonePurpose.RETURNS, ZonePurpose.DAMAGED}
)
"""Goods of these purposes lie in the zones that are for them, if the site has any, and nowhere else."""

GOODS_FACTS: Final[Facts] = {
    "owner": str,
    "sku": str,
    "weight": int,
    "product.*": object,
}


class Zone(WiringModel):
    """What one zone is for, and what goods must be like to lie in it.

    Attributes:
        zone: its code, as racks and locations have it.
        takes: conditions over `owner`, `sku`, `weight` (kg of a piece) and `product.*`, as of a rule; all of them hold for all
            goods that lie here. What nobody knows of goods fulfils none.
        max_kg: what the goods at one place, or in one container, weigh together at most.
    """

    zone: Identifier
    purpose: ZonePurpose = ZonePurpose.STORAGE
    takes: Annotated[Mapping[str, Condition], Field(max_length=20)] = Field(
        default_factory=dict[str, Condition]
    )
    max_kg: PositiveFloat | None = None
