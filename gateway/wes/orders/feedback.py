"""What upstream hears of goods that leave: by order, or box by box, as the site's rules want it (S0-43, S4-27).

Whoever lets packages leave tells it here, in the same transaction, once their rows and the order's lines are written.
"""

from collections.abc import Collection, Sequence
from typing import Final

from gateway.contract.wms import CallbackDetails, CallbackStatus, PackageView, ShippedItem
from gateway.kernel.ports import Row, Tx
from gateway.site import rules
from gateway.site.rules import Feedback
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.orders.rows import load_order
from gateway.wes.outbox import call_back, is_told

_PACKAGES: Final = (
    "SELECT package_id, package_no, tracking_no, weight_kg FROM packages"
    f" WHERE order_id = :order_id AND code = {Code.SHIPPED:d} ORDER BY package_id"
)
_ITEMS: Final = "SELECT sku, quantity, shipped FROM order_lines WHERE order_id = :order_id ORDER BY line_no"
_CARRIER: Final = "SELECT carrier_code FROM orders WHERE order_id = :order_id"


async def tell_shipped(tx: Tx, context: WesContext, order_id: int, packages: Collection[int]) -> None:
    """Tell upstream that packages have left.

    Args:
        tx: the transaction in which they leave.
        context: settings, rules, numbers, time.
        order_id: whose packages they are.
        packages: ids of those that leave now.
    """
    if not is_told(context):
        return
    order, _ = await load_order(tx, order_id)
    which = {"order_id": order_id}
    gone = await tx.fetch(_PACKAGES, which)
    ((carrier,),) = await tx.fetch(_CARRIER, which)
    if order.code is Code.SHIPPED:
        items = tuple(
            ShippedItem(sku_id=sku, quantity=quantity, shipped=shipped)
            for sku, quantity, shipped in await tx.fetch(_ITEMS, which)
        )
        await call_back(tx, context, order_id, CallbackStatus.SHIPPED, _details(gone, carrier, items))
    elif context.rules.decide(rules.FEEDBACK, order.facts) is Feedback.BOX:
        now = [row for row in gone if row[0] in packages]
        await call_back(tx, context, order_id, CallbackStatus.PACKAGE_SHIPPED, _details(now, carrier))


def _details(
    rows: Sequence[Row], carrier: str | None, items: tuple[ShippedItem, ...] | None = None
) -> CallbackDetails:
    packages = tuple(
        PackageView(package_no=package_no, tracking_no=tracking_no, weight=weight)
        for _, package_no, tracking_no, weight in rows
    )
    weights = [package.weight for package in packages if package.weight is not None]
    return CallbackDetails(
        carrier_code=carrier,
        tracking_no=next((package.tracking_no for package in packages if package.tracking_no), None),
        package_count=len(packages),
        weight=sum(weights) if packages and len(weights) == len(packages) else None,
        packages=packages,
        items=items,
    )
