"""How states and times look on a terminal, the same in every command."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

STATE_STYLES: Final[Mapping[str, str]] = {
    # transports
    "accepted": "cyan",
    "planned": "blue",
    "executing": "yellow",
    "completed": "green",
    "failed": "bold red",
    "cancelled": "dim",
    "unknown": "bold magenta",
    # commands
    "intent": "cyan",
    "done": "green",
    # puts
    "lit": "yellow",
    "confirmed": "green",
    "short": "magenta",
    # devices
    "online": "green",
    "offline": "red",
    "fault": "bold red",
    "disabled": "dim yellow",
}
"""Style by status word; the words are those of the contract."""

PIPE_WIDTH: Final = 240
"""Columns where the output is no terminal: enough that nothing is cut before `grep` sees it."""
SENTENCE_MIN: Final = 16
"""Columns in which a sentence can still be read."""
GAP: Final = 2
INDENT: Final = 4
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def stdout() -> Console:
    """Return the console that answers are printed to."""
    return _uncut(Console(highlight=False))


def stderr() -> Console:
    """Return the console that failures are printed to."""
    return _uncut(Console(highlight=False, stderr=True))


def _uncut(console: Console) -> Console:
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


class Listing:
    """A table of words that stay whole, and of sentences, which stand under their row where the terminal is narrow.

    Where there is not even room for the words, the last of them stand there too. Columns in which nothing stands are left out.
    """

    def __init__(self, *words: str, sentences: tuple[str, ...] = (), title: str | None = None) -> None:
        """Args: words, sentences: what stands above the columns, in this order."""
        self._heads = (*words, *sentences)
        self._words = len(words)
        self._title = title
        self._rows: list[tuple[Text, ...]] = []

    def add_row(self, *cells: str | Text) -> None:
        """Add a row; what stands in it is shown as it is."""
        self._rows.append(tuple(Text(cell) if isinstance(cell, str) else cell for cell in cells))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table."""
        widths = {
            number: max(cell_len(self._heads[number]), *(cell.cell_len for cell in column))
            for number, column in enumerate(zip(*self._rows, strict=True))
            if any(column)
        }
        words = [number for number in widths if number < self._words]
        sentences = [number for number in widths if number >= self._words]
        room = options.max_width - GAP * len(widths)
        least = sum(widths[number] for number in words)
        fitting = _fitting([widths[number] for number in words], options.max_width)
        if least + sum(min(widths[number], SENTENCE_MIN) for number in sentences) <= room:
            yield self._table(words, sentences, whole=True)
        elif fitting:
            yield from self._with_the_rest_below(
                words[:fitting], words[fitting:], sentences, console, options
            )
        else:
            yield self._table(words, sentences, whole=False)

    def _table(self, words: Sequence[int], sentences: Sequence[int], *, whole: bool) -> Table:
        table = Table(
            box=SIMPLE_HEAD,
            padding=(0, GAP - 1, 0, 0),
            pad_edge=False,
            title=self._title,
            title_justify="left",
            header_style="dim",
        )
        for number in words:
            table.add_column(self._heads[number], overflow="fold", no_wrap=whole)
        for number in sentences:
            table.add_column(self._heads[number], overflow="fold")
        for row in self._rows:
            table.add_row(*(row[number] for number in (*words, *sentences)))
        return table

    def _with_the_rest_below(
        self,
        words: Sequence[int],
        others: Sequence[int],
        sentences: Sequence[int],
        console: Console,
        options: ConsoleOptions,
    ) -> RenderResult:
        lines = console.render_lines(self._table(words, (), whole=True), options, pad=False)
        end = len(lines) - 1  # an empty one
        first = end - len(self._rows)
        for line in lines[:first]:
            yield from (*line, Segment.line())
        for line, row in zip(lines[first:end], self._rows, strict=True):
            yield from (*line, Segment.line())
            below = Text(", ").join(
                Text.assemble((self._heads[n], "dim"), " ", row[n]) for n in others if row[n]
            )
            yield from (
                Padding(text, (0, 0, 0, INDENT)) for text in (below, *(row[n] for n in sentences)) if text
            )
        yield Segment.line()


def _fitting(widths: Sequence[int], room: int) -> int:
    """Return how many of the first columns fit beside each other."""
    ends = accumulate(width + GAP for width in widths)
    return sum(end <= room for end in ends)


def state_text(state: str) -> Text:
    """Return a status word in its colour."""
    return Text(state, STATE_STYLES.get(state, ""))


def status_words(status: str, code: int) -> str:
    """Return the status of an order or a package, e.g. `20 preallocation failed`."""
    return f"{code} {status.lower().replace('_', ' ')}"


def place_text(location_id: str | None, x: float | None, y: float | None) -> str:
    """Return where a device is: at a location, or at so many metres; empty if it has not said."""
    if location_id is not None:
        return location_id
    return "" if x is None or y is None else f"{x:.1f}, {y:.1f} m"


def duration(seconds: float) -> str:
    """Return e.g. `12 s`, `5 min`, `3 h`, `2 d`: the largest unit that fits, rounded down."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "0 s"


def relative(moment: datetime, now: datetime) -> str:
    """Return e.g. `12 s ago` or `in 5 min`."""
    seconds = (now - moment).total_seconds()
    if seconds < 0:
        return f"in {duration(-seconds)}"
    return f"{duration(seconds)} ago" if seconds >= 1 else "now"


def clock_time(moment: datetime) -> str:
    """Return a moment on this machine's clock, e.g. `11-22 08:30:00.123`."""
    return f"{moment.astimezone():%m-%d %H:%M:%S.%f}"[:-3]


def stopwatch(seconds: float) -> str:
    """Return e.g. `04:07` or `1:04:07`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
