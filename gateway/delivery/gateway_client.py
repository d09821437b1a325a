"""The WES's port to the gateway, over the public contract and nothing else.

From another process `http` speaks through a socket; within one process the same requests go to the same application without one,
and the feed tells when there is more instead of being asked again and again.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import httpx
import structlog
from pydantic import BaseModel, ValidationError

from gateway.contract.events import Event, EventType
from gateway.contract.plant import ContainerView, LocationView
from gateway.contract.problems import Problem
from gateway.contract.puts import PutRequest, PutView
from gateway.contract.transports import TransportRequest, TransportView
from gateway.wes.planning.gateway import TAKEN, Answer, FeedGap, Reply, Unanswered

log = structlog.get_logger()

TIMEOUT_S: Final = 10.0
POLL_S: Final = 0.25
PAUSE_FIRST_S: Final = 0.25
PAUSE_MAX_S: Final = 5.0
PAGE: Final = 500

_KINDS: Final = frozenset({"application/json", "application/problem+json"})
_NEVER_TAKEN: Final = (("unknownTransport",), ("unknownPut",))
_LATER: Final = frozenset({401, 403, 408, 425, 429})
"""Besides everything from 500 on: somebody has to mend the token, or the gateway is busy."""

M = TypeVar("M", bound=BaseModel)


async def poll(_: int) -> None:
    """Wait for events of a gateway in another process: ask again soon."""
    await asyncio.sleep(POLL_S)


class GatewayClient:
    """The port Gateway by HTTP."""

    def __init__(self, http: httpx.AsyncClient, beyond: Callable[[int], Awaitable[None]] = poll) -> None:
        """Take the way to the gateway.

        Args:
            http: knows its address and the token.
            beyond: waits until there may be an event after this number.
        """
        self._http = http
        self._beyond = beyond
        self._lost = False

    async def submit_transport(self, request: TransportRequest) -> Answer:
        """Ask for a container to be moved."""
        return await self._post("/v1/transports", request)

    async def cancel_transport(self, transport_id: str) -> Answer:
        """Give a transport up; an event tells where the container ended up."""
        return await self._post(f"/v1/transports/{transport_id}/cancel")

    async def find_transport(self, transport_id: str) -> TransportView | None:
        """Return a transport; None: the gateway has never taken it.

        Raises:
            Unanswered: nobody can tell now.
        """
        return await self._find(f"/v1/transports/{transport_id}", TransportView)

    async def submit_put(self, request: PutRequest) -> Answer:
        """Ask for a slot to be lit."""
        return await self._post("/v1/puts", request)

    async def cancel_put(self, put_id: str) -> Answer:
        """Withdraw a put."""
        return await self._post(f"/v1/puts/{put_id}/cancel")

    async def find_put(self, put_id: str) -> PutView | None:
        """Return a put; None: the gateway has never taken it.

        Raises:
            Unanswered: nobody can tell now.
        """
        return await self._find(f"/v1/puts/{put_id}", PutView)

    async def has_wes(self) -> bool:
        """Tell whether the gateway runs a WES core of its own; not as long as nobody can tell."""
        response = await self._send("GET", "/v1/wes/alarms", params={"limit": 1})
        return response is not None and response.is_success

    async def list_containers(self) -> Sequence[ContainerView]:
        """Return all containers with where they are.

        Raises:
            Unanswered: nobody can tell now.
        """
        return await self._list("/v1/containers", ContainerView)

    async def list_blocked(self) -> Sequence[LocationView]:
        """Return the locations to which nothing is brought now.

        Raises:
            Unanswered: nobody can tell now.
        """
        return await self._list("/v1/locations", LocationView, blocked="true")

    async def follow(self, after: int) -> AsyncGenerator[Sequence[Event]]:
        """Yield all events after a number, in order and without a gap, for ever; breaks of the wire are bridged.

        Raises:
            FeedGap: some of them are not kept any more, or the feed has not come that far.
        """
        pause = PAUSE_FIRST_S
        while True:
            response = await self._send("GET", "/v1/events", params={"after": after, "limit": PAGE})
            if response is not None and _is_gap(response):
                raise FeedGap
            if response is None or not response.is_success:
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_MAX_S)
                continue
            pause = PAUSE_FIRST_S
            items = response.json()["items"]
            if items:
                after = items[-1]["seq"]
                yield [_event(item) for item in items if item["type"] in _KNOWN]
            else:
                await self._beyond(after)

    async def _list(self, path: str, kind: type[M], **which: str) -> list[M]:
        """Return all pages of a list.

        Raises:
            Unanswered: nobody can tell now.
        """
        found: list[M] = []
        params: dict[str, str | int] = {"limit": PAGE, **which}
        while True:
            response = await self._send("GET", path, params=params)
            if response is None or not response.is_success:
                raise Unanswered(f"{path} could not be listed")
            page = response.json()
            found += [_read(kind, item) for item in page["items"]]
            if "nextCursor" not in page:
                return found
            params["cursor"] = page["nextCursor"]

    async def _post(self, path: str, body: BaseModel | None = None) -> Answer:
        content = None if body is None else body.model_dump_json(by_alias=True, exclude_none=True)
        response = await self._send(
            "POST", path, content=content, headers={"content-type": "application/json"}
        )
        if response is None:
            return Answer(Reply.LATER, (), "the gateway cannot be reached")
        return TAKEN if response.is_success else _refusal(response)

    async def _find(self, path: str, kind: type[M]) -> M | None:
        response = await self._send("GET", path)
        if response is None:
            raise Unanswered(path)
        if response.is_success:
            return _read(kind, response.json())
        if _refusal(response).codes in _NEVER_TAKEN:
            return None
        raise Unanswered(path)

    async def _send(self, method: str, path: str, **content: Any) -> httpx.Response | None:
        """Ask once; None: nobody can tell whether it was heard."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await self._http.request(method, path, timeout=None, **content)
            _check_who_answers(response)
        except (httpx.TransportError, TimeoutError) as error:
            if not self._lost:
                log.warning(
                    "the gateway cannot be reached", path=path, error=str(error) or type(error).__name__
                )
            self._lost = True
            return None
        if self._lost:
            log.info("the gateway answers again")
        self._lost = False
        return response


_KNOWN: Final = frozenset(kind.value for kind in EventType)


def _event(item: dict[str, Any]) -> Event:
    return _read(Event, item)


def _read(kind: type[M], item: object) -> M:
    """Read what a gateway tells that may be newer than this program."""
    return kind.model_validate(item, extra="ignore")


def _check_who_answers(response: httpx.Response) -> None:
    """Refuse what a proxy says in place of a gateway that it does not reach: its 404 says nothing about a transport.

    Raises:
        httpx.RemoteProtocolError: a gateway answers in JSON.
    """
    kind = response.headers.get("content-type", "").split(";")[0]
    if kind not in _KINDS:
        raise httpx.RemoteProtocolError(f"HTTP {response.status_code}, but not of a gateway")


def _is_gap(response: httpx.Response) -> bool:
    if response.status_code == 410:
        return True
    return response.status_code == 422 and "outOfRange" in _refusal(response).codes


def _refusal(response: httpx.Response) -> Answer:
    try:
        problem = _read(Problem, response.json())
    except (ValueError, ValidationError):
        return Answer(Reply.LATER, (), f"HTTP {response.status_code}, but not of a gateway")
    codes, text = tuple(reason.code for reason in problem.reasons), problem.detail
    if response.status_code >= 500 or response.status_code in _LATER:
        return Answer(Reply.LATER, codes, text)
    if response.status_code == 409:
        return Answer(Reply.CONFLICT, codes, text)
    return Answer(Reply.REFUSED, codes, text)
