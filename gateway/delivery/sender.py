"""One delivery on the wire: a signed POST (Standard Webhooks 1.0) to an address that was looked at before.

Who may subscribe may make the gateway send to any address that it can reach. So every address that a name stands for is
checked at every connect, and the connection goes to one that was checked: public addresses, and those networks that the
settings allow. Redirects are not followed, proxies of the environment are not used.
"""

import asyncio
import socket
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpcore
from standardwebhooks.webhooks import Webhook

from gateway.contract.clock import Clock

Network = IPv4Network | IPv6Network
AddressInfo = tuple[
    socket.AddressFamily,
    socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]
"""What the system tells of an address; the address itself comes first in the last part."""

LOOPBACK: Final[tuple[Network, ...]] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
"""What is allowed by default besides public addresses: programs on this machine. A WES in the plant's own network has to be
named in the settings, e.g. `10.20.0.0/16`."""

EVERYWHERE: Final[tuple[Network, ...]] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""For addresses that stand in the site file: whoever writes that may reach everything anyway."""

HEADERS: Final[Mapping[str, str]] = {"content-type": "application/json", "user-agent": "warehouse-gateway"}
TIMEOUT_S: Final = 15.0
CONNECT_S: Final = 4.0
"""After which the next address of a name has its turn."""
REST_S: Final = 1.0
REST_MAX_BYTES: Final = 65_536
"""What is read of an answer after its status, so that the connection serves the next delivery."""
CONNECTIONS_MAX: Final = 400
"""All deliveries that all subscriptions may have on the wire: none waits for a connection of another's slow receiver."""
LOOKUPS_MAX: Final = 8
"""Names that are looked up at a time, in threads of their own: the loop's are for the names of devices."""
KEPT_ALIVE_MAX: Final = 20
EXPIRY_S: Final = 4.0
"""How long a connection is kept for the next delivery: less than servers do, which mostly close it after 5 s."""

_UNICAST: Final = ip_network("2000::/3")
"""All of IPv6 that is public is in there; outside are ways to IPv4 addresses (NAT64) and what has been given up …"""
_SIX_TO_FOUR: Final = ip_network("2002::/16")
"""… and inside is one that leads to the IPv4 address in it."""
_FAILURES: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    OSError,
    UnicodeError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said.

    Attributes:
        status: of HTTP; None if there was no answer, and `error` tells why.
        retry_after_s: how long it wants to be left alone, if it said so.
    """

    status: int | None
    error: str = ""
    retry_after_s: float = 0.0


class Sender(Protocol):
    """Posts; in tests and simulations something else than HTTP."""

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """Return what the receiver said; never raises for reasons of the network."""
        ...

    async def objection(self, url: str) -> str | None:
        """Tell why nothing may be sent there; None where nothing is known against it."""
        ...


def signature(signer: Webhook, message_id: str, at: datetime, body: str) -> dict[str, str]:
    """Return the headers by which a receiver knows a message, its sender and its age (Standard Webhooks)."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signer.sign(message_id, at, body),
    }


class HttpSender:
    """Posts by HTTP."""

    def __init__(self, clock: Clock, allowed: Iterable[Network] = LOOPBACK) -> None:
        """Args: allowed: networks that may be reached although they are not public."""
        self._clock = clock
        self._backend = CheckedBackend(tuple(allowed))
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=KEPT_ALIVE_MAX,
            keepalive_expiry=EXPIRY_S,
            network_backend=self._backend,
        )

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """Return the receiver's status; what else it says counts for nothing."""
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._pool.stream(
                    "POST", url, headers=list(headers.items()), content=body.encode()
                ) as response,
            ):
                answer = Answer(response.status, "", self._retry_after_s(response.headers))
                await _read_rest(response)
                return answer
        except TimeoutError:
            return Answer(None, f"no answer within {TIMEOUT_S:g} s")
        except _FAILURES as error:
            return Answer(None, str(error) or type(error).__name__)

    async def objection(self, url: str) -> str | None:
        """Tell why nothing may be sent there; a name that cannot be resolved now may be so later."""
        parts = urlsplit(url)
        try:
            await self._backend.addresses(parts.hostname or "", parts.port or 0)
        except httpcore.ConnectError as error:
            return str(error)
        except (OSError, UnicodeError):
            return None
        return None

    async def close(self) -> None:
        """Close idle connections."""
        await self._pool.aclose()
        self._backend.close()

    def _retry_after_s(self, headers: Sequence[tuple[bytes, bytes]]) -> float:
        value = next((value for name, value in headers if name.lower() == b"retry-after"), b"").decode(
            "latin-1"
        )
        if value.isascii() and value.isdigit():
            return float(value[:9])
        with suppress(ValueError, OverflowError):
            at = parsedate_to_datetime(value)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - self._clock.now_us() / 1e6
        return 0.0


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to no address that is not allowed."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed
        self._lookups = ThreadPoolExecutor(LOOKUPS_MAX, "webhook-names")
        self._network: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()  # pyright: ignore[reportAttributeAccessIssue]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers, if all that the host stands for are allowed."""
        failure: httpcore.NetworkError | httpcore.TimeoutException = httpcore.ConnectError("no address")
        for address in await self.addresses(host, port):
            try:
                return await self._network.connect_tcp(
                    address, port, timeout or CONNECT_S, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Resolve a host once, and return its addresses, the best first.

        Raises:
            httpcore.ConnectError: any of its addresses is not allowed.
            OSError, UnicodeError: it cannot be resolved.
        """
        addresses = [ip_address(entry[4][0]) for entry in await self._resolve(host, port)]
        for address in addresses:
            if not is_allowed(address, self._allowed):
                raise httpcore.ConnectError(
                    f"{host} leads to {address}, which is not public;"
                    " a private network has to be allowed: gateway run --webhook-network"
                )
        return [str(address) for address in addresses]

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await self._network.sleep(seconds)

    def close(self) -> None:
        """Look no more names up."""
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def _resolve(self, host: str, port: int) -> Sequence[AddressInfo]:
        """Look a name up; an address, however it is written, waits for no thread."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        with suppress(socket.gaierror):
            return look_up(flags=socket.AI_NUMERICHOST)
        return await asyncio.get_running_loop().run_in_executor(self._lookups, look_up)


def is_allowed(address: IPv4Address | IPv6Address, allowed: Iterable[Network]) -> bool:
    """Tell whether deliveries may go to an address."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    public = address.is_global and not address.is_multicast
    if isinstance(address, IPv6Address):
        public = public and address in _UNICAST and address not in _SIX_TO_FOUR
    return public or any(address in network for network in allowed)


async def _read_rest(response: httpcore.Response) -> None:
    """Read the rest of an answer if it is short and comes soon."""
    read = 0
    with suppress(TimeoutError, *_FAILURES):
        async with asyncio.timeout(REST_S):
            async for chunk in response.aiter_stream():
                read += len(chunk)
                if read > REST_MAX_BYTES:
                    return
