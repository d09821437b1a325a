"""Goods that come in near the day on which they expire: refused, or to be looked at, by the site's rule `admission` (S2-64).

Only good ones are judged: what the dock rejects is taken in as rejected, whatever its day, for it is there.
"""

from dataclasses import dataclass
from typing import Final

from gateway.contract.inbound import ReceivedLine
from gateway.kernel.clock import to_rfc3339
from gateway.site.rules import ADMISSION, Late
from gateway.wes.arrivals.documents import Arrival
from gateway.wes.arrivals.receipts import arriving_facts
from gateway.wes.context import WesContext
from gateway.wes.orders.catalogue import Product
from gateway.wes.stock.model import Quality
from gateway.wes.stock.opening import Batch

DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class TooLate:
    """Goods that keep for less than they must.

    Attributes:
        then: what becomes of them.
        text: why, in words.
    """

    then: Late
    text: str


def keeps_too_short(
    context: WesContext,
    owner_id: str,
    arrival: Arrival | None,
    goods: ReceivedLine,
    product: Product,
    batch: Batch,
) -> TooLate | None:
    """Return what is wrong with the day of goods that come in; None: nothing, or they have none."""
    if batch.quality is not Quality.QUALIFIED or batch.expiry_at is None:
        return None
    rule = context.rules.decide(ADMISSION, arriving_facts(owner_id, arrival, goods, product))
    must = max(rule.days, rule.percent * (product.shelf_life_days or 0) / 100)
    left = (batch.expiry_at - context.clock.now_us()) / DAY_US
    if must == 0 or left >= must:
        return None
    text = (
        f"{goods.sku_id} expires at {to_rfc3339(batch.expiry_at)}, and must keep for {must:g} days when it comes in:"
        " give it back, or receive it as rejected"
    )
    return TooLate(rule.late, text)
