"""The steps of the model: what each thing that happens makes of a state. Whether it may happen is for the model to say."""

from drivers.handshake import Phase
from gateway.transport.journal import SEQ_MAX
from sim_devices.mailbox import Accept
from tests.model.actions import Commit, Read, Restart, Tell
from tests.model.mailbox import books
from tests.model.mailbox.actions import Action
from tests.model.mailbox.device import DeviceSide, shown_by
from tests.model.mailbox.gateway import GatewaySide
from tests.model.mailbox.state import STRANGER, Block, Driver, Gate, Ordered, Said, State


class Steps:
    """What the kernel, the driver, the wire and the device do, one thing at a time."""

    def __init__(self) -> None:
        self._gateway = GatewaySide()
        self._device = DeviceSide()

    # The kernel and the driver

    def issue(self, state: State) -> State:
        """The kernel journals a command, and the driver is assigned it."""
        kernel = state.kernel
        command = Ordered(len(kernel.outcomes) + 1, kernel.last_seq % SEQ_MAX + 1, kernel.boot)
        kernel = kernel._replace(last_seq=command.seq, open=command, outcomes=(*kernel.outcomes, ""))
        return self.assign(state._replace(kernel=kernel), command)

    def assign(self, state: State, command: Ordered) -> State:
        """The driver is given a command of the journal."""
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
        gate, block = self._gateway.show(state.driver.gate, shown_by(state.device), how.pause)
        if not state.driver.offline_due:
            gate, _ = self._gateway.due(gate, True)
        state = self._with_gate(state, gate)
        if not state.driver.up:
            state = state._replace(driver=state.driver._replace(up=True))
        return self._send(state, block)

    def link_breaks(self, state: State) -> State:
        """The connection is lost."""
        state = self._with_gate(state, self._gateway.lost(state.driver.gate))
        driver = state.driver
        return state._replace(driver=driver._replace(up=False, offline_due=True)) if driver.up else state

    def telling(self, state: State) -> tuple[Action, State] | None:
        """Return what becomes of what the driver has to tell next, if it has anything to tell."""
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
        """What was told is durable, and the driver hears of it."""
        driver = state.driver
        if said.kind == "offline":
            driver = driver._replace(offline_due=False)
        elif driver.current:
            driver = driver._replace(gate=self._gateway.told(driver.gate, said))
        driver = driver._replace(telling=None, current=False)
        return state._replace(driver=driver, kernel=books.heard(state.kernel, said))

    def settle(self, state: State) -> State:
        """A person settles the open command."""
        kernel = state.kernel
        assert kernel.open
        job = kernel.open.job
        kernel = books.closed(kernel, job, "settled")._replace(boot=0)
        return self._with_gate(state._replace(kernel=kernel), self._gateway.abandon(state.driver.gate, job))

    def crash(self, state: State, lingers: bool, older: Gate | None) -> State:
        """The gateway dies, or goes on as `older`, and another is started."""
        if lingers and state.writing:
            state = self.linger(state, state.writing)
        kernel = state.kernel._replace(online=False, boot=0)
        gate = Gate(epoch=state.driver.gate.epoch + 1)
        state = state._replace(kernel=kernel, driver=Driver(gate), older=older or state.older, writing=None)
        return self.assign(state, kernel.open) if kernel.open else state

    # The wire and the device

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
        """A block stands before the device."""
        return state._replace(device=state.device._replace(block=block))

    def look(self, state: State, answer: Accept) -> State:
        """The device looks at its command block."""
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

    def ends(self, state: State) -> State:
        """The device ends the command in execution."""
        return state._replace(device=self._device.end(state.device))

    def restart(self, state: State, how: Restart) -> State:
        """The device starts again."""
        device = self._device.restart(state.device, state.device.boot + 1, how)
        highest = state.highest if how.keeps_memory else 0
        return state._replace(device=device, highest=highest)

    # A gateway that was replaced

    def replaced(self, state: State) -> Gate | None:
        """Return the channel as it goes on in a gateway that is replaced now; None: it has nothing to write."""
        gate = state.driver.gate
        if gate.job is None or gate.job.phase is not Phase.OPEN:
            return None
        return self._gateway.written(gate) if gate.writing else gate

    def older_reads(self, state: State, older: Gate) -> State:
        """It reads, and its block goes into a buffer; without anything to do any more it is gone."""
        gate, block = self._gateway.show(older, shown_by(state.device), True)
        if block is not None:
            return self.linger(state._replace(older=self._gateway.written(gate)), block)
        done = gate.job is None or gate.job.phase is not Phase.OPEN
        return state._replace(older=None) if done else state


def _still_due(gate: Gate, said: Said) -> bool:
    if said.kind == "offline":
        return True
    if said.kind == "online":
        return gate.online_due == said
    return gate.job is not None and gate.job.command.job == said.job and gate.job.due[:1] == (said.kind,)
