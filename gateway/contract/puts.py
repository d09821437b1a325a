"""Puts: light a slot of a put wall, ask for a quantity, hear what was put (contract v1)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.contract.model import WireModel
from gateway.contract.transports import Identifier


class PutStatus(StrEnum):
    """Where a put stands. Several puts for one slot wait for each other in the order of their acceptance.

    `unknown`: it was cancelled at a wall that had lost its memory, so that nobody can tell whether it had been put.
    """

    ACCEPTED = "accepted"
    LIT = "lit"
    CONFIRMED = "confirmed"
    SHORT = "short"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Colour(StrEnum):
    """Light colours that put walls have."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    YELLOW = "yellow"
    WHITE = "white"


class PutRequest(WireModel):
    """Light a slot and ask for a confirmation.

    Attributes:
        wall: the put wall's device id.
        slot: the slot's id in that wall.
        text: shown by pages; walls of the demo show digits only.
    """

    put_id: Identifier
    wall: Identifier
    slot: Identifier
    quantity: Annotated[int, Field(ge=1, le=9999, strict=True)]
    colour: Colour = Colour.GREEN
    blink: Annotated[bool, Field(strict=True)] = False
    text: Annotated[str, StringConstraints(max_length=200)] | None = None


class SubmittedPutView(WireModel):
    """The put is durable.

    Attributes:
        again: the same request had been accepted before; nothing new was begun.
    """

    put_id: str
    again: bool


class PutView(WireModel):
    """A put as the API shows it; `confirmed_quantity` is what was really put."""

    put_id: str
    wall: str
    slot: str
    quantity: int
    colour: Colour
    blink: bool
    text: str | None
    status: PutStatus
    confirmed_quantity: int | None = None
    created_at: datetime
    updated_at: datetime


class SlotOrder(WireModel):
    """What a slot shall show, as the driver of a put wall gets it. `job_id` is its identity on the wire."""

    put_id: str
    job_id: int
    wall: str
    slot: str
    quantity: int
    colour: Colour
    blink: bool
