"""Numbers of documents follow the site's rules on both databases, each once, whoever asks meanwhile (S2-17, S2-130, S2-132)."""

import asyncio
import re
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.contract.acts import ActView
from gateway.contract.inbound import Receive
from gateway.contract.returns import ReceiveReturn
from gateway.kernel.ports import Store, Tx
from gateway.site.codes import CodeKind, CodeRule
from gateway.site.judging import misfit
from gateway.wes.inbound import take_in
from gateway.wes.numbers import Numbers, next_number
from gateway.wes.returns import take_back
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station_on
from tests.unit.wes_rig import Core, core_on, settings

TODAY = date(2026, 9, 21)
DAY_US = 86_400_000_000
CLIENTS = 40
ORDERS = {"kind": "order", "prefix": "O", "day": "yymmdd", "serial": 5, "check": "mod11"}
WAVES = {"kind": "wave", "prefix": "W", "day": "yyyymmdd", "serial": 6}
DOCUMENTS = [
    ORDERS,
    WAVES,
    {"kind": "package", "prefix": "B", "day": "yymmdd", "serial": 6, "check": "luhn"},
    {"kind": "return", "prefix": "R", "day": "yyyymmdd", "serial": 6},
    {"kind": "receipt", "prefix": "I", "day": "yyyymmdd", "serial": 6},
]


async def core(store: Store, *codes: dict[str, Any]) -> Core:
    return await core_on(store, settings(codes=list(codes)))


async def number(opened: Core, kind: CodeKind = CodeKind.WAVE) -> str | None:
    return await opened.store.write(lambda tx: next_number(tx, opened.context, kind))


async def received(line: Station, act_id: str = "R-1", **changes: Any) -> ActView:
    lines = [{"skuId": "A", "quantity": 5}]
    request = Receive.model_validate({"actId": act_id, "operator": "Dora", "lines": lines} | changes)
    return await line.store.write(partial(take_in, context=line.core.context, request=request))


async def came_back(line: Station) -> ActView:
    lines = [{"skuId": "A", "quantity": 1, "quality": "saleable"}]
    request = ReceiveReturn.model_validate({"actId": "back", "operator": "Dora", "lines": lines})
    return await line.store.write(partial(take_back, context=line.core.context, request=request))


async def test_orders_are_numbered_by_rule_and_pass_over_what_has_no_check_digit(store: Store) -> None:
    opened = await core(store, ORDERS)
    others = Numbers(store, opened.context.wes.codes, ZoneInfo("UTC"))
    at_us = opened.clock.now_us()
    asked = (each.next(at_us) for each in (opened.numbers, others) for _ in range(250))
    numbers = await asyncio.gather(*asked)
    assert len(set(numbers)) == 500
    rule = CodeRule.model_validate(ORDERS)
    assert [misfit(rule, each, TODAY) for each in numbers] == [None] * 500
    passed_over = [serial for serial in range(1, 501) if rule.compose(TODAY, "", serial) is None]
    assert passed_over
    assert not {each[7:12] for each in numbers} & {f"{serial:05}" for serial in passed_over}


async def test_documents_that_are_numbered_at_the_same_moment_get_each_number_once(store: Store) -> None:
    opened = await core(store, WAVES)
    numbers = await asyncio.gather(*(number(opened) for _ in range(CLIENTS)))
    assert sorted(map(str, numbers)) == [f"W20260921{serial:06}" for serial in range(1, CLIENTS + 1)]


async def test_what_comes_to_nothing_uses_no_number(store: Store) -> None:
    opened = await core(store, WAVES)

    async def fail(tx: Tx) -> None:
        assert await next_number(tx, opened.context, CodeKind.WAVE) == "W20260921000001"
        raise LookupError("something else went wrong")

    with pytest.raises(LookupError):
        await store.write(fail)
    assert await number(opened) == "W20260921000001"


async def test_numbers_begin_anew_with_each_day_and_follow_the_version_of_their_day(store: Store) -> None:
    later = {
        "kind": "wave",
        "version": 2,
        "valid_from": "2026-09-23",
        "prefix": "WV",
        "day": "yyyymm",
        "serial": 4,
    }
    opened = await core(store, WAVES, later)
    numbers: list[str | None] = []
    for _ in range(4):
        numbers += [await number(opened), await number(opened)]
        opened.clock.at_us += DAY_US
    assert numbers == [
        *("W20260921000001", "W20260921000002", "W20260922000001", "W20260922000002"),
        *("WV2026090001", "WV2026090002", "WV2026090003", "WV2026090004"),
    ]


async def test_the_day_is_the_sites(store: Store) -> None:
    opened = await core_on(store, settings(codes=[WAVES], timezone="Pacific/Kiritimati"))
    opened.clock.at_us += 20 * 3_600_000_000 - opened.clock.at_us % DAY_US
    assert await number(opened) == "W20260922000001", "at 20:00 UTC the next day has begun there"


async def test_all_that_a_site_numbers_is_numbered_by_its_rules(store: Store) -> None:
    line = await station_on(store, codes=DOCUMENTS)
    assert (await received(line)).receipt_no == "I20260921000001"
    assert (await received(line)).receipt_no == "I20260921000001", "the same act is the same receipt"
    assert (await received(line, "R-2")).receipt_no == "I20260921000002"
    assert (await came_back(line)).return_no == "R20260921000001"
    documents = await line.core.rows(
        "SELECT DISTINCT document_kind, document_id FROM stock_events ORDER BY 1, 2"
    )
    assert [tuple(row) for row in documents] == [
        ("receipt", "I20260921000001"),
        ("receipt", "I20260921000002"),
        ("return", "R20260921000001"),
    ]
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 4))
    await order(line, "C-2", ("A", 3))
    await line.finish()
    rule = CodeRule.model_validate(DOCUMENTS[2])
    packages = [row[0] for row in await line.core.rows("SELECT package_no FROM packages ORDER BY package_no")]
    assert packages == [rule.compose(TODAY, "", serial) for serial in (1, 2)]
    waves = [row[0] for row in await line.core.rows("SELECT wave_no FROM waves")]
    assert waves
    assert all(re.fullmatch(r"W20260921\d{6}", each) for each in waves)
    await line.check()


async def test_without_rules_all_is_numbered_as_ever(store: Store) -> None:
    line = await station_on(store)
    assert (await received(line)).receipt_no is None
    assert re.fullmatch(r"RT\d+", (await came_back(line)).return_no or "")
    assert await line.core.rows(
        "SELECT DISTINCT document_id FROM stock_events WHERE document_kind = 'receipt'"
    ) == [("R-1",)]
    assert await number(line.core) is None
    assert await line.core.numbers.next(line.core.clock.now_us()) == "O20260921000001"
