"""A simulated supplier: tells the WES of its products and fills its totes, some products with much and most with little (Zipf).

It speaks HTTP only, as docs/oms-integration.md says. What it fills follows from its seed alone, and every receipt has an id of its
tote: filling again changes nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from sim_devices.asking import Asker
from sim_devices.clock import Random
from sim_devices.labels import ean13
from sim_devices.oms import zipf

PRODUCTS: Final = 60
BEST_SELLERS: Final = 12
"""So many of them have the attribute abc = A."""
IN_A_TOTE_MAX: Final = 3
PIECES: Final = (10, 40)
HANDS: Final = 16
"""Totes that are filled at a time."""
CONFLICT: Final = 409


class SimulatedSupplier:
    """Fills totes."""

    def __init__(self, http: httpx.AsyncClient, rng: Random) -> None:
        """Args: http: client with the WES's base URL (and token). rng: decides what is in which tote."""
        self._asker = Asker(http, "supplier")
        self._rng = rng
        self._skus = [f"SKU-{number:03}" for number in range(1, PRODUCTS + 1)]

    async def fill(self, totes: Sequence[str]) -> None:
        """Tell all products, then fill each tote that has not been filled before.

        Raises:
            httpx.HTTPStatusError: something was refused.
        """
        products = [
            {
                "skuId": sku,
                "skuName": f"Product {sku}",
                "version": 1,
                "barcodes": [ean13(rank)],
                "attributes": {"abc": "A" if rank < BEST_SELLERS else "C"},
            }
            for rank, sku in enumerate(self._skus)
        ]
        told = await self._asker.ask("POST", "/api/wms/product/sync", json={"items": products})
        told.raise_for_status()
        hands = asyncio.Semaphore(HANDS)
        async with asyncio.TaskGroup() as tasks:
            for receipt in [self._receipt(tote) for tote in totes]:
                tasks.create_task(self._deliver(receipt, hands))

    async def _deliver(self, receipt: Mapping[str, object], hands: asyncio.Semaphore) -> None:
        async with hands:
            answer = await self._asker.ask("POST", "/v1/wes/inbound/receipts", json=receipt)
        if answer.status_code != CONFLICT:  # filled before, with another seed
            answer.raise_for_status()

    def _receipt(self, tote: str) -> dict[str, object]:
        count = self._rng.randint(1, IN_A_TOTE_MAX)
        skus = sorted(set(self._rng.choices(self._skus, cum_weights=zipf(PRODUCTS), k=count)))
        lines = [{"skuId": sku, "quantity": self._rng.randint(*PIECES)} for sku in skus]
        return {"actId": f"fill-{tote}", "operator": "supplier", "holderId": tote, "lines": lines}
