"""What an earlier demo has left in its folder: where its books have every container, so that the simulated world begins there."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from gateway.store.database import Meaning, open_reader

BOOKS: Final = "gateway.db"
_PLACES: Final = (
    "SELECT key, COALESCE(location_id, device_id) FROM containers"
    " WHERE location_id IS NOT NULL OR device_id IS NOT NULL ORDER BY key"
)


def containers_in(data: Path) -> Sequence[tuple[str, str]] | None:
    """Return (container, location or device) of every container that an earlier demo knew; None: there was none.

    Raises:
        StoreBroken: what it has left is damaged.
    """
    books = data / BOOKS
    if not books.exists():
        return None
    with Meaning(books), closing(open_reader(books)) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'containers'").fetchone()
        return connection.execute(_PLACES).fetchall() if known else None
