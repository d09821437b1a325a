"""The device's side: `sim_devices.mailbox.Mailbox`, thawed for each step and frozen after it."""

from functools import cache
from typing import Final

from drivers.blocks import CommandBlock
from sim_devices.mailbox import Accept, Done, Mailbox, Memory
from sim_devices.mailbox import CommandBlock as MailboxBlock
from tests.model.actions import Restart
from tests.model.mailbox.gateway import command_of
from tests.model.mailbox.state import Block, Device, Ordered, Shown


@cache
def _mailbox_block(block: Block) -> MailboxBlock:
    """Return the block as it comes over the wire: written by the one reading of the document, read by the other."""
    ordered = Ordered(block.job, block.seq, block.boot)
    return MailboxBlock.of(CommandBlock.of(command_of(ordered), block.epoch).tags())


_UNDER_WAY: Final = MailboxBlock()
"""A command in execution: which one, jobId tells."""


class DeviceSide:
    """Runs the mailbox, and remembers what came of it."""

    def __init__(self) -> None:
        self.look = cache(self._look)
        self.end = cache(self._end)

    @staticmethod
    def _look(device: Device, answer: Accept) -> Device:
        mailbox = _mailbox(device)
        if device.block:
            mailbox.look(_mailbox_block(device.block), lambda _: answer)
        return _device(device, mailbox)

    @staticmethod
    def _end(device: Device) -> Device:
        mailbox = _mailbox(device)
        mailbox.end(Done.DONE)
        return _device(device, mailbox)

    def restart(self, device: Device, boot: int, how: Restart) -> Device:
        """Lose power and start again; what was under way goes on."""
        block = device.block if how.keeps_block else None
        if how.keeps_memory:
            return device._replace(boot=boot, block=block)
        return Device(boot, block)


def _mailbox(device: Device) -> Mailbox:
    return Mailbox(
        Memory(
            epoch=device.epoch,
            ack_seq=device.ack,
            accept_code=Accept(device.accept),
            done_seq=device.done,
            done_code=Done(device.code),
            job_id=device.job,
            executing=_UNDER_WAY if device.executing else None,
        ),
        boot_id=device.boot,
    )


def _device(before: Device, mailbox: Mailbox) -> Device:
    memory = mailbox.memory
    return Device(
        before.boot,
        before.block,
        memory.epoch,
        memory.ack_seq,
        int(memory.accept_code),
        memory.done_seq,
        int(memory.done_code),
        memory.job_id,
        memory.job_id if memory.executing else 0,
    )


def shown_by(device: Device) -> Shown:
    """Return what a reading of the device's status finds."""
    return Shown(device.boot, device.epoch, device.ack, device.accept, device.done, device.code, device.job)
