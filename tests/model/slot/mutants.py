"""Deliberately broken put walls, applied in memory: each breaks one rule, and the model must show what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from drivers import slots
from drivers.slots import Slot, SlotStatus, Step
from gateway.contract.reports import PutEnded
from sim_devices.mailbox import Refused
from sim_devices.putwall import Slot as WallSlot
from sim_devices.putwall import SlotOrder, SlotState
from tests.model.actions import Restart
from tests.model.slot.model import Scope
from tests.model.slot.state import ASKED, Wall
from tests.model.slot.steps import Steps
from tests.model.slot.wall import WallSide
from tests.mutant import Mutant

SMALL = Scope(
    puts=1, late=0, crashes=1, restarts=1, hands=0, forgets=False, cancels=False, shorts=False, survives=False
)
"""Where most of them show."""


@dataclass(frozen=True, kw_only=True)
class SlotMutant(Mutant):
    """A broken rule of a put wall, and the scope in which it shows."""

    scope: Scope = SMALL


AGAIN = "was put after it had been told"
GUESSED = "nobody had put that"
OVERHEARD = "withdrawn before any button"
RESTLESS = "never comes to rest"


def _steps(**changed: Step) -> Callable[[Any], Any]:
    """Change what follows from a wish and a verdict, by names such as LIT_ENDED."""
    keys = {f"{wish.name}_{verdict.name}": (wish, verdict) for wish, verdict in slots.STEPS}
    return lambda sound: sound | {keys[name]: step for name, step in changed.items()}


def _whoever(sound: Callable[..., Any]) -> Callable[..., Any]:
    def judge(put: Any, status: SlotStatus, boot_id: int) -> Any:
        shown = replace(status, job_id=put.order.job_id) if status.job_id else status
        return sound(put, shown, boot_id)

    return judge


def _asked_is_put(sound: Callable[..., Any]) -> Callable[..., Any]:
    def end(put: Any, report: Any) -> None:
        sound(put, replace(report, quantity=ASKED) if isinstance(report, PutEnded) else report)

    return end


def _once(sound: Callable[..., Any]) -> Callable[..., Any]:
    return lambda slot, put, status: None if put.writes else sound(slot, put, status)


def _listens_while_writing(sound: Callable[..., Any]) -> Callable[..., Any]:
    def show(slot: Slot, status: SlotStatus, boot_id: int, now: float) -> Any:
        writing, slot._writing = slot._writing, False
        block = sound(slot, status, boot_id, now)
        slot._writing = slot._writing or writing
        return block

    return show


def _relit_untold(sound: Callable[..., Any]) -> Callable[..., Any]:
    def write(slot: Slot, put: Any, status: SlotStatus) -> Any:
        reports, put.reports = put.reports, ()
        block = sound(slot, put, status)
        put.reports = reports
        return block

    return write


def _forgets_report(sound: Callable[[Slot], None]) -> Callable[[Slot], None]:
    def lost(slot: Slot) -> None:
        sound(slot)
        if slot._put:
            slot._put.reports.clear()

    return lost


def _from_zero(sound: Callable[..., None]) -> Callable[..., None]:
    def count(slot: Slot, counter: int, boot_id: int) -> None:
        slot._curtain_told = slot._curtain_told or 0
        sound(slot, counter, boot_id)

    return count


def _not_shown(_: object) -> Callable[..., Any]:
    return lambda steps, state: state


def _accept(*overlooked: Refused) -> Callable[[Any], Any]:
    """Let the wall overlook reasons to refuse an order."""

    def breaks(sound: Callable[[WallSlot, SlotOrder, int], Refused]) -> Callable[..., Refused]:
        def refusal(slot: WallSlot, order: SlotOrder, boot_id: int) -> Refused:
            found = sound(slot, order, boot_id)
            return Refused.NONE if found in overlooked else found

        return refusal

    return breaks


def _lights_again(sound: Callable[..., None]) -> Callable[..., None]:
    def take(slot: WallSlot, order: SlotOrder, boot_id: int) -> None:
        sound(slot, order, boot_id)
        if order.job_id == slot.job_id and order.quantity and slot.state is not SlotState.LIT:
            slot.state, slot.quantity = SlotState.LIT, order.quantity

    return take


def _withdraws_what_was_put(sound: Callable[..., None]) -> Callable[..., None]:
    def take(slot: WallSlot, order: SlotOrder, boot_id: int) -> None:
        sound(slot, order, boot_id)
        if order.job_id == slot.job_id and not order.quantity:
            slot.state = SlotState.WITHDRAWN

    return take


def _forgets_the_button(sound: Callable[..., Wall]) -> Callable[..., Wall]:
    def restart(side: WallSide, wall: Wall, how: Restart) -> Wall:
        after = sound(side, wall, how)
        return after._replace(state=int(SlotState.LIT)) if after.state == SlotState.CONFIRMED else after

    return restart


TWO = replace(SMALL, puts=2)
FORGETS = replace(SMALL, forgets=True, cancels=True, crashes=0)
CANCELS = replace(SMALL, cancels=True, crashes=0, restarts=0)
LATE = replace(SMALL, late=1, crashes=0, restarts=0)

MUTANTS: Final = (
    SlotMutant(
        name="another put's end counts",
        story="what the slot shows counts for the put that it shall show, whatever its jobId",
        owner=slots,
        attribute="judge",
        breaks=_whoever,
        caught="put 2 was told as confirmed 2, and nobody had put that",
        scope=TWO,
    ),
    SlotMutant(
        name="asked counts as put",
        story="a put that ended short is told with what was asked",
        owner=slots._Put,
        attribute="end",
        breaks=_asked_is_put,
        caught=GUESSED,
        scope=replace(SMALL, shorts=True),
    ),
    SlotMutant(
        name="a withdrawal overrules the button",
        story="a put that was to be withdrawn is told as withdrawn although a button was first",
        owner=slots,
        attribute="STEPS",
        breaks=_steps(WITHDRAWN_ENDED=Step.DARKENED),
        caught=OVERHEARD,
        scope=CANCELS,
    ),
    SlotMutant(
        name="withdrawn before it is dark",
        story="a put that the wall has not shown is told as withdrawn, while the order to light it is under way",
        owner=slots,
        attribute="STEPS",
        breaks=_steps(WITHDRAWN_NOT_TAKEN=Step.DARKENED),
        caught=AGAIN,
        scope=replace(CANCELS, late=1),
    ),
    SlotMutant(
        name="forgotten counts as not taken",
        story="a slot that remembers nothing is taken for one that has not been lit",
        owner=slots,
        attribute="STEPS",
        breaks=_steps(LIT_FORGOTTEN=Step.WRITE, WITHDRAWN_FORGOTTEN=Step.WRITE),
        caught=OVERHEARD,
        scope=FORGETS,
    ),
    SlotMutant(
        name="lit again before it is told",
        story="a slot that has forgotten is lit again before that is durable, and a crash forgets that it had",
        owner=Slot,
        attribute="_write",
        breaks=_relit_untold,
        caught=OVERHEARD,
        scope=replace(FORGETS, crashes=1),
    ),
    SlotMutant(
        name="written once",
        story="an order that was not taken is not written again",
        owner=Slot,
        attribute="_write",
        breaks=_once,
        caught=RESTLESS,
    ),
    SlotMutant(
        name="reads what was asked for before the write ended",
        story="a status that is older than the last write counts",
        owner=Slot,
        attribute="show",
        breaks=_listens_while_writing,
        caught="before the last write had ended",
    ),
    SlotMutant(
        name="link loss forgets a report",
        story="what is due to be told is dropped when the link is lost",
        owner=Slot,
        attribute="lost",
        breaks=_forgets_report,
        caught=RESTLESS,
    ),
    SlotMutant(
        name="hands count from 0",
        story="a gateway that was restarted counts all hands again that the counter has seen",
        owner=Slot,
        attribute="_count_curtain",
        breaks=_from_zero,
        caught="more hands",
        scope=replace(SMALL, hands=1),
    ),
    SlotMutant(
        name="open put not shown again",
        story="a gateway that was restarted does not tell the wall what it shall show",
        owner=Steps,
        attribute="_show_first",
        breaks=_not_shown,
        caught=RESTLESS,
    ),
    SlotMutant(
        name="wall takes older puts",
        story="an order with a lower jobId is taken",
        owner=WallSlot,
        attribute="_refusal",
        breaks=_accept(Refused.SEQ),
        caught=AGAIN,
        scope=replace(LATE, puts=2),
    ),
    SlotMutant(
        name="wall ignores bootId",
        story="an order for an earlier start is taken, as before orders had a bootId",
        owner=WallSlot,
        attribute="_refusal",
        breaks=_accept(Refused.BOOT),
        caught=AGAIN,
        scope=replace(LATE, restarts=1, forgets=True),
    ),
    SlotMutant(
        name="wall lights the same put again",
        story="an order with the jobId shown lights a slot that was ended",
        owner=WallSlot,
        attribute="take",
        breaks=_lights_again,
        caught=AGAIN,
        scope=LATE,
    ),
    SlotMutant(
        name="wall withdraws what was put",
        story="a withdrawal that comes after the button makes the slot withdrawn",
        owner=WallSlot,
        attribute="take",
        breaks=_withdraws_what_was_put,
        caught=OVERHEARD,
        scope=CANCELS,
    ),
    SlotMutant(
        name="wall forgets the button",
        story="that a button was pressed does not survive a loss of power",
        owner=WallSide,
        attribute="restart",
        breaks=_forgets_the_button,
        caught=AGAIN,
    ),
)
