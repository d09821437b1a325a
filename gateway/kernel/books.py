"""The books: all state that the gateway decides by, in memory, as frozen rows in tables, with an undo log.

The world is in the plant; the books say what the gateway knows of it. A handler changes rows, emits events and asks for
effects; the kernel then commits all of it at once, or rolls it back to a mark as if it had never been.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from pydantic import TypeAdapter

from gateway.contract.events import EventType
from gateway.kernel.ports import SqlValue, Tx

K = TypeVar("K", str, int)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class TableSpec(Generic[K, V]):
    """How rows of one kind are kept in the database: the key, copies of some fields as columns, the row itself as JSON.

    Attributes:
        live: SQL condition of the rows that are loaded at the start; empty for all.
    """

    name: str
    row: TypeAdapter[V]
    key: Callable[[V], K]
    columns: Mapping[str, Callable[[V], SqlValue]] = field(default_factory=dict[str, Callable[[V], SqlValue]])
    live: str = ""

    def upsert_sql(self) -> str:
        """Return the statement that writes one row."""
        names = ["key", *self.columns, "doc"]
        updates = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        return (
            f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})"
            f" ON CONFLICT (key) DO UPDATE SET {updates}"
        )

    def to_row(self, value: V) -> dict[str, SqlValue]:
        """Return the statement's parameters."""
        row: dict[str, SqlValue] = {"key": self.key(value), "doc": self.row.dump_json(value).decode()}
        return row | {name: column(value) for name, column in self.columns.items()}


class Table(Generic[K, V]):
    """Rows of one kind by key. Changed only by the kernel's handlers."""

    def __init__(self, books: "Books", spec: TableSpec[K, V]) -> None:
        self.spec = spec
        self.upsert_sql = spec.upsert_sql()
        self._rows: dict[K, V] = {}
        self._books = books
        self._watchers: list[Callable[[V | None, V | None], None]] = []

    def watch(self, watcher: Callable[[V | None, V | None], None]) -> None:
        """Call `watcher(old, new)` at every change, rollbacks and loading included: so indexes stay true."""
        self._watchers.append(watcher)

    def get(self, key: K) -> V | None:
        """Return the row, or None."""
        return self._rows.get(key)

    def __getitem__(self, key: K) -> V:
        return self._rows[key]

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def values(self) -> Iterator[V]:
        """Return all rows in the order in which they first appeared."""
        return iter(self._rows.values())

    def put(self, value: V) -> None:
        """Insert or replace a row."""
        key = self.spec.key(value)
        self._books.note(self, key, self._rows.get(key))
        self.set(key, value)

    def remove(self, key: K) -> None:
        """Delete a row, from the database too."""
        self._books.note(self, key, self._rows[key])
        self.set(key, None)

    def forget(self, key: K) -> None:
        """Drop a row from memory once this change is committed; the database keeps it."""
        self._books.forget(self, key)

    def set(self, key: K, value: V | None) -> None:
        """Replace a row without a note in the undo log (for the books themselves)."""
        old = self._rows.get(key)
        if value is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = value
        for watcher in self._watchers:
            watcher(old, value)


class Effect(Protocol):
    """Something to be done in the outside world after the commit, e.g. a command to a driver. Doing it twice is harmless."""


@dataclass(frozen=True, slots=True)
class FeedRow:
    """An event as the feed stores it; `transport_id` lists it in that transport's timeline."""

    seq: int
    type: EventType
    subject: str
    transport_id: str | None
    at_us: int
    data: dict[str, Any]


class Mark(NamedTuple):
    """A point to roll back to."""

    undo: int
    events: int
    effects: int
    forgotten: int


INSERT_EVENT: Final = (
    "INSERT INTO events (seq, type, subject, transport_id, at_us, data)"
    " VALUES (:seq, :type, :subject, :transport_id, :at_us, :data)"
)
_DATA: Final = TypeAdapter(dict[str, Any])


class Books:
    """All tables, and what has changed in them since the last commit.

    Attributes:
        now_us: the time of the message in hand, as people read it.
        steady_us: the same by a clock that never jumps, for durations and for order; of another run it may be later.
        last_seq: number of the newest event, committed or not.
    """

    def __init__(self) -> None:
        self.now_us = 0
        self.steady_us = 0
        self.last_seq = 0
        self.events: list[FeedRow] = []
        self.effects: list[Effect] = []
        self._tables: list[Table[Any, Any]] = []
        self._undo: list[tuple[Table[Any, Any], Any, Any]] = []
        self._forgotten: list[tuple[Table[Any, Any], Any]] = []

    def table(self, spec: TableSpec[K, V]) -> Table[K, V]:
        """Open a table."""
        table = Table(self, spec)
        self._tables.append(table)
        return table

    def emit(self, kind: EventType, subject: str, /, *, transport_id: str | None = None, **data: Any) -> None:
        """Append an event to the feed; `data` is camelCase JSON."""
        self.last_seq += 1
        self.events.append(FeedRow(self.last_seq, kind, subject, transport_id, self.now_us, data))

    def effect(self, effect: Effect) -> None:
        """Ask for an effect after the commit."""
        self.effects.append(effect)

    def note(self, table: Table[Any, Any], key: Any, old: Any) -> None:
        """Remember a row as it was before a change."""
        self._undo.append((table, key, old))

    def forget(self, table: Table[Any, Any], key: Any) -> None:
        """See Table.forget."""
        self._forgotten.append((table, key))

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self._undo or self.events)

    def mark(self) -> Mark:
        """Return the present point."""
        return Mark(len(self._undo), len(self.events), len(self.effects), len(self._forgotten))

    def rollback(self, mark: Mark) -> None:
        """Take back everything since the mark."""
        while len(self._undo) > mark.undo:
            table, key, old = self._undo.pop()
            table.set(key, old)
        self.last_seq -= len(self.events) - mark.events
        del self.events[mark.events :]
        del self.effects[mark.effects :]
        del self._forgotten[mark.forgotten :]

    async def persist(self, tx: Tx) -> None:
        """Write everything since the last commit into the transaction."""
        changed = {(table.spec.name, key): table for table, key, _ in self._undo}
        upserts: dict[str, list[dict[str, SqlValue]]] = {}
        for (name, key), table in changed.items():
            value = table.get(key)
            if value is None:
                await tx.execute(f"DELETE FROM {name} WHERE key = :key", {"key": key})
            else:
                upserts.setdefault(table.upsert_sql, []).append(table.spec.to_row(value))
        for sql, rows in upserts.items():
            await tx.execute_many(sql, rows)
        if self.events:
            await tx.execute_many(
                INSERT_EVENT,
                [
                    {
                        "seq": event.seq,
                        "type": event.type,
                        "subject": event.subject,
                        "transport_id": event.transport_id,
                        "at_us": event.at_us,
                        "data": _DATA.dump_json(event.data).decode(),
                    }
                    for event in self.events
                ],
            )

    def committed(self) -> tuple[list[FeedRow], list[Effect]]:
        """Forget what it took to get here; return the events and effects that are due now."""
        due = (self.events, self.effects)
        self.events, self.effects = [], []
        self._undo.clear()
        for table, key in self._forgotten:
            table.set(key, None)
        self._forgotten.clear()
        return due

    async def load(self, tx: Tx) -> None:
        """Read the live rows of all tables and the number of the newest event."""
        for table in self._tables:
            where = f" WHERE {table.spec.live}" if table.spec.live else ""
            for key, doc in await tx.fetch(f"SELECT key, doc FROM {table.spec.name}{where} ORDER BY key"):
                table.set(key, table.spec.row.validate_json(doc))
        newest = await tx.fetch("SELECT COALESCE(MAX(seq), 0) FROM events")
        self.last_seq = newest[0][0]
