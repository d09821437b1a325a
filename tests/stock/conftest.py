"""The same warehouse on every database that the WES can live in."""

from collections.abc import AsyncIterator

import pytest

from gateway.store.inline import open_inline
from gateway.wes.schema import MIGRATIONS
from tests.stock.rig import Warehouse, build


@pytest.fixture(params=["sqlite"])
async def warehouse() -> AsyncIterator[Warehouse]:
    async with open_inline(migrations=MIGRATIONS) as store:
        yield await build(store)
