"""Subscriptions and deliveries as the database keeps them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.contract.events import EventType
from gateway.contract.subscriptions import DeliveryStatus
from gateway.kernel.feed import ALL_TYPES
from gateway.kernel.ports import Row, SqlValue, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One webhook.

    Attributes:
        types: ALL_TYPES also stands for those that a newer release brings.
        cursor: of all wanted events up to this one, each has been delivered unless a delivery says otherwise.
        disabled: why it delivers nothing, if so.
        replay_next, replay_last: the range that is still to be taken up again.
    """

    subscription_id: str
    url: str
    types: frozenset[EventType]
    secret: str
    created_us: int
    cursor: int
    disabled: str | None = None
    replay_next: int | None = None
    replay_last: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one event at one subscription."""

    subscription_id: str
    seq: int
    subject: str
    status: DeliveryStatus
    attempts: int
    http_status: int | None
    error: str
    updated_us: int


OPEN: Final = (DeliveryStatus.WAITING, DeliveryStatus.DEAD)

_SUBSCRIPTION: Final = "key, url, types, secret, created_us, cursor, disabled, replay_next, replay_last"
_DELIVERY: Final = "subscription_id, seq, subject, status, attempts, http_status, error, updated_us"


async def load_subscriptions(tx: Tx) -> list[Subscription]:
    """Return all subscriptions, oldest first."""
    rows = await tx.fetch(f"SELECT {_SUBSCRIPTION} FROM subscriptions ORDER BY created_us, key")
    return [_subscription(row) for row in rows]


async def insert_subscription(tx: Tx, row: Subscription) -> None:
    """Store a new subscription."""
    await tx.execute(
        f"INSERT INTO subscriptions ({_SUBSCRIPTION}) VALUES (:key, :url, :types, :secret, :created_us, :cursor,"
        " :disabled, :replay_next, :replay_last)",
        _changing(row)
        | {
            "url": row.url,
            "types": json.dumps([] if row.types == ALL_TYPES else sorted(row.types)),
            "secret": row.secret,
            "created_us": row.created_us,
        },
    )


async def update_subscriptions(tx: Tx, rows: Sequence[Subscription]) -> None:
    """Store what changes in subscriptions."""
    await tx.execute_many(
        "UPDATE subscriptions SET cursor = :cursor, disabled = :disabled, replay_next = :replay_next,"
        " replay_last = :replay_last WHERE key = :key",
        [_changing(row) for row in rows],
    )


async def delete_subscription(tx: Tx, subscription_id: str) -> None:
    """Remove a subscription and all that is known of its deliveries."""
    await tx.execute("DELETE FROM subscriptions WHERE key = :key", {"key": subscription_id})


async def upsert_deliveries(tx: Tx, rows: Sequence[Delivery]) -> None:
    """Store what became of deliveries."""
    await tx.execute_many(
        f"INSERT INTO deliveries ({_DELIVERY}) VALUES (:subscription_id, :seq, :subject, :status, :attempts,"
        " :http_status, :error, :updated_us) ON CONFLICT (subscription_id, seq) DO UPDATE SET"
        " status = excluded.status, attempts = excluded.attempts, http_status = excluded.http_status,"
        " error = excluded.error, updated_us = excluded.updated_us",
        [
            {
                "subscription_id": row.subscription_id,
                "seq": row.seq,
                "subject": row.subject,
                "status": row.status.value,
                "attempts": row.attempts,
                "http_status": row.http_status,
                "error": row.error,
                "updated_us": row.updated_us,
            }
            for row in rows
        ],
    )


async def load_open(tx: Tx, subscription_id: str) -> list[Delivery]:
    """Return the deliveries that have not ended, oldest event first."""
    rows = await tx.fetch(
        f"SELECT {_DELIVERY} FROM deliveries WHERE subscription_id = :id AND status IN ('waiting', 'dead')"
        " ORDER BY seq",
        {"id": subscription_id},
    )
    return [_delivery(row) for row in rows]


async def load_ahead(tx: Tx, subscription: Subscription) -> set[int]:
    """Return the events after the cursor of which something is known already."""
    rows = await tx.fetch(
        "SELECT seq FROM deliveries WHERE subscription_id = :id AND seq > :cursor",
        {"id": subscription.subscription_id, "cursor": subscription.cursor},
    )
    return {row[0] for row in rows}


async def list_deliveries(
    tx: Tx, subscription_id: str, status: DeliveryStatus | None, before: int | None, limit: int
) -> list[Delivery]:
    """Return deliveries, newest event first."""
    sql = f"SELECT {_DELIVERY} FROM deliveries WHERE subscription_id = :id"
    params: dict[str, SqlValue] = {"id": subscription_id, "limit": limit}
    if status is not None:
        sql += " AND status = :status"
        params["status"] = status.value
    if before is not None:
        sql += " AND seq < :before"
        params["before"] = before
    return [_delivery(row) for row in await tx.fetch(f"{sql} ORDER BY seq DESC LIMIT :limit", params)]


def _changing(row: Subscription) -> dict[str, SqlValue]:
    return {
        "key": row.subscription_id,
        "cursor": row.cursor,
        "disabled": row.disabled,
        "replay_next": row.replay_next,
        "replay_last": row.replay_last,
    }


def _subscription(row: Row) -> Subscription:
    key, url, types, secret, created_us, cursor, disabled, replay_next, replay_last = row
    return Subscription(
        subscription_id=key,
        url=url,
        types=frozenset(EventType(name) for name in json.loads(types)) or ALL_TYPES,
        secret=secret,
        created_us=created_us,
        cursor=cursor,
        disabled=disabled,
        replay_next=replay_next,
        replay_last=replay_last,
    )


def _delivery(row: Row) -> Delivery:
    subscription_id, seq, subject, status, attempts, http_status, error, updated_us = row
    return Delivery(
        subscription_id=subscription_id,
        seq=seq,
        subject=subject,
        status=DeliveryStatus(status),
        attempts=attempts,
        http_status=http_status,
        error=error,
        updated_us=updated_us,
    )
