"""What every test gets: hypothesis settings, a failure when a test leaves an asyncio task behind, and a database server."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres import postgres_server

# The same examples in every run: a change is judged by what it changes, not by luck. `make explore` looks for
# new ones, and prints a blob that replays a failure elsewhere (@reproduce_failure).
settings.register_profile("repeat", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))

# Passes of the event loop in which a task that was told to stop may still end.
UNWIND_PASSES = 10
SHOWN_MAX = 10


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """Run one PostgreSQL server for all tests that ask for it; see `tests.postgres.wes_database`."""
    with postgres_server() as folder:
        yield folder


@pytest.fixture(autouse=True)
def no_leaked_tasks(request: pytest.FixtureRequest) -> None:
    """Watch async tests for leaked tasks; a synchronous test gets no event loop for it."""
    function = getattr(request.node, "obj", None)
    function = getattr(getattr(function, "hypothesis", None), "inner_test", function)
    if inspect.iscoroutinefunction(function):
        request.getfixturevalue("_leak_check")


@pytest.fixture
async def _leak_check() -> AsyncIterator[None]:
    # Set up before the test's own fixtures, so it looks after they have stopped what they started.
    before = asyncio.all_tasks()
    yield
    for _ in range(UNWIND_PASSES):
        if not _left(before):
            return
        await asyncio.sleep(0)
    if leaked := sorted(repr(task) for task in _left(before)):
        shown = "\n  ".join(leaked[:SHOWN_MAX])
        pytest.fail(f"{len(leaked)} asyncio task(s) left behind:\n  {shown}", pytrace=False)


def _left(before: set[asyncio.Task[object]]) -> set[asyncio.Task[object]]:
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() - before if task is not current}
