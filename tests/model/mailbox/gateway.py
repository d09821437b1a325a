"""The gateway's side: `drivers.handshake.Channel`, thawed for each step and frozen after it."""

from collections.abc import Callable
from functools import cache
from typing import Final

from drivers.blocks import CommandBlock, Status
from drivers.handshake import REWRITE_AFTER_S, Channel, JobReport, _Job
from gateway.contract.commands import Command, Op, Place
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandRejected,
    CommandUnknown,
    Report,
)
from tests.model.mailbox.state import Assigned, Block, Gate, Online, Ordered, Said, Shown

DEVICE: Final = "lift-1"
CHANNEL: Final = "main"
LONG_AGO: Final = -2 * REWRITE_AFTER_S

_SAYS: Final[dict[str, type[JobReport]]] = {
    "accepted": CommandAccepted,
    "done": CommandDone,
    "failed": CommandFailed,
    "rejected": CommandRejected,
    "unknown": CommandUnknown,
}
_KINDS: Final = {report: kind for kind, report in _SAYS.items()}
_REPORTS: Final[dict[str, Callable[[int], JobReport]]] = {
    "accepted": lambda job: CommandAccepted(job_id=job),
    "done": lambda job: CommandDone(job_id=job),
    "rejected": lambda job: CommandRejected(job_id=job, text="", retry=True),
    "unknown": lambda job: CommandUnknown(job_id=job, text=""),
}
_CHANNEL_ATTRIBUTES: Final = {
    *("channel_id", "life", "fault", "_device_id", "_epoch", "_job", "_status", "_now"),
    *("_writing", "_written_at", "_online", "_online_due"),
}


@cache
def command_of(ordered: Ordered) -> Command:
    """Return the command as the driver gets it."""
    return Command(
        job_id=ordered.job,
        device_id=DEVICE,
        channel=CHANNEL,
        seq=ordered.seq,
        boot_id=ordered.boot,
        op=Op.PICK,
        source=Place("A", 1),
    )


def _status(shown: Shown) -> Status:
    return Status(
        boot_id=shown.boot,
        epoch=shown.epoch,
        ack_seq=shown.ack,
        accept_code=shown.accept,
        done_seq=shown.done,
        done_code=shown.code,
        job_id=shown.job,
    )


def _shown(status: Status) -> Shown:
    return Shown(
        status.boot_id,
        status.epoch,
        status.ack_seq,
        status.accept_code,
        status.done_seq,
        status.done_code,
        status.job_id,
    )


def thaw(gate: Gate) -> Channel:
    """Return the channel in this state, at time 0."""
    channel = Channel(DEVICE, CHANNEL, gate.epoch)
    if gate.job:
        command = command_of(gate.job.command)
        channel._job = job = _Job(command, gate.job.phase, int(gate.job.written))
        job.reports.extend(_REPORTS[kind](command.job_id) for kind in gate.job.due)
    channel._status = _status(gate.status) if gate.status else None
    channel._writing = gate.writing
    if gate.just_written is not None:
        channel._written_at = 0.0 if gate.just_written else LONG_AGO
    channel._online = gate.online
    if gate.online_due:
        channel._online_due = _online(gate.online_due)
    return channel


def freeze(channel: Channel) -> Gate:
    """Return the state of a channel."""
    assert set(vars(channel)) == _CHANNEL_ATTRIBUTES, "the model has to learn what the channel remembers now"
    job, due = channel._job, channel._online_due
    assigned = None
    if job:
        ordered = Ordered(job.command.job_id, job.command.seq, job.command.boot_id)
        kinds = tuple(_KINDS[type(report)] for report in job.reports)
        assigned = Assigned(ordered, job.phase, job.writes > 0, kinds)
    return Gate(
        channel._epoch,
        assigned,
        _shown(channel._status) if channel._status else None,
        channel._writing,
        None if channel._written_at is None else channel._just_written(),
        Online(*channel._online) if channel._online else None,
        Said("online", boot=due.boot_id, ack=due.ack_seq) if due else None,
    )


def _online(said: Said) -> ChannelOnline:
    return ChannelOnline(device_id=DEVICE, channel=CHANNEL, boot_id=said.boot, ack_seq=said.ack)


def _block(block: CommandBlock | None) -> Block | None:
    return Block(block.job_id, block.seq, block.epoch, block.boot_id) if block else None


class GatewaySide:
    """Runs the channel, and remembers what came of it."""

    def __init__(self) -> None:
        self.assign = cache(self._assign)
        self.show = cache(self._show)
        self.told = cache(self._told)
        self.due = cache(self._due)
        self.lost = cache(self._lost)
        self.written = cache(self._written)
        self.abandon = cache(self._abandon)

    @staticmethod
    def _assign(gate: Gate, command: Ordered) -> tuple[Gate, Block | None]:
        channel = thaw(gate)
        block = channel.assign(command_of(command))
        return freeze(channel), _block(block)

    @staticmethod
    def _show(gate: Gate, shown: Shown, pause: bool) -> tuple[Gate, Block | None]:
        channel = thaw(gate)
        block = channel.show(_status(shown), 0, REWRITE_AFTER_S if pause else 0.0)
        return freeze(channel), _block(block)

    @staticmethod
    def _written(gate: Gate) -> Gate:
        channel = thaw(gate)
        channel.written(0.0)
        return freeze(channel)

    @staticmethod
    def _lost(gate: Gate) -> Gate:
        channel = thaw(gate)
        channel.lost()
        return freeze(channel)

    @staticmethod
    def _abandon(gate: Gate, job: int) -> Gate:
        channel = thaw(gate)
        channel.abandon(job)
        return freeze(channel)

    @staticmethod
    def _due(gate: Gate, up: bool) -> tuple[Gate, Said | None]:
        """What a channel has to tell, as drivers.mailboxes asks for it."""
        channel = thaw(gate)
        outcome = channel.job_report()
        if outcome:
            return freeze(channel), Said(_KINDS[type(outcome)], job=outcome.job_id)
        if up and (arrival := channel.online_report()):
            return freeze(channel), Said("online", boot=arrival.boot_id, ack=arrival.ack_seq)
        return freeze(channel), None

    @staticmethod
    def _told(gate: Gate, said: Said) -> Gate:
        channel = thaw(gate)
        report: Report | None = channel._online_due if said.kind == "online" else channel.job_report()
        assert report
        channel.told(report)
        return freeze(channel)
