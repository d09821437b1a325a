"""What the WES asks of the gateway, in words of the public contract: nothing that a foreign WES could not ask.

Every request has an id that was durable before, so asking again is harmless; who gets no answer asks again. The adapter is
gateway/delivery/gateway_client.py: HTTP from another process, the same requests without a socket within one.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, final

from gateway.contract.events import Event
from gateway.contract.plant import ContainerView, LocationView
from gateway.contract.puts import PutRequest, PutView
from gateway.contract.transports import TransportRequest, TransportView


class Reply(StrEnum):
    """What the gateway said to a request."""

    TAKEN = "taken"
    """It is on the gateway's disk, now or from before."""
    LATER = "later"
    """No answer, or no room: the same request may be taken later."""
    CONFLICT = "conflict"
    """The request is right, and how things stand forbids it; `codes` tell how."""
    REFUSED = "refused"
    """It is wrong, and stays so."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    Attributes:
        codes: stable words of the contract, e.g. `containerBusy`.
        text: for people.
    """

    reply: Reply
    codes: tuple[str, ...] = ()
    text: str = ""


TAKEN: Final = Answer(Reply.TAKEN)


@final
class FeedGap(Exception):  # noqa: N818 - names the condition
    """The feed does not reach back to the number asked for, or not that far: what happened in between must be looked up."""


class Gateway(Protocol):
    """A gateway, as its WES sees it."""

    async def submit_transport(self, request: TransportRequest) -> Answer:
        """Ask for a container to be moved."""
        ...

    async def cancel_transport(self, transport_id: str) -> Answer:
        """Give a transport up; an event tells where the container ended up."""
        ...

    async def find_transport(self, transport_id: str) -> TransportView | None:
        """Return a transport; None: the gateway has never taken it.

        Raises:
            Unanswered: nobody can tell now.
        """
        ...

    async def submit_put(self, request: PutRequest) -> Answer:
        """Ask for a slot to be lit."""
        ...

    async def cancel_put(self, put_id: str) -> Answer:
        """Withdraw a put."""
        ...

    async def find_put(self, put_id: str) -> PutView | None:
        """Return a put; None: the gateway has never taken it.

        Raises:
            Unanswered: nobody can tell now.
        """
        ...

    async def list_containers(self) -> Sequence[ContainerView]:
        """Return all containers with where they are.

        Raises:
            Unanswered: nobody can tell now.
        """
        ...

    async def list_blocked(self) -> Sequence[LocationView]:
        """Return the locations to which nothing is brought now.

        Raises:
            Unanswered: nobody can tell now.
        """
        ...

    def follow(self, after: int) -> AsyncGenerator[Sequence[Event]]:
        """Yield all events after a number, in order and without a gap, for ever; breaks of the wire are bridged.

        Raises:
            FeedGap: some of them are not kept any more, or the feed has not come that far.
        """
        ...


@final
class Unanswered(Exception):  # noqa: N818 - names the condition
    """The gateway cannot be reached, or did not say what was asked."""
