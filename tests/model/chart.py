"""A counterexample as a sequence chart, for the terminal and for Mermaid.

A line is one thing that happens: an arrow from one column to another, or a note in one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

WIDTH: Final = 25


class Line(NamedTuple):
    """An arrow from one column to another, or a note where both are the same."""

    source: str
    target: str
    text: str


@dataclass(frozen=True)
class Chart:
    """What happens, in order.

    Attributes:
        columns: who takes part, from left to right.
        story: what is wrong in the end.
    """

    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    story: str

    def terminal(self) -> str:
        """Return the chart as people read it in a terminal."""
        head = "".join(name.center(WIDTH) for name in self.columns).rstrip()
        rows = [head, *(row for line in self.lines for row in self._drawn(line))]
        return "\n".join((*rows, f"✗ {self.story}"))

    def mermaid(self) -> str:
        """Return the chart as a Mermaid sequence diagram."""
        rows = ["sequenceDiagram", *(f"    participant {name}" for name in self.columns)]
        for source, target, text in self.lines:
            note = source == target
            rows.append(f"    note over {source}: {text}" if note else f"    {source}->>{target}: {text}")
        return "\n".join((*rows, f"    note over {self.columns[0]},{self.columns[-1]}: {self.story}"))

    def _drawn(self, line: Line) -> Iterator[str]:
        start, end = self.columns.index(line.source), self.columns.index(line.target)
        middles = [WIDTH * column + WIDTH // 2 for column in range(len(self.columns))]
        canvas = [" "] * (WIDTH * len(self.columns) + 60)
        for middle in middles:
            canvas[middle] = "│"
        left, right = sorted((middles[start], middles[end]))
        if start == end:
            _write(canvas, left + 2 if start < len(self.columns) - 1 else left, line.text)
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
