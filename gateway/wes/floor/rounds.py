"""What the floor does by itself, in rounds (S0-44): operations are pushed, slots lit, withdrawals gone on with."""

from functools import partial

from gateway.kernel.ports import Store
from gateway.wes.context import WesContext
from gateway.wes.floor.cancelling import Withdrawals
from gateway.wes.floor.operations import push_waiting
from gateway.wes.floor.shortfall import list_lacking, make_up_again
from gateway.wes.floor.wall import Wall
from gateway.wes.planning.gateway import Gateway


class Floor:
    """Stations, walls and people, seen from behind."""

    def __init__(self, store: Store, context: WesContext, gateway: Gateway) -> None:
        self._store = store
        self._context = context
        self._wall = Wall(store, context, gateway)
        self._withdrawals = Withdrawals(store, context)

    async def work(self) -> None:
        """Do one round."""
        await self._store.write(partial(push_waiting, context=self._context))
        await self._wall.work()
        await self._withdrawals.work()


class Lacking:
    """Tries again to promise other goods where a pick came short, some orders in each round, and all in turn."""

    def __init__(self, store: Store, context: WesContext) -> None:
        self._store = store
        self._context = context
        self._after = 0

    async def work(self) -> None:
        """Try the next ones, each in a transaction of its own."""
        limit = self._context.wes.timers.reservation.batch
        found = await self._store.read(lambda tx: list_lacking(tx, self._after, limit))
        for order_id in found:
            await self._store.write(partial(make_up_again, context=self._context, order_id=order_id))
        self._after = found[-1] if len(found) == limit else 0
