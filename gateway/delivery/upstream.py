"""Delivers what the WES has written for upstream, to a web server or a broker (S4-22, S4-33, S4-57…59).

There is one receiver. While it does not answer, nothing is tried but one message now and then, and nothing is given up for
that; any of those that are due may be the one, as the receiver may fail at the first. A message that it refuses is tried again
with growing pauses; after ten times it is dead, and its lane waits until somebody skips it or sends it again. Different lanes go
side by side. A message may arrive twice, always under the same id.
"""

import asyncio
import random  # noqa: TID251 - the type only; the source is injected
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

import structlog
from standardwebhooks.webhooks import Webhook

from gateway.contract.clock import Clock, Micros
from gateway.delivery.endpoint import OVERLOADED, PAUSES_S, RETRY_AFTER_MAX_S
from gateway.delivery.sender import HEADERS, Answer, Sender, signature
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import SqlValue, Store, StoreFull, Tx
from gateway.wes.core import Outcome
from gateway.wes.outbox import READ, Message, MessageState, Topic, message_of

log = structlog.get_logger()

PERIOD_S: Final = 0.25
"""How long a message waits at most until it is seen."""
BATCH: Final = 64
DOWN_FIRST_S: Final = 1.0
DOWN_MAX_S: Final = 30.0

PATHS: Final = {
    Topic.STATUS_CALLBACK: "/api/wms/callback/status",
    Topic.INVENTORY_SYNC: "/api/wms/inventory/sync",
    Topic.INVENTORY_SYNC_BATCH: "/api/wms/inventory/sync",
}

_DUE: Final = (
    f"{READ} WHERE state = 'pending' AND (attempts = 0 OR due_at <= :now) AND NOT EXISTS (SELECT 1 FROM outbox earlier"
    " WHERE earlier.lane = outbox.lane AND earlier.sequence < outbox.sequence AND earlier.state <> 'delivered')"
    " ORDER BY due_at, message_id LIMIT :limit"
)
# A message that a newer one has replaced meanwhile is gone, and nothing is noted of it.
_DELIVERED: Final = (
    "UPDATE outbox SET state = 'delivered', attempts = attempts + 1, error = NULL, ended_at = :now"
    " WHERE message_id = :message_id"
)
_REFUSED: Final = (
    "UPDATE outbox SET state = :state, attempts = :attempts, due_at = :due_at, error = :error"
    " WHERE message_id = :message_id"
)


class Courier(Protocol):
    """Brings one message to upstream."""

    async def deliver(self, message: Message) -> Answer:
        """Return what the receiver said; never raises for reasons of the network."""
        ...


class HttpCourier:
    """Posts to the paths of S4 at upstream's own web server, signed."""

    def __init__(self, sender: Sender, url: str, secret: str | None, clock: Clock) -> None:
        self._sender = sender
        self._url = url.rstrip("/")
        self._signer = None if secret is None else Webhook(secret)
        self._clock = clock

    async def deliver(self, message: Message) -> Answer:
        """Post one message."""
        headers = dict(HEADERS)
        if self._signer is not None:
            now = to_datetime(self._clock.now_us())
            headers |= signature(self._signer, f"CB{message.message_id}", now, message.body)
        return await self._sender.post(f"{self._url}{PATHS[message.topic]}", headers, message.body)


class UpstreamDelivery:
    """Takes messages from the outbox to upstream."""

    def __init__(
        self,
        *,
        store: Store,
        courier: Courier,
        clock: Clock,
        steady: Clock,
        rng: random.Random,
        callbacks: deque[Outcome],
    ) -> None:
        """Take what it works with.

        Args:
            store: the outbox is in it.
            courier: the way to upstream.
            clock: wall-clock time.
            steady: time that never jumps, for the pauses.
            rng: chooses the pauses.
            callbacks: where it is noted what upstream answered to them, for the monitors.
        """
        self._callbacks = callbacks
        self._store = store
        self._courier = courier
        self._clock = clock
        self._steady = steady
        self._rng = rng
        self._down_s = 0.0
        self._left_alone_s = 0.0

    async def run(self) -> None:
        """Deliver until cancelled."""
        full = False
        while True:
            pause = PERIOD_S
            try:
                more = await self.step()
            except StoreFull as error:
                if not full:
                    log.warning("what upstream took cannot be noted; it will get it again", error=str(error))
                full, pause = True, DOWN_FIRST_S
            else:
                full = False
                if self._down_s:
                    pause = self._rng.uniform(self._down_s / 2, self._down_s)
                elif more:
                    pause = 0
            await asyncio.sleep(max(pause, self._left_alone_s))

    async def step(self) -> bool:
        """Deliver what is due; tell whether there may be more."""
        self._left_alone_s = 0.0
        due = await self._store.read(partial(_due, self._steady.now_us()))
        if not due:
            return False
        messages = [self._rng.choice(due)] if self._down_s else due
        answers = await asyncio.gather(*map(self._courier.deliver, messages))
        await self._note(messages, answers)
        is_more = len(due) == BATCH or len(due) > len(messages)
        return is_more and not any(map(_speaks_of_itself, answers))

    async def _note(self, messages: Sequence[Message], answers: Sequence[Answer]) -> None:
        now = self._clock.now_us()
        delivered: list[dict[str, SqlValue]] = []
        refused: list[dict[str, SqlValue]] = []
        down: Answer | None = None
        for message, answer in zip(messages, answers, strict=True):
            if _speaks_of_itself(answer):
                down = answer
                self._left_alone_s = max(self._left_alone_s, min(answer.retry_after_s, RETRY_AFTER_MAX_S))
                continue
            assert answer.status is not None
            taken = 200 <= answer.status < 300
            if message.topic is Topic.STATUS_CALLBACK:
                self._callbacks.append(Outcome(now, taken))
            if taken:
                delivered.append({"message_id": message.message_id, "now": now})
            else:
                refused.append(self._refused(message, answer))
        self._mark(down, heard=bool(delivered or refused))
        if not (delivered or refused):
            return

        async def job(tx: Tx) -> None:
            await tx.execute_many(_DELIVERED, delivered)
            await tx.execute_many(_REFUSED, refused)

        await self._store.write(job)

    def _refused(self, message: Message, answer: Answer) -> dict[str, SqlValue]:
        attempts = message.attempts + 1
        error = answer.error or f"HTTP {answer.status}"
        dead = attempts > len(PAUSES_S)
        if dead:
            log.warning(
                "a message to upstream was given up",
                message=message.message_id,
                lane=message.lane,
                error=error,
            )
        longest = 0 if dead else PAUSES_S[attempts - 1]
        pause = max(self._rng.uniform(0, longest), min(answer.retry_after_s, RETRY_AFTER_MAX_S))
        return {
            "message_id": message.message_id,
            "state": MessageState.DEAD if dead else MessageState.PENDING,
            "attempts": attempts,
            "due_at": self._steady.now_us() + round(pause * 1e6),
            "error": error,
        }

    def _mark(self, down: Answer | None, *, heard: bool) -> None:
        """Note whether the receiver is there: one log line when it goes, one when it is back."""
        if down is None or heard:
            if self._down_s:
                log.info("upstream takes messages again")
            self._down_s = 0.0
        elif not self._down_s:
            self._down_s = DOWN_FIRST_S
            log.warning("upstream takes no messages", error=down.error or f"HTTP {down.status}")
        else:
            self._down_s = min(self._down_s * 2, DOWN_MAX_S)


async def _due(now: Micros, tx: Tx) -> list[Message]:
    rows = await tx.fetch(_DUE, {"now": now, "limit": BATCH})
    return [message_of(row) for row in rows]


def _speaks_of_itself(answer: Answer) -> bool:
    """Tell whether an answer is about the receiver, not about the message."""
    return answer.status is None or answer.status in OVERLOADED
