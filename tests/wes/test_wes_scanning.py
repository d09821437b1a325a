"""What is scanned is judged before anything is booked, on both databases (S2-58, S2-106, S2-139, S2-142).

Given in every test: tote T-1 holds green and black tea beside each other; green tea is of two lots, of which L-1 is wanted; a case
of green tea has twelve.
"""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from gateway.contract.faults import FieldError, Refusal
from gateway.contract.inbound import Receive
from gateway.contract.wms import ProductSync
from gateway.kernel.ports import Store
from gateway.wes.floor.views import list_replenishments, station_view, work_view
from gateway.wes.inbound import take_in
from gateway.wes.orders.catalogue import sync_products
from gateway.wes.planning.replenishment import Replenishments
from sim_devices.operators import Packer, Picker, Walker
from tests.unit.chain_rig import order
from tests.unit.feeding import START_US
from tests.unit.station_rig import Station, picked, station_on
from tests.unit.test_wes_floor_api import pages, person

pytestmark = pytest.mark.contract

GREEN, BLACK, CASE = "6901234567892", "6901234567908", "16901234567899"
GS = "\x1d"
NOW = datetime.fromtimestamp(START_US / 1e6, UTC)
NEXT_YEAR = NOW.year + 1
EXPIRY = f"{NEXT_YEAR - 2000}0630"
DEMAND = {"at": "audit.turnover", "then": "given"}
PRODUCTS: list[dict[str, Any]] = [
    {
        "skuId": "GREEN",
        "skuName": "Green tea",
        "barcodes": [GREEN],
        "unitsPerCase": 12,
        "caseBarcodes": [CASE],
        "attributes": {"class": "A"},
    },
    {"skuId": "BLACK", "skuName": "Black tea", "barcodes": [BLACK]},
]


async def sync(line: Station, *items: dict[str, Any], version: int = 1) -> None:
    request = ProductSync.model_validate({"items": [{"version": version} | item for item in items]})
    await line.store.write(partial(sync_products, context=line.core.context, request=request))


async def receive(line: Station, *lines: dict[str, Any], holder: str = "T-1") -> None:
    body = {"actId": f"in-{holder}", "operator": "Dora", "holderId": holder, "lines": lines}
    request = Receive.model_validate(body)
    await line.store.write(partial(take_in, context=line.core.context, request=request))


async def tea(store: Store, *rules: dict[str, Any], wanted: int = 4, **green: Any) -> tuple[Station, int]:
    """Bring the tote for an order of green tea of lot L-1; returns what people do, and the allocation."""
    line = await station_on(store, rules=[DEMAND, *rules])
    await sync(line, *PRODUCTS)
    dates = {"producedAt": f"{NOW.year}-01-15T00:00:00Z", "expiresAt": f"{NEXT_YEAR}-06-30T00:00:00Z"}
    await receive(
        line,
        {"skuId": "GREEN", "quantity": 24, "lotNo": "L-1"} | dates | green,
        {"skuId": "GREEN", "quantity": 10, "lotNo": "L-2"},
        {"skuId": "BLACK", "quantity": 10, "lotNo": "B-1"},
    )
    line.gateway.places["T-1"] = "A1-1-L-05"
    items = [{"skuId": "GREEN", "quantity": wanted, "lotNo": "L-1"}]
    await order(line, "C-1", items=items)
    ((allocation, _),) = await line.scan(await line.bring())
    return line, allocation


async def refusal(line: Station, kind: str = "pick", **fields: Any) -> FieldError:
    """Return why an act was refused; nothing was booked, and nothing lit."""
    tables = ("positions", "ledger", "wall_puts", "picks", "acts", "allocations")
    before = [await line.core.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
    with pytest.raises(Refusal) as told:
        await line.act(kind, **fields)
    assert before == [await line.core.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
    return told.value.reasons[0]


RIGHT = {
    "EAN-13": GREEN,
    "GTIN-14": f"0{GREEN}",
    "with its symbology": f"]E0{GREEN}",
    "SKU": "GREEN",
    "lot label": "L-1",
    "brackets": f"(01)0{GREEN}(10)L-1(17){EXPIRY}",
    "GS1-128": f"]C1010{GREEN}17{EXPIRY}10L-1",
    "DataMatrix, its separator first": f"]d2{GS}10L-1{GS}010{GREEN}",
    "lot alone": "(10)L-1",
    "another unknown element": f"]C1010{GREEN}91HOUSE{GS}10L-1",
    "a day beside the books'": f"(01)0{GREEN}(17){NEXT_YEAR - 2000}0701",
    "RFID tag": "3035A537C837754000001267",
    "production": f"(01)0{GREEN}(11){NOW.year - 2000}0115",
}


async def test_the_right_goods_are_taken_whatever_code_they_bear(store: Store) -> None:
    pieces = 2 * len(RIGHT)
    line, allocation = await tea(store, wanted=pieces, quantity=pieces)
    for name, code in RIGHT.items():
        done = await line.act("pick", allocation_id=allocation, quantity=2, scan=code)
        assert done.put_id is not None, name
    await line.check()


WRONG = {
    "the other product": (BLACK, "wrongProduct", "this is Black tea (BLACK), not Green tea (GREEN)"),
    "its SKU": ("BLACK", "wrongProduct", "this is Black tea (BLACK), not Green tea (GREEN)"),
    "in brackets": (
        f"(01)0{BLACK}(10)L-1",
        "wrongProduct",
        "this is Black tea (BLACK), not Green tea (GREEN)",
    ),
    "nobody's": ("6901234567885", "wrongProduct", "6901234567885 is no code of Green tea (GREEN)"),
    "mistyped": (
        "6901234567893",
        "wrongProduct",
        "6901234567893 is no code of Green tea (GREEN); its check digit is wrong: if you have typed it, look again",
    ),
    "a pallet's": (
        "(00)106141412345678908",
        "wrongProduct",
        "(00)106141412345678908 is no code of Green tea (GREEN)",
    ),
    "the other lot": (f"(01)0{GREEN}(10)L-2", "wrongLot", "this is of lot L-2; take lot L-1"),
    "the other lot's label": ("L-2", "wrongLot", "this is of lot L-2; take lot L-1"),
    "a lot that is not here": ("(10)L-9", "wrongLot", "this is of lot L-9; take lot L-1"),
    "another's lot": ("B-1", "wrongProduct", "B-1 is no code of Green tea (GREEN)"),
    "another day": (
        f"(01)0{GREEN}(17){EXPIRY[:2]}0915",
        "wrongDate",
        f"by its code it expires on {NEXT_YEAR}-09-15, by the books on {NEXT_YEAR}-06-30: put it aside and report it",
    ),
    "best before another day": (
        f"(01)0{GREEN}(15){EXPIRY[:2]}0915",
        "wrongDate",
        f"by its code it expires on {NEXT_YEAR}-09-15, by the books on {NEXT_YEAR}-06-30: put it aside and report it",
    ),
    "no day": (
        f"(01)0{GREEN}(15){EXPIRY[:2]}0000",
        "unreadable",
        f"this code cannot be read: (15){EXPIRY[:2]}0000 is no day; scan it again, or another one",
    ),
    "made on another day": (
        f"(01)0{GREEN}(11){NOW.year - 2000}0118",
        "wrongDate",
        f"by its code it was made on {NOW.year}-01-18, by the books on {NOW.year}-01-15: put it aside and report it",
    ),
    "expired": (
        f"(01)0{GREEN}(17)200101",
        "expired",
        "by its code it has expired on 2020-01-01: put it aside and report it",
    ),
    "damaged": (
        f"]C1010{GREEN[:-1]}310L-1",
        "unreadable",
        f"this code cannot be read: the check digit of (01)0{GREEN[:-1]}3 would be 2; scan it again, or another one",
    ),
}


async def test_other_goods_are_refused_in_words_and_nothing_is_booked(store: Store) -> None:
    line, allocation = await tea(store)
    for name, (code, refused, text) in WRONG.items():
        told = await refusal(line, allocation_id=allocation, quantity=4, scan=code)
        assert (name, told) == (name, FieldError("scan", refused, text))
    await line.act("pick", allocation_id=allocation, quantity=4, scan=GREEN)
    await line.check()


async def test_an_act_that_was_refused_is_done_under_the_same_id_with_the_right_goods(store: Store) -> None:
    line, allocation = await tea(store)
    with pytest.raises(Refusal):
        await line.again("mine", "pick", allocation_id=allocation, scan=BLACK)
    done = await line.again("mine", "pick", allocation_id=allocation, scan=GREEN)
    again = await line.again("mine", "pick", allocation_id=allocation, scan=GREEN)
    assert again == done.model_copy(update={"again": True})


COUNTED = {
    GREEN: 1,
    CASE: 12,
    f"(02)0{GREEN}(37)5": 5,
    f"(01){CASE}(10)L-1": 12,
    f"(02){CASE}(37)2": 24,
}


async def test_a_code_counts_what_nobody_has_counted(store: Store) -> None:
    line, allocation = await tea(store, wanted=54, quantity=60)
    for code in COUNTED:
        await line.act("pick", allocation_id=allocation, scan=code)
    rows = await line.core.rows("SELECT quantity FROM wall_puts ORDER BY put_id")
    assert [row[0] for row in rows] == list(COUNTED.values())


async def test_who_has_counted_is_believed_and_a_case_of_too_many_is_refused(store: Store) -> None:
    line, allocation = await tea(store)
    assert (await refusal(line, allocation_id=allocation, scan=CASE)).code == "tooMany"
    await line.act("pick", allocation_id=allocation, quantity=3, scan=CASE)
    assert await line.core.rows("SELECT quantity FROM wall_puts") == [(3,)]


SCAN_LOT = {"at": "scan", "when": {"product.class": "A", "station": {"like": "station-*"}}, "then": "lot"}
SCAN_PRODUCT = {"at": "scan", "when": {"sku": "GREEN"}, "then": "product"}


async def test_without_a_rule_nothing_need_be_scanned(store: Store) -> None:
    line, allocation = await tea(store)
    await line.act("pick", allocation_id=allocation, quantity=4)


async def test_where_a_rule_asks_for_the_product_no_pick_goes_without_it(store: Store) -> None:
    line, allocation = await tea(store, SCAN_PRODUCT)
    told = await refusal(line, allocation_id=allocation, quantity=4)
    assert told == FieldError("scan", "scanNeeded", "scan Green tea (GREEN)")
    await line.act("pick", allocation_id=allocation, quantity=4, scan=GREEN)


async def test_where_a_rule_asks_for_the_lot_the_product_is_not_enough_and_pages_say_so(store: Store) -> None:
    line, allocation = await tea(store, SCAN_LOT)
    told = await refusal(line, allocation_id=allocation, quantity=4)
    assert told == FieldError("scan", "scanNeeded", "scan a code of Green tea (GREEN) that says its lot, L-1")
    told = await refusal(line, allocation_id=allocation, quantity=4, scan=GREEN)
    assert told == FieldError("scan", "scanNeeded", "scan a code of Green tea (GREEN) that says its lot, L-1")
    ((station_id, work_id),) = await line.core.rows("SELECT station_id, work_id FROM work_orders")
    context = line.core.context
    page = await line.store.read(partial(station_view, context=context, station_id=station_id))
    work = await line.store.read(partial(work_view, context=context, work_id=work_id))
    assert [task.scan for task in (*page.operations[0].tasks, *work.tasks)] == ["lot", "lot"]
    await line.act("pick", allocation_id=allocation, quantity=4, scan=f"(01)0{GREEN}(10)L-1")


async def test_a_label_that_two_products_in_the_tote_bear_is_proof_of_neither(store: Store) -> None:
    line, allocation = await tea(store)
    await receive(line, {"skuId": "BLACK", "quantity": 1, "lotNo": "L-1"}, holder="T-9")
    sql = "UPDATE positions SET holder_id = 'T-1' WHERE holder_id = 'T-9'"
    await line.store.write(lambda tx: tx.execute(sql))
    told = await refusal(line, allocation_id=allocation, quantity=1, scan="L-1")
    assert (told.code, told.message) == (
        "wrongProduct",
        "other goods beside Green tea (GREEN) have a lot L-1 too: scan another code of it",
    )
    await line.act("pick", allocation_id=allocation, quantity=1, scan=f"(01)0{GREEN}(10)L-1")


async def test_a_barcode_comes_before_a_number_that_looks_like_it(store: Store) -> None:
    line, allocation = await tea(store)
    await sync(line, {"skuId": "TOY", "skuName": "Toy", "barcodes": ["GREEN", "L-1"]})
    for code in ("GREEN", "L-1"):
        told = await refusal(line, allocation_id=allocation, quantity=1, scan=code)
        assert (told.code, told.message) == ("wrongProduct", "this is Toy (TOY), not Green tea (GREEN)")


async def test_a_product_may_have_its_gtin_as_its_number(store: Store) -> None:
    line = await station_on(store)
    await sync(line, {"skuId": GREEN, "skuName": "Green tea"})
    await receive(line, {"skuId": GREEN, "quantity": 4, "lotNo": "L-1", "scan": f"(01)0{GREEN}(10)L-1"})
    line.gateway.places["T-1"] = "A1-1-L-05"
    await order(line, "C-1", (GREEN, 4))
    ((allocation, _),) = await line.scan(await line.bring())
    await line.act("pick", allocation_id=allocation, quantity=2, scan=GREEN)
    await line.act("pick", allocation_id=allocation, quantity=2, scan=f"]C1010{GREEN}10L-1")


@pytest.mark.parametrize(
    ("lot_no", "code"),
    [("L-1-R", "L-1"), ("L-1-R42", "L-1"), ("L-1-R42D", "L-1-R42D"), ("-R7", "L-9"), ("", "L-9")],
    ids=["came back", "inspected", "its own label", "came back without one", "without batches"],
)
async def test_goods_bear_the_lot_that_they_were_made_as(store: Store, lot_no: str, code: str) -> None:
    line = await station_on(store, rules=[SCAN_LOT])
    await sync(line, *PRODUCTS)
    await receive(line, {"skuId": "GREEN", "quantity": 4, "lotNo": lot_no})
    line.gateway.places["T-1"] = "A1-1-L-05"
    await order(line, "C-1", ("GREEN", 4))
    ((allocation, _),) = await line.scan(await line.bring())
    await line.act("pick", allocation_id=allocation, quantity=4, scan=f"(01)0{GREEN}(10){code}")


async def units(store: Store, *rules: dict[str, Any]) -> tuple[Station, int]:
    """Given: two units of green tea with numbers of their own, of which one is wanted."""
    line = await station_on(store, rules=rules)
    await sync(line, PRODUCTS[0] | {"serialTracked": True}, PRODUCTS[1])
    await receive(line, {"skuId": "GREEN", "quantity": 2, "lotNo": "L-1", "upns": ["S-1", "S-2"]})
    line.gateway.places["T-1"] = "A1-1-L-05"
    await order(line, "C-1", ("GREEN", 1))
    ((allocation, _),) = await line.scan(await line.bring())
    return line, allocation


@pytest.mark.parametrize(
    "code",
    [f"(01)0{GREEN}(21)S-2", f"]d2010{GREEN}21S-2{GS}10L-1", "S-2"],
    ids=["brackets", "DataMatrix", "plain"],
)
async def test_a_units_number_is_taken_out_of_its_code(store: Store, code: str) -> None:
    line, allocation = await units(store, SCAN_LOT)
    if "10L-1" not in code and code != "S-2":
        assert (await refusal(line, allocation_id=allocation, scan=code)).code == "scanNeeded"
        code += "(10)L-1"
    await line.act("pick", allocation_id=allocation, scan=code)
    await line.light()
    line.walls.press(line.walls.lit()[0])
    await line.hear()
    assert await picked(line) == [(0, 1, 0)]
    assert await line.core.rows("SELECT upn FROM picks") == [("S-2",)]
    await line.check()


async def test_units_that_are_named_need_no_code_and_must_be_the_scanned_ones(store: Store) -> None:
    line, allocation = await units(store, SCAN_LOT)
    code = f"(01)0{GREEN}(21)S-2(10)L-1"
    assert (await refusal(line, allocation_id=allocation, upns=["S-1"], scan=code)).code == "wrongUnit"
    assert (await refusal(line, allocation_id=allocation, scan="S-3")).code == "wrongProduct"
    foreign = f"(01)0{GREEN}(21)S-3(10)L-1"
    assert (await refusal(line, allocation_id=allocation, scan=foreign)).code == "unknownUnit"
    await line.act("pick", allocation_id=allocation, upns=["S-1"])


async def test_who_fills_up_scans_as_who_picks(store: Store) -> None:
    move = {"at": "move", "then": {"pick": "A1-4-R-1?", "reserve": "A1-4-R-0?", "amount": "needed"}}
    flat = {"at": "picking", "then": "flat"}
    line = await station_on(store, rules=[flat, move, SCAN_PRODUCT, SCAN_LOT])
    await sync(line, *PRODUCTS)
    await receive(line, {"skuId": "GREEN", "quantity": 24, "lotNo": "L-1"}, holder="A1-4-R-01")
    await order(line, "C-1", ("GREEN", 13))
    for _ in range(4):
        await line.turn()
        await Replenishments(line.store, line.core.context).work()
    context = line.core.context
    (goods,) = await line.store.read(partial(list_replenishments, context=context, after=0, limit=9))
    assert (goods.scan, goods.rest) == ("product", 13)
    which = {"replenishment_id": goods.replenishment_id, "holder_id": "A1-4-R-10"}
    await line.act("beginReplenishment", replenishment_id=goods.replenishment_id)
    assert (await refusal(line, "replenish", **which, quantity=1)).code == "scanNeeded"
    assert (await refusal(line, "replenish", **which, scan=BLACK)).code == "wrongProduct"
    await line.act("replenish", **which, scan=CASE)
    await line.act("replenish", **which, scan=GREEN)
    await line.turn()
    ((work_id,),) = await line.core.rows("SELECT work_id FROM work_orders WHERE code = 70")
    await line.act("claim")
    work = await line.store.read(partial(work_view, context=context, work_id=work_id))
    assert [(task.scan, task.rest) for task in work.tasks] == [("product", 13)]
    number = work.tasks[0].allocation_id
    assert (await refusal(line, allocation_id=number, quantity=13)).code == "scanNeeded"
    await line.act("pick", allocation_id=number, scan=CASE)
    await line.act("pick", allocation_id=number, scan=GREEN)
    await line.seal_all()
    await line.check()


async def test_people_who_take_what_lies_beside_are_told_and_everything_is_shipped(store: Store) -> None:
    move = {"at": "move", "when": {"mode": "flat"}, "then": {"pick": "A1-4-R-1?", "reserve": "A1-4-R-0?"}}
    flat = {"at": "picking", "when": {"ext.where": "shelf"}, "then": "flat"}
    everything = {"at": "scan", "then": "lot"}
    line = await station_on(store, rules=[flat, move, everything, {"at": "shipping", "then": "automatic"}])
    await sync(line, *PRODUCTS, {"skuId": "PLAIN", "skuName": "Without a barcode"})
    for number, holder in enumerate(("T-1", "T-2", "A1-4-R-01", "A1-4-R-02")):
        sku = ("GREEN", "PLAIN")[number % 2]
        await receive(line, {"skuId": sku, "quantity": 24, "lotNo": f"L-{sku}"}, holder=holder)
    line.gateway.places |= {"T-1": "A1-1-L-05", "T-2": "A1-1-L-06"}
    for number in range(6):
        where = {"extInfo": {"where": "shelf" if number % 2 else "station"}}
        await order(line, f"C-{number}", ("GREEN", 2), ("PLAIN", 1), **where)
    async with pages(line) as http:
        people = [
            person(http, name, wrong_goods=0.5, by_hand=1.0, wrong_slot=0.0)
            for name in ("Ann", "Bo", "Cy", "Di")
        ]
        workers = (
            Picker(people[0], "station-1"),
            Picker(people[1], "station-2"),
            Walker(people[2]),
            Packer(people[3]),
        )
        for _ in range(40):
            for _ in range(3):
                await line.turn()
                await Replenishments(line.store, line.core.context).work()
            for worker in workers:
                await worker.step()
            if set(await line.order_codes()) == {190}:
                break
    assert await line.order_codes() == [190] * 6
    refused = sum((each.refused for each in people), Counter[str]())
    assert set(refused) <= {"wrongProduct", "wrongContainer"}
    assert refused["wrongProduct"] > 0
    assert people[2].done["replenish"] > 0
    await line.check()
