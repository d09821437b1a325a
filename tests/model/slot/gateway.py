"""The gateway's side: `drivers.slots.Slot`, thawed for each step and frozen after it."""

from collections import deque
from functools import cache
from typing import Final

from drivers.handshake import REWRITE_AFTER_S
from drivers.slots import OUTRANKED_PAUSE_S, PutReport, Slot, SlotBlock, SlotReport, SlotStatus, _Put
from gateway.contract.puts import Colour, SlotOrder
from gateway.contract.reports import CurtainBroken, PutDarkened, PutEnded, PutForgotten, PutShown
from tests.model.slot.state import ASKED, Block, Gate, Put, Said, Shown

WALL: Final = "wall-1"
SLOT: Final = "W1-01"
LATER: Final = 2 * OUTRANKED_PAUSE_S

_SLOT_ATTRIBUTES: Final = {
    *(
        "fault",
        "_wall_id",
        "_slot_id",
        "_epoch",
        "_boot_id",
        "_put",
        "_status",
        "_now",
        "_writing",
        "_write_again_at",
    ),
    *("_curtain_told", "_curtain_shown", "_curtain_due"),
}


@cache
def _order(job: int) -> SlotOrder:
    return SlotOrder(
        put_id=str(job), job_id=job, wall=WALL, slot=SLOT, quantity=ASKED, colour=Colour.GREEN, blink=False
    )


def thaw(gate: Gate) -> Slot:
    """Return the slot in this state, at time 0."""
    slot = Slot(WALL, SLOT, gate.epoch)
    slot._boot_id = gate.boot
    slot._put = _put(gate.put) if gate.put else None
    slot._status = _status(gate.status) if gate.status else None
    slot._writing = gate.writing
    if gate.just_written is not None:
        slot._write_again_at = REWRITE_AFTER_S if gate.just_written else -LATER
    slot._curtain_told, slot._curtain_shown = gate.curtain_told, gate.curtain_shown
    if gate.curtain_due:
        slot._curtain_due = CurtainBroken(device_id=WALL, slot=SLOT, count=gate.curtain_due)
    return slot


def freeze(slot: Slot) -> Gate:
    """Return the state of a slot."""
    assert set(vars(slot)) == _SLOT_ATTRIBUTES, "the model has to learn what the slot remembers now"
    put = slot._put
    return Gate(
        slot._epoch,
        slot._boot_id,
        _frozen(put) if put else None,
        _shown(slot._boot_id, slot._status) if slot._status else None,
        slot._writing,
        None if slot._write_again_at == 0 else slot._now < slot._write_again_at,
        slot._curtain_told,
        slot._curtain_shown,
        slot._curtain_due.count if slot._curtain_due else 0,
    )


def _put(put: Put) -> _Put:
    reports = deque(_report(said) for said in put.due)
    return _Put(
        _order(put.job),
        put.blank_in,
        put.wish,
        int(put.written),
        put.shown,
        put.ended,
        reports,
    )


def _frozen(put: _Put) -> Put:
    due = tuple(_said(report) for report in put.reports)
    return Put(
        put.order.job_id,
        put.blank_in,
        put.wish,
        put.writes > 0,
        put.shown,
        put.ended,
        due,
    )


def _report(said: Said) -> PutReport:
    put_id = str(said.job)
    match said.kind:
        case "shown":
            return PutShown(put_id=put_id)
        case "ended":
            return PutEnded(put_id=put_id, quantity=said.quantity, short=said.short)
        case "forgotten":
            return PutForgotten(put_id=put_id)
        case _:
            return PutDarkened(put_id=put_id)


def _said(report: SlotReport) -> Said:
    match report:
        case PutShown(put_id=put_id):
            return Said("shown", int(put_id))
        case PutEnded(put_id=put_id, quantity=quantity, short=short):
            return Said("ended", int(put_id), quantity, short)
        case PutDarkened(put_id=put_id):
            return Said("darkened", int(put_id))
        case PutForgotten(put_id=put_id):
            return Said("forgotten", int(put_id))
        case CurtainBroken(count=count):
            return Said("hands", hands=count)


def _status(shown: Shown) -> SlotStatus:
    return SlotStatus(
        job_id=shown.job,
        state=shown.state,
        quantity=shown.quantity,
        curtain=shown.curtain,
        refused=shown.refused,
    )


def _shown(boot: int, status: SlotStatus) -> Shown:
    return Shown(boot, status.job_id, status.state, status.quantity, status.curtain, status.refused)


def _block(block: SlotBlock | None) -> Block | None:
    return Block(block.job_id, block.epoch, block.quantity, block.boot_id) if block else None


class GatewaySide:
    """Runs the slot, and remembers what came of it."""

    def __init__(self) -> None:
        self.light = cache(self._light)
        self.darken = cache(self._darken)
        self.show = cache(self._show)
        self.written = cache(self._written)
        self.lost = cache(self._lost)
        self.due = cache(self._due)
        self.told = cache(self._told)

    @staticmethod
    def _light(gate: Gate, job: int) -> tuple[Gate, Block | None]:
        slot = thaw(gate)
        block = slot.light(_order(job))
        return freeze(slot), _block(block)

    @staticmethod
    def _darken(gate: Gate, job: int) -> tuple[Gate, Block | None]:
        slot = thaw(gate)
        block = slot.darken(str(job))
        return freeze(slot), _block(block)

    @staticmethod
    def _show(gate: Gate, shown: Shown, pause: bool) -> tuple[Gate, Block | None]:
        slot = thaw(gate)
        block = slot.show(_status(shown), shown.boot, LATER if pause else 0.0)
        return freeze(slot), _block(block)

    @staticmethod
    def _written(gate: Gate) -> Gate:
        slot = thaw(gate)
        slot.written(0.0)
        return freeze(slot)

    @staticmethod
    def _lost(gate: Gate) -> Gate:
        slot = thaw(gate)
        slot.lost()
        return freeze(slot)

    @staticmethod
    def _due(gate: Gate) -> tuple[Gate, Said | None]:
        slot = thaw(gate)
        report = slot.due()
        return freeze(slot), _said(report) if report else None

    @staticmethod
    def _told(gate: Gate, said: Said) -> Gate:
        slot = thaw(gate)
        report = slot._curtain_due if said.kind == "hands" else slot.due()
        assert report
        slot.told(report)
        return freeze(slot)
