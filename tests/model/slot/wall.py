"""The wall's side: `sim_devices.putwall.Slot`, thawed for each step and frozen after it."""

from functools import cache

from drivers.slots import SlotBlock
from sim_devices.mailbox import Refused
from sim_devices.putwall import Button, Slot, SlotOrder, SlotState
from tests.model.actions import Restart
from tests.model.slot.state import ASKED, Block, Shown, Wall


@cache
def _order(block: Block) -> SlotOrder:
    """Return the order as it comes over the wire: written by the one reading of the document, read by the other."""
    written = SlotBlock(
        epoch=block.epoch, job_id=block.job, colour=2, blink=0, quantity=block.quantity, boot_id=block.boot
    )
    return SlotOrder.of(written.tags())


class WallSide:
    """Runs the slot, and remembers what came of it."""

    def __init__(self) -> None:
        self.look = cache(self._look)
        self.touch = cache(self._touch)

    @staticmethod
    def _look(wall: Wall) -> Wall:
        slot = _slot(wall)
        if wall.block:
            slot.take(_order(wall.block), wall.boot)
        return _wall(wall, slot)

    @staticmethod
    def _touch(wall: Wall, button: Button) -> Wall:
        slot = _slot(wall)
        slot.press(button)
        return _wall(wall, slot)

    def restart(self, wall: Wall, how: Restart) -> Wall:
        """Lose power and start again."""
        block = wall.block if how.keeps_block else None
        if how.keeps_memory:
            return wall._replace(boot=wall.boot + 1, block=block, refused=0)
        return Wall(wall.boot + 1, block)


def _slot(wall: Wall) -> Slot:
    return Slot(
        epoch=wall.epoch,
        job_id=wall.job,
        state=SlotState(wall.state),
        asked=ASKED,
        quantity=wall.quantity,
        curtain=wall.curtain,
        refused=Refused(wall.refused),
    )


def _wall(before: Wall, slot: Slot) -> Wall:
    return before._replace(
        epoch=slot.epoch,
        job=slot.job_id,
        state=int(slot.state),
        quantity=slot.quantity,
        curtain=slot.curtain,
        refused=int(slot.refused),
    )


def shown_by(wall: Wall) -> Shown:
    """Return what a reading of the slot's status finds."""
    return Shown(wall.boot, wall.job, wall.state, wall.quantity, wall.curtain, wall.refused)
