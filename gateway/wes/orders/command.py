"""What can be wrong with an outbound command (S1-49): all of it is found at once, whatever else is wrong.

A command is read as far as it can be read; what the types refuse and what contradicts the site are told together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from gateway.contract.clock import Micros
from gateway.contract.faults import FieldError
from gateway.contract.misfits import field_error
from gateway.contract.transports import Moment
from gateway.contract.wms import OutboundCommand
from gateway.kernel.clock import to_micros, to_rfc3339
from gateway.site.wes import Wes
from gateway.wes.orders.catalogue import Product

_MOMENT: Final[TypeAdapter[Any]] = TypeAdapter(Moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A command as far as it could be read.

    Attributes:
        command: None where it does not fit its type; `misfits` tell why.
        skus: what its items name, with the items' places.
        units: pieces of all items that have a number of them.
        deadline_at: None where there is none that can be read.
    """

    command: OutboundCommand | None
    misfits: tuple[FieldError, ...]
    warehouse_id: str | None
    owner_id: str | None
    order_no: str | None
    skus: Sequence[tuple[int, str]]
    lines: int
    units: int
    deadline_at: Micros | None


def read_command(raw: JsonValue) -> Draft:
    """Read what upstream sent; never raises."""
    command, misfits = None, ()
    try:
        command = OutboundCommand.model_validate(raw)
    except ValidationError as error:
        misfits = tuple(field_error(each, each["loc"]) for each in error.errors())
    body = raw if isinstance(raw, dict) else {}
    listed = body.get("items")
    items = [
        (index, item)
        for index, item in enumerate(listed if isinstance(listed, list) else ())
        if isinstance(item, dict)
    ]
    return Draft(
        command=command,
        misfits=misfits,
        warehouse_id=_text(body, "warehouseId"),
        owner_id=_text(body, "ownerId"),
        order_no=_text(body, "orderNo"),
        skus=[(index, sku) for index, item in items if (sku := _text(item, "skuId"))],
        lines=len(items),
        units=sum(quantity for _, item in items if type(quantity := item.get("quantity")) is int),
        deadline_at=_moment(body.get("deadline")),
    )


def digest(command: OutboundCommand) -> str:
    """Return what two commands have in common if they ask for the same."""
    return sha256(command.model_dump_json(exclude_unset=True).encode()).hexdigest()[:32]


def objections(
    draft: Draft, wes: Wes, known: Mapping[str, Product], now_us: Micros
) -> tuple[FieldError, ...]:
    """Return everything that speaks against a command.

    Args:
        draft: what was read of it.
        wes: whose warehouse it is.
        known: products by SKU.
        now_us: the time.
    """
    return (*draft.misfits, *_contradictions(draft, wes, known, now_us))


def _contradictions(
    draft: Draft, wes: Wes, known: Mapping[str, Product], now_us: Micros
) -> Iterator[FieldError]:
    if draft.warehouse_id is not None and draft.warehouse_id != wes.warehouse_id:
        yield FieldError(
            "warehouseId", "unknownWarehouse", f"this is the WES of warehouse {wes.warehouse_id}"
        )
    if draft.deadline_at is not None and draft.deadline_at <= now_us:
        yield FieldError("deadline", "past", f"it is {to_rfc3339(now_us)} already")
    if draft.lines > wes.orders.lines:
        yield FieldError("items", "tooLarge", f"an order has at most {wes.orders.lines} lines")
    if draft.units > wes.orders.units:
        yield FieldError("items", "tooLarge", f"an order has at most {wes.orders.units} pieces")
    first: dict[str, int] = {}
    for index, sku in draft.skus:
        if (earlier := first.setdefault(sku, index)) != index:
            yield FieldError(
                f"items[{index}].skuId",
                "duplicate",
                f"{sku} stands in items[{earlier}] already: add the two up",
            )
        elif sku not in known:
            yield FieldError(
                f"items[{index}].skuId",
                "unknownSku",
                f"no product {sku}: send it by /api/wms/product/sync first",
            )
        elif known[sku].retired:
            yield FieldError(
                f"items[{index}].skuId", "retiredSku", f"{sku} is out of use: no new orders of it are taken"
            )


def _text(body: Mapping[str, JsonValue], name: str) -> str | None:
    value = body.get(name)
    return value.strip() if isinstance(value, str) else None


def _moment(value: JsonValue) -> Micros | None:
    if value is None:
        return None
    try:
        return to_micros(_MOMENT.validate_python(value))
    except (ValidationError, OverflowError):
        return None
