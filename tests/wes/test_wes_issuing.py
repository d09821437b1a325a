"""Numbers are issued for labels, each once, and a scanned text is told for what it is, on both databases (S2-129, S2-132, S2-134).

Given unless a test says otherwise: pallets are P, day, six digits and a check digit; products S, a category of two, four digits and
a check digit.
"""

import asyncio
from datetime import date
from functools import partial
from typing import Any

import pytest

from gateway.contract.acts import ActView
from gateway.contract.codes import CodeView, IssueCodes
from gateway.contract.faults import Refusal
from gateway.kernel.ports import Store
from gateway.site.codes import CodeRule
from gateway.site.judging import misfit
from gateway.wes.issuing import issue_codes, list_rules
from gateway.wes.reading import read_text
from tests.unit.chain_rig import fill
from tests.unit.station_rig import Station, station_on

TODAY = date(2026, 9, 21)
PALLETS = {"kind": "container", "prefix": "P", "day": "yymmdd", "serial": 6, "check": "luhn"}
PRODUCTS = {"kind": "product", "prefix": "S", "text": {"length": 2}, "serial": 4, "check": "luhn"}
CLIENTS = 20


@pytest.fixture
async def line(store: Store) -> Station:
    await station_on(store)
    return await station_on(store, codes=[PALLETS, PRODUCTS])


async def issued(
    line: Station, act_id: str = "I-1", kind: str = "container", count: int = 1, **more: Any
) -> ActView:
    body = {"actId": act_id, "operator": "Paula", "kind": kind, "count": count} | more
    request = IssueCodes.model_validate(body)
    return await line.store.write(partial(issue_codes, context=line.core.context, request=request))


async def refused(line: Station, **fields: Any) -> tuple[str, str]:
    with pytest.raises(Refusal) as told:
        await issued(line, **fields)
    return told.value.reasons[0].field, told.value.reasons[0].code


async def read(line: Station, text: str) -> CodeView:
    return await line.store.read(lambda tx: read_text(tx, line.core.context, "me", text))


def pallets(*serials: int) -> tuple[str | None, ...]:
    rule = CodeRule.model_validate(PALLETS)
    return tuple(rule.compose(TODAY, "", serial) for serial in serials)


async def test_numbers_are_issued_with_their_check_digit_and_the_same_act_gets_the_same_ones(
    line: Station,
) -> None:
    first = await issued(line, count=3)
    assert first.codes == pallets(1, 2, 3)
    again = await issued(line, count=3)
    assert (again.codes, again.again) == (first.codes, True)
    assert (await issued(line, "I-2")).codes == pallets(4)


async def test_everybody_gets_other_numbers_at_the_same_moment(line: Station) -> None:
    views = await asyncio.gather(*(issued(line, f"I-{n}", count=7) for n in range(CLIENTS)))
    codes = [code for view in views for code in view.codes or ()]
    assert len(set(codes)) == 7 * CLIENTS
    rule = CodeRule.model_validate(PALLETS)
    assert [misfit(rule, code, TODAY) for code in codes] == [None] * len(codes)


async def test_what_the_books_have_already_is_passed_over(line: Station) -> None:
    second, fourth = pallets(2, 4)
    await fill(line, str(second), "A1-1-L-05", A=1)
    await fill(line, str(fourth), "A1-1-L-06", A=1)
    assert (await issued(line, count=3)).codes == pallets(1, 3, 5)


async def test_however_many_the_books_have_the_next_ones_are_found(line: Station) -> None:
    known = [{"holder_id": code} for code in pallets(*range(1, 1201))]
    sql = "INSERT INTO holders (holder_id, kind, warehouse_id, zone) VALUES (:holder_id, 'container', 'WH-1', '')"
    await line.store.write(lambda tx: tx.execute_many(sql, known))
    assert (await issued(line, count=2)).codes == pallets(1201, 1202)


async def test_products_are_numbered_within_what_others_decide(line: Station) -> None:
    assert (await issued(line, "I-1", kind="product", count=2, text="01")).codes == ("S0100016", "S0100024")
    assert (await issued(line, "I-2", kind="product", text="02")).codes == ("S0200014",)
    assert await refused(line, act_id="I-3", kind="product") == ("text", "wrongText")
    assert await refused(line, act_id="I-3", kind="product", text="A1") == ("text", "wrongText")
    assert await refused(line, act_id="I-3", kind="container", text="01") == ("text", "notAsked")
    assert await refused(line, act_id="I-3", kind="lot") == ("kind", "noRule")


async def test_numbers_that_are_used_up_are_no_longer_issued(line: Station) -> None:
    await line.store.write(lambda tx: tx.execute("INSERT INTO id_blocks (name, next) VALUES ('S01#', 9998)"))
    assert (await issued(line, "I-1", kind="product", count=2, text="01")).codes == ("S0199984", "S0199992")
    assert await refused(line, act_id="I-2", kind="product", text="01") == ("kind", "usedUp")
    assert (await issued(line, "I-3", kind="product", text="02")).codes == ("S0200014",)


async def test_the_sites_rules_are_listed_with_what_they_are_made_of(store: Store) -> None:
    later = PALLETS | {"version": 2, "valid_from": "2027-01-01", "prefix": "PAL"}
    line = await station_on(store, codes=[later, PALLETS])
    assert [(each.kind, each.version, each.current, each.form) for each in list_rules(line.core.context)] == [
        ("container", 1, True, "P + yymmdd + serial 6 + luhn"),
        ("container", 2, False, "PAL + yymmdd + serial 6 + luhn"),
    ]


async def test_a_scanned_text_is_told_for_what_it_is(line: Station) -> None:
    (pallet,) = pallets(7)
    assert pallet is not None
    await fill(line, pallet, "A1-1-L-05", A=1)
    view = await read(line, f"]C0{pallet}")
    (rule,) = view.rules
    assert (view.text, rule.kind, rule.version, rule.fits, rule.check_digit) == (
        pallet,
        "container",
        1,
        True,
        True,
    )
    assert [(each.kind, each.id) for each in view.known] == [("container", pallet)]
    view = await read(line, pallet[:-1] + str(9 - int(pallet[-1])))
    (rule,) = view.rules
    assert (rule.kind, rule.fits, rule.check_digit, rule.broken) == (
        "container",
        False,
        False,
        "wrongCheckDigit",
    )
    assert view.known == ()
    view = await read(line, "X")
    assert (view.rules, view.known) == ((), ())


async def test_element_strings_tags_places_products_and_lots_are_told_too(line: Station) -> None:
    await fill(line, "T-1", "A1-1-L-05", A=1)
    tag = await read(line, "311BA1B300CE0A6A83000000")
    assert (tag.sscc, tag.rules) == ("095201234567891235", ())
    assert (await read(line, "(01)09501101530003(10)AB-1")).lot_no == "AB-1"
    assert (await read(line, "(01)09501101530004")).unreadable is not None
    assert (await read(line, "6901234567893")).doubtful == "as a GTIN it would end with 2"
    for text, known in (("A", "product"), ("A-1", "lot"), ("A1-1-L-05", "location"), ("T-1", "container")):
        assert [each.kind for each in (await read(line, text)).known] == [known]
