"""Deliberately broken handshakes, applied in memory: each breaks one rule, and the model must show what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from drivers import handshake
from drivers.blocks import CommandBlock as GatewayBlock
from drivers.blocks import Status
from drivers.handshake import Channel, Phase, Step
from drivers.judgement import next_seq
from drivers.presence import Life
from gateway.contract.commands import Command
from sim_devices.mailbox import CommandBlock, Mailbox, Refused
from tests.model.actions import Restart
from tests.model.mailbox import books
from tests.model.mailbox.device import DeviceSide
from tests.model.mailbox.model import Scope
from tests.model.mailbox.state import Device, State
from tests.model.mailbox.steps import Steps
from tests.mutant import Mutant

SMALL = Scope(
    commands=1, late=0, crashes=1, restarts=1, refuses=False, settles=False, survives=False, strangers=0
)
"""Where most of them show."""


@dataclass(frozen=True, kw_only=True)
class HandshakeMutant(Mutant):
    """A broken rule of the handshake, and the scope in which it shows."""

    scope: Scope = SMALL


TWICE = "was carried out twice"
RESTLESS = "never comes to rest"


def _new_number(sound: Callable[..., Any]) -> Callable[..., Any]:
    def write(channel: Channel, job: Any, status: Status) -> Any:
        if job.writes and not channel._just_written():
            job.command = replace(job.command, seq=next_seq(job.command.seq))
        return sound(channel, job, status)

    return write


def _send_at_once(sound: Callable[..., Any]) -> Callable[..., Any]:
    def assign(channel: Channel, command: Command) -> Any:
        block = sound(channel, command)
        job = channel._job
        if block is None and job and job.phase is Phase.OPEN and not channel._writing:
            job.writes, channel._writing = 1, True
            return GatewayBlock.of(command, channel._epoch)
        return block

    return assign


def _steps(**changed: Step) -> Callable[[Any], Any]:
    """Change what follows from a phase and a verdict, by names such as TAKEN_NOT_TAKEN."""
    keys = {f"{phase.name}_{verdict.name}": (phase, verdict) for phase, verdict in handshake.STEPS}
    return lambda sound: sound | {keys[name]: step for name, step in changed.items()}


def _judge(change: Callable[[Command, Status], Status]) -> Callable[[Any], Any]:
    """Let the gateway see another status when it judges a command."""
    return lambda sound: lambda command, status: sound(command, change(command, status))


def _accept(*overlooked: Refused) -> Callable[[Any], Any]:
    """Let the device overlook reasons to refuse a block."""

    def breaks(sound: Callable[[Mailbox, CommandBlock], Refused]) -> Callable[..., Refused]:
        def refusal(mailbox: Mailbox, block: CommandBlock) -> Refused:
            found = sound(mailbox, block)
            return Refused.NONE if found in overlooked else found

        return refusal

    return breaks


def _keeps_block(sound: Callable[..., Any]) -> Callable[..., Any]:
    def restart(side: DeviceSide, device: Device, boot: int, how: Restart) -> Device:
        after = sound(side, device, boot, how)
        return after._replace(block=device.block._replace(boot=boot) if device.block else None)

    return restart


def _forgets_number(sound: Callable[..., Any]) -> Callable[..., Any]:
    def restart(side: DeviceSide, device: Device, boot: int, how: Restart) -> Device:
        return sound(side, device, device.boot, how)._replace(ack=0, done=0, executing=0)

    return restart


def _wire_first(sound: Callable[..., Any]) -> Callable[..., Any]:
    def crash(steps: Steps, state: State, lingers: bool, older: Any) -> Any:
        kernel, job = state.kernel, state.driver.gate.job
        if kernel.open and job and job.phase is Phase.OPEN:
            kernel = kernel._replace(open=None, outcomes=kernel.outcomes[:-1], last_seq=kernel.last_seq - 1)
        return sound(steps, state._replace(kernel=kernel), lingers, older)

    return crash


def _ack_first(sound: Callable[..., Any]) -> Callable[..., Any]:
    def crash(steps: Steps, state: State, lingers: bool, older: Any) -> Any:
        kernel, said = state.kernel, state.driver.telling
        if kernel.open and said and said.kind in ("done", "rejected", "unknown"):
            kernel = kernel._replace(open=None)
        return sound(steps, state._replace(kernel=kernel), lingers, older)

    return crash


def _forgets_report(sound: Callable[[Channel], None]) -> Callable[[Channel], None]:
    def lost(channel: Channel) -> None:
        sound(channel)
        if channel._job:
            channel._job.reports.clear()

    return lost


def _believes_own_number(sound: Callable[..., Any]) -> Callable[..., Any]:
    def heard(kernel: Any, said: Any) -> Any:
        after = sound(kernel, said)
        return after._replace(last_seq=kernel.last_seq)

    return heard


def _outdated(_: object) -> Callable[..., Any]:
    def count_on(channel: Channel, command: Command) -> None:
        if channel._online:
            channel._online = (channel._online[0], command.seq)

    return count_on


def _listens_while_writing(sound: Callable[..., Any]) -> Callable[..., Any]:
    def show(channel: Channel, status: Status, life: Life, now: float) -> Any:
        writing, channel._writing = channel._writing, False
        block = sound(channel, status, life, now)
        channel._writing = channel._writing or writing
        return block

    return show


def _readdresses(sound: Callable[..., Any]) -> Callable[..., Any]:
    def show(channel: Channel, status: Status, life: Life, now: float) -> Any:
        job = channel._job
        if job and job.phase is Phase.OPEN:
            job.command = replace(job.command, boot_id=status.boot_id)
        return sound(channel, status, life, now)

    return show


def _trusts_number(sound: Callable[..., Any]) -> Callable[..., Any]:
    readdressed = _readdresses(sound)

    def show(channel: Channel, status: Status, life: Life, now: float) -> Any:
        return (readdressed if status.ack_seq else sound)(channel, status, life, now)

    return show


def _loses_command(sound: Callable[..., Any]) -> Callable[..., Any]:
    def crash(steps: Steps, state: State, lingers: bool, older: Any) -> Any:
        after = sound(steps, state, lingers, older)
        gate = after.driver.gate._replace(job=None)
        return after._replace(driver=after.driver._replace(gate=gate))

    return crash


TWO = replace(SMALL, commands=2)

MUTANTS: Final = (
    HandshakeMutant(
        name="new number after a lost write",
        story="a block that was not taken at once is written again under the next number",
        owner=Channel,
        attribute="_write",
        breaks=_new_number,
        caught=TWICE,
    ),
    HandshakeMutant(
        name="reads what was asked for before the write ended",
        story="a status that is older than the last write counts",
        owner=Channel,
        attribute="show",
        breaks=_listens_while_writing,
        caught="before the last write had ended",
    ),
    HandshakeMutant(
        name="sends again what the device has forgotten",
        story="a command that was seen at the device and is not there any more is written again",
        owner=handshake,
        attribute="STEPS",
        breaks=_steps(TAKEN_NOT_TAKEN=Step.WRITE, TAKEN_DOUBTFUL=Step.WRITE),
        caught=RESTLESS,
    ),
    HandshakeMutant(
        name="gateway ignores bootId",
        story="ackSeq 0 counts as memory, whatever the bootId is, and the block is addressed to the new start",
        owner=Channel,
        attribute="show",
        breaks=_readdresses,
        caught=TWICE,
    ),
    HandshakeMutant(
        name="memory proved by the number",
        story="an ackSeq other than 0 counts as memory, as rule 2 once said; others may have counted on",
        owner=Channel,
        attribute="show",
        breaks=_trusts_number,
        caught=TWICE,
        scope=replace(TWO, late=1, strangers=1, crashes=0),
    ),
    HandshakeMutant(
        name="gateway ignores jobId",
        story="ackSeq = seq counts as ours, whoever's jobId is shown",
        owner=handshake,
        attribute="judge",
        breaks=_judge(lambda command, status: replace(status, job_id=command.job_id)),
        caught="never carried out",
        scope=replace(SMALL, late=1, strangers=1, crashes=0, restarts=0),
    ),
    HandshakeMutant(
        name="device ignores bootId",
        story="a block for an earlier start is taken, as before the block had a bootId",
        owner=Mailbox,
        attribute="_refusal",
        breaks=_accept(Refused.BOOT),
        caught=TWICE,
    ),
    HandshakeMutant(
        name="device ignores bootId and keeps its block",
        story="a device that lost its memory finds the old command in its block and takes it",
        owner=DeviceSide,
        attribute="restart",
        breaks=_keeps_block,
        caught=TWICE,
    ),
    HandshakeMutant(
        name="device ignores the epoch",
        story="a gateway that was replaced still commands it",
        owner=Mailbox,
        attribute="_refusal",
        breaks=_accept(Refused.EPOCH),
        caught="lower epoch",
        scope=replace(TWO, late=1, strangers=1, restarts=0),
    ),
    HandshakeMutant(
        name="device ignores the window",
        story="an old block that comes late is taken again",
        owner=Mailbox,
        attribute="_refusal",
        breaks=_accept(Refused.SEQ),
        caught=TWICE,
        scope=replace(TWO, late=1, restarts=0),
    ),
    HandshakeMutant(
        name="device forgets its number",
        story="ackSeq and doneSeq do not survive a loss of power, and the bootId stays",
        owner=DeviceSide,
        attribute="restart",
        breaks=_forgets_number,
        caught=TWICE,
    ),
    HandshakeMutant(
        name="wire before journal",
        story="a command leaves before its commit, so that a crash forgets it, number and name",
        owner=Steps,
        attribute="crash",
        breaks=_wire_first,
        caught="not in the journal",
    ),
    HandshakeMutant(
        name="ack before commit",
        story="what the driver tells counts as durable when it is told; a crash before the commit loses the command's end",
        owner=Steps,
        attribute="crash",
        breaks=_ack_first,
        caught="forgotten",
    ),
    HandshakeMutant(
        name="open command not handed over",
        story="a gateway that was restarted does not give its open command to the driver",
        owner=Steps,
        attribute="crash",
        breaks=_loses_command,
        caught=RESTLESS,
    ),
    HandshakeMutant(
        name="link loss forgets a report",
        story="what is due to be told is dropped when the link is lost",
        owner=Channel,
        attribute="lost",
        breaks=_forgets_report,
        caught=RESTLESS,
    ),
    HandshakeMutant(
        name="counts on from its own number",
        story="the books do not take over the number that the device shows",
        owner=books,
        attribute="heard",
        breaks=_believes_own_number,
        caught=RESTLESS,
        scope=replace(SMALL, late=1, strangers=1, crashes=0, restarts=0),
    ),
    HandshakeMutant(
        name="tells an outdated number",
        story="that a channel is online is told with the number from before its last command",
        owner=Channel,
        attribute="_count_on",
        breaks=_outdated,
        caught=RESTLESS,
        scope=replace(TWO, settles=True, crashes=0),
    ),
)

FORGIVEN: Final = HandshakeMutant(
    name="sends without reading",
    story="a command is written as soon as it is assigned, after a restart too, whatever the device shows",
    owner=Channel,
    attribute="assign",
    breaks=_send_at_once,
    caught="",
)
"""Once a block is meant for one start of the device, this does no harm: what that device has taken is old to it."""
