"""The gateway's side of the mailbox handshake (docs/plc-handshake.md), without I/O and without a clock.

A channel is level-triggered. Whatever happened before (a lost write, a lost answer, a restart on either
side), it compares the command that it was assigned with the newest status that the device shows, and a table
says what follows. It writes only on a status that was read on this connection and after its last write ended;
whether that write failed does not matter, since a write that failed may have been executed.

What is to be told to the kernel stays due until the kernel has it; so nothing is told twice and nothing is
forgotten. Times are seconds of any clock that never goes back.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, assert_never

from drivers.blocks import CommandBlock, Status
from drivers.judgement import REFUSALS, Outcome, Verdict, judge, outcome_of
from drivers.presence import ASK_THE_OTHER, COMPARE, Life, LifeCounter, ShownFault
from gateway.contract.commands import Command
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandUnknown,
    Report,
)

REWRITE_AFTER_S: Final = 0.2
"""Time that a device gets to look at a block before the same block is written again."""
WRITES_BEFORE_FAULT: Final = 3
"""So many writes of one block without an answer are told as a fault; the writing goes on."""


class Phase(Enum):
    """Where a command stands at this end of the wire."""

    OPEN = auto()
    """Not seen at the device yet."""
    TAKEN = auto()
    """Seen at the device."""
    ENDED = auto()
    """Its outcome is known; what is left is to tell it."""


class Step(Enum):
    """What a channel does next about its command."""

    WRITE = auto()
    WAIT = auto()
    TAKE = auto()
    END = auto()
    FENCE = auto()


STEPS: Final[dict[tuple[Phase, Verdict], Step]] = {
    (Phase.OPEN, Verdict.NOT_TAKEN): Step.WRITE,
    (Phase.OPEN, Verdict.BUSY): Step.WAIT,
    (Phase.OPEN, Verdict.TAKEN): Step.TAKE,
    (Phase.OPEN, Verdict.ENDED): Step.END,
    (Phase.OPEN, Verdict.DOUBTFUL): Step.FENCE,
    # A device that has shown the command and shows an older state now has forgotten it: writing would do it
    # twice.
    (Phase.TAKEN, Verdict.NOT_TAKEN): Step.FENCE,
    (Phase.TAKEN, Verdict.BUSY): Step.FENCE,
    (Phase.TAKEN, Verdict.TAKEN): Step.WAIT,
    (Phase.TAKEN, Verdict.ENDED): Step.END,
    (Phase.TAKEN, Verdict.DOUBTFUL): Step.FENCE,
    (Phase.ENDED, Verdict.NOT_TAKEN): Step.WAIT,
    (Phase.ENDED, Verdict.BUSY): Step.WAIT,
    (Phase.ENDED, Verdict.TAKEN): Step.WAIT,
    (Phase.ENDED, Verdict.ENDED): Step.WAIT,
    (Phase.ENDED, Verdict.DOUBTFUL): Step.WAIT,
}
"""The whole machine of one command; nothing leaves ENDED."""

JobReport = CommandAccepted | Outcome


@dataclass(slots=True)
class _Job:
    """The assigned command; `reports` are those that the kernel does not have yet (at most 2)."""

    command: Command
    phase: Phase = Phase.OPEN
    writes: int = 0
    reports: deque[JobReport] = field(default_factory=deque[JobReport])

    def end(self, outcome: Outcome) -> None:
        """Note the outcome; a command that the device carried out or tried was accepted before."""
        if self.phase is Phase.OPEN and isinstance(outcome, CommandDone | CommandFailed):
            self.reports.append(CommandAccepted(job_id=self.command.job_id))
        self.reports.append(outcome)
        self.phase = Phase.ENDED


class Channel:
    """One mailbox of one device, seen from the gateway.

    `assign` and `show` return the block to be written now, if any; the driver then calls `written` when the
    write has ended, one way or the other, and shows only statuses that it has asked for after that.
    """

    def __init__(self, device_id: str, channel_id: str, epoch: int) -> None:
        self.channel_id = channel_id
        self.life = LifeCounter()
        self.fault: ShownFault | None = None
        """What the newest status shows; stays while the device is away."""
        self._device_id = device_id
        self._epoch = epoch
        self._job: _Job | None = None
        self._status: Status | None = None
        self._now = 0.0
        self._writing = False
        self._written_at: float | None = None
        self._online: tuple[int, int] | None = None
        """(bootId, last number) as the kernel knows them, or is about to."""
        self._online_due: ChannelOnline | None = None

    @property
    def job_id(self) -> int | None:
        """The assigned command, until the kernel has its outcome."""
        return self._job.command.job_id if self._job else None

    def assign(self, command: Command) -> CommandBlock | None:
        """Take a command over; the same again changes nothing, another replaces one that has been settled."""
        if self.job_id != command.job_id:
            self._job = _Job(command)
        return self._decide()

    def abandon(self, job_id: int) -> None:
        """Forget a command; then tell the channel as online again, with the number to count on from."""
        if self.job_id == job_id:
            self._job = None
            self.offline()

    def show(self, status: Status, life: Life, now: float) -> CommandBlock | None:
        """Take the newest status. One without a bootId shows nothing yet: the PLC's program has not begun."""
        self._now = now
        self.life.show(life, now)
        if self.life.stands_still or status.boot_id == 0:
            self._status = None
            self.offline()
            return None
        if self._writing:
            return None
        self._status = status
        block = self._decide()
        self.fault = self._fault(status)
        return block

    def written(self, now: float) -> None:
        """The write that was asked for has ended; whether it failed is for the next status to tell."""
        self._writing = False
        self._written_at = now

    def lost(self) -> None:
        """The link is gone: what the device showed counts no more."""
        self._status = None
        self.life.forget()
        self.offline()

    def offline(self) -> None:
        """Tell the channel as online again as soon as nothing of ours is in doubt there."""
        self._online = None
        self._online_due = None

    def job_report(self) -> JobReport | None:
        """Return what the kernel has to hear next about the command."""
        return self._job.reports[0] if self._job and self._job.reports else None

    def online_report(self) -> ChannelOnline | None:
        """Return that the channel is online, once nothing of ours is in doubt there.

        Anew after every start of the device, and when it took a command that nobody here waits for any more.
        """
        status = self._status
        if status and self._online != (status.boot_id, status.ack_seq) and self._settled(status):
            self._online = (status.boot_id, status.ack_seq)
            self._online_due = ChannelOnline(
                device_id=self._device_id,
                channel=self.channel_id,
                boot_id=status.boot_id,
                ack_seq=status.ack_seq,
                sensors=status.sensors,
            )
        return self._online_due

    def told(self, report: Report) -> None:
        """The kernel has the report; one that is not from here is no matter."""
        if report is self._online_due:
            self._online_due = None
        job = self._job
        if job and job.reports and report is job.reports[0]:
            job.reports.popleft()
            if job.phase is Phase.ENDED and not job.reports:
                self._job = None

    def _settled(self, status: Status) -> bool:
        if self._job:
            return self._job.phase is Phase.TAKEN
        return status.idle and not self._just_written()

    def _just_written(self) -> bool:
        return self._written_at is not None and self._now - self._written_at < REWRITE_AFTER_S

    def _decide(self) -> CommandBlock | None:
        job, status = self._job, self._status
        if job is None or status is None:
            return None
        step = STEPS[job.phase, judge(job.command, status)]
        match step:
            case Step.WRITE:
                return self._write(job, status)
            case Step.WAIT:
                pass
            case Step.TAKE:
                self._count_on(job.command)
                job.phase = Phase.TAKEN
                job.reports.append(CommandAccepted(job_id=job.command.job_id))
            case Step.END:
                self._count_on(job.command)
                self._end(job, outcome_of(job.command, status))
            case Step.FENCE:
                self._end(job, _fenced(job.command, status))
            case _:
                assert_never(step)
        return None

    def _end(self, job: _Job, outcome: Outcome) -> None:
        """Note the outcome; after an unknown one the kernel waits to be told where the channel stands."""
        job.end(outcome)
        if isinstance(outcome, CommandUnknown):
            self.offline()

    def _count_on(self, command: Command) -> None:
        """The kernel knows the number of its own command; what it has not been told yet is out of date."""
        if self._online_due:
            self.offline()
        elif self._online:
            self._online = (self._online[0], command.seq)

    def _write(self, job: _Job, status: Status) -> CommandBlock | None:
        if status.epoch > self._epoch or (job.writes and self._just_written()):
            return None
        job.writes += 1
        self._writing = True
        self._status = None
        return CommandBlock.of(job.command, self._epoch)

    def _fault(self, status: Status) -> ShownFault | None:
        if status.fault_code:
            return ShownFault(status.fault_code, "the device shows a fault")
        if status.epoch > self._epoch:
            return ShownFault(0, "another, newer gateway commands this device", ASK_THE_OTHER)
        job = self._job
        if job and job.phase is Phase.OPEN and job.writes > WRITES_BEFORE_FAULT:
            refused = status.refused_code if status.refused_seq == job.command.seq else 0
            reason = REFUSALS.get(refused, "it does not answer")
            return ShownFault(0, f"the device takes no command: {reason}", COMPARE)
        return None


def _fenced(command: Command, status: Status) -> CommandUnknown:
    text = (
        f"the device shows ackSeq {status.ack_seq}, jobId {status.job_id}, bootId {status.boot_id}"
        f" for seq {command.seq}, jobId {command.job_id}, bootId {command.boot_id}"
    )
    return CommandUnknown(job_id=command.job_id, text=text, sensors=status.sensors)
