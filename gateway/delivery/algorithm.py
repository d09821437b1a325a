"""The customer's algorithm service: `POST {url}` with a problem as JSON, 200 with a plan as JSON (docs/allocation.md)."""

import asyncio
from typing import Final

import httpx

from gateway.delivery.allocation import NoPlan
from gateway.site.wes import AlgorithmService

OK: Final = 200
ANSWER_MAX: Final = 16 * 2**20
"""Bytes of an answer that are read."""


class HttpAlgorithm:
    """An algorithm service over HTTP. Whoever writes the site file may name any address; redirects are not followed."""

    by = "external"
    name = "the algorithm service"

    def __init__(self, http: httpx.AsyncClient, service: AlgorithmService) -> None:
        self._http = http
        self._service = service

    async def ask(self, problem: bytes) -> bytes:
        """Return the service's answer, which it has to give within its time as a whole."""
        try:
            async with asyncio.timeout(self._service.timeout_s):
                return await self._post(problem)
        except TimeoutError as late:
            raise NoPlan(f"{self.name} has not answered within {self._service.timeout_s:g} s") from late
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, UnicodeError) as error:
            raise NoPlan(f"{self.name} cannot be asked: {str(error) or type(error).__name__}") from error

    async def _post(self, problem: bytes) -> bytes:
        headers = {"content-type": "application/json"}
        async with self._http.stream("POST", self._service.url, content=problem, headers=headers) as response:
            if response.status_code != OK:
                raise NoPlan(f"{self.name} answered {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > ANSWER_MAX:
                    raise NoPlan(f"{self.name}'s answer is longer than {ANSWER_MAX} bytes")
            return bytes(body)
