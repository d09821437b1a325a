"""The WES core on every database that it can live in, with callers that really run side by side."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.kernel.ports import Store
from gateway.store.postgres import open_postgres
from gateway.store.sqlite import open_sqlite
from gateway.wes.schema import MIGRATIONS
from tests.postgres import wes_database


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            yield await stack.enter_async_context(open_sqlite(tmp_path / "wes.db", MIGRATIONS))
        else:
            url = await stack.enter_async_context(wes_database(request.getfixturevalue("postgres")))
            yield await stack.enter_async_context(open_postgres(url, MIGRATIONS))
