"""The steps of the model: what each thing that happens makes of a state. Whether it may happen is for the model to say."""

from sim_devices.putwall import Button, SlotState
from tests.model.actions import Commit, Read, Restart, Tell
from tests.model.slot import books
from tests.model.slot.actions import Action
from tests.model.slot.gateway import GatewaySide
from tests.model.slot.state import Block, Driver, Gate, Said, State
from tests.model.slot.wall import WallSide, shown_by


class Steps:
    """What the kernel, the driver, the wire, the wall and the hands do, one thing at a time."""

    def __init__(self) -> None:
        self._gateway = GatewaySide()
        self._wall = WallSide()

    # The kernel and the driver

    def submit(self, state: State) -> State:
        """The kernel accepts a put; its slot shows it if no other is open."""
        kernel = state.kernel
        job = len(kernel.outcomes) + 1
        kernel = kernel._replace(open=(*kernel.open, job), outcomes=(*kernel.outcomes, ""))
        state = state._replace(kernel=kernel)
        return self._show_first(state) if kernel.open == (job,) else state

    def cancel(self, state: State) -> State:
        """The put that is to be shown is cancelled."""
        state = state._replace(kernel=state.kernel._replace(cancelled=True))
        return self._darken_first(state)

    def _show_first(self, state: State) -> State:
        gate, block = self._gateway.light(state.driver.gate, state.kernel.open[0])
        return self._send(self._with_gate(state, gate), block)

    def _darken_first(self, state: State) -> State:
        gate, block = self._gateway.darken(state.driver.gate, state.kernel.open[0])
        return self._send(self._with_gate(state, gate), block)

    @staticmethod
    def _with_gate(state: State, gate: Gate) -> State:
        """Take the slot's new state; a report that is under way may have lost its meaning to it."""
        driver = state.driver
        current = driver.current and driver.telling is not None and _still_due(gate, driver.telling)
        if current == driver.current and gate == driver.gate:
            return state
        return state._replace(driver=driver._replace(gate=gate, current=current))

    @staticmethod
    def _send(state: State, block: Block | None) -> State:
        if block is None:
            return state
        if state.writing:
            return state._replace(broken="a block was written before the last write had ended")
        return state._replace(writing=block)

    def read(self, state: State, how: Read) -> State:
        """A reading is answered."""
        gate, block = self._gateway.show(state.driver.gate, shown_by(state.wall), how.pause)
        return self._send(self._with_gate(state, gate), block)

    def link_breaks(self, state: State) -> State:
        """The connection is lost."""
        return self._with_gate(state, self._gateway.lost(state.driver.gate))

    def telling(self, state: State) -> tuple[Action, State] | None:
        """Return what becomes of what the driver has to tell next, if it has anything to tell."""
        driver = state.driver
        if driver.telling:
            return Commit(), self._commit(state, driver.telling)
        gate, said = self._gateway.due(driver.gate)
        if said is None:
            return None
        return Tell(), state._replace(driver=Driver(gate, said, current=True))

    def _commit(self, state: State, said: Said) -> State:
        """What was told is durable; the next put is shown, and then the driver hears that it was told."""
        before = state.kernel
        state = state._replace(kernel=books.heard(before, said))
        if state.kernel.open and state.kernel.open[0] != before.open[0]:
            state = self._show_first(state)
        gate = state.driver.gate
        if state.driver.current:
            gate = self._gateway.told(gate, said)
        return state._replace(driver=Driver(gate))

    def crash(self, state: State, lingers: bool, older: Gate | None) -> State:
        """The gateway dies, or goes on as `older`, and another is started."""
        if lingers and state.writing:
            state = self.linger(state, state.writing)
        gate = Gate(epoch=state.driver.gate.epoch + 1)
        state = state._replace(driver=Driver(gate), older=older or state.older, writing=None)
        if state.kernel.open:
            state = self._show_first(state)
        return self._darken_first(state) if state.kernel.cancelled else state

    # The wire, the wall and the hands

    def end_write(self, state: State) -> State:
        """Nothing is under way on the wire any more."""
        gate = self._gateway.written(state.driver.gate)
        return self._with_gate(state._replace(writing=None), gate)

    @staticmethod
    def linger(state: State, block: Block) -> State:
        """A block stays in a buffer."""
        return state._replace(late=tuple(sorted((*state.late, block))))

    @staticmethod
    def arrive(state: State, block: Block) -> State:
        """A block stands before the wall."""
        return state._replace(wall=state.wall._replace(block=block))

    def look(self, state: State) -> State:
        """The wall looks at its order."""
        wall = self._wall.look(state.wall)
        return state if wall == state.wall else state._replace(wall=wall)

    def touch(self, state: State, button: Button) -> State:
        """A hand touches the slot."""
        before = state.wall
        wall = self._wall.touch(before, button)
        state = state._replace(wall=wall)
        if button is Button.CURTAIN:
            return state._replace(hands=state.hands + 1)
        if before.state != SlotState.LIT or wall.state == SlotState.LIT:
            return state
        return self._put(state, wall.job, wall.quantity)

    @staticmethod
    def _put(state: State, job: int, quantity: int) -> State:
        """Somebody has put so many pieces for this put, and said so."""
        ends = list(state.ends)
        ends[job - 1] = (*ends[job - 1], quantity)
        broken = state.broken
        if job > len(state.kernel.outcomes):
            broken = f"put {job} was shown, and is not in the books"
        elif state.kernel.outcomes[job - 1]:
            broken = f"put {job} was put after it had been told as {state.kernel.outcomes[job - 1]}"
        return state._replace(ends=tuple(ends), broken=broken)

    def restart(self, state: State, how: Restart) -> State:
        """The wall starts again."""
        return state._replace(wall=self._wall.restart(state.wall, how))

    # A gateway that was replaced

    def replaced(self, state: State) -> Gate | None:
        """Return the slot as it goes on in a gateway that is replaced now; None: it has nothing to write."""
        gate = state.driver.gate
        if gate.put is None or gate.put.ended:
            return None
        return self._gateway.written(gate) if gate.writing else gate

    def older_reads(self, state: State, older: Gate) -> State:
        """It reads, and its block goes into a buffer; without anything to do any more it is gone."""
        gate, block = self._gateway.show(older, shown_by(state.wall), True)
        if block is not None:
            return self.linger(state._replace(older=self._gateway.written(gate)), block)
        done = gate.put is None or gate.put.ended
        return state._replace(older=None) if done else state


def _still_due(gate: Gate, said: Said) -> bool:
    if said.kind == "hands":
        return gate.curtain_due == said.hands
    return gate.put is not None and gate.put.due[:1] == (said,)
