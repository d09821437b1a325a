"""What a scanned text is: what it says, what the site's rules say of it, what the books have under it (S2-134, S2-135)."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

from gateway.contract.codes import CodeJudgementView, CodeView, KnownCodeView
from gateway.kernel.ports import Tx
from gateway.site.check_digits import CheckDigit
from gateway.site.codes import CodeKind
from gateway.site.judging import BREACH_CODES, Breach, Judgement, judge
from gateway.wes.context import WesContext
from gateway.wes.orders.barcodes import find_by_code
from gateway.wes.scans import Scanned, Unreadable, check_digit, lacks_check_digit, read

_NAME: Final = "SELECT name FROM products WHERE owner_id = :owner_id AND sku = :sku"
_HOLDER: Final = "SELECT kind FROM holders WHERE holder_id = :code AND kind IN ('container', 'location')"
_LOT: Final = "SELECT DISTINCT lot_no FROM lots WHERE lot_no = :code AND lot_no <> ''"
_DOCUMENTS: Final[Mapping[str, str]] = {
    "order": "SELECT outbound_no FROM orders WHERE outbound_no = :code",
    "package": "SELECT package_no FROM packages WHERE package_no = :code",
    "return": "SELECT return_no FROM returns WHERE return_no = :code",
    "wave": "SELECT wave_no FROM waves WHERE wave_no = :code",
    "notice": "SELECT notice_no FROM arrivals WHERE notice_no = :code",
}


async def read_text(tx: Tx, context: WesContext, owner_id: str, text: str) -> CodeView:
    """Return what a text is, as a scanner sends it or a person types it; a product is looked for among an owner's."""
    try:
        scanned = read(text, context.today().year)
    except Unreadable as told:
        return CodeView(text=text, unreadable=str(told), rules=(), known=())
    code = scanned.text
    doubtful = f"as a GTIN it would end with {check_digit(code[:-1])}" if lacks_check_digit(code) else None
    return CodeView(
        text=code,
        gtin=scanned.gtin,
        sscc=scanned.sscc,
        lot_no=scanned.lot_no,
        serial=scanned.serial,
        produced_on=scanned.produced_on,
        best_before=scanned.best_before,
        expires_on=scanned.expires_on,
        count=scanned.count,
        doubtful=doubtful,
        rules=tuple(_judged(context, code)) if scanned.plain else (),
        known=tuple([each async for each in _known(tx, context, owner_id, scanned)]),
    )


def _judged(context: WesContext, code: str) -> Iterator[CodeJudgementView]:
    """Yield what the rules say: of those that a code fits, or else of those that it comes near to."""
    today = context.today()
    found = [
        (kind, judgement)
        for kind in CodeKind
        if (judgement := judge(context.wes.codes, kind, code, today)) is not None
    ]
    fitting = [each for each in found if each[1].misfit is None]
    for kind, judgement in fitting or found:
        misfit = judgement.misfit
        if misfit is None or misfit.breach > Breach.LENGTH:
            yield _view(kind, judgement)


def _view(kind: CodeKind, judgement: Judgement) -> CodeJudgementView:
    rule, misfit = judgement.rule, judgement.misfit
    judged = misfit is None or misfit.breach is Breach.CHECK_DIGIT
    return CodeJudgementView(
        kind=kind.value,
        version=rule.version,
        form=rule.form,
        fits=misfit is None,
        broken=None if misfit is None else BREACH_CODES[misfit.breach],
        text=None if misfit is None else misfit.text,
        check_digit=misfit is None if judged and rule.check is not CheckDigit.NONE else None,
    )


async def _known(
    tx: Tx, context: WesContext, owner_id: str, scanned: Scanned
) -> AsyncIterator[KnownCodeView]:
    code = scanned.gtin or scanned.text
    sku = await find_by_code(tx, owner_id, code) or scanned.text
    for (name,) in await tx.fetch(_NAME, {"owner_id": owner_id, "sku": sku}):
        yield KnownCodeView(kind="product", id=sku, name=name)
    if not scanned.plain:
        return
    for (lot_no,) in await tx.fetch(_LOT, {"code": scanned.text}):
        yield KnownCodeView(kind="lot", id=lot_no)
    holders = {row[0] for row in await tx.fetch(_HOLDER, {"code": scanned.text})}
    if scanned.text in context.layout.places:
        holders.add("location")
    for kind in sorted(holders):
        yield KnownCodeView(kind=kind, id=scanned.text)
    for kind, sql in _DOCUMENTS.items():
        if await tx.fetch(sql, {"code": scanned.text}):
            yield KnownCodeView(kind=kind, id=scanned.text)
