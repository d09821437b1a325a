"""Puts: one slot shows one put at a time; the others wait for it in the order of their acceptance."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from gateway.contract.events import EventType
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.puts import PutStatus, SlotOrder
from gateway.contract.reports import CurtainBroken, PutDarkened, PutEnded, PutForgotten, PutShown
from gateway.transport.effects import Darken, Show
from gateway.transport.intake import digest
from gateway.transport.journal import Journal
from gateway.transport.messages import CancelPut, SubmitPut, Submitted
from gateway.transport.plant import Plant
from gateway.transport.rows import Put, is_open_put
from gateway.transport.tables import TransportTables
from gateway.transport.transitions import PUT, PutStep

OPEN_MAX: Final = 100_000

_EVENTS: Final = {
    PutStep.LIGHT: EventType.PUT_LIT,
    PutStep.CONFIRM: EventType.PUT_CONFIRMED,
    PutStep.END_SHORT: EventType.PUT_SHORT,
    PutStep.WITHDRAW: EventType.PUT_CANCELLED,
    PutStep.DOUBT: EventType.PUT_UNKNOWN,
}


class Puts:
    """Handles puts and what the walls report of them."""

    def __init__(self, tables: TransportTables, plant: Plant, journal: Journal) -> None:
        self._tables = tables
        self._journal = journal
        self._slots = plant.slots

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], object]]:
        """Message type → handler."""
        return {
            SubmitPut: self.submit,
            CancelPut: self.cancel,
            PutShown: self.shown,
            PutEnded: self.ended,
            PutDarkened: self.darkened,
            PutForgotten: self.forgotten,
            CurtainBroken: self.curtain_broken,
        }

    def resume(self) -> None:
        """After a restart: tell the walls again what they shall show."""
        for queue in self._tables.slot_puts.values():
            if queue:
                self._show(self._tables.puts[queue[0][1]])

    def submit(self, message: SubmitPut) -> Submitted:
        """Accept a put; its slot shows it as soon as the earlier ones have ended."""
        request = message.request
        before = self._tables.puts.get(request.put_id)
        known = message.known if before is None else before.digest
        if known is not None:
            if known == digest(request):
                return Submitted(request.put_id, again=True)
            raise Refusal(
                RefusalKind.CONFLICT,
                FieldError(
                    "putId", "idReused", f"put {request.put_id} was accepted before with another body"
                ),
            )
        self._check(request.wall, request.slot)
        now = self._tables.books.now_us
        put = Put(
            put_id=request.put_id,
            job_id=self._journal.next_job_id(),
            wall=request.wall,
            slot=request.slot,
            quantity=request.quantity,
            colour=request.colour,
            blink=request.blink,
            text=request.text,
            digest=digest(request),
            status=PutStatus.ACCEPTED,
            created_us=now,
            updated_us=now,
        )
        self._tables.puts.put(put)
        self._emit(EventType.PUT_ACCEPTED, put)
        if self._is_first(put):
            self._show(put)
        return Submitted(put.put_id, again=False)

    def _check(self, wall: str, slot: str) -> None:
        if wall not in self._slots:
            raise Refusal(
                RefusalKind.INVALID,
                FieldError("wall", "unknownWall", f"put wall {wall} is not in the site file"),
            )
        if slot not in self._slots[wall]:
            raise Refusal(
                RefusalKind.INVALID, FieldError("slot", "unknownSlot", f"{wall} has no slot {slot}")
            )
        if len(self._tables.puts) >= OPEN_MAX:
            raise Refusal(
                RefusalKind.BUSY, FieldError("", "tooManyOpen", f"{OPEN_MAX} puts are open; try again later")
            )

    def cancel(self, message: CancelPut) -> Put:
        """Withdraw a put; if its slot shows it, the wall says whether a button was first."""
        put = self._tables.puts.get(message.put_id)
        if put is None or not is_open_put(put):
            raise Refusal(
                RefusalKind.NOT_FOUND if put is None else RefusalKind.CONFLICT,
                FieldError("putId", "notOpen", f"no open put {message.put_id}"),
            )
        if not self._is_first(put):
            return self._step(put, PutStep.WITHDRAW)
        if not put.cancel_requested:
            put = replace(put, cancel_requested=True, updated_us=self._tables.books.now_us)
            self._tables.puts.put(put)
            self._tables.books.effect(Darken(put.wall, put.put_id))
        return put

    def shown(self, report: PutShown) -> None:
        """The slot shows the put."""
        put = self._tables.puts.get(report.put_id)
        if put is not None and put.status is PutStatus.ACCEPTED:
            self._step(put, PutStep.LIGHT)

    def ended(self, report: PutEnded) -> None:
        """Somebody has put, all or less."""
        put = self._tables.puts.get(report.put_id)
        if put is not None and is_open_put(put):
            put = replace(put, confirmed_quantity=report.quantity)
            self._step(put, PutStep.END_SHORT if report.short else PutStep.CONFIRM)

    def darkened(self, report: PutDarkened) -> None:
        """The slot is dark, and no button was first, unless the wall has forgotten that."""
        put = self._tables.puts.get(report.put_id)
        if put is not None and is_open_put(put):
            self._step(put, PutStep.DOUBT if put.forgotten else PutStep.WITHDRAW)

    def forgotten(self, report: PutForgotten) -> None:
        """The wall has lost its memory; what a button does from now on counts, and that none did is not known any more."""
        put = self._tables.puts.get(report.put_id)
        if put is not None and is_open_put(put) and not put.forgotten:
            self._tables.puts.put(replace(put, forgotten=True, updated_us=self._tables.books.now_us))

    def curtain_broken(self, report: CurtainBroken) -> None:
        """A hand went through a slot's light curtain."""
        queue = self._tables.slot_puts.get((report.device_id, report.slot), [])
        self._tables.books.emit(
            EventType.PUT_CURTAIN,
            f"{report.device_id}/{report.slot}",
            wall=report.device_id,
            slot=report.slot,
            count=report.count,
            putId=queue[0][1] if queue else None,
        )

    def _step(self, put: Put, step: PutStep) -> Put:
        stepped = replace(put, status=PUT[put.status, step], updated_us=self._tables.books.now_us)
        self._tables.puts.put(stepped)
        self._emit(_EVENTS[step], stepped)
        if not is_open_put(stepped):
            self._tables.puts.forget(put.put_id)
            queue = self._tables.slot_puts[put.wall, put.slot]
            if queue:
                self._show(self._tables.puts[queue[0][1]])
        return stepped

    def _is_first(self, put: Put) -> bool:
        return self._tables.slot_puts[put.wall, put.slot][0][1] == put.put_id

    def _show(self, put: Put) -> None:
        self._tables.books.effect(
            Show(
                SlotOrder(
                    put_id=put.put_id,
                    job_id=put.job_id,
                    wall=put.wall,
                    slot=put.slot,
                    quantity=put.quantity,
                    colour=put.colour,
                    blink=put.blink,
                )
            )
        )
        if put.cancel_requested:
            self._tables.books.effect(Darken(put.wall, put.put_id))

    def _emit(self, kind: EventType, put: Put) -> None:
        self._tables.books.emit(
            kind,
            put.put_id,
            putId=put.put_id,
            wall=put.wall,
            slot=put.slot,
            quantity=put.quantity,
            confirmedQuantity=put.confirmed_quantity,
            status=put.status.value,
        )
