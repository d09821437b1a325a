"""How states and times look on a terminal, the same in every command."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
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


def listing(*columns: str, title: str | None = None) -> Table:
    """Return an empty table with these columns."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def state_text(state: str) -> Text:
    """Return a status word in its colour."""
    return Text(state, STATE_STYLES.get(state, ""))


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
