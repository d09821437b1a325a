"""Who plans at a site: the allocators that its settings name, one standing in for the other."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from gateway.delivery.algorithm import HttpAlgorithm
from gateway.delivery.allocation import Elsewhere
from gateway.delivery.solver import SolverProcess
from gateway.site.wes import Allocation, BuiltIn
from gateway.wes.allocation.baseline import Greedy
from gateway.wes.allocation.port import Allocator


@asynccontextmanager
async def open_allocator(allocation: Allocation) -> AsyncGenerator[Allocator]:
    """Return the allocator of a site, for as long as the context lasts."""
    async with AsyncExitStack() as stack:
        allocator: Allocator = Greedy()
        if allocation.by is BuiltIn.SOLVER:
            solver = SolverProcess()
            stack.push_async_callback(solver.close)
            allocator = Elsewhere(solver, allocator)
        if allocation.service is not None:
            http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
            allocator = Elsewhere(HttpAlgorithm(http, allocation.service), allocator)
        yield allocator
