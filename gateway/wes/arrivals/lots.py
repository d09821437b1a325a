"""Numbers for lots of which the supplier gives none, by the site's rule for codes of lots (S2-23, S2-29).

All that comes with one notice, or in one receipt, gets one number, as far as it may be one lot of each product: goods of a product
that differ in their days or supplier are told apart by a further number, and so is what was made on another day where the
number says the day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gateway.contract.clock import Micros
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.inbound import ReceivedLine
from gateway.kernel.clock import to_micros
from gateway.kernel.ports import Tx
from gateway.site.codes import CodeKind, CodeRule, current
from gateway.wes.arrivals.documents import Arrival
from gateway.wes.context import WesContext
from gateway.wes.numbers import take_codes
from gateway.wes.orders.catalogue import Product

_KNOWN: Final = (
    "SELECT l.supplier, l.production_at, l.expiry_at FROM lots l JOIN pools p ON p.pool_id = l.pool_id"
    " WHERE p.warehouse_id = :warehouse_id AND p.owner_id = :owner_id AND p.sku = :sku AND l.lot_no = :lot_no"
)
_KEEP: Final = "UPDATE arrivals SET lot_no = :lot_no WHERE arrival_id = :arrival_id"


@dataclass(frozen=True, slots=True)
class _Facts:
    """What cannot differ within a lot."""

    supplier: str
    production_at: Micros | None
    expiry_at: Micros | None

    def may_be(self, other: "_Facts") -> bool:
        """Tell whether goods may be of a lot; such as nobody knows the days of are of any."""
        undated = self.production_at is None and self.expiry_at is None
        return self == other or (undated and self.supplier == other.supplier)


@dataclass(slots=True)
class LotNumbers:
    """The numbers of one receipt.

    Attributes:
        owner_id: of its goods.
        arrival: whose goods they are; None: nobody has announced them.
    """

    context: WesContext
    owner_id: str
    arrival: Arrival | None
    _given: list[str] = field(default_factory=list[str])
    _lots: dict[tuple[str, str], _Facts] = field(default_factory=dict[tuple[str, str], _Facts])

    def __post_init__(self) -> None:
        if self.arrival is not None and self.arrival.lot_no is not None:
            self._given.append(self.arrival.lot_no)

    async def number(self, tx: Tx, goods: ReceivedLine, product: Product, place: str) -> ReceivedLine:
        """Return goods with a number for their lot.

        Args:
            tx: the transaction in which they come.
            goods: with their supplier, and with the days that are known of them.
            product: theirs.
            place: where they stand in the receipt.

        Raises:
            Refusal: the number would say the supplier, and nobody knows how.
        """
        rule = current(self.context.wes.codes, CodeKind.LOT, self.context.today())
        if rule is None or not rule.serial:
            return goods
        _check_supplier(rule, goods, place)
        day, text = self._made_on(goods), goods.supplier if rule.text is not None else ""
        facts, stem = _facts(goods, product), rule.stem(day, text)
        for lot_no in self._given:
            lots = await self._lots_of(tx, goods, lot_no)
            if lot_no.startswith(stem) and all(facts.may_be(lot) for lot in lots):
                break
        else:
            lot_no = await self._take(tx, rule, day, text, goods)
        self._lots.setdefault((lot_no, goods.sku_id), facts)
        return goods.model_copy(update={"lot_no": lot_no})

    async def _take(self, tx: Tx, rule: CodeRule, day: date, text: str, goods: ReceivedLine) -> str:
        """Return a new number, which no lot of this product has been given by hand."""
        (lot_no,) = await take_codes(tx, rule, day, text, 1)
        while await self._lots_of(tx, goods, lot_no):
            (lot_no,) = await take_codes(tx, rule, day, text, 1)
        if self.arrival is not None and not self._given:
            await tx.execute(_KEEP, {"lot_no": lot_no, "arrival_id": self.arrival.arrival_id})
        self._given.append(lot_no)
        return lot_no

    async def _lots_of(self, tx: Tx, goods: ReceivedLine, lot_no: str) -> Sequence[_Facts]:
        """Return what is known of a lot, if there is such a one of this product."""
        if (here := self._lots.get((lot_no, goods.sku_id))) is not None:
            return (here,)
        which = {
            "warehouse_id": self.context.wes.warehouse_id,
            "owner_id": self.owner_id,
            "sku": goods.sku_id,
            "lot_no": lot_no,
        }
        return [_Facts(*row) for row in await tx.fetch(_KNOWN, which)]

    def _made_on(self, goods: ReceivedLine) -> date:
        """Return the day that a lot's number says: that of its production, or today."""
        if goods.produced_at is None:
            return self.context.today()
        return goods.produced_at.astimezone(ZoneInfo(self.context.wes.timezone)).date()


def _facts(goods: ReceivedLine, product: Product) -> _Facts:
    expires_at = goods.expires_at
    if expires_at is None and goods.produced_at is not None and product.shelf_life_days is not None:
        expires_at = goods.produced_at + timedelta(days=product.shelf_life_days)
    return _Facts(
        goods.supplier,
        None if goods.produced_at is None else to_micros(goods.produced_at),
        None if expires_at is None else to_micros(expires_at),
    )


def _check_supplier(rule: CodeRule, goods: ReceivedLine, place: str) -> None:
    if rule.text is None or rule.text.holds(goods.supplier):
        return
    text = (
        f"the number of a lot is {rule.form} here, with its supplier in it, and"
        f" {goods.supplier or 'nobody'} is none: say another supplier, or the number of the lot"
    )
    raise Refusal(RefusalKind.INVALID, FieldError(f"{place}.supplier", "wrongSupplier", text))
