"""What at stations needs somebody is an alarm until it is put right, whoever has noticed it there."""

from functools import partial

import pytest

from gateway.contract.corrections import CountGoods
from gateway.wes.alarms import Alarms
from gateway.wes.corrections import correct
from gateway.wes.floor.questions import NOTICE_US
from gateway.wes.floor.wall import DARK_US
from gateway.wes.floor.watch import UNATTENDED_US, Watch
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit


async def alarms(line: Station, after_us: int) -> dict[str, str]:
    """Return what stands after some time, by code."""
    line.core.clock.at_us += after_us
    standing = Alarms()
    await Watch(line.store, line.core.context, standing).work()
    return {code: alarm.text for code, alarm in standing.standing.items()}


async def lit(line: Station) -> tuple[str, str]:
    """Have a slot lit; returns the put's name at the gateway and the slot."""
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 2))
    ((allocation_id, _),) = await line.scan(await line.bring())
    await line.act("pick", allocation_id=allocation_id, quantity=2)
    await line.light()
    (name,) = line.walls.lit()
    return name, line.walls.puts[name].slot


async def test_a_hand_in_a_lit_slot_without_a_button_is_an_alarm_after_a_while_until_the_button() -> None:
    async with station() as line:
        name, slot = await lit(line)
        line.walls.hand("wall-1", slot)
        await line.hear()
        assert await alarms(line, 0) == {}
        text = f"A hand was in a lit slot, and nothing was confirmed: station-1 {slot}"
        assert await alarms(line, NOTICE_US) == {"noButton": text}
        line.walls.press(name)
        await line.hear()
        assert await alarms(line, 0) == {}


async def test_a_slot_that_cannot_be_darkened_is_an_alarm() -> None:
    async with station() as line:
        _, slot = await lit(line)
        (operation_id,) = await line.operations()
        await line.act("reject", operation_id=operation_id, reason="broken")
        line.walls.deaf = True
        line.core.clock.at_us += DARK_US
        await line.floor.work()
        text = f"A slot should be dark, and its wall does not answer: station-1 {slot}"
        assert await alarms(line, 0) == {"stillLit": text}


async def test_a_container_that_leaves_the_site_with_goods_in_it_is_an_alarm_until_it_is_back() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await fill(line, "T-2", "A1-1-L-06", A=10)
        await order(line, "C-1", ("A", 2))
        operation_id = await line.bring()
        stood = await line.container(operation_id)
        (other,) = {"T-1", "T-2"} - {stood}
        line.gateway.remove(stood)
        await line.hear()
        text = f"A container was taken out of the site's books, and there are goods in it: {stood}"
        assert await alarms(line, 0) == {"removedWithGoods": text}
        assert await line.container(await line.bring()) == other, "its work does not wait for what is gone"
        line.gateway.put_by_hand(stood, "A1-1-L-05")
        await line.hear()
        assert await alarms(line, 0) == {}
        line.gateway.remove(stood)
        await line.hear()
        assert list(await alarms(line, 0)) == ["removedWithGoods"]
        await count_nothing_in(line, stood)
        assert await alarms(line, 0) == {}


async def count_nothing_in(line: Station, container_id: str) -> None:
    ((lot_no,),) = await line.core.rows(
        "SELECT l.lot_no FROM positions p JOIN lots l ON l.lot_id = p.lot_id WHERE p.holder_id = :holder",
        holder=container_id,
    )
    counted = CountGoods(
        act_id="N-1",
        operator="Ida",
        reason="it is scrapped",
        sku_id="A",
        lot_no=lot_no,
        holder_id=container_id,
        quantity=0,
    )
    await line.store.write(partial(correct, context=line.core.context, request=counted))


async def test_a_container_that_nobody_scans_is_an_alarm_until_somebody_does() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 2))
        operation_id = await line.bring()
        assert await alarms(line, 0) == {}
        text = "A container stands at a station, and nobody has scanned it: T-1 at station-1"
        assert await alarms(line, UNATTENDED_US) == {"unattended": text}
        await line.scan(operation_id)
        assert await alarms(line, 0) == {}
