"""What notices of goods have in common, of such as come back and of such as come: each is taken once, with one body."""

from collections.abc import Iterator
from hashlib import sha256

from gateway.contract.faults import FieldError
from gateway.contract.model import WireModel
from gateway.contract.wms import ResultCode
from gateway.wes.context import WesContext
from gateway.wes.orders.declined import Declined


def digest_of(notice: WireModel) -> str:
    """Return what tells a notice from another one under the same number."""
    return sha256(notice.model_dump_json(exclude_unset=True).encode()).hexdigest()[:32]


def check_same(known: str | None, digest: str, field: str, what: str) -> None:
    """Make sure that a notice whose number is known is the same again.

    Raises:
        Declined: it is another one.
    """
    if known != digest:
        text = f"{what} was announced with another body"
        raise Declined(ResultCode.CONFLICT, FieldError(field, "reused", text))


def just_announced(field: str, what: str) -> Declined:
    """Return what is told to who announces something at the same moment as somebody else."""
    text = f"{what} has just been announced: send it again"
    return Declined(ResultCode.BUSY, FieldError(field, "reused", text))


def other_warehouse(context: WesContext, warehouse_id: str) -> Iterator[FieldError]:
    """Yield what is wrong with a notice that is for another warehouse."""
    if warehouse_id != context.wes.warehouse_id:
        text = f"this is the WES of warehouse {context.wes.warehouse_id}"
        yield FieldError("warehouseId", "unknownWarehouse", text)


def retired_product(field: str, sku: str) -> FieldError:
    """Return what is wrong with new goods of a product that is out of use."""
    return FieldError(field, "retiredSku", f"{sku} is out of use: no new goods of it are taken in")


def unknown_product(field: str, sku: str) -> FieldError:
    """Return what is wrong with goods of a product that upstream has never sent."""
    return FieldError(field, "unknownSku", f"no product {sku}: send it by /api/wms/product/sync first")
