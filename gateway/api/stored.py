"""What the routes read from the database: transports, puts, and the history of one transport."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.contract.transports import TransportStatus
from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.transport.rows import ACTS, JOBS, PUTS, TRANSPORTS, ActRecord, Job, Put, Transport

HISTORY_MAX = 1000
"""Commands, events and acts of one transport that are shown, the oldest ones."""


@dataclass(frozen=True, slots=True)
class History:
    """All that happened about one transport; `events` are (seq, type, at_us, data as JSON)."""

    transport: Transport
    jobs: Sequence[Job]
    events: Sequence[Row]
    acts: Sequence[ActRecord]


async def known_digests(store: Store, table: str, keys: Collection[str]) -> dict[str, str]:
    """Return the digests of those transports (or puts) that exist already, ended ones too."""
    names = {f"key{index}": key for index, key in enumerate(keys)}
    sql = f"SELECT key, doc FROM {table} WHERE key IN ({', '.join(':' + name for name in names)})"

    async def job(tx: Tx) -> Sequence[Row]:
        return await tx.fetch(sql, names)

    return {key: json.loads(doc)["digest"] for key, doc in await store.read(job)}


async def find_transport(store: Store, transport_id: str) -> Transport | None:
    """Return a transport, ended or not."""

    async def job(tx: Tx) -> Sequence[Row]:
        return await tx.fetch("SELECT doc FROM transports WHERE key = :key", {"key": transport_id})

    rows = await store.read(job)
    return TRANSPORTS.row.validate_json(rows[0][0]) if rows else None


async def find_put(store: Store, put_id: str) -> Put | None:
    """Return a put, ended or not."""

    async def job(tx: Tx) -> Sequence[Row]:
        return await tx.fetch("SELECT doc FROM puts WHERE key = :key", {"key": put_id})

    rows = await store.read(job)
    return PUTS.row.validate_json(rows[0][0]) if rows else None


async def find_history(store: Store, transport_id: str) -> History | None:
    """Return a transport and what happened about it."""
    params = {"id": transport_id, "limit": HISTORY_MAX}

    async def job(tx: Tx) -> tuple[Sequence[Row], ...]:
        return (
            await tx.fetch("SELECT doc FROM transports WHERE key = :id LIMIT :limit", params),
            await tx.fetch(
                "SELECT doc FROM commands WHERE transport_id = :id ORDER BY key LIMIT :limit", params
            ),
            await tx.fetch(
                "SELECT seq, type, at_us, data FROM events WHERE transport_id = :id ORDER BY seq LIMIT :limit",
                params,
            ),
            await tx.fetch("SELECT doc FROM acts WHERE transport_id = :id ORDER BY key LIMIT :limit", params),
        )

    transports, jobs, events, acts = await store.read(job)
    if not transports:
        return None
    return History(
        TRANSPORTS.row.validate_json(transports[0][0]),
        [JOBS.row.validate_json(doc) for (doc,) in jobs],
        events,
        [ACTS.row.validate_json(doc) for (doc,) in acts],
    )


async def list_transports(
    store: Store,
    statuses: Collection[TransportStatus],
    container_id: str | None,
    below: int | None,
    limit: int,
) -> list[Transport]:
    """Return transports, the last accepted first, with numbers below a limit."""
    conditions = ["1 = 1"]
    params: dict[str, SqlValue] = {"limit": limit}
    if statuses:
        names = {f"status{index}": status.value for index, status in enumerate(statuses)}
        conditions.append(f"status IN ({', '.join(':' + name for name in names)})")
        params |= names
    if container_id is not None:
        conditions.append("container_id = :container_id")
        params["container_id"] = container_id
    if below is not None:
        conditions.append("number < :below")
        params["below"] = below
    sql = f"SELECT doc FROM transports WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT :limit"

    async def job(tx: Tx) -> Sequence[Row]:
        return await tx.fetch(sql, params)

    return [TRANSPORTS.row.validate_json(doc) for (doc,) in await store.read(job)]
