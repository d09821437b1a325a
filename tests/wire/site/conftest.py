"""The demo site as two processes, started once for the tests of this folder and ended behind the last of them: it never rests."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.wire.demo import SPEED, RunningDemo, meet
from tests.wire.processes import SiteProcesses, running_site


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def demo_processes(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[SiteProcesses]:
    """`gateway sim` and `gateway run` of the demo site."""
    async with running_site(tmp_path_factory.mktemp("site"), speed=SPEED) as site:
        yield site


@pytest.fixture
async def demo(demo_processes: SiteProcesses) -> AsyncGenerator[RunningDemo]:
    """The running demo site; after each test books and world must agree."""
    async with meet(demo_processes) as demo:
        yield demo
