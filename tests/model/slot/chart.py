"""A counterexample of a slot as a chart.

Six columns: the kernel with its books, the driver's slot, the wire with its buffers, the wall, the hands before it, and a gateway
that was replaced. What a thing changed at the wall stands beside it.
"""

from collections.abc import Iterator
from typing import assert_never

from sim_devices.putwall import SlotState
from tests.model.actions import Commit, Crash, LinkBreaks, OlderEnds, OlderReads, Read, Restart, Tell, Write
from tests.model.chart import Chart, Line
from tests.model.explorer import Counterexample
from tests.model.slot.actions import Action, Cancel, Late, Look, Submit, Touch
from tests.model.slot.state import Block, Said, State, Wall

KERNEL, SLOT, WIRE, WALL, HANDS, OTHERS = COLUMNS = ("kernel", "slot", "wire", "wall", "hands", "others")


def chart(example: Counterexample[State, Action]) -> Chart:
    """Draw a counterexample."""
    befores = (example.start, *(after for _, after in example.steps))
    happened = zip(befores, example.steps, strict=False)
    lines = (line for before, (action, after) in happened for line in _lines(before, action, after))
    return Chart(COLUMNS, tuple(lines), example.story)


def _block(block: Block | None) -> str:
    if block is None:
        return "nothing"
    return f"put {block.job}, {block.quantity or 'withdraw'}, epoch {block.epoch}, boot {block.boot}"


def _wall(wall: Wall) -> str:
    return f"{SlotState(wall.state).name}, put {wall.job}, {wall.quantity}"


def _said(said: Said | None) -> str:
    assert said
    match said.kind:
        case "ended":
            return f"put {said.job} ended, {said.quantity}{' short' if said.short else ''}"
        case "hands":
            return f"{said.hands} hands"
        case kind:
            return f"put {said.job} {kind}"


def _lines(before: State, action: Action, after: State) -> Iterator[Line]:
    match action:
        case Submit():
            yield Line(KERNEL, SLOT, f"put {len(after.kernel.outcomes)}")
        case Cancel():
            yield Line(KERNEL, SLOT, f"withdraw put {after.kernel.open[0]}")
        case Read(pause):
            yield Line(WALL, SLOT, _wall(before.wall) if pause else f"{_wall(before.wall)} (at once)")
        case Write(arrives, lingers):
            text = f"{_block(before.writing)}{' · lingers' if lingers else ''}"
            yield Line(SLOT, WALL if arrives else WIRE, text if arrives or lingers else f"{text} · lost")
        case Late(block, arrives):
            text = f"late: {_block(block)}{'' if arrives else ' · lost'}"
            yield Line(WIRE, WALL if arrives else WIRE, text)
        case LinkBreaks():
            yield Line(WIRE, WIRE, "link breaks")
        case Tell():
            yield Line(SLOT, KERNEL, _said(after.driver.telling))
        case Commit():
            yield Line(KERNEL, KERNEL, "commits it")
        case Crash(lingers, survives):
            fate = "thought dead, goes on" if survives else "dies"
            text = f"gateway {fate}; new epoch {after.driver.gate.epoch}"
            yield Line(KERNEL, KERNEL, f"{text}{' · its block lingers' if lingers else ''}")
        case OlderReads():
            yield Line(OTHERS, WIRE, f"older gateway writes {_block(next(iter(after.late), None))}")
        case OlderEnds():
            yield Line(OTHERS, OTHERS, "older gateway fenced")
        case Look():
            yield Line(WALL, WALL, _wall(after.wall))
        case Touch(button):
            yield Line(HANDS, WALL, button.value)
            yield Line(WALL, WALL, _wall(after.wall))
        case Restart(keeps_memory, _):
            yield Line(
                WALL, WALL, f"restart, memory {'kept' if keeps_memory else 'LOST'}: boot {after.wall.boot}"
            )
        case _:
            assert_never(action)
