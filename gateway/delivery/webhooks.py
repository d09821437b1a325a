"""Webhooks: who wants which events, and the endpoints that deliver them, each on its own."""

import asyncio
import base64
import random  # noqa: TID251 - the type only; the source is injected
from typing import Final

from gateway.contract.clock import Clock
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.subscriptions import (
    SECRET_PREFIX,
    DeliveryStatus,
    DeliveryView,
    NewSubscriptionView,
    ReplayRequest,
    SubscriptionRequest,
    SubscriptionStatus,
    SubscriptionView,
)
from gateway.delivery.endpoint import Endpoint
from gateway.delivery.ledger import Ledger
from gateway.delivery.rows import (
    Delivery,
    Subscription,
    insert_subscription,
    list_deliveries,
    load_ahead,
    load_open,
    load_subscriptions,
)
from gateway.delivery.sender import Sender
from gateway.kernel.clock import to_datetime
from gateway.kernel.feed import ALL_TYPES, Feed
from gateway.kernel.kernel import Guard
from gateway.kernel.ports import Store, Tx

SUBSCRIPTIONS_MAX: Final = 50
SECRET_LENGTH: Final = 32


class Webhooks:
    """All subscriptions."""

    def __init__(
        self,
        *,
        store: Store,
        guard: Guard,
        feed: Feed,
        sender: Sender,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        """Args: rng: makes pauses, ids and secrets: a random.SystemRandom wherever secrets matter."""
        self._store = store
        self._guard = guard
        self._feed = feed
        self._sender = sender
        self._clock = clock
        self._rng = rng
        self._endpoints: dict[str, Endpoint] = {}
        self._ledger = Ledger(store, guard, self._rows)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._changing = asyncio.Lock()

    async def open(self) -> None:
        """Read all subscriptions; whatever was in memory is forgotten."""
        async with self._changing:
            self._ledger = Ledger(self._store, self._guard, self._rows)
            subscriptions = await self._store.read(load_subscriptions)
            self._endpoints = {row.subscription_id: await self._endpoint(row) for row in subscriptions}

    async def run(self) -> None:
        """Deliver until cancelled."""
        await self.open()
        try:
            async with asyncio.TaskGroup() as self._group:
                self._group.create_task(self._ledger.run())
                for subscription_id in self._endpoints:
                    self._start(subscription_id)
        finally:
            self._group = None
            self._running.clear()

    def backlogs(self) -> dict[str, int]:
        """Return how many events each subscription has not delivered yet."""
        return {subscription_id: endpoint.backlog for subscription_id, endpoint in self._endpoints.items()}

    def views(self) -> list[SubscriptionView]:
        """Return all subscriptions."""
        return [_view(endpoint) for endpoint in self._endpoints.values()]

    def view(self, subscription_id: str) -> SubscriptionView:
        """Return one subscription.

        Raises:
            Refusal: no such subscription.
        """
        return _view(self._known(subscription_id))

    async def create(self, request: SubscriptionRequest) -> NewSubscriptionView:
        """Begin to deliver; return once the subscription is durable.

        Raises:
            Refusal: too many subscriptions, an address that is not allowed, or a start that the feed does not hold.
        """
        after = self._feed.last_seq if request.after is None else request.after
        objection = await self._sender.objection(request.url)
        if objection is not None:
            raise Refusal(RefusalKind.INVALID, FieldError("url", "addressNotAllowed", objection))
        row = Subscription(
            subscription_id=f"sub-{self._rng.randbytes(6).hex()}",
            url=request.url,
            types=frozenset(request.types) or ALL_TYPES,
            secret=request.secret
            or SECRET_PREFIX + base64.b64encode(self._rng.randbytes(SECRET_LENGTH)).decode(),
            created_us=self._clock.now_us(),
            cursor=after,
        )

        async def job(tx: Tx) -> None:
            await self._guard(tx)
            await insert_subscription(tx, row)

        async with self._changing:
            self._check_that_it_fits(after)
            await self._store.write(job)
            self._endpoints[row.subscription_id] = await self._endpoint(row)
            self._start(row.subscription_id)
            view = self.view(row.subscription_id)
        return NewSubscriptionView(secret=row.secret, **view.model_dump())

    async def delete(self, subscription_id: str) -> None:
        """End a subscription and forget its deliveries."""
        async with self._changing:
            endpoint = self._known(subscription_id)
            await self._stop(subscription_id)
            del self._endpoints[subscription_id]
            try:
                await self._ledger.drop(subscription_id)
            except BaseException:
                self._endpoints[subscription_id] = endpoint
                self._start(subscription_id)
                raise

    async def enable(self, subscription_id: str) -> SubscriptionView:
        """Let a disabled subscription go on where it stopped; one that is active stays so.

        Raises:
            Refusal: no such subscription, or the feed has forgotten what came after it stopped.
        """
        async with self._changing:
            endpoint = self._known(subscription_id)
            if endpoint.subscription.disabled is not None:
                self._check_that_nothing_is_missed(endpoint.subscription.cursor)
                await endpoint.enable()
                self._start(subscription_id)
            return self.view(subscription_id)

    async def deliveries(
        self, subscription_id: str, status: DeliveryStatus | None, before: int | None, limit: int
    ) -> list[DeliveryView]:
        """Return what became of deliveries, newest event first; those of the last moment may be missing."""
        self._known(subscription_id)

        async def job(tx: Tx) -> list[Delivery]:
            return await list_deliveries(tx, subscription_id, status, before, limit)

        return [_delivery_view(delivery) for delivery in await self._store.read(job)]

    async def skip(self, subscription_id: str, seq: int) -> SubscriptionView:
        """End a dead letter, so that the later events of its subject are delivered.

        Raises:
            Refusal: no such subscription, or no dead letter of it.
        """
        async with self._changing:
            if not await self._known(subscription_id).skip(seq):
                raise Refusal(
                    RefusalKind.CONFLICT,
                    FieldError("seq", "notDead", f"event {seq} is no dead letter of this subscription"),
                )
            return self.view(subscription_id)

    async def replay(self, subscription_id: str, request: ReplayRequest) -> SubscriptionView:
        """Deliver a range of events again.

        Raises:
            Refusal: no such subscription, a range that the feed does not hold, or a replay is under way.
        """
        async with self._changing:
            endpoint = self._known(subscription_id)
            last = self._feed.last_seq if request.to_seq is None else request.to_seq
            if not self._feed.first_seq <= request.from_seq <= last <= self._feed.last_seq:
                kept = f"{self._feed.first_seq} to {self._feed.last_seq}"
                raise Refusal(
                    RefusalKind.INVALID,
                    FieldError("fromSeq", "outOfRange", f"the feed holds the events {kept}"),
                )
            if endpoint.subscription.replay_next is not None:
                raise Refusal(
                    RefusalKind.CONFLICT,
                    FieldError("", "replaying", "a replay is under way; ask again when it has ended"),
                )
            await endpoint.replay(request.from_seq, last)
            return self.view(subscription_id)

    def _check_that_nothing_is_missed(self, cursor: int) -> None:
        if cursor < self._feed.first_seq - 1:
            raise Refusal(
                RefusalKind.CONFLICT,
                FieldError(
                    "",
                    "eventsGone",
                    f"it stopped at event {cursor}, and the feed holds the events from {self._feed.first_seq} on;"
                    " look at how things stand, delete it and subscribe anew",
                ),
            )

    def _check_that_it_fits(self, after: int) -> None:
        if len(self._endpoints) >= SUBSCRIPTIONS_MAX:
            raise Refusal(
                RefusalKind.CONFLICT,
                FieldError("", "tooMany", f"there are {SUBSCRIPTIONS_MAX} subscriptions; delete one first"),
            )
        if not self._feed.first_seq - 1 <= after <= self._feed.last_seq:
            kept = f"{self._feed.first_seq} to {self._feed.last_seq}"
            raise Refusal(
                RefusalKind.INVALID, FieldError("after", "outOfRange", f"the feed holds the events {kept}")
            )

    def _rows(self) -> list[Subscription]:
        return [endpoint.subscription for endpoint in self._endpoints.values()]

    def _known(self, subscription_id: str) -> Endpoint:
        endpoint = self._endpoints.get(subscription_id)
        if endpoint is None:
            raise Refusal(
                RefusalKind.NOT_FOUND,
                FieldError("subscriptionId", "unknownSubscription", f"no subscription {subscription_id}"),
            )
        return endpoint

    async def _endpoint(self, row: Subscription) -> Endpoint:
        async def job(tx: Tx) -> tuple[list[Delivery], set[int]]:
            return await load_open(tx, row.subscription_id), await load_ahead(tx, row)

        open_deliveries, ahead = await self._store.read(job)
        return Endpoint(
            row,
            open_deliveries,
            ahead,
            feed=self._feed,
            sender=self._sender,
            ledger=self._ledger,
            clock=self._clock,
            rng=self._rng,
        )

    def _start(self, subscription_id: str) -> None:
        endpoint = self._endpoints[subscription_id]
        if self._group is not None and endpoint.subscription.disabled is None:
            self._running[subscription_id] = self._group.create_task(endpoint.run())

    async def _stop(self, subscription_id: str) -> None:
        task = self._running.pop(subscription_id, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])


def _view(endpoint: Endpoint) -> SubscriptionView:
    row = endpoint.subscription
    return SubscriptionView(
        subscription_id=row.subscription_id,
        url=row.url,
        types=() if row.types == ALL_TYPES else tuple(sorted(row.types)),
        status=SubscriptionStatus.ACTIVE if row.disabled is None else SubscriptionStatus.DISABLED,
        reason=row.disabled,
        created_at=to_datetime(row.created_us),
        backlog=endpoint.backlog,
        dead_letters=endpoint.dead_letters,
        replaying_until=row.replay_last,
    )


def _delivery_view(row: Delivery) -> DeliveryView:
    return DeliveryView(
        seq=row.seq,
        subject=row.subject,
        status=row.status,
        attempts=row.attempts,
        http_status=row.http_status,
        error=row.error,
        updated_at=to_datetime(row.updated_us),
    )
