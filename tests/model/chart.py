"""A counterexample as a sequence chart, for the terminal and for Mermaid.

Five columns: the kernel with its journal, the driver's channel, the wire with its buffers, the device's mailbox, and others who
write to it. A line is one thing that happens; what it changed at the device or in the journal stands beside it.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, assert_never

from sim_devices.mailbox import Accept
from tests.model.explorer import Counterexample
from tests.model.handshake import (
    Action,
    Block,
    Commit,
    Crash,
    Cycle,
    Ends,
    Issue,
    Late,
    LinkBreaks,
    OlderEnds,
    OlderReads,
    Read,
    Restart,
    Settle,
    State,
    Stranger,
    Tell,
    Write,
)

KERNEL, CHANNEL, WIRE, DEVICE, OTHERS = COLUMNS = ("kernel", "channel", "wire", "device", "others")
WIDTH: Final = 25


class Line(NamedTuple):
    """An arrow from one column to another, or a note where both are the same."""

    source: str
    target: str
    text: str


def lines(example: Counterexample[State, Action]) -> Iterator[Line]:
    """Yield what happens, in order."""
    before = example.start
    for action, after in example.steps:
        yield from _lines(before, action, after)
        before = after


def terminal(example: Counterexample[State, Action]) -> str:
    """Return the chart as people read it in a terminal."""
    head = "".join(name.center(WIDTH) for name in COLUMNS).rstrip()
    rows = [head, *(row for line in lines(example) for row in _drawn(line))]
    return "\n".join((*rows, f"✗ {example.story}"))


def mermaid(example: Counterexample[State, Action]) -> str:
    """Return the chart as a Mermaid sequence diagram."""
    rows = ["sequenceDiagram", *(f"    participant {name}" for name in COLUMNS)]
    for source, target, text in lines(example):
        note = source == target
        rows.append(f"    note over {source}: {text}" if note else f"    {source}->>{target}: {text}")
    return "\n".join((*rows, f"    note over {KERNEL},{OTHERS}: {example.story}"))


def _drawn(line: Line) -> Iterator[str]:
    start, end = COLUMNS.index(line.source), COLUMNS.index(line.target)
    middles = [WIDTH * column + WIDTH // 2 for column in range(len(COLUMNS))]
    canvas = [" "] * (WIDTH * len(COLUMNS) + 60)
    for middle in middles:
        canvas[middle] = "│"
    left, right = sorted((middles[start], middles[end]))
    if start == end:
        _write(canvas, left + 2 if start < 4 else left, line.text)
        yield "".join(canvas).rstrip()
        return
    text = list(canvas)
    _write(text, left + 2, line.text)
    yield "".join(text).rstrip()
    canvas[left : right + 1] = "├" + "─" * (right - left - 1) + "┤"
    canvas[right if end > start else left] = "▶" if end > start else "◀"
    yield "".join(canvas).rstrip()


def _write(canvas: list[str], at: int, text: str) -> None:
    canvas[at : at + len(text)] = text


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
