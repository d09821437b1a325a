"""The same warehouse on every database that the WES can live in."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from gateway.kernel.ports import Store
from gateway.store.inline import open_inline
from gateway.store.postgres import open_postgres
from gateway.wes.schema import MIGRATIONS
from tests.postgres import wes_database
from tests.stock.rig import Warehouse, build


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            yield await stack.enter_async_context(open_inline(migrations=MIGRATIONS))
        else:
            url = await stack.enter_async_context(wes_database(request.getfixturevalue("postgres")))
            yield await stack.enter_async_context(open_postgres(url, MIGRATIONS, connections=2))


@pytest.fixture
async def warehouse(store: Store) -> Warehouse:
    return await build(store)
