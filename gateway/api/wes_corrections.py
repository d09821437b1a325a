"""Stock put right by people (S3-26…28, S4-21): every act may be sent again under its id."""

from functools import partial

from fastapi import APIRouter, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import reply
from gateway.contract.acts import ActView
from gateway.contract.corrections import (
    AnyCorrection,
    CountGoods,
    HoldGoods,
    JudgeLot,
    MergeGoods,
    MoveGoods,
    MoveHeldGoods,
    RecallLot,
    ReturnGoods,
    ScrapGoods,
    SetSafety,
    UnholdGoods,
)
from gateway.wes.core import WesCore
from gateway.wes.corrections import correct
from gateway.wes.recall import go_on, recall


def correction_routes(core: WesCore) -> APIRouter:
    """Return the routes under /v1/wes/corrections."""
    router = APIRouter(prefix="/v1/wes/corrections", tags=["wes corrections"], route_class=JsonRoute)

    async def do(request: AnyCorrection) -> Response:
        return reply(await core.store.write(partial(correct, context=core.context, request=request)))

    @router.post("/counts", response_model=ActView)
    async def count_goods(request: CountGoods) -> Response:
        """Tell what was counted of a lot in one container or place: the books follow."""
        return await do(request)

    @router.post("/holds", response_model=ActView)
    async def hold_goods(request: HoldGoods) -> Response:
        """Hold free pieces: they are not promised to anybody until they are freed."""
        return await do(request)

    @router.post("/unholds", response_model=ActView)
    async def unhold_goods(request: UnholdGoods) -> Response:
        """Free held pieces that are there and good."""
        return await do(request)

    @router.post("/moves", response_model=ActView)
    async def move_goods(request: MoveGoods) -> Response:
        """Tell that free pieces were put from one container or place into another."""
        return await do(request)

    @router.post("/held-moves", response_model=ActView)
    async def move_held_goods(request: MoveHeldGoods) -> Response:
        """Tell that held pieces, such as damaged ones, were put from one container or place into another."""
        return await do(request)

    @router.post("/scraps", response_model=ActView)
    async def scrap_goods(request: ScrapGoods) -> Response:
        """Tell that pieces were thrown away."""
        return await do(request)

    @router.post("/supplier-returns", response_model=ActView)
    async def return_goods(request: ReturnGoods) -> Response:
        """Tell that pieces went back to their supplier."""
        return await do(request)

    @router.post("/qualities", response_model=ActView)
    async def judge_lot(request: JudgeLot) -> Response:
        """Say whether a lot may be used."""
        return await do(request)

    @router.post("/merges", response_model=ActView)
    async def merge_goods(request: MergeGoods) -> Response:
        """Tell that free pieces of one lot are of another lot of the product from now on."""
        return await do(request)

    @router.post("/recalls", response_model=ActView)
    async def recall_lot(request: RecallLot) -> Response:
        """Recall a lot: bar it at once, whoever is promised some of it, and have what is picked taken out of its boxes."""
        view = await core.store.write(partial(recall, context=core.context, request=request))
        await go_on(core)
        core.stir()
        return reply(view)

    @router.post("/safeties", response_model=ActView)
    async def set_safety_stock(request: SetSafety) -> Response:
        """Set a product's safety stock: so much of it is never offered to upstream."""
        return await do(request)

    return router
