"""How a command ends when it cannot do what was asked: a sentence, and what a person should do about it."""

from contextlib import suppress
from typing import Final, final

REFUSED: Final = 1
"""Exit code: refused or failed."""
UNREACHABLE: Final = 3
"""Exit code: the gateway cannot be reached. (2 is wrong usage.)"""


@final
class Failure(Exception):  # noqa: N818 - an answer for a person, not an error of the program
    """A command has failed.

    Attributes:
        exit_code: the command's exit status.
        title: what happened, in one sentence.
        details: (label, text) for whatever helps: reasons, whose fault, whether to try again, what to do.
    """

    def __init__(self, exit_code: int, title: str, *details: tuple[str, str]) -> None:
        super().__init__(title)
        self.exit_code = exit_code
        self.title = title
        self.details = details

    def show(self) -> None:
        """Print it to stderr."""
        from rich.table import Table
        from rich.text import Text

        from gateway.cli.appearance import stderr

        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True, style="dim")
        grid.add_column(overflow="fold")
        for label, text in self.details:
            grid.add_row(Text(f"  {label}"), Text(text))
        console = stderr()
        with suppress(OSError):  # where nobody can be told anything, the exit status still does
            console.print(Text(self.title, "bold red"), soft_wrap=True)
            console.print(grid)
