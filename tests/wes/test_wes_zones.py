"""Goods lie in the zones that are for them, on both databases (S2-63, S2-103, S2-105, S2-110, S2-120).

Given in every test: aisle A1 is for whatever has no zone of its own, QC-* for what waits for an inspection, NG-* for what must not
be used, BACK-1 for lots that came back, COLD-1 for chilled goods of at most 5 kg; people walk to SH-* (what is picked, up to 2 kg
a piece, 20 kg a place, not chilled) and to DMG-1 (what is put aside). A is ambient and weighs 1 kg, C is chilled, H weighs 3 kg.
"""

from dataclasses import replace
from functools import cache, partial
from typing import Any

import pytest

from gateway.contract.acts import ActView
from gateway.contract.corrections import HoldGoods, JudgeLot, MoveGoods, MoveHeldGoods
from gateway.contract.faults import Refusal
from gateway.contract.inbound import PutAway, Receive
from gateway.contract.inbound import Store as StoreContainer
from gateway.contract.returns import ReceiveReturn
from gateway.kernel.clock import to_rfc3339
from gateway.kernel.ports import Store
from gateway.site.model import Site
from gateway.wes.alarms import Alarms
from gateway.wes.corrections import correct
from gateway.wes.inbound import put_where_it_stays, store_container, take_in
from gateway.wes.layout import lay_out
from gateway.wes.orders.history import DAY_US
from gateway.wes.planning import misplaced
from gateway.wes.planning.misplaced import Tidying
from gateway.wes.returns import take_back
from tests.unit.chain_rig import Chain, chain_on, demo_site, fill, order
from tests.unit.station_rig import station_on
from tests.unit.wes_rig import WAREHOUSE

AREA = f"{WAREHOUSE}/RCV_AREA"
AMBIENT = {"product.temperature": "ambient"}
ZONES: list[dict[str, Any]] = [
    {"zone": "aisle-1", "takes": AMBIENT},
    {"zone": "qc", "purpose": "pending"},
    {"zone": "rejects", "purpose": "rejected"},
    {"zone": "back", "purpose": "returns"},
    {"zone": "cold", "takes": {"product.temperature": "chill", "weight": {"max": 5}}},
    {"zone": "shelves", "purpose": "pick", "takes": AMBIENT | {"weight": {"max": 2}}, "max_kg": 20},
    {"zone": "broken", "purpose": "damaged"},
]
PLACES = {
    "storage": {"QC-1": "qc", "QC-2": "qc", "NG-1": "rejects", "NG-2": "rejects", "BACK-1": "back", "COLD-1": "cold"},
    "shelf": {"SH-1": "shelves", "SH-2": "shelves", "SH-3": "shelves", "DMG-1": "broken"},
}  # fmt: skip


@cache
def zoned_site() -> Site:
    site = demo_site().model_dump(by_alias=True, exclude={"root", "wes"})
    for rack in site["racks"]:
        rack["zone"] = "aisle-1"
    for kind, places in PLACES.items():
        more = [{"id": name, "kind": kind, "zone": zone} for name, zone in places.items()]
        site["locations"] = [*site["locations"], *more]
    return Site.model_validate(site)


class Floor:
    """A site with zones, and whoever works there."""

    def __init__(self, line: Chain) -> None:
        self.line = line
        self.alarms = Alarms()
        self.tidying = Tidying(line.store, line.core.context, self.alarms)
        self._acts = 0

    async def do(self, job: Any, kind: Any, **body: Any) -> ActView:
        self._acts += 1
        request = kind.model_validate({"actId": f"act-{self._acts}", "operator": "Ann", **body})
        return await self.line.store.write(partial(job, context=self.line.core.context, request=request))

    async def refused(self, job: Any, kind: Any, **body: Any) -> tuple[str, str]:
        with pytest.raises(Refusal) as told:
            await self.do(job, kind, **body)
        (reason,) = told.value.reasons
        return reason.code, reason.message

    async def receive(self, sku: str, quantity: int, holder: str | None = None, **more: Any) -> ActView:
        lines = [{"skuId": sku, "quantity": quantity, "lotNo": f"{sku}-1", **more}]
        return await self.do(take_in, Receive, holderId=holder, lines=lines)

    async def judge(self, sku: str, quality: str) -> None:
        await self.do(correct, JudgeLot, skuId=sku, lotNo=f"{sku}-1", quality=quality, reason="looked at")

    async def stand(self, tote: str, place: str) -> None:
        self.line.gateway.put_by_hand(tote, place)
        await self.line.hear()

    async def store(self, tote: str) -> ActView:
        return await self.do(store_container, StoreContainer, containerId=tote)

    async def tidy(self, rounds: int = 3) -> None:
        for _ in range(rounds):
            await self.tidying.work()
            await self.line.round()

    def where(self, tote: str) -> str:
        return self.line.gateway.places[tote]

    async def moves(self, tote: str) -> list[tuple[str, str, str | None]]:
        """Return (purpose, destination, why) of all ways that a tote has been sent."""
        sql = "SELECT purpose, destination, why FROM presentations WHERE container_id = :name ORDER BY presentation_id"
        return [(*row,) for row in await self.line.core.rows(sql, name=tote)]


async def floor_on(store: Store, **changes: Any) -> Floor:
    line = await chain_on(store, **{"zones": ZONES} | changes)
    core = line.core
    core.context = replace(core.context, layout=lay_out(zoned_site(), core.context.wes.stations.boxes))
    await core.products("A", version=2, weightKg=1, attributes={"temperature": "ambient"})
    await core.products("C", version=2, weightKg=1, attributes={"temperature": "chill"})
    await core.products("H", version=2, weightKg=3, attributes={"temperature": "ambient"})
    return Floor(Chain(core, line.gateway, line.store))


# ── by quality ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_container_goes_where_its_goods_belong_and_elsewhere_when_they_are_judged(
    store: Store,
) -> None:
    floor = await floor_on(store)
    await floor.stand("T-1", "IN-3")
    await floor.receive("A", 5, "T-1", quality="pending")
    view = await floor.store("T-1")
    assert (view.destination, view.why) == ("QC-1", "A lot A-1 is pending: it belongs to zone qc")
    await floor.tidy()
    assert floor.where("T-1") == "QC-1"
    await floor.judge("A", "rejected")
    await floor.tidy()
    assert floor.where("T-1") == "NG-1"
    await floor.judge("A", "qualified")
    await floor.tidy(6)
    assert floor.where("T-1").startswith("A1-")
    assert [(purpose, why) for purpose, _, why in await floor.moves("T-1")] == [
        ("putaway", "A lot A-1 is pending: it belongs to zone qc"),
        ("relocate", "A lot A-1 is rejected: it belongs to zone rejects"),
        ("relocate", "zone rejects is for what must not be used, and A lot A-1 is qualified"),
    ]


async def test_goods_of_two_purposes_do_not_go_into_one_container_and_judged_in_one_they_go_by_the_strictest(
    store: Store,
) -> None:
    floor = await floor_on(store)
    await floor.stand("T-1", "IN-3")
    await floor.receive("A", 5, "T-1")
    await floor.receive("H", 5, quality="rejected")
    away = {"lines": [{"skuId": "H", "quantity": 1, "lotNo": "H-1"}]}
    code, text = await floor.refused(put_where_it_stays, PutAway, holderId="T-1", **away)
    assert code == "mixed"
    assert "H lot H-1 is rejected" in text
    await floor.judge("H", "qualified")
    await floor.do(put_where_it_stays, PutAway, holderId="T-1", **away)
    await floor.store("T-1")
    await floor.tidy()
    assert floor.where("T-1").startswith("A1-")
    await floor.judge("H", "pending")
    await floor.tidy()
    assert floor.where("T-1") == "QC-1"


async def test_what_was_put_aside_belongs_to_its_zone_and_nothing_else_does(store: Store) -> None:
    floor = await floor_on(store)
    await floor.receive("A", 5, "SH-1")
    goods = {"skuId": "A", "lotNo": "A-1", "reason": "torn", "holderId": "SH-1", "quantity": 2}
    await floor.do(correct, HoldGoods, **goods)
    assert await floor.refused(correct, MoveHeldGoods, targetId="SH-2", **goods) == (
        "doesNotBelong",
        "what is put aside belongs to zone broken",
    )
    await floor.do(correct, MoveHeldGoods, targetId="DMG-1", **goods)
    code, _ = await floor.refused(correct, MoveGoods, targetId="DMG-1", **goods | {"quantity": 1})
    assert code == "doesNotBelong"


async def test_a_container_whose_zone_is_full_waits_where_it_is_and_an_alarm_says_so(store: Store) -> None:
    floor = await floor_on(store)
    await fill(floor.line, "T-1", "A1-1-L-05", A=5)
    for tote, place in (("T-8", "NG-1"), ("T-9", "NG-2")):
        await fill(floor.line, tote, place)
        await floor.stand(tote, place)
        floor.line.gateway.block(place, "Ann")
    await floor.line.hear()
    await floor.stand("T-1", "A1-1-L-05")
    await floor.judge("A", "rejected")
    await floor.tidy()
    assert floor.where("T-1") == "A1-1-L-05"
    (alarm,) = floor.alarms.standing.values()
    assert (
        "no storage location is free for T-1: A lot A-1 is rejected: it belongs to zone rejects" in alarm.text
    )
    floor.line.gateway.remove("T-8")
    floor.line.gateway.unblock("NG-1")
    await floor.tidy()
    assert floor.where("T-1") == "NG-1"
    assert not floor.alarms.standing


async def test_goods_at_a_flat_place_that_belong_there_no_more_are_told(store: Store) -> None:
    floor = await floor_on(store)
    await floor.receive("A", 5, "SH-1")
    await floor.tidy()
    assert not floor.alarms.standing
    await floor.judge("A", "pending")
    await floor.tidy()
    (alarm,) = floor.alarms.standing.values()
    assert alarm.text.endswith("SH-1: A lot A-1 is pending: it belongs to zone qc")


async def test_of_many_goods_that_lie_wrong_some_are_named_and_the_others_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misplaced, "NAMED_MAX", 1)
    floor = await floor_on(store)
    for place in ("SH-1", "SH-2"):
        await floor.receive("A", 5, place)
    await floor.judge("A", "pending")
    for _ in range(2):
        await floor.tidy()
        (alarm,) = floor.alarms.standing.values()
        assert alarm.text.endswith("SH-1: A lot A-1 is pending: it belongs to zone qc, and 1 more")


async def test_a_container_that_orders_wait_for_is_picked_first(store: Store) -> None:
    floor = await floor_on(store)
    await fill(floor.line, "T-1", "QC-1", A=5)
    await order(floor.line, "C-1", ("A", 2))
    await floor.line.until_quiet()
    await floor.tidy()
    assert floor.where("T-1").startswith("A1-")
    assert [purpose for purpose, _, _ in await floor.moves("T-1")] == ["pick", "return"]


async def test_what_comes_back_lies_apart_from_what_never_left(store: Store) -> None:
    line = await station_on(store, zones=ZONES)
    core = line.core
    core.context = replace(core.context, layout=lay_out(zoned_site(), core.context.wes.stations.boxes))
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 3))
    await line.finish()
    came = {"actId": "R-1", "operator": "Dora", "orderNo": "ORD-C-1", "holderId": "T-9"}
    goods = {"skuId": "A", "quantity": 2, "quality": "saleable"}
    request = ReceiveReturn.model_validate(came | {"lines": [goods]})
    await line.store.write(partial(take_back, context=core.context, request=request))
    line.gateway.put_by_hand("T-9", "IN-3")
    await line.hear()
    stored = StoreContainer.model_validate({"actId": "S-1", "operator": "Dora", "containerId": "T-9"})
    view = await line.store.write(partial(store_container, context=core.context, request=stored))
    assert view.destination == "BACK-1"
    assert view.why == "A lot A-1-R is returned, qualified: it belongs to zone back"


# ── by what products are like ─────────────────────────────────────────────────────────────────────────


async def test_chilled_goods_go_to_the_cold_store_and_others_do_not(store: Store) -> None:
    floor = await floor_on(store)
    for tote, sku in (("T-1", "C"), ("T-2", "A")):
        await floor.stand(tote, "IN-3" if tote == "T-1" else "IN-4")
        await floor.receive(sku, 1, tote)
    assert (await floor.store("T-1")).destination == "COLD-1"
    destination = (await floor.store("T-2")).destination
    assert destination is not None
    assert destination.startswith("A1-")
    code, text = await floor.refused(
        take_in, Receive, holderId="T-2", lines=[{"skuId": "C", "quantity": 1, "lotNo": "C-1"}]
    )
    assert code == "doesNotBelong"
    assert "T-2 could be stored nowhere" in text
    assert "zone cold takes goods whose product.temperature is chill; it is ambient of A lot A-1" in text


@pytest.mark.parametrize(
    ("sku", "quantity", "why"),
    [
        ("C", 1, "zone shelves takes goods whose product.temperature is ambient; it is chill of C lot C-1"),
        ("H", 1, "zone shelves takes goods whose weight is at most 2; it is 3.0 of H lot H-1"),
        ("A", 21, "zone shelves carries 20 kg at one place; this is 21 kg"),
        (
            "B",
            1,
            "zone shelves takes goods whose product.temperature is ambient; nobody knows it of B lot B-1",
        ),
    ],
)
async def test_a_flat_place_where_goods_do_not_belong_is_refused_in_words(
    store: Store, sku: str, quantity: int, why: str
) -> None:
    floor = await floor_on(store)
    await floor.receive(sku, quantity)
    lines = [{"skuId": sku, "quantity": quantity, "lotNo": f"{sku}-1"}]
    code, text = await floor.refused(put_where_it_stays, PutAway, holderId="SH-1", lines=lines)
    assert code == "doesNotBelong"
    assert text.startswith(why)
    positions = await floor.line.core.rows("SELECT holder_id, quantity FROM positions")
    assert [(*row,) for row in positions] == [(AREA, quantity)]


# ── one lot a place ───────────────────────────────────────────────────────────────────────────────────


async def test_where_a_place_is_for_one_lot_a_second_is_refused_and_other_places_are_named(
    store: Store,
) -> None:
    rules = [
        {"at": "mixing", "when": {"place": {"like": "SH-*"}}, "then": "oneLot"},
        {"at": "mixing", "then": "lotPerProduct"},
    ]
    floor = await floor_on(store, rules=rules)
    await floor.receive("A", 5, "SH-1")
    await floor.receive("A", 5, "SH-1")
    other = {"skuId": "A", "quantity": 1, "lotNo": "A-2"}
    assert await floor.refused(take_in, Receive, holderId="SH-1", lines=[other]) == (
        "mixed",
        "A lot A-1 lies in SH-1, and A lot A-2 may not lie beside it; put it to SH-2 or SH-3",
    )
    await floor.do(
        take_in, Receive, holderId="T-1", lines=[other, {"skuId": "H", "quantity": 1, "lotNo": "H-1"}]
    )
    code, _ = await floor.refused(take_in, Receive, holderId="T-1", lines=[other | {"lotNo": "A-3"}])
    assert code == "mixed"


# ── by rule ───────────────────────────────────────────────────────────────────────────────────────────


async def test_heavy_containers_lie_low_and_what_expires_soon_lies_in_front(store: Store) -> None:
    rules = [
        {"at": "return", "when": {"load": {"min": 30}}, "then": "A1-1-*"},
        {"at": "return", "when": {"keeps": {"max": 10}}, "then": "A1-?-R-01"},
        {"at": "return", "then": "A1-4-L-*"},
    ]
    floor = await floor_on(store, rules=rules, zones=[])
    soon = to_rfc3339(floor.line.core.clock.now_us() + 9 * DAY_US)
    coming = (("H", 11, {}), ("A", 5, {"expiresAt": soon}), ("H", 9, {}), ("B", 99, {}))
    for n, (sku, quantity, more) in enumerate(coming, start=1):
        await floor.stand(f"T-{n}", f"IN-{n}")
        await floor.receive(sku, quantity, f"T-{n}", **more)
    homes = [(await floor.store(f"T-{n}")).destination or "" for n in (1, 2, 3, 4)]
    assert [home[:5] for home in homes] == ["A1-1-", "A1-1-", "A1-4-", "A1-4-"]
    assert homes[1].endswith("-R-01")
