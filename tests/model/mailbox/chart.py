"""A counterexample of the handshake as a chart.

Five columns: the kernel with its journal, the driver's channel, the wire with its buffers, the device's mailbox, and others who
write to it. What a thing changed at the device or in the journal stands beside it.
"""

from collections.abc import Iterator
from typing import assert_never

from sim_devices.mailbox import Accept
from tests.model.actions import Commit, Crash, LinkBreaks, OlderEnds, OlderReads, Read, Restart, Tell, Write
from tests.model.chart import Chart, Line
from tests.model.explorer import Counterexample
from tests.model.mailbox.actions import Action, Cycle, Ends, Issue, Late, Settle, Stranger
from tests.model.mailbox.state import Block, State

KERNEL, CHANNEL, WIRE, DEVICE, OTHERS = COLUMNS = ("kernel", "channel", "wire", "device", "others")


def chart(example: Counterexample[State, Action]) -> Chart:
    """Draw a counterexample."""
    befores = (example.start, *(after for _, after in example.steps))
    happened = zip(befores, example.steps, strict=False)
    lines = (line for before, (action, after) in happened for line in _lines(before, action, after))
    return Chart(COLUMNS, tuple(lines), example.story)


def _block(block: Block | None) -> str:
    return f"job {block.job}, seq {block.seq}, epoch {block.epoch}, boot {block.boot}" if block else "nothing"


def _lines(before: State, action: Action, after: State) -> Iterator[Line]:
    device, shown = after.device, before.device
    match action:
        case Issue():
            command = after.kernel.open
            assert command
            yield Line(KERNEL, CHANNEL, f"job {command.job}, seq {command.seq}, boot {command.boot}")
        case Read(pause):
            text = f"boot {shown.boot}, ack {shown.ack}, done {shown.done}, job {shown.job}"
            yield Line(DEVICE, CHANNEL, text if pause else f"{text} (at once)")
        case Write(arrives, lingers):
            text = f"{_block(before.writing)}{' · lingers' if lingers else ''}"
            yield Line(CHANNEL, DEVICE if arrives else WIRE, text if arrives or lingers else f"{text} · lost")
        case Late(block, arrives):
            yield Line(
                WIRE, DEVICE if arrives else WIRE, f"late: {_block(block)}{'' if arrives else ' · lost'}"
            )
        case LinkBreaks():
            yield Line(WIRE, WIRE, "link breaks")
        case Tell():
            said = after.driver.telling
            assert said
            what = f"online: boot {said.boot}, ack {said.ack}" if said.kind == "online" else said.kind
            yield Line(CHANNEL, KERNEL, f"{what} {f'(job {said.job})' if said.job else ''}".strip())
        case Commit():
            yield Line(KERNEL, KERNEL, "commits it")
        case Settle():
            yield Line(KERNEL, CHANNEL, "a person settles the command")
        case Crash(lingers, survives):
            fate = "thought dead, goes on" if survives else "dies"
            text = f"gateway {fate}; new epoch {after.driver.gate.epoch}"
            yield Line(KERNEL, KERNEL, f"{text}{' · its block lingers' if lingers else ''}")
        case OlderReads():
            yield Line(OTHERS, WIRE, f"older gateway writes {_block(next(iter(after.late), None))}")
        case OlderEnds():
            yield Line(OTHERS, OTHERS, "older gateway fenced")
        case Stranger():
            yield Line(OTHERS, WIRE, "a stranger's block")
        case Cycle(answer):
            yield from _cycle(shown.block, answer, before, after)
        case Ends():
            yield Line(DEVICE, DEVICE, f"ends job {device.job}")
        case Restart(keeps_memory, _):
            yield Line(
                DEVICE, DEVICE, f"restart, memory {'kept' if keeps_memory else 'LOST'}: boot {device.boot}"
            )
        case _:
            assert_never(action)


def _cycle(block: Block | None, answer: Accept, before: State, after: State) -> Iterator[Line]:
    assert block
    if after.device.ack == before.device.ack:
        yield Line(DEVICE, DEVICE, f"remembers epoch {after.device.epoch}")
    elif answer is Accept.TAKEN:
        yield Line(DEVICE, DEVICE, f"EXECUTES job {block.job}, seq {block.seq}")
    else:
        yield Line(DEVICE, DEVICE, f"refuses job {block.job}, seq {block.seq}")
