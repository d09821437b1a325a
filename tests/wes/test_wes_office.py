"""What an office asks and puts right, on either database: counts and the ledger, labels, how long orders took."""

from functools import partial

from gateway.contract.corrections import CountGoods, HoldGoods
from gateway.kernel.ports import Store
from gateway.wes.corrections import correct
from gateway.wes.labels import label_view
from gateway.wes.stock.history import Wanted, trace
from gateway.wes.stock.views import positions_in_holder, stock_at_location, stock_by_location
from gateway.wes.throughput import throughput
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import station_on
from tests.unit.wes_rig import WAREHOUSE


async def test_stock_is_put_right_and_read_back(store: Store) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await line.hear()
    which = {"operator": "Ann", "reason": "looked", "sku_id": "A", "lot_no": "A-1", "holder_id": "T-1"}
    hold = HoldGoods.model_validate(which | {"act_id": "h-1", "quantity": 3})
    count = CountGoods.model_validate(which | {"act_id": "c-1", "quantity": 6})
    for request in (hold, count, count):
        await store.write(partial(correct, context=line.core.context, request=request))
    (position,) = await store.read(lambda tx: positions_in_holder(tx, "T-1"))
    assert (position.balance.quantity, position.balance.held) == (6, 0), "held pieces go first"
    (here,) = await store.read(lambda tx: stock_at_location(tx, WAREHOUSE, "A1-1-L-05"))
    assert here in await store.read(lambda tx: stock_by_location(tx, WAREHOUSE))
    entries = await store.read(lambda tx: trace(tx, Wanted(document_id="c-1")))
    assert sorted(entry.change.quantity for entry in entries if entry.holder_id == "T-1") == [-3, -1]
    await line.check()


async def test_a_shipped_order_tells_its_label_and_how_long_it_took(store: Store) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 2), carrierCode="SF")
    await line.work_off(await line.bring())
    (package,) = await line.seal_all()
    await line.act("ship", package_ids=[package])
    assert (await store.read(lambda tx: label_view(tx, line.core.context, package))).carrier_code == "SF"
    measured = await store.read(lambda tx: throughput(tx, 0))
    assert measured.total is not None and measured.total.count == 1
