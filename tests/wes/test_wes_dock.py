"""What stands on goods that come in says what nobody need say, and contradicts what is said wrongly, on both databases (S2-146).

Given in every test: green tea, and black tea of which every unit has a number.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from gateway.contract.acts import ActView
from gateway.contract.faults import Refusal
from gateway.contract.inbound import PutAway, Receive
from gateway.contract.returns import ReceiveReturn
from gateway.contract.wms import ProductSync
from gateway.kernel.ports import Row, Store
from gateway.wes.inbound import put_where_it_stays, take_in
from gateway.wes.orders.catalogue import sync_products
from gateway.wes.returns import take_back
from tests.unit.feeding import START_US
from tests.unit.wes_rig import Core, core_on, settings

pytestmark = pytest.mark.contract

GREEN, BLACK = "6901234567892", "6901234567908"
YEAR = datetime.fromtimestamp(START_US / 1e6, UTC).year
NEXT = f"{YEAR - 2000 + 1}"
GOODS = {"skuId": "GREEN", "quantity": 10}


async def dock(store: Store) -> Core:
    opened = await core_on(store, settings(timezone="Asia/Shanghai"))
    items = [
        {"skuId": "GREEN", "skuName": "Green tea", "version": 1, "barcodes": [GREEN], "shelfLifeDays": 700},
        {"skuId": "BLACK", "skuName": "Black tea", "version": 1, "barcodes": [BLACK], "serialTracked": True},
    ]
    request = ProductSync.model_validate({"items": items})
    await store.write(partial(sync_products, context=opened.context, request=request))
    return opened


async def receive(opened: Core, *lines: dict[str, Any], act_id: str = "in") -> ActView:
    request = Receive.model_validate({"actId": act_id, "operator": "Dora", "lines": lines})
    return await opened.store.write(partial(take_in, context=opened.context, request=request))


async def put_away(opened: Core, *lines: dict[str, Any], act_id: str = "away") -> ActView:
    body = {"actId": act_id, "operator": "Dora", "holderId": "T-1", "lines": lines}
    request = PutAway.model_validate(body)
    return await opened.store.write(partial(put_where_it_stays, context=opened.context, request=request))


async def refused(opened: Core, **line: Any) -> tuple[str, str, str]:
    with pytest.raises(Refusal) as told:
        await receive(opened, GOODS | line, act_id="no")
    assert await opened.rows("SELECT 1 FROM acts WHERE act_id = 'no'") == []
    (reason,) = told.value.reasons
    return reason.field, reason.code, reason.message


def at(day: str) -> int:
    return round(datetime.fromisoformat(f"{day}T00:00:00+08:00").timestamp() * 1_000_000)


async def lots(opened: Core) -> list[Row]:
    sql = "SELECT lot_no, production_at, expiry_at, quantity FROM lots WHERE quantity > 0 ORDER BY lot_id"
    return [tuple(row) for row in await opened.rows(sql)]


async def test_lot_and_days_are_read_and_a_day_ends_with_its_night_at_the_site(store: Store) -> None:
    opened = await dock(store)
    code = f"]C1010{GREEN}11{YEAR - 2000}010517{NEXT}0630" + "10L-1"
    assert await receive(opened, GOODS | {"scan": code}) == ActView(act_id="in")
    assert await lots(opened) == [("L-1", at(f"{YEAR}-01-05"), at(f"{YEAR + 1}-07-01"), 10)]
    await receive(opened, GOODS | {"scan": f"(01)0{GREEN}(10)L-1(17){NEXT}0630"}, act_id="again")
    await receive(opened, GOODS | {"scan": "L-1", "lotNo": "L-1"}, act_id="label")
    assert [row[3] for row in await lots(opened)] == [30]


async def test_the_best_day_counts_where_no_other_is_told_and_what_is_said_counts_more(store: Store) -> None:
    opened = await dock(store)
    await receive(opened, GOODS | {"scan": f"(01)0{GREEN}(15){NEXT}0600(10)L-1"})
    told = f"{YEAR + 1}-06-30T12:00:00Z"
    said = GOODS | {"scan": f"(01)0{GREEN}(15){NEXT}0600(10)L-2", "expiresAt": told}
    await receive(opened, said, act_id="said")
    noon = round(datetime.fromisoformat(told).timestamp() * 1_000_000)
    assert [(row[0], row[2]) for row in await lots(opened)] == [
        ("L-1", at(f"{YEAR + 1}-07-01")),
        ("L-2", noon),
    ]


async def test_what_has_expired_by_its_code_is_taken_in_and_held(store: Store) -> None:
    opened = await dock(store)
    view = await receive(opened, GOODS | {"scan": f"(01)0{GREEN}(17)200101(10)L-1"})
    assert view.expired == ("GREEN",)


async def test_other_goods_than_are_said_are_refused_in_words(store: Store) -> None:
    opened = await dock(store)
    await receive(opened, GOODS | {"scan": f"(01)0{GREEN}(17){NEXT}0630(10)L-1"})
    field = "lines[0].scan"
    assert await refused(opened, scan=BLACK) == (
        field,
        "wrongProduct",
        "this is Black tea (BLACK), not GREEN",
    )
    assert await refused(opened, scan="L-1") == (field, "wrongProduct", "L-1 is no code of GREEN")
    assert await refused(opened, scan=f"(01)0{GREEN}(10)L-1", lotNo="L-2") == (
        field,
        "wrongLot",
        "by its code this is of lot L-1, not L-2",
    )
    text = f"by its code it expires on {YEAR + 1}-07-15, and not on {YEAR + 1}-07-01"
    known, said = f"(01)0{GREEN}(17){NEXT}0715(10)L-1", f"(01)0{GREEN}(17){NEXT}0715(10)L-9"
    assert await refused(opened, scan=known) == (field, "wrongDate", text)
    first = f"{YEAR + 1}-07-01T00:00:00+08:00"
    assert await refused(opened, scan=said, expiresAt=first) == (field, "wrongDate", text)
    assert (await refused(opened, scan=f"(01)0{GREEN[:-1]}0"))[1] == "unreadable"
    tomorrow = f"(01)0{GREEN}(11){NEXT}0101(10)L-7"
    assert (await refused(opened, scan=tomorrow))[0] == "lines[0].producedAt"


@pytest.mark.parametrize(
    "code", [f"(01)0{BLACK}(21)S-1", "S-1", "(10)L-1(21)S-1"], ids=["GS1", "plain", "no product"]
)
async def test_a_unit_is_known_by_its_code_from_the_dock_on(store: Store, code: str) -> None:
    opened = await dock(store)
    unit = {"skuId": "BLACK", "quantity": 1, "lotNo": "L-1"}
    await receive(opened, unit | {"scan": code})
    assert await opened.rows("SELECT upn FROM units") == [("S-1",)]
    with pytest.raises(Refusal, match="none of those that are named"):
        await put_away(opened, unit | {"scan": code, "upns": ["S-2"]})
    with pytest.raises(Refusal, match=r"this is Green tea \(GREEN\), not BLACK"):
        await put_away(opened, unit | {"scan": GREEN})
    await put_away(opened, unit | {"scan": code})
    assert await opened.rows("SELECT holder_id FROM units") == [("T-1",)]


async def test_a_lot_is_put_away_by_its_code(store: Store) -> None:
    opened = await dock(store)
    code = f"(01)0{GREEN}(17){NEXT}0630(10)L-1"
    await receive(opened, GOODS | {"scan": code})
    with pytest.raises(Refusal, match="GREEN without a lot has never been received"):
        await put_away(opened, GOODS | {"scan": GREEN})
    await put_away(opened, GOODS | {"scan": code})
    assert await opened.rows("SELECT quantity FROM positions WHERE holder_id = 'T-1'") == [(10,)]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("T-1", "T-1 is a container or a place, not BLACK"),
        ("GREEN", "this is Green tea (GREEN), not BLACK"),
    ],
    ids=["a container's label", "another product's number"],
)
async def test_what_stands_on_something_else_is_no_number_of_a_unit(
    store: Store, code: str, text: str
) -> None:
    opened = await dock(store)
    await receive(opened, GOODS | {"lotNo": "L-1"})
    await put_away(opened, GOODS | {"lotNo": "L-1"})
    unit = {"skuId": "BLACK", "quantity": 1, "lotNo": "L-1"}
    assert await refused(opened, **unit, scan=code) == ("lines[0].scan", "wrongProduct", text)
    assert await opened.rows("SELECT upn FROM units") == []


async def test_a_code_in_which_nothing_stands_is_no_number_of_a_unit(store: Store) -> None:
    opened = await dock(store)
    unit = {"skuId": "BLACK", "quantity": 1, "lotNo": "L-1"}
    assert (await refused(opened, **unit, scan="]E0"))[1] == "unreadable"


async def test_what_comes_back_says_its_lot_itself(store: Store) -> None:
    opened = await dock(store)

    async def take(act_id: str, **line: Any) -> ActView:
        body = {"actId": act_id, "operator": "Dora", "lines": [{"quantity": 1, "quality": "inspect"} | line]}
        request = ReceiveReturn.model_validate(body)
        return await store.write(partial(take_back, context=opened.context, request=request))

    await take("back", skuId="GREEN", scan=f"(01)0{GREEN}(10)L-1")
    ((lot_no, *_),) = await lots(opened)
    assert lot_no.startswith("L-1-R")
    for wrong in ({"scan": BLACK}, {"scan": f"(01)0{GREEN}(10)L-1", "lotNo": "L-2"}):
        with pytest.raises(Refusal, match=r"not GREEN|not L-2"):
            await take("no", skuId="GREEN", **wrong)
