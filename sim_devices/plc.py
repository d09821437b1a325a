"""A PLC device: one or more mailboxes, the machine behind each, power, faults; sans-IO, time is an argument.

Motion is written as *scripts*: generators that yield the seconds until their next step and return how the
command ended. The device steps them when their time has come. After every single step it looks whether power
is still there, so an outage may strike between any two of them; what a script knew is then gone, and only the
retentive memory and the world remain.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

from sim_devices.clock import Random
from sim_devices.faults.book import Troubles
from sim_devices.faults.kinds import DeviceFault, FaultBase, Jam, ManualMode, Point, Reboot, RefusedOrder
from sim_devices.mailbox import Accept, CommandBlock, Done, Fields, Mailbox, Memory, Op
from sim_devices.sensors import Reading

FAULT_JAM = 101
FAULT_COLLISION = 102
FAULT_SENSOR = 103


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended; `fault_code` other than 0: and the device stands in this fault now."""

    code: Done
    barcode: str = ""
    fault_code: int = 0


Script = Generator[float, None, Outcome]
"""Yields seconds of simulated time until its next step."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What a channel's sensors show, as the status block has it."""

    position: int = 0
    load: Reading = Reading.UNCLEAR
    source_load: Reading = Reading.UNCLEAR
    target_load: Reading = Reading.UNCLEAR


class Machine(Protocol):
    """The mechanics behind one channel."""

    def judge(self, block: CommandBlock) -> Accept:
        """Say whether this can be done here at all."""
        ...

    def script(self, block: CommandBlock) -> Script:
        """Return how the command is carried out."""
        ...

    def resume(self, block: CommandBlock) -> Script:
        """Return how a command is ended that was under way when power was lost, as the sensors allow."""
        ...

    def halt(self, remaining: float) -> None:
        """Stand still in the middle of a script whose next step was `remaining` seconds away."""
        ...

    def readings(self) -> Readings:
        """Return what the sensors show now."""
        ...


class Channel:
    """One mailbox, the machine behind it, and the script that runs."""

    def __init__(self, machine: Machine, device: "Plc") -> None:
        self.mailbox = Mailbox()
        self.block = CommandBlock()
        self._machine = machine
        self._device = device
        self._script: Script | None = None
        self._due = 0.0

    @property
    def due(self) -> float | None:
        """When the next step of the script comes; None: no script runs."""
        return self._due if self._script else None

    def turn(self, now: float) -> bool:
        """Do the next thing that can be done now; tell whether there was one."""
        executing = self.mailbox.memory.executing
        if self._script is None or executing is None:
            return self._look(now)
        if self._device.must_stop(executing):
            self._halt(now)
            self._end(Outcome(Done.STOPPED))
            return True
        if self._due > now:
            return self._look(now)
        try:
            self._due += next(self._script)
        except StopIteration as stop:
            self._end(stop.value)
        return True

    def lose_power(self, now: float) -> None:
        """Stand still; forget all but the retentive memory. The command block is not part of it: it starts empty."""
        self._halt(now)
        self.block = CommandBlock()

    def forget(self) -> None:
        """Lose the retentive memory, too."""
        self.mailbox.memory = Memory()

    def start(self, now: float, boot_id: int) -> None:
        """Power has returned."""
        self.mailbox.restart(boot_id)
        if block := self.mailbox.memory.executing:
            self._run(self._device.reset() if block.op == Op.RESET else self._machine.resume(block), now)

    def status(self) -> dict[str, int | str]:
        """Return the channel's own fields of the status block."""
        memory, readings = self.mailbox.memory, self._machine.readings()
        return {
            "epoch": memory.epoch,
            "ackSeq": memory.ack_seq,
            "acceptCode": memory.accept_code,
            "doneSeq": memory.done_seq,
            "doneCode": memory.done_code,
            "jobId": memory.job_id,
            "barcode": memory.barcode,
            "refusedSeq": self.mailbox.refused_seq,
            "refusedCode": self.mailbox.refused_code,
            "position": readings.position,
            "load": readings.load,
            "sourceLoad": readings.source_load,
            "targetLoad": readings.target_load,
        }

    def _look(self, now: float) -> bool:
        if not self.mailbox.look(self.block, self._judge):
            return False
        if block := self.mailbox.memory.executing:
            self._run(self._device.reset() if block.op == Op.RESET else self._machine.script(block), now)
            self._device.troubles.reached(Point.TAKEN)
        return True

    def _judge(self, block: CommandBlock) -> Accept:
        return self._device.readiness(block) or self._machine.judge(block)

    def _run(self, script: Script, now: float) -> None:
        self._script, self._due = script, now

    def _halt(self, now: float) -> None:
        if self._script:
            self._machine.halt(self._due - now)
            self._script.close()
            self._script = None

    def _end(self, outcome: Outcome) -> None:
        self._script = None
        self._device.fault_code = outcome.fault_code or self._device.fault_code
        self.mailbox.end(outcome.code, outcome.barcode)
        self._device.troubles.reached(Point.DONE)


class Plc:
    """One device with its channels."""

    FAULTS: frozenset[type[FaultBase]] = frozenset({Reboot, Jam, DeviceFault, ManualMode, RefusedOrder})

    def __init__(self, troubles: Troubles, chance: Random, machines: Mapping[str, Machine]) -> None:
        """Make a device that is off; its first step switches it on.

        Args:
            troubles: what is wrong with it; registered for at least `FAULTS`.
            chance: draws the first `bootId`.
            machines: the mechanics by channel id.
        """
        self.troubles = troubles
        self.channels = {channel_id: Channel(machine, self) for channel_id, machine in machines.items()}
        self.powered = False
        self.fault_code = 0
        self._boot_id = chance.randint(1, 2**16 - 1)

    def step(self, now: float) -> float | None:
        """Do all that is due at this simulated time; return when the next step is due by itself, if ever."""
        for channel in self.channels.values():
            while self._cycle(now) and channel.turn(now):
                pass
        return min(
            (channel.due for channel in self.channels.values() if channel.due is not None), default=None
        )

    def write(self, channel_id: str, fields: Fields) -> None:
        """A command block has been written; the next step looks at it. A device without power never sees it."""
        if self.powered:
            self.channels[channel_id].block = CommandBlock.of(fields)
            self.troubles.reached(Point.RECEIVED)

    def is_clear(self, channel_id: str) -> bool:
        """Tell whether nothing stands in a channel's command block."""
        return self.channels[channel_id].block == CommandBlock()

    def execute(self, channel_id: str, fields: Fields, now: float) -> Accept:
        """The method of the method profile: look at the block once, at once; answer `acceptCode`, 0 if it was not taken."""
        channel = self.channels[channel_id]
        self.write(channel_id, fields)
        block = channel.block
        self.step(now)
        channel.block = CommandBlock()
        memory = channel.mailbox.memory
        return memory.accept_code if block.seq and memory.ack_seq == block.seq else Accept.NOTHING

    def status(self, channel_id: str) -> dict[str, int | str]:
        """Return the status block of a channel by field names, but for the life counter, which counts by itself."""
        return self.channels[channel_id].status() | {
            "bootId": self._boot_id,
            "mode": 0 if self.troubles.find(ManualMode) else 1,
            "faultCode": self.fault_code,
        }

    def readiness(self, block: CommandBlock) -> Accept:
        """Say why no command can be taken now whatever it asks for; NOTHING: it can."""
        if self.troubles.find(ManualMode):
            return Accept.NOT_AUTOMATIC
        if block.op == Op.RESET:
            return Accept.TAKEN
        if self.fault_code:
            return Accept.FAULT
        if self.troubles.spend(RefusedOrder):
            return Accept.BUSY
        return Accept.NOTHING

    def must_stop(self, executing: CommandBlock) -> bool:
        """Tell whether a fault stops what is being executed; a jam is noticed only by what moves."""
        if executing.op == Op.RESET:
            return False
        if self.troubles.find(Jam):
            self.fault_code = self.fault_code or FAULT_JAM
        return self.fault_code != 0

    def reset(self) -> Script:
        """RESET: clear the fault if its cause is gone (rule 5)."""
        yield 0.0
        if self.troubles.find(DeviceFault) or self.troubles.find(Jam):
            return Outcome(Done.STOPPED)
        self.fault_code = 0
        return Outcome(Done.DONE)

    def _cycle(self, now: float) -> bool:
        """Begin a cycle of the program: is there power, is there a fault; tell whether it runs."""
        outages = self.troubles.all(Reboot)
        if outages and self.powered:
            self.powered = False
            for channel in self.channels.values():
                channel.lose_power(now)
        if any(outage.memory_lost for outage in outages):
            for channel in self.channels.values():
                channel.forget()
        if not outages and not self.powered:
            self._start(now)
        if fault := self.troubles.find(DeviceFault):
            self.fault_code = fault.fault_code
        return self.powered

    def _start(self, now: float) -> None:
        self.powered = True
        self.fault_code = 0
        self._boot_id = self._boot_id % (2**16 - 1) + 1
        for channel in self.channels.values():
            channel.start(now, self._boot_id)
