"""What the HTTP interface is given by the composition root."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.contract.driver import Driver
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.reports import Position
from gateway.contract.subscriptions import (
    DeliveryStatus,
    DeliveryView,
    NewSubscriptionView,
    ReplayRequest,
    SubscriptionRequest,
    SubscriptionView,
)
from gateway.kernel.feed import Feed
from gateway.kernel.kernel import Kernel
from gateway.kernel.ports import Store
from gateway.people.people import People
from gateway.site.model import Site
from gateway.transport.rows import Transport
from gateway.transport.tables import TransportTables
from gateway.wes.core import WesCore


class Subscriptions(Protocol):
    """The webhooks; every method raises Refusal."""

    def views(self) -> list[SubscriptionView]:
        """Return all subscriptions."""
        ...

    def view(self, subscription_id: str) -> SubscriptionView:
        """Return one."""
        ...

    def backlogs(self) -> dict[str, int]:
        """Return how many events each has not delivered yet."""
        ...

    async def create(self, request: SubscriptionRequest) -> NewSubscriptionView:
        """Begin to deliver."""
        ...

    async def delete(self, subscription_id: str) -> None:
        """End one."""
        ...

    async def enable(self, subscription_id: str) -> SubscriptionView:
        """Let a disabled one go on."""
        ...

    async def deliveries(
        self, subscription_id: str, status: DeliveryStatus | None, before: int | None, limit: int
    ) -> list[DeliveryView]:
        """Return what became of deliveries, newest event first."""
        ...

    async def skip(self, subscription_id: str, seq: int) -> SubscriptionView:
        """End a dead letter."""
        ...

    async def replay(self, subscription_id: str, request: ReplayRequest) -> SubscriptionView:
        """Deliver a range of events again."""
        ...


class Positions(Protocol):
    """Where devices are now."""

    def latest(self, device_id: str) -> Position | None:
        """Return the newest position of a device."""
        ...

    def since(self, seen: int) -> tuple[Sequence[Position], int]:
        """Return what has moved since a watcher looked, and the number to ask with the next time (first: 0)."""
        ...

    async def beyond(self, seen: int) -> None:
        """Wait until something has moved."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiDeps:
    """What the routes work with.

    Attributes:
        drivers: by device; the vehicles of a fleet share one.
        explain: why a transport does not move at the moment; None if it does.
        people: those that are kept, if any are.
        token: what opens everything; None where nobody else can reach the port.
        own_key: what parts of this process show.
        names: under which the port is asked besides its addresses and `localhost`, where nothing must be shown.
        wes: the bundled WES core; None where the site has none.
        closing: set when the interface is about to end; open streams end then.
    """

    site: Site
    tables: TransportTables
    kernel: Kernel
    store: Store
    feed: Feed
    webhooks: Subscriptions
    positions: Positions
    drivers: Mapping[str, Driver]
    explain: Callable[[Transport], str | None]
    people: People
    token: str | None = None
    own_key: str | None = None
    names: frozenset[str] = frozenset()
    wes: WesCore | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, message: object) -> Any:
        """Have the kernel handle a message.

        Raises:
            Refusal: it changed nothing; or the gateway stops, and nobody can tell (the same request again will).
        """
        try:
            return await self.kernel.ask(message)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise Refusal(
                RefusalKind.UNAVAILABLE,
                FieldError("", "stopping", "the gateway is stopping; ask the same again when it runs"),
            ) from None
