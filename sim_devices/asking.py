"""Asks over HTTP until there is an answer: what is asked has an id, or changes nothing, so asking again is safe."""

import asyncio
from typing import Any, Final

import httpx
import structlog

log = structlog.get_logger()

RETRY_S: Final = 0.5
TOLD_MAX: Final = 200
"""Characters of an answer that stand in the log."""
TOO_MANY: Final = 429


class Asker:
    """Somebody who wants an answer; what keeps it away is told once, and once that it has come."""

    def __init__(self, http: httpx.AsyncClient, name: str) -> None:
        """Args: http: client with the base URL (and token). name: who it is, for the log."""
        self._http = http
        self._name = name
        self._unanswered: set[str] = set()

    async def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Ask; return what is said, a refusal too, but not that it cannot be said now (5xx, 429)."""
        while True:
            try:
                answer = await self._http.request(method, path, **content)
            except httpx.TransportError as error:
                self._note(path, f"{type(error).__name__} {error}".strip())
            else:
                if answer.status_code < 500 and answer.status_code != TOO_MANY:
                    self._note(path, None)
                    return answer
                self._note(path, f"{answer.status_code} {answer.text[:TOLD_MAX]}")
            await asyncio.sleep(RETRY_S)

    def _note(self, path: str, why: str | None) -> None:
        if why is None and path in self._unanswered:
            log.info("there is an answer again", asked_by=self._name, path=path)
            self._unanswered.remove(path)
        elif why is not None and path not in self._unanswered:
            log.warning("there is no answer; asking again", asked_by=self._name, path=path, why=why)
            self._unanswered.add(path)
