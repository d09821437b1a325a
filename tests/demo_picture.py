"""`python -m tests.demo_picture FILE.svg`: what a terminal shows of `gateway demo` after a while, as the README's picture."""

import os
import pty
import re
import struct
import sys
import termios
from fcntl import ioctl
from io import StringIO
from math import inf
from pathlib import Path
from select import select
from signal import SIGINT
from subprocess import Popen
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from tests.wire.processes import GATEWAY, ROOT

COLUMNS: Final = 150
LINES: Final = 34
WATCHED_S: Final = 90.0
LOOK_S: Final = 0.2
HOME: Final = "\x1b[H"
"""Each frame of the live view begins in the corner."""


def watch(folder: Path) -> str:
    """Run a demo in a terminal of its own for a while; return all that the terminal was sent."""
    ours, terminal = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    colours = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    shown = b""
    with Popen(
        (*GATEWAY, "demo", "--data", folder), cwd=ROOT, stdin=terminal, stdout=terminal, env=colours
    ) as demo:
        end = monotonic() + WATCHED_S
        while demo.poll() is None:
            if select([ours], [], [], LOOK_S)[0]:
                shown += os.read(ours, 65536)
            if monotonic() > end:
                demo.send_signal(SIGINT)
                end = inf
    return shown.decode(errors="ignore")


def picture(shown: str) -> str:
    """Return the last whole frame as SVG, in whatever monospaced font its reader has."""
    frame = shown.split(HOME)[-2].replace("\r\n", "\n")
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(Text.from_ansi(frame, no_wrap=True))
    svg = console.export_svg(title="gateway demo", theme=DIMMED_MONOKAI)
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        Path(sys.argv[1]).write_text(picture(watch(Path(name))), encoding="utf-8")
