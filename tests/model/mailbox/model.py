"""The model: what may happen in a state, what must hold in each, and what happens once nothing goes wrong any more."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.transport.journal import SEQ_MAX
from sim_devices.mailbox import Accept
from tests.model.actions import READS, RESTARTS, Crash, LinkBreaks, OlderEnds, OlderReads, Write
from tests.model.mailbox.actions import CYCLES, Action, Ends, Issue, Late, Settle, Stranger
from tests.model.mailbox.state import LOWER, STRANGER, Block, Device, Driver, Gate, Kernel, State
from tests.model.mailbox.steps import Steps


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
        self._steps = Steps()

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
            yield Issue(), self._steps.issue(state)
        yield from self._wire(state)
        if telling := self._steps.telling(state):
            yield telling
        if self._scope.settles and state.kernel.open:
            yield Settle(), self._steps.settle(state)
        yield from self._crashes(state)
        if state.older:
            yield from self._older(state, state.older)
        yield from self._device_moves(state)

    def _wire(self, state: State) -> Iterator[tuple[Action, State]]:
        for read in READS if state.driver.gate.just_written else READS[1:]:
            yield read, self._steps.read(state, read)
        if state.writing:
            yield from self._writes(state, state.writing)
        else:
            yield LinkBreaks(), self._steps.link_breaks(state)
        for block in sorted(set(state.late)):
            rest = list(state.late)
            rest.remove(block)
            left = state._replace(late=tuple(rest))
            yield Late(block, arrives=False), left
            yield Late(block, arrives=True), self._steps.arrive(left, block)

    def _writes(self, state: State, block: Block) -> Iterator[tuple[Action, State]]:
        ended = self._steps.end_write(state)
        room = len(state.late) < self._scope.late
        for lingers in (False, True) if room else (False,):
            after = self._steps.linger(ended, block) if lingers else ended
            yield Write(arrives=True, lingers=lingers), self._steps.arrive(after, block)
            yield Write(arrives=False, lingers=lingers), after

    def _crashes(self, state: State) -> Iterator[tuple[Action, State]]:
        if state.driver.gate.epoch > LOWER + self._scope.crashes:
            return
        room = state.writing is not None and len(state.late) < self._scope.late
        older = self._steps.replaced(state) if self._scope.survives else None
        for lingers in (False, True) if room else (False,):
            yield Crash(lingers, survives=False), self._steps.crash(state, lingers, None)
            if older:
                yield Crash(lingers, survives=True), self._steps.crash(state, lingers, older)

    def _device_moves(self, state: State) -> Iterator[tuple[Action, State]]:
        looked = self._steps.look(state, Accept.TAKEN)
        if looked is not state:
            yield CYCLES[Accept.TAKEN], looked
            if self._scope.refuses and looked.device.executing != state.device.executing:
                yield CYCLES[Accept.NOT_AUTOMATIC], self._steps.look(state, Accept.NOT_AUTOMATIC)
        if state.device.executing:
            yield Ends(), self._steps.ends(state)
        for how in RESTARTS if state.device.boot <= self._scope.restarts else ():
            if state.device.block or not how.keeps_block:
                yield how, self._steps.restart(state, how)
        if state.strangers < self._scope.strangers and len(state.late) < self._scope.late:
            block = Block(STRANGER + 1, state.device.ack % SEQ_MAX + 1, LOWER, state.device.boot)
            yield Stranger(), self._steps.linger(state, block)._replace(strangers=state.strangers + 1)

    def _may_issue(self, state: State) -> bool:
        kernel = state.kernel
        return (
            kernel.online
            and kernel.boot != 0
            and kernel.open is None
            and len(kernel.outcomes) < self._scope.commands
        )

    def _older(self, state: State, older: Gate) -> Iterator[tuple[Action, State]]:
        yield OlderEnds(), state._replace(older=None)
        after = self._steps.older_reads(state, older)
        if after is not state and len(after.late) <= self._scope.late:
            yield OlderReads(), after

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
            return Late(block, arrives=True), self._steps.arrive(state._replace(late=state.late[1:]), block)
        if state.writing:
            return Write(arrives=True, lingers=False), self._steps.arrive(
                self._steps.end_write(state), state.writing
            )
        if telling := self._steps.telling(state):
            return telling
        looked = self._steps.look(state, Accept.TAKEN)
        if looked is not state:
            return CYCLES[Accept.TAKEN], looked
        if state.device.executing:
            return Ends(), self._steps.ends(state)
        return None if _settled(state) else (READS[1], self._steps.read(state, READS[1]))


def _settled(state: State) -> bool:
    kernel, device = state.kernel, state.device
    return (
        kernel.open is None and kernel.online and (kernel.boot, kernel.last_seq) == (device.boot, device.ack)
    )
