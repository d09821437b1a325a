"""Numbered migrations: which scripts a database still lacks. A script is for every dialect, or one of its dialects'.

`0001_core.sql` is for all; of `0009_triggers.sqlite.sql` and `0009_triggers.postgres.sql` each database takes its own.
"""

from collections.abc import Set
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Final, Literal

from gateway.kernel.ports import CannotStart

Dialect = Literal["sqlite", "postgres"]

BOOK: Final = "CREATE TABLE IF NOT EXISTS migrations (key BIGINT PRIMARY KEY, name TEXT NOT NULL)"
"""The table of the migrations that a database has had."""
APPLIED: Final = "SELECT key FROM migrations"


class StoreRefused(CannotStart):
    """The database cannot be opened by this process; the text tells why and what would mend it."""


@dataclass(frozen=True, slots=True)
class Script:
    """A migration, and the note that it has been applied."""

    number: int
    name: str
    text: str

    @property
    def whole(self) -> str:
        """The statements of both."""
        return f"{self.text};\nINSERT INTO migrations VALUES ({self.number}, '{self.name}');"


def missing(migrations: Traversable, dialect: Dialect, applied: Set[int]) -> list[Script]:
    """Return the scripts that a database lacks, in order.

    Raises:
        StoreRefused: the database has a migration that this program does not know.
    """
    known = {
        int(file.name.split("_", 1)[0]): file
        for file in migrations.iterdir()
        if file.name.endswith(".sql") and _dialect(file.name) in {dialect, ""}
    }
    if newer := sorted(applied - known.keys()):
        raise StoreRefused(
            f"the database has schema {newer[-1]}, this program knows {max(known)} at most;"
            " run the newer program, or restore a backup from before the update"
        )
    return [
        Script(number, known[number].name, known[number].read_text("utf-8"))
        for number in sorted(known.keys() - applied)
    ]


def _dialect(name: str) -> str:
    return name.removesuffix(".sql").partition(".")[2]
