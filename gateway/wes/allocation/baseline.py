"""The baseline as an allocator: it plans in the gateway's own process, and what it needs for that the solver's does not load."""

from gateway.kernel.supervise import give_way
from gateway.wes.allocation.draft import Draft, snapshot
from gateway.wes.allocation.greedy import fill
from gateway.wes.allocation.port import Answer, Problem


class Greedy:
    """Plans at once."""

    async def plan(self, problem: Problem) -> Answer:
        """Return the baseline's plan; others have their turn on the event loop after each work order."""
        draft = Draft(snapshot(problem))
        for _ in fill(draft):
            await give_way()
        return Answer(plan=draft.plan(), by="greedy")
