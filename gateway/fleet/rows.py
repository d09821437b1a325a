"""The row of the books that the fleet room owns: what each vehicle is doing, and which nodes are its alone."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter

from gateway.contract.commands import Command
from gateway.contract.reports import Load
from gateway.contract.vehicles import VehicleAction, VehicleOrder, VehiclePose, VehicleState, cancel_id_of
from gateway.fleet.phases import Phase
from gateway.kernel.books import TableSpec

BETWEEN: Final = 2
"""A vehicle that has stopped may be anywhere between the first two nodes of its base."""


class Purpose(StrEnum):
    """What an order is for."""

    PICK = "pick"
    DROP = "drop"
    PARK = "park"
    CHARGE = "charge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A vehicle's no to an order that it had not shown.

    Attributes:
        at_us: since when it shows it, in steady time.
        text: its words.
        retry: the same may be asked again, so it may also take another copy of the order that is still under way.
    """

    at_us: int
    text: str
    retry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """The newest cancel of an order.

    Attributes:
        refused: how many before it the vehicle has refused.
        asked_us: when it was asked for, if it is not the first one, in steady time.
    """

    refused: int = 0
    asked_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """An order that a vehicle has, and shall not have: of others, or one that has ended for us."""

    order_id: str
    cancel: Cancel = Cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order under way. Only a PARK has no action at its end and no horizon: it ends wherever it is not extended any more.

    Attributes:
        job_id: the command that it carries out; None for the fleet's own moves.
        nodes: the whole way; sequence ids are twice the index.
        start: at or between how many of the first nodes the vehicle stood when it was sent the order.
        passed: index of the last node that the vehicle has shown as reached.
        released: how many nodes are released; what is released stays so.
        load: what the vehicle reported about a load on board when it was sent the order.
        action: what is to be done at the last node, if anything.
        message: the newest order or update, exactly as it is sent and sent again.
        earlier: ids of the orders for the same command that the vehicle has forgotten. A copy of an update may still come: to a
            vehicle that has started anew it is a new order.
        refusal: the vehicle's, if it has refused the order and not yet shown it.
        cancel: its cancel, once it shall be cancelled.
        stalled_us: since when it is not taken, or at a charger that does not charge, though nothing else is in its way; kept for
            the fleet's own moves, in steady time of this run.
    """

    purpose: Purpose
    job_id: int | None
    phase: Phase
    nodes: tuple[str, ...]
    start: int
    released: int
    passed: int = 0
    load: Load = Load.UNKNOWN
    action: VehicleAction | None
    message: VehicleOrder
    earlier: tuple[str, ...] = ()
    refusal: Refusal | None = None
    cancel: Cancel = Cancel()
    stalled_us: int | None = None

    @property
    def cancel_id(self) -> str:
        """Id of the newest cancel of it."""
        return cancel_id_of(self.order_id, self.cancel.refused)

    @property
    def order_id(self) -> str:
        """VDA 5050 orderId."""
        return self.message.order_id

    @property
    def goal(self) -> str:
        """The last node."""
        return self.nodes[-1]

    @property
    def rest(self) -> tuple[str, ...]:
        """The nodes that are not released yet."""
        return self.nodes[self.released :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission:
    """One vehicle.

    Attributes:
        base: the nodes that it holds: from the one it stands on to the end of what is released to it. Empty as long as
            nobody knows where it is.
        within: at or between how many of the first nodes of its base it stands while it has no order.
        rest: the nodes ahead of the base that its last order would have led over, had it not ended before: the others' ways
            have been judged with it, so it stays the vehicle's way until another one is found to be as good.
        home: the parking node that is kept for it.
        command: what the engine wants of it, until its outcome is reported.
        attempt: orders that have been made for the command after the vehicle had forgotten one.
        withdrawn: the engine does not want the command any more.
        reset_job: a RESET whose outcome is not reported yet.
        pose: where people have said that it stands, as long as the vehicle has not answered.
        unconfirmed: why it has not taken the last such word for true.
        order: what it was last sent, until it has ended.
        given_up: id of the last order that it refused before it had shown it, or forgot when nobody wanted it any more.
        stray: the last order that it was asked to let go of, though it is not `order`.
        charger: where it charges, or goes to charge.
        failed_chargers: where its last order to charge has come to nothing, in the order of time.
        idle_since_us: since when it has had nothing to do, in steady time.
        fruitless: orders to park or to charge, one after the other, that have come to nothing.
        paused_us: since when it shows that it is paused, in steady time of this run.
        low_us: since when it has to charge and does not, though it could, in steady time of this run.
        forgot_us: when it has forgotten an order, in steady time.
        online: it speaks with us, in this run of the gateway.
        fault: what has been reported as the reason why it cannot be used.
        shown: its newest state.
    """

    vehicle_id: str
    base: tuple[str, ...] = ()
    within: int = BETWEEN
    rest: tuple[str, ...] = ()
    home: str | None = None
    command: Command | None = None
    attempt: int = 0
    withdrawn: bool = False
    reset_job: int | None = None
    pose: VehiclePose | None = None
    unconfirmed: str = ""
    order: Order | None = None
    given_up: str | None = None
    stray: Stray | None = None
    charger: str | None = None
    failed_chargers: tuple[str, ...] = ()
    idle_since_us: int = 0
    fruitless: int = 0
    paused_us: int | None = None
    low_us: int | None = None
    forgot_us: int | None = None
    online: bool = False
    fault: str | None = None
    shown: VehicleState | None = None

    @property
    def end(self) -> str:
        """The last node that it holds: where it stops by itself."""
        return self.base[-1]


MISSIONS: Final[TableSpec[str, Mission]] = TableSpec(
    "missions",
    TypeAdapter(Mission),
    lambda row: row.vehicle_id,
    {"order_id": lambda row: None if row.order is None else row.order.order_id},
)
