"""One OPC UA session, shared by the drivers of all devices behind it.

A lost session is not repaired; another is made in its place. Drivers take the session that is there, use it
until it raises, and ask for the next.
"""

import asyncio
from typing import Final

from drivers.links.errors import LinkError
from drivers.links.opcua_port import Connect, OpcUaPort
from gateway.contract.wiring import OpcUaLink

RETRY_FIRST_S: Final = 0.25
RETRY_LONGEST_S: Final = 2.0


class OpcUaLinkRunner:
    """Keeps one session up: makes it, waits for its end, makes the next.

    Args:
        settings: the server and how to speak with it.
        connect: how a session is made.
    """

    def __init__(self, settings: OpcUaLink, connect: Connect) -> None:
        self.settings = settings
        self._connect = connect
        self._port: OpcUaPort | None = None
        self._attempt: asyncio.Future[OpcUaPort] | None = None

    async def run(self) -> None:
        """Work until cancelled; survive whatever the wire does."""
        now = asyncio.get_running_loop().time
        pause_s = RETRY_FIRST_S
        while True:
            started = now()
            try:
                async with self._connect(self.settings) as port:
                    self._port = port
                    self._end_attempt().set_result(port)
                    await asyncio.shield(port.lost)
            except LinkError as error:
                failed = self._end_attempt()
                failed.set_exception(error)
                failed.exception()  # nobody needs to be waiting for it
            if now() - started > RETRY_LONGEST_S:
                pause_s = RETRY_FIRST_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RETRY_LONGEST_S)

    async def session(self) -> OpcUaPort:
        """Return the session, or wait for the outcome of the next attempt to make one.

        Raises:
            LinkError: the attempt failed; another follows by itself.
        """
        if self._port is not None and not self._port.lost.done():
            return self._port
        return await asyncio.shield(self._next_attempt())

    def _next_attempt(self) -> asyncio.Future[OpcUaPort]:
        if self._attempt is None:
            self._attempt = asyncio.get_running_loop().create_future()
        return self._attempt

    def _end_attempt(self) -> asyncio.Future[OpcUaPort]:
        attempt, self._attempt = self._next_attempt(), None
        return attempt
