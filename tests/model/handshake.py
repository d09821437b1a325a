"""The mailbox handshake as a model: the real machines of both sides, a kernel, a wire, and all that goes wrong between them.

**Machines.** `drivers.handshake.Channel` on the gateway's side and `sim_devices.mailbox.Mailbox` on the device's: two readings of
docs/plc-handshake.md. Each is frozen into a tuple between two steps and thawed for the next; a step of a machine is run once for
each local state and remembered, so that what remains of most transitions is to put tuples together. The kernel is modelled after
gateway.transport.outcome, journal and engine; who tells it what and when after drivers.mailboxes, presence and teller.

**Wire.** A link does one thing at a time. Whoever waits for the end of a write cannot tell whether it arrived; a status that was
asked for before counts no more, and is shown to the channel all the same. What TCP gives, the order of one connection, is not
relied on: a block may arrive, be lost, or stay in some buffer (of a dead connection, a switch, a communication module, an OPC UA
server before the PLC) and arrive at any later time, beside a first arrival too; as many as the scope says are late at once, in
any order, across restarts of both sides. A reading takes no time: while it is under way, gateway and device do not see each
other, so whatever the device does meanwhile may as well happen after the answer. Outside lies what neither Modbus TCP nor OPC UA
can do: an answer that is taken for another request's (transaction and request ids; a new connection begins anew), and a block or
a status that arrives in pieces (`check`; ackSeq and doneSeq are read before what they vouch for).

**Faults.** Writes lost, late, doubled, out of order; links that break; the gateway crashes at any moment, before and after a
commit, or is replaced while it goes on as one with a lower epoch (its commits are fenced, its wire is not); the device restarts
at any moment with or without its memory, and with or without what stood in its command block where that is allowed; it refuses for
a while; a person settles a command that is under way; somebody else commands the device under a lower epoch. A link that lives
while the device does not (life counter, bootId 0) is to a channel what a broken link is.

**Time** is only: has the device had its time to look since the last write (`REWRITE_AFTER_S`), or not. Places, barcodes and texts
are left out, and RESET, which moves nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from drivers.handshake import REWRITE_AFTER_S, Channel, CommandBlock, JobReport, Phase, Status, _Job
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
from gateway.transport.journal import SEQ_MAX
from sim_devices.mailbox import Accept, Done, Mailbox, Memory
from sim_devices.mailbox import CommandBlock as MailboxBlock

DEVICE: Final = "lift-1"
CHANNEL: Final = "main"
STRANGER: Final = 1000
"""Jobs from here on are not ours."""
LOWER: Final = 1
"""An epoch below every one of ours."""


# ── what a state is made of ───────────────────────────────────────────────────────────────────────────


class Ordered(NamedTuple):
    """A command as the journal has it."""

    job: int
    seq: int
    boot: int


class Block(NamedTuple):
    """What is written."""

    job: int
    seq: int
    epoch: int
    boot: int


class Shown(NamedTuple):
    """What is read."""

    boot: int
    epoch: int
    ack: int
    accept: int
    done: int
    code: int
    job: int


class Online(NamedTuple):
    """Under which bootId, and with which number, a channel was told as online."""

    boot: int
    ack: int


class Said(NamedTuple):
    """What the kernel is told: `kind` and what belongs to it."""

    kind: str
    job: int = 0
    boot: int = 0
    ack: int = 0


class Assigned(NamedTuple):
    """`drivers.handshake._Job`."""

    command: Ordered
    phase: Phase
    written: bool
    due: tuple[str, ...]


class Gate(NamedTuple):
    """`drivers.handshake.Channel`, frozen; `just_written` is None before the first write."""

    epoch: int
    job: Assigned | None = None
    status: Shown | None = None
    writing: bool = False
    just_written: bool | None = None
    online: Online | None = None
    online_due: Said | None = None


class Driver(NamedTuple):
    """What stands around the channel: presence, and the teller with the report that is under way.

    Attributes:
        telling: the report that the kernel has been given.
        current: it is still what the channel has to tell.
    """

    gate: Gate
    up: bool = False
    offline_due: bool = False
    telling: Said | None = None
    current: bool = False


class Kernel(NamedTuple):
    """The journal, and the books about the channel. Outcomes are in the order of the commands; empty: open."""

    last_seq: int
    online: bool = False
    boot: int = 0
    open: Ordered | None = None
    outcomes: tuple[str, ...] = ()


class Device(NamedTuple):
    """`sim_devices.mailbox.Mailbox`, frozen, and the command block that stands before it."""

    boot: int = 1
    block: Block | None = None
    epoch: int = 0
    ack: int = 0
    accept: int = 0
    done: int = 0
    code: int = 0
    job: int = 0
    executing: int = 0


class State(NamedTuple):
    """Everything.

    Attributes:
        older: the channel of a gateway that was replaced and has not noticed.
        writing: the block that is under way.
        late: blocks in buffers.
        effects: how often each of our commands was physically carried out.
        highest: highest epoch that the device has accepted since it lost its memory.
        broken: an invariant that a step has broken.
    """

    kernel: Kernel
    driver: Driver
    older: Gate | None
    writing: Block | None
    late: tuple[Block, ...]
    device: Device
    effects: tuple[int, ...]
    highest: int = 0
    strangers: int = 0
    broken: str = ""


# ── what happens ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Issue:
    """The kernel issues a command: journalled, then assigned."""


@dataclass(frozen=True, slots=True)
class Read:
    """A reading is answered.

    Attributes:
        pause: the device has had its time to look since the last write.
    """

    pause: bool


@dataclass(frozen=True, slots=True)
class Write:
    """The write ends.

    Attributes:
        arrives: now.
        lingers: it stays in a buffer, from which it may arrive later (too).
    """

    arrives: bool
    lingers: bool


@dataclass(frozen=True, slots=True)
class Late:
    """A block leaves its buffer.

    Attributes:
        arrives: or is lost for good.
    """

    block: Block
    arrives: bool


@dataclass(frozen=True, slots=True)
class LinkBreaks:
    """The connection is lost."""


@dataclass(frozen=True, slots=True)
class Tell:
    """The driver tells the kernel what is due."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What was told becomes durable, and the driver hears of it."""


@dataclass(frozen=True, slots=True)
class Settle:
    """A person settles the open command; the driver is told to forget it."""


@dataclass(frozen=True, slots=True)
class Crash:
    """The gateway dies and is started again, with a higher epoch.

    Attributes:
        lingers: a block that was under way stays in a buffer.
        survives: the process was only thought dead; it goes on.
    """

    lingers: bool
    survives: bool


@dataclass(frozen=True, slots=True)
class OlderReads:
    """The replaced gateway reads, and writes if it thinks fit: the block goes into a buffer."""


@dataclass(frozen=True, slots=True)
class OlderEnds:
    """The replaced gateway is fenced at its next commit."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """The device looks at its command block.

    Attributes:
        answer: what it says to a block that is to be taken.
    """

    answer: Accept


@dataclass(frozen=True, slots=True)
class Ends:
    """The device ends the command in execution."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The device loses power, and starts again."""

    keeps_memory: bool
    keeps_block: bool


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who speaks the handshake writes a command of their own, under a lower epoch."""


Action = (
    Issue
    | Read
    | Write
    | Late
    | LinkBreaks
    | Tell
    | Commit
    | Settle
    | Crash
    | OlderReads
    | OlderEnds
    | Cycle
    | Ends
    | Restart
    | Stranger
)

READS: Final = (Read(pause=False), Read(pause=True))
RESTARTS: Final = (
    Restart(keeps_memory=True, keeps_block=True),
    Restart(keeps_memory=True, keeps_block=False),
    Restart(keeps_memory=False, keeps_block=False),
)
CYCLES: Final = {answer: Cycle(answer) for answer in (Accept.TAKEN, Accept.NOT_AUTOMATIC)}


# ── the gateway's side ────────────────────────────────────────────────────────────────────────────────

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
def _command(ordered: Ordered) -> Command:
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
        life=0,
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
        command = _command(gate.job.command)
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
        block = channel.assign(_command(command))
        return freeze(channel), _block(block)

    @staticmethod
    def _show(gate: Gate, shown: Shown, pause: bool) -> tuple[Gate, Block | None]:
        channel = thaw(gate)
        block = channel.show(_status(shown), REWRITE_AFTER_S if pause else 0.0)
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


# ── the device's side ─────────────────────────────────────────────────────────────────────────────────


@cache
def _mailbox_block(block: Block) -> MailboxBlock:
    """Return the block as it comes over the wire: written by the one reading of the document, read by the other."""
    ordered = Ordered(block.job, block.seq, block.boot)
    return MailboxBlock.of(CommandBlock.of(_command(ordered), block.epoch).tags())


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


def _show(device: Device) -> Shown:
    return Shown(device.boot, device.epoch, device.ack, device.accept, device.done, device.code, device.job)


# ── the model ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Scope:
    """How much is explored.

    Attributes:
        commands: that the kernel issues.
        late: blocks that are in buffers at once.
        crashes: of the gateway.
        restarts: of the device.
        first_ack: the last number that the device has taken before anything begins.
        refuses: the device may refuse to take a command for the time being.
        settles: a person may settle a command that is under way.
        survives: a gateway that is replaced may go on.
        strangers: blocks that others write.
    """

    commands: int = 2
    late: int = 1
    crashes: int = 2
    restarts: int = 2
    first_ack: int = 0
    refuses: bool = True
    settles: bool = True
    survives: bool = True
    strangers: int = 1


class Handshake:
    """`tests.model.explorer.Model` of one channel."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._gateway = GatewaySide()
        self._device = DeviceSide()

    def starts(self) -> Iterator[State]:
        """Yield the start: device and gateway have just been switched on."""
        ack = self._scope.first_ack
        device = Device(ack=ack, done=ack, job=STRANGER if ack else 0, accept=min(ack, 1), code=min(ack, 1))
        driver = Driver(Gate(epoch=LOWER + 1))
        yield State(Kernel(last_seq=0), driver, None, None, (), device, (0,) * self._scope.commands)

    # What may happen

    def moves(self, state: State) -> Iterator[tuple[Action, State]]:
        """Yield everything that may happen next."""
        if self._may_issue(state):
            yield Issue(), self._issue(state)
        yield from self._wire(state)
        if telling := self._telling(state):
            yield telling
        if self._scope.settles and state.kernel.open:
            yield Settle(), self._settle(state)
        yield from self._crashes(state)
        if state.older:
            yield from self._older(state, state.older)
        yield from self._device_moves(state)

    def _wire(self, state: State) -> Iterator[tuple[Action, State]]:
        for read in READS if state.driver.gate.just_written else READS[1:]:
            yield read, self._read(state, read)
        if state.writing:
            yield from self._writes(state, state.writing)
        else:
            yield LinkBreaks(), self._link_breaks(state)
        for block in sorted(set(state.late)):
            rest = list(state.late)
            rest.remove(block)
            left = state._replace(late=tuple(rest))
            yield Late(block, arrives=False), left
            yield Late(block, arrives=True), self._arrive(left, block)

    def _writes(self, state: State, block: Block) -> Iterator[tuple[Action, State]]:
        ended = self._end_write(state)
        room = len(state.late) < self._scope.late
        for lingers in (False, True) if room else (False,):
            after = self._linger(ended, block) if lingers else ended
            yield Write(arrives=True, lingers=lingers), self._arrive(after, block)
            yield Write(arrives=False, lingers=lingers), after

    def _crashes(self, state: State) -> Iterator[tuple[Action, State]]:
        if state.driver.gate.epoch > LOWER + self._scope.crashes:
            return
        room = state.writing is not None and len(state.late) < self._scope.late
        gate = state.driver.gate
        writes_on = self._scope.survives and gate.job is not None and gate.job.phase is Phase.OPEN
        for lingers in (False, True) if room else (False,):
            yield Crash(lingers, survives=False), self._crash(state, lingers, None)
            if writes_on:
                older = self._gateway.written(gate) if gate.writing else gate
                yield Crash(lingers, survives=True), self._crash(state, lingers, older)

    def _device_moves(self, state: State) -> Iterator[tuple[Action, State]]:
        looked = self._look(state, Accept.TAKEN)
        if looked is not state:
            yield CYCLES[Accept.TAKEN], looked
            if self._scope.refuses and looked.device.executing != state.device.executing:
                yield CYCLES[Accept.NOT_AUTOMATIC], self._look(state, Accept.NOT_AUTOMATIC)
        if state.device.executing:
            yield Ends(), state._replace(device=self._device.end(state.device))
        for how in RESTARTS if state.device.boot <= self._scope.restarts else ():
            if state.device.block or not how.keeps_block:
                yield how, self._restart(state, how)
        if state.strangers < self._scope.strangers and len(state.late) < self._scope.late:
            block = Block(STRANGER + 1, state.device.ack % SEQ_MAX + 1, LOWER, state.device.boot)
            yield Stranger(), self._linger(state, block)._replace(strangers=state.strangers + 1)

    # The kernel and the driver

    def _may_issue(self, state: State) -> bool:
        kernel = state.kernel
        return (
            kernel.online
            and kernel.boot != 0
            and kernel.open is None
            and len(kernel.outcomes) < self._scope.commands
        )

    def _issue(self, state: State) -> State:
        kernel = state.kernel
        command = Ordered(len(kernel.outcomes) + 1, kernel.last_seq % SEQ_MAX + 1, kernel.boot)
        kernel = kernel._replace(last_seq=command.seq, open=command, outcomes=(*kernel.outcomes, ""))
        return self._assign(state._replace(kernel=kernel), command)

    def _assign(self, state: State, command: Ordered) -> State:
        gate = state.driver.gate
        held = gate.job
        if held and held.command.job != command.job and held.phase is not Phase.ENDED:
            return state._replace(broken="the channel was given a second command before the first had ended")
        gate, block = self._gateway.assign(gate, command)
        return self._send(self._with_gate(state, gate), block)

    def _with_gate(self, state: State, gate: Gate) -> State:
        """Take the channel's new state; a report that is under way may have lost its meaning to it."""
        driver = state.driver
        current = driver.current and driver.telling is not None and _still_due(gate, driver.telling)
        return state._replace(driver=driver._replace(gate=gate, current=current))

    @staticmethod
    def _send(state: State, block: Block | None) -> State:
        if block is None:
            return state
        if state.writing:
            return state._replace(broken="a block was written before the last write had ended")
        return state._replace(writing=block)

    def _read(self, state: State, how: Read) -> State:
        gate, block = self._gateway.show(state.driver.gate, _show(state.device), how.pause)
        if not state.driver.offline_due:
            gate, _ = self._gateway.due(gate, True)
        state = self._with_gate(state, gate)
        return self._send(state._replace(driver=state.driver._replace(up=True)), block)

    def _link_breaks(self, state: State) -> State:
        state = self._with_gate(state, self._gateway.lost(state.driver.gate))
        driver = state.driver
        return state._replace(driver=driver._replace(up=False, offline_due=driver.offline_due or driver.up))

    def _telling(self, state: State) -> tuple[Action, State] | None:
        driver = state.driver
        if driver.telling:
            return Commit(), self._commit(state, driver.telling)
        if driver.offline_due:
            said = Said("offline")
        else:
            gate, said = self._gateway.due(driver.gate, driver.up)
            driver = driver._replace(gate=gate)
        if said is None:
            return None
        return Tell(), state._replace(driver=driver._replace(telling=said, current=True))

    def _commit(self, state: State, said: Said) -> State:
        driver = state.driver
        if said.kind == "offline":
            driver = driver._replace(offline_due=False)
        elif driver.current:
            driver = driver._replace(gate=self._gateway.told(driver.gate, said))
        driver = driver._replace(telling=None, current=False)
        return state._replace(driver=driver, kernel=_heard(state.kernel, said))

    def _settle(self, state: State) -> State:
        kernel = state.kernel
        assert kernel.open
        job = kernel.open.job
        kernel = _closed(kernel, job, "settled")._replace(boot=0)
        return self._with_gate(state._replace(kernel=kernel), self._gateway.abandon(state.driver.gate, job))

    def _crash(self, state: State, lingers: bool, older: Gate | None) -> State:
        if lingers and state.writing:
            state = self._linger(state, state.writing)
        kernel = state.kernel._replace(online=False, boot=0)
        gate = Gate(epoch=state.driver.gate.epoch + 1)
        state = state._replace(kernel=kernel, driver=Driver(gate), older=older or state.older, writing=None)
        return self._assign(state, kernel.open) if kernel.open else state

    def _older(self, state: State, older: Gate) -> Iterator[tuple[Action, State]]:
        yield OlderEnds(), state._replace(older=None)
        gate, block = self._gateway.show(older, _show(state.device), True)
        if block is None:
            if gate.job is None or gate.job.phase is not Phase.OPEN:
                yield OlderReads(), state._replace(older=None)
        elif len(state.late) < self._scope.late:
            after = state._replace(older=self._gateway.written(gate))
            yield OlderReads(), self._linger(after, block)

    # The wire and the device

    def _end_write(self, state: State) -> State:
        gate = self._gateway.written(state.driver.gate)
        return self._with_gate(state._replace(writing=None), gate)

    @staticmethod
    def _linger(state: State, block: Block) -> State:
        return state._replace(late=tuple(sorted((*state.late, block))))

    @staticmethod
    def _arrive(state: State, block: Block) -> State:
        return state._replace(device=state.device._replace(block=block))

    def _look(self, state: State, answer: Accept) -> State:
        before, block = state.device, state.device.block
        if block is None:
            return state
        device = self._device.look(before, answer)
        accepted = device.ack != before.ack or block.seq == before.ack
        highest = max(state.highest, block.epoch) if accepted else state.highest
        if device == before and highest == state.highest:
            return state
        state = state._replace(device=device, highest=highest)
        if device.executing in (0, before.executing):
            return state
        if block.epoch < highest:
            state = state._replace(
                broken="a command of a lower epoch was executed after a higher one was seen"
            )
        return state if block.job >= STRANGER else self._effect(state, block.job)

    @staticmethod
    def _effect(state: State, job: int) -> State:
        effects = list(state.effects)
        effects[job - 1] += 1
        broken = state.broken
        if job > len(state.kernel.outcomes):
            broken = "a command was executed that is not in the journal"
        elif state.kernel.outcomes[job - 1] == "unknown":
            broken = "a command was executed after it had been told as unknown, and judged by the sensors"
        return state._replace(effects=tuple(effects), broken=broken)

    def _restart(self, state: State, how: Restart) -> State:
        device = self._device.restart(state.device, state.device.boot + 1, how)
        highest = state.highest if how.keeps_memory else 0
        return state._replace(device=device, highest=highest)

    # What must hold

    def wrong(self, state: State) -> str:
        """Return which invariant the state breaks."""
        if state.broken:
            return state.broken
        for number, (effects, outcome) in enumerate(
            zip(state.effects, state.kernel.outcomes, strict=False), start=1
        ):
            if not outcome and (state.kernel.open is None or state.kernel.open.job != number):
                return f"command {number} was forgotten without an outcome"
            if effects > 1:
                return f"command {number} was carried out twice"
            if outcome == "done" and effects == 0:
                return f"command {number} was told as done, and was never carried out"
            if outcome == "rejected" and effects:
                return f"command {number} was told as rejected, and was carried out"
        return ""

    def peace(self, state: State) -> tuple[Action, State] | None:
        """Return what happens next when nothing goes wrong any more: what is late arrives, what is due is told, then it reads."""
        if state.older:
            return OlderEnds(), state._replace(older=None)
        if state.late:
            block = state.late[0]
            return Late(block, arrives=True), self._arrive(state._replace(late=state.late[1:]), block)
        if state.writing:
            return Write(arrives=True, lingers=False), self._arrive(self._end_write(state), state.writing)
        if telling := self._telling(state):
            return telling
        looked = self._look(state, Accept.TAKEN)
        if looked is not state:
            return CYCLES[Accept.TAKEN], looked
        if state.device.executing:
            return Ends(), state._replace(device=self._device.end(state.device))
        return None if _settled(state) else (READS[1], self._read(state, READS[1]))


def _still_due(gate: Gate, said: Said) -> bool:
    if said.kind == "offline":
        return True
    if said.kind == "online":
        return gate.online_due == said
    return gate.job is not None and gate.job.command.job == said.job and gate.job.due[:1] == (said.kind,)


def _settled(state: State) -> bool:
    kernel, device = state.kernel, state.device
    return (
        kernel.open is None and kernel.online and (kernel.boot, kernel.last_seq) == (device.boot, device.ack)
    )


def _heard(kernel: Kernel, said: Said) -> Kernel:
    """What gateway.transport.outcome makes of a report."""
    match said.kind:
        case "offline":
            return kernel._replace(online=False)
        case "online":
            last_seq = kernel.last_seq if kernel.open else said.ack
            return kernel._replace(online=True, boot=said.boot, last_seq=last_seq)
        case "done" | "rejected":
            return _closed(kernel, said.job, said.kind)
        case "unknown" if kernel.open and kernel.open.job == said.job:
            return _closed(kernel, said.job, said.kind)._replace(boot=0)
        case _:
            return kernel


def _closed(kernel: Kernel, job: int, outcome: str) -> Kernel:
    if kernel.open is None or kernel.open.job != job:
        return kernel
    outcomes = list(kernel.outcomes)
    outcomes[job - 1] = outcome
    return kernel._replace(open=None, outcomes=tuple(outcomes))
