"""Stations and what their pages show: containers, what is to be picked, boxes, questions (contract v1, /v1/wes)."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue

from gateway.contract.acts import Number, Pieces, Words
from gateway.contract.counts import CountLineView
from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.contract.transfers import TransferTaskView
from gateway.contract.transports import Identifier, Operator


class OpenRequest(WireModel):
    """Who works at a station from now on."""

    operator: Operator


class CloseRequest(WireModel):
    """Why a station takes no more."""

    operator: Operator
    reason: Words


class PutTarget(WireModel):
    """What was picked for a slot of a put wall.

    Attributes:
        confirmed: what was put; None: nobody has told yet, and the slot is lit or about to be.
    """

    put_id: int
    slot_id: str
    quantity: int
    confirmed: int | None
    state: str


class PresentationView(WireModel):
    """A container on its way to a place, or there.

    Attributes:
        reason: why it waits, where somebody knows.
        why: it goes just there, in words; absent: it was the nearest place that was free for it.
        units: pieces that are still to be picked from it.
    """

    presentation_id: int
    purpose: str
    container_id: str
    station_id: str | None
    destination: str
    state: str
    reason: str | None
    created_at: datetime
    arrived_at: datetime | None
    units: int
    why: str | None = Omitted


class TaskView(WireModel):
    """What is to be picked from one place for one work order (S0-18).

    Attributes:
        rest: pieces that are neither picked, nor in a hand before a lit slot, nor given up.
        slot_id: the slot or box place that they go to.
        serial: every piece has a number of its own, to be scanned.
        scan: what a pick must scan of the goods: `none`, `product`, or `lot`: a code that says the lot as well.
        attributes: what upstream has told of the product besides, such as the address of a picture.
        puts: lit slots.
        ended: slots that have been told; `adjust` corrects one until its box is sealed.
    """

    allocation_id: int
    work_id: int
    order_no: str
    sku_id: str
    name: str
    barcodes: tuple[str, ...]
    unit: str
    attributes: dict[str, JsonValue]
    lot_no: str
    expiry_at: datetime | None
    holder_id: str | None
    cell: str | None
    quantity: int
    picked: int
    short: int
    rest: int
    slot_id: str | None
    serial: bool
    scan: str
    held: str | None
    status_code: int
    puts: tuple[PutTarget, ...] = ()
    ended: tuple[PutTarget, ...] = ()


class OperationView(WireModel):
    """What a station is asked to do with one container.

    Attributes:
        cells: names of its compartments, row by row as they lie before whoever picks; empty: it has none that the site names.
    """

    operation_id: int
    presentation_id: int
    station_id: str
    container_id: str
    location_id: str
    state: str
    scanned: bool
    operator: str | None
    opened_at: datetime
    cells: tuple[tuple[str, ...], ...] = ()
    tasks: tuple[TaskView, ...]


class QuestionView(WireModel):
    """Something that only somebody at the station can tell."""

    question_id: int
    station_id: str
    slot_id: str
    kind: str
    put_id: int | None
    text: str
    at: datetime


class BoxView(WireModel):
    """What stands in a slot of a put wall, or at a box's place.

    Attributes:
        quantity: pieces that it is to hold in the end.
        rest: pieces that are still to come, from whatever container.
        packed: whether something lies in it that is not sealed yet.
        recalled: pieces in it that are to be taken out before it is sealed.
        complete: nothing more comes: it can be sealed.
    """

    slot_id: str
    work_id: int
    order_no: str
    quantity: int
    rest: int
    packed: bool
    recalled: int
    complete: bool


class ReplenishmentView(WireModel):
    """Goods that are to be moved from the reserve to where they are picked.

    Attributes:
        source_id: container or place that they are taken from.
        location_id: where that stands; None: nobody knows, or it is under way.
        station_id: where its container is brought; None: somebody walks to the place.
        scan: what `replenish` must scan of the goods, as of a task.
        kind: `container` or `location`: what they are put into.
        places: id or pattern of those that they may be put into.
        target_id: the one that is proposed, then the one that they were put into; None: whichever fits.
        rest: pieces that are still to be moved.
        waiting: work orders that wait for them.
        reason: why it was withdrawn.
    """

    replenishment_id: int
    sku_id: str
    name: str
    barcodes: tuple[str, ...]
    unit: str
    lot_no: str
    serial: bool
    scan: str
    source_id: str
    location_id: str | None
    station_id: str | None
    kind: str
    places: str
    target_id: str | None
    quantity: int
    moved: int
    rest: int
    priority: int
    waiting: int
    state: str
    operator: str | None
    reason: str | None
    created_at: datetime


class PutBackView(WireModel):
    """Goods that somebody has to bring back, or to take out of their box.

    Attributes:
        name: of the product; left out where an order is shown as a whole.
        box_id: what they lie in.
        recall_id: the goods are recalled; left out: their order is cancelled.
    """

    put_back_id: int
    order_no: str
    sku_id: str
    name: str | None = Omitted
    lot_no: str
    quantity: int
    upns: tuple[str, ...]
    box_id: str | None
    from_holder: str | None
    done_at: datetime | None
    recall_id: str | None = Omitted


class StationView(WireModel):
    """A station and all that a page of it has to show.

    Attributes:
        name: for people.
        slots: where its containers stand.
        box_places: where its boxes stand: the slots of its put wall, or numbered places.
        columns: of these stand in a row, as people see them; None: nobody has said.
        put_backs: what is to be taken out of the boxes that stand there.
        coming: containers that are on their way or waiting for a place, the next first.
        counts: what is to be counted in the containers that stand there for it, or to be picked from (`dynamic` counts).
        transfers: what is to be taken out of the containers that stand there for transfers, or put into them.
    """

    station_id: str
    name: str
    open: bool
    operator: str | None
    reason: str | None
    wall: str | None
    slots: tuple[str, ...]
    box_places: tuple[str, ...]
    columns: int | None
    operations: tuple[OperationView, ...] = ()
    coming: tuple[PresentationView, ...] = ()
    boxes: tuple[BoxView, ...] = ()
    questions: tuple[QuestionView, ...] = ()
    replenishments: tuple[ReplenishmentView, ...] = ()
    counts: tuple[CountLineView, ...] = ()
    transfers: tuple[TransferTaskView, ...] = ()
    put_backs: tuple[PutBackView, ...] = ()


class AssignedPart(WireModel):
    """So much of a black-box allocation comes out of a container that the gateway's side chose (S1-69)."""

    allocation_id: Number
    quantity: Pieces
    cell: Words | None = None


class BlackBoxArrival(WireModel):
    """A container that the gateway's side chose stands at a station (S1-71)."""

    station_id: Identifier
    location_id: Identifier
    parts: Annotated[tuple[AssignedPart, ...], Field(min_length=1, max_length=1000)]
