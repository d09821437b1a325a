"""The model: what may happen in a state, what must hold in each, and what happens once nothing goes wrong any more."""

from collections.abc import Iterator
from dataclasses import dataclass

from sim_devices.putwall import Button, SlotState
from tests.model.actions import READS, RESTARTS, Crash, LinkBreaks, OlderEnds, OlderReads, Write
from tests.model.slot.actions import Action, Cancel, Late, Look, Submit, Touch
from tests.model.slot.state import LOWEST, Block, Driver, Gate, Kernel, State, Wall
from tests.model.slot.steps import Steps


@dataclass(frozen=True)
class Scope:
    """How much is explored.

    Attributes:
        puts: that the kernel accepts.
        late: blocks that are in buffers at once.
        crashes: of the gateway.
        restarts: of the wall.
        hands: that go through the curtain.
        forgets: the wall may start without its memory.
        cancels: puts may be cancelled.
        shorts: the short button may be pressed.
        survives: a gateway that is replaced may go on.
    """

    puts: int = 2
    late: int = 1
    crashes: int = 1
    restarts: int = 1
    hands: int = 0
    forgets: bool = True
    cancels: bool = True
    shorts: bool = True
    survives: bool = True


class PutSlot:
    """`tests.model.explorer.Model` of one slot."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._steps = Steps()

    def starts(self) -> Iterator[State]:
        """Yield the start: wall and gateway have just been switched on."""
        driver = Driver(Gate(epoch=LOWEST))
        yield State(Kernel(), driver, None, None, (), Wall(), ((),) * self._scope.puts)

    # What may happen

    def moves(self, state: State) -> Iterator[tuple[Action, State]]:
        """Yield everything that may happen next."""
        kernel = state.kernel
        if len(kernel.outcomes) < self._scope.puts:
            yield Submit(), self._steps.submit(state)
        if self._scope.cancels and kernel.open and not kernel.cancelled:
            yield Cancel(), self._steps.cancel(state)
        yield from self._wire(state)
        if telling := self._steps.telling(state):
            yield telling
        yield from self._crashes(state)
        if state.older:
            yield from self._older(state, state.older)
        yield from self._wall_moves(state)

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
        if state.driver.gate.epoch >= LOWEST + self._scope.crashes:
            return
        room = state.writing is not None and len(state.late) < self._scope.late
        older = self._steps.replaced(state) if self._scope.survives else None
        for lingers in (False, True) if room else (False,):
            yield Crash(lingers, survives=False), self._steps.crash(state, lingers, None)
            if older:
                yield Crash(lingers, survives=True), self._steps.crash(state, lingers, older)

    def _older(self, state: State, older: Gate) -> Iterator[tuple[Action, State]]:
        yield OlderEnds(), state._replace(older=None)
        after = self._steps.older_reads(state, older)
        if after is not state and len(after.late) <= self._scope.late:
            yield OlderReads(), after

    def _wall_moves(self, state: State) -> Iterator[tuple[Action, State]]:
        looked = self._steps.look(state)
        if looked is not state:
            yield Look(), looked
        if state.wall.state == SlotState.LIT:
            yield Touch(Button.CONFIRM), self._steps.touch(state, Button.CONFIRM)
            if self._scope.shorts and state.wall.quantity:
                yield Touch(Button.SHORT), self._steps.touch(state, Button.SHORT)
        if state.hands < self._scope.hands:
            yield Touch(Button.CURTAIN), self._steps.touch(state, Button.CURTAIN)
        if state.wall.boot <= self._scope.restarts:
            for how in RESTARTS:
                if (how.keeps_memory or self._scope.forgets) and (state.wall.block or not how.keeps_block):
                    yield how, self._steps.restart(state, how)

    # What must hold

    def wrong(self, state: State) -> str:
        """Return which invariant the state breaks."""
        if state.broken:
            return state.broken
        if state.kernel.hands > state.hands:
            return "more hands were told than went through the curtain"
        for number, (ends, outcome) in enumerate(
            zip(state.ends, state.kernel.outcomes, strict=False), start=1
        ):
            if outcome == "cancelled" and ends:
                return f"put {number} was told as withdrawn before any button, and {ends[-1]} pieces had been put"
            if outcome.startswith(("confirmed", "short")) and int(outcome.split()[1]) not in ends:
                return f"put {number} was told as {outcome}, and nobody had put that"
        return ""

    def peace(self, state: State) -> tuple[Action, State] | None:
        """Return what happens next when nothing goes wrong any more: all arrives, all is told, and what is lit is put."""
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
        looked = self._steps.look(state)
        if looked is not state:
            return Look(), looked
        if state.wall.state == SlotState.LIT and state.kernel.open[:1] == (state.wall.job,):
            return Touch(Button.CONFIRM), self._steps.touch(state, Button.CONFIRM)
        return None if _settled(state) else (READS[1], self._steps.read(state, READS[1]))


def _settled(state: State) -> bool:
    """Tell whether every put has its end, and nothing is lit for which nobody waits."""
    return not state.kernel.open and state.wall.state != SlotState.LIT
