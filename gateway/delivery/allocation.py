"""Planning elsewhere: the built-in solver in a process of its own, or an algorithm service of the customer.

Both get a problem as JSON and answer with a plan as JSON (docs/allocation.md). Whatever they answer is judged like everybody's
plan, and they may fail: then another allocator stands in, and the answer says why.
"""

from typing import Final, Protocol

from pydantic import ValidationError

from gateway.contract.strict_json import read_json
from gateway.wes.allocation.plans import check
from gateway.wes.allocation.port import PLAN_JSON, PROBLEM_JSON, Allocator, Answer, Plan, Problem

TOLD_MAX: Final = 3
"""Faults of a plan that are told."""
WHY_MAX: Final = 500
"""Characters of what is told of an answer: whoever made it chooses the names in it."""


class NoPlan(Exception):  # noqa: N818 - an answer to an operator
    """Whoever was asked has not answered with a plan; the text says why, and begins with who."""


class Algorithm(Protocol):
    """Somebody who can be asked for plans."""

    @property
    def by(self) -> str:
        """Short name, as answers tell it."""
        ...

    @property
    def name(self) -> str:
        """Name for people."""
        ...

    async def ask(self, problem: bytes) -> bytes:
        """Return the plan for a problem.

        Raises:
            NoPlan: there is none, in bounded time.
        """
        ...


class Elsewhere:
    """An allocator that asks somebody, and another allocator where that fails."""

    def __init__(self, algorithm: Algorithm, instead: Allocator) -> None:
        self._algorithm = algorithm
        self._instead = instead

    async def plan(self, problem: Problem) -> Answer:
        """Return the plan of whom it asks, or the other allocator's with the reason."""
        try:
            plan = await self._asked(problem)
        except NoPlan as why:
            answer = await self._instead.plan(problem)
            return Answer(plan=answer.plan, by=answer.by, remarks=(str(why), *answer.remarks))
        return Answer(plan=plan, by=self._algorithm.by)

    async def _asked(self, problem: Problem) -> Plan:
        name = self._algorithm.name
        answer = await self._algorithm.ask(PROBLEM_JSON.dump_json(problem, by_alias=True))
        try:
            plan = PLAN_JSON.validate_python(read_json(answer))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise NoPlan(f"{name}'s answer is no plan: {place}: {first['msg']}"[:WHY_MAX]) from error
        except ValueError as error:
            raise NoPlan(f"{name}'s answer is no JSON: {error}"[:WHY_MAX]) from error
        if faults := check(problem, plan):
            raise NoPlan(f"{name}'s plan is not sound: {'; '.join(faults[:TOLD_MAX])}"[:WHY_MAX])
        return plan
