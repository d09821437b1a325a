"""An algorithm service of the customer over HTTP: its answers are judged like everybody's, and it may fail.

`POST {url}` with a problem as JSON, 200 with a plan as JSON (docs/allocation.md). No answer in time, another status, no plan, or
a plan that is not sound: the built-in allocator answers instead, and the answer says why.
"""

from typing import Final

import httpx
from pydantic import ValidationError

from gateway.wes.allocation.plans import check
from gateway.wes.allocation.port import PLAN_JSON, PROBLEM_JSON, Allocator, Answer, Plan, Problem

OK: Final = 200
ANSWER_MAX: Final = 16 * 2**20
"""Bytes of an answer that are read."""
TOLD_MAX: Final = 3
"""Faults of a plan that are told."""


class External:
    """An allocator that asks a service, and another allocator where that fails."""

    def __init__(self, client: httpx.AsyncClient, url: str, timeout_s: float, instead: Allocator) -> None:
        self._client = client
        self._url = url
        self._timeout_s = timeout_s
        self._instead = instead

    async def plan(self, problem: Problem) -> Answer:
        """Return the service's plan, or the other allocator's with the reason."""
        try:
            plan = await self._asked(problem)
        except httpx.HTTPError as error:
            return await self._fall_back(
                problem, f"the algorithm service cannot be asked: {type(error).__name__}"
            )
        except ValueError as error:
            return await self._fall_back(problem, str(error))
        faults = check(problem, plan)
        if faults:
            told = "; ".join(faults[:TOLD_MAX])
            return await self._fall_back(problem, f"the algorithm service's plan is not sound: {told}")
        return Answer(plan=plan, by="external")

    async def _asked(self, problem: Problem) -> Plan:
        request = self._client.build_request(
            "POST",
            self._url,
            content=PROBLEM_JSON.dump_json(problem, by_alias=True),
            headers={"content-type": "application/json"},
            timeout=self._timeout_s,
        )
        response = await self._client.send(request, stream=True)
        try:
            if response.status_code != OK:
                raise ValueError(f"the algorithm service answered {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > ANSWER_MAX:
                    raise ValueError(f"the algorithm service's answer is longer than {ANSWER_MAX} bytes")
        finally:
            await response.aclose()
        try:
            return PLAN_JSON.validate_json(bytes(body))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"the algorithm service's answer is no plan: {place}: {first['msg']}") from error

    async def _fall_back(self, problem: Problem, why: str) -> Answer:
        answer = await self._instead.plan(problem)
        return Answer(plan=answer.plan, by=answer.by, remarks=(why, *answer.remarks))
