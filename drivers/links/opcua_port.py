"""What an OPC UA driver needs of a wire: one session, and nothing that is known about any library.

A session lives until its first sign of trouble and is then thrown away whole; the next one is made from
nothing. No request is ever repeated here: one that failed may have been executed (law 3), and only the
handshake can tell. A data change carries no value, it only wakes: whoever is woken reads again. So nothing
arrives out of order, and there is no queue that could overflow.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from drivers.links.errors import LinkError
from gateway.contract.wiring import OpcUaLink, TagType

Value = int | str

Wake = Callable[[], None]
"""Called after something may have changed, once for one change or for many. Must neither block nor raise."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A value with the data type that it has on the wire: servers refuse any other."""

    type: TagType
    value: Value


class OpcUaPort(Protocol):
    """One session with one server. Nodes are named by their string identifiers in the link's namespace.

    Every request raises LinkError. Whether the session outlived it, as it does a bad status of a single node,
    `lost` tells.
    """

    @property
    def lost(self) -> asyncio.Future[LinkError]:
        """Done once the session is lost, with the reason. From then on every request raises that."""
        ...

    async def read(self, nodes: tuple[str, ...]) -> tuple[Value, ...]:
        """Read all nodes in one request, in this order; a null string reads as an empty one."""
        ...

    async def write(self, values: Mapping[str, Typed]) -> None:
        """Write all nodes in one request, in this order. If it raises, all, some or none may be written."""
        ...

    async def call(self, method: str, arguments: Sequence[Typed]) -> tuple[Value, ...]:
        """Call a method of the object that it belongs to. If it raises, it may have been executed."""
        ...

    async def watch(self, nodes: tuple[str, ...], wake: Wake) -> None:
        """Call `wake` after any of the nodes may have changed; replaces an earlier watch of the same nodes.

        A node that the server will not watch is left to the polling that stands behind.
        """
        ...


Connect = Callable[[OpcUaLink], AbstractAsyncContextManager[OpcUaPort]]
"""Makes one session and ends it. Raises LinkError when none can be made."""
