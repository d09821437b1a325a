"""`gateway backup`: copies of a gateway's databases, while it runs or not."""

import sqlite3
from contextlib import closing
from pathlib import Path
from shutil import rmtree
from typing import Annotated, Final

import typer
from rich.text import Text

from gateway.cli.appearance import Listing, stdout
from gateway.cli.ending import run_to_the_end
from gateway.cli.failure import REFUSED, Failure
from gateway.cli.options import given_path
from gateway.store.backup import copy_database
from gateway.store.database import open_reader

FILES: Final = ("wes.db", "gateway.db")
"""In this order: a WES core that knows less than its gateway hears the rest, one that knows more would wait for ever."""
MEGABYTE: Final = 1 << 20


def backup(
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", parser=given_path, help="Folder of the gateway's data."),
    ],
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", parser=given_path, help="A folder that does not exist yet.")
    ],
) -> None:
    """Copy the databases of a gateway as of now; it may run meanwhile. A copy is checked before it counts."""
    files = [name for name in FILES if (data / name).exists()]
    if not files:
        raise Failure(
            REFUSED, f"{data} holds no database", ("", "Name the folder that the gateway was given (--data).")
        )
    try:
        to.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise Failure(
            REFUSED, f"{to} cannot be made: {error.strerror}", ("", "Name a folder that does not exist yet.")
        ) from error
    try:
        run_to_the_end(_copy(data, to, files))
        table = _table(to, files)
    except (
        BaseException
    ):  # what is not whole shall not look like a backup, and the same command may be typed again
        rmtree(to)
        raise
    stdout().print(table)
    stdout().print(Text(f"ok  {len(files)} file{'s' * (len(files) != 1)} in {to}, checked", "bold green"))


async def _copy(data: Path, to: Path, files: list[str]) -> None:
    for name in files:
        copy_database(data / name, to / name)


def _table(to: Path, files: list[str]) -> Listing:
    table = Listing("file", "MB", "newest event")
    for name in files:
        size = (to / name).stat().st_size / MEGABYTE
        table.add_row(name, f"{size:.1f}", _newest_event(to / name) if name == "gateway.db" else "")
    return table


def _newest_event(file: Path) -> str:
    with closing(open_reader(file)) as connection:
        try:
            return str(connection.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()[0])
        except sqlite3.OperationalError as error:
            raise Failure(REFUSED, f"{file.name} is no database of a gateway: {error}") from error
