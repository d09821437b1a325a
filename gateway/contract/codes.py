"""The codes of a site (contract v1, /v1/wes/codes): its rules, numbers that are issued for labels, and what a scanned text is."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from gateway.contract.acts import ActBase
from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.contract.wms import Words

ISSUED_MAX: Final = 1000


class IssuedKind(StrEnum):
    """What numbers are issued for on request; documents get theirs when they come to be."""

    PRODUCT = "product"
    CONTAINER = "container"
    LOT = "lot"


class IssueCodes(ActBase):
    """Numbers are wanted, for labels say. They are nobody else's from now on (S2-129, S2-132).

    Attributes:
        text: what the site's rule leaves to others, such as a category or a supplier's number; None: the rule leaves nothing.
    """

    kind: IssuedKind
    count: Annotated[int, Field(strict=True, ge=1, le=ISSUED_MAX)]
    text: Words | None = None


class CodeRuleView(WireModel):
    """A rule of the site for codes of one kind.

    Attributes:
        form: of what such a code is made, in order.
        current: new codes are made by it today.
        issued: it has serial numbers.
    """

    kind: str
    version: int
    valid_from: date | None
    form: str
    current: bool
    issued: bool


class CodeJudgementView(WireModel):
    """What the site's rules of one kind say of a code.

    Attributes:
        version: of the rule that it fits, or comes nearest to.
        broken: what it breaks, as callers are told, e.g. `wrongCheckDigit`; left out: it fits.
        check_digit: whether it has the right one; left out: the rule has none, or the code is too different from it to tell.
    """

    kind: str
    version: int
    form: str
    fits: bool
    broken: str | None = Omitted
    text: str | None = Omitted
    check_digit: bool | None = Omitted


class KnownCodeView(WireModel):
    """What the books know under a code.

    Attributes:
        kind: product, lot, container, location, order, package, return, wave or notice.
        name: of a product.
    """

    kind: str
    id: str
    name: str | None = Omitted


class CodeView(WireModel):
    """What a scanned text is.

    Attributes:
        text: of the code, without the scanner's prefix.
        unreadable: it says that it is made of element strings, and is not; why.
        gtin, sscc, lot_no, serial, produced_on, best_before, expires_on, count: what element strings or an RFID tag say.
        doubtful: it has as many digits as a GTIN, and another check digit.
        rules: what the site's rules say; those that it fits, or else those that it comes near to.
        known: what the books have under it.
    """

    text: str
    unreadable: str | None = Omitted
    gtin: str | None = Omitted
    sscc: str | None = Omitted
    lot_no: str | None = Omitted
    serial: str | None = Omitted
    produced_on: date | None = Omitted
    best_before: date | None = Omitted
    expires_on: date | None = Omitted
    count: int | None = Omitted
    doubtful: str | None = Omitted
    rules: tuple[CodeJudgementView, ...]
    known: tuple[KnownCodeView, ...]
