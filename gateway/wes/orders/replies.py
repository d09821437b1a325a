"""Answers that were given under an Idempotency-Key, for as long as the caller may ask again (S4-47)."""

from dataclasses import dataclass
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Tx

_FIND: Final = "SELECT digest, status, body FROM replies WHERE reply_key = :key AND expires_at > :now"
# An expired one may still be there; of two at the same time the first stays, for both did the same.
_FORGET: Final = "DELETE FROM replies WHERE reply_key = :key AND expires_at <= :now"
_KEEP: Final = (
    "INSERT INTO replies (reply_key, digest, status, body, expires_at)"
    " VALUES (:key, :digest, :status, :body, :expires_at) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class StoredReply:
    """An answer.

    Attributes:
        digest: of the request that it answers.
    """

    digest: str
    status: int
    body: str


async def find_reply(tx: Tx, key: str, now: Micros) -> StoredReply | None:
    """Return what was answered under a key."""
    rows = await tx.fetch(_FIND, {"key": key, "now": now})
    return StoredReply(*rows[0]) if rows else None


async def keep_reply(tx: Tx, key: str, reply: StoredReply, now: Micros, keep_s: float) -> None:
    """Remember an answer for so long."""
    await tx.execute_many(_FORGET, [{"key": key, "now": now}])
    row = {
        "key": key,
        "digest": reply.digest,
        "status": reply.status,
        "body": reply.body,
        "expires_at": now + round(keep_s * 1e6),
    }
    await tx.execute_many(_KEEP, [row])
