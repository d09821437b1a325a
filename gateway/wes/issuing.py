"""Numbers on request: of containers whose labels are printed before they are used, of products, of lots (S2-129, S2-132).

What is issued is nobody else's, whoever asks at the same moment; what the books have under such a number already, written by hand
before there was a rule, is passed over.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.contract.acts import ActView
from gateway.contract.codes import CodeRuleView, IssueCodes, IssuedKind
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.kernel.ports import SqlValue, Tx
from gateway.site.codes import CodeKind, CodeRule, current, versions
from gateway.wes.context import WesContext
from gateway.wes.floor.acts import once
from gateway.wes.numbers import take_codes
from gateway.wes.planning.tasks import conflict

ROUNDS_MAX: Final = 20
ROUND_MAX: Final = 10_000
"""Numbers of one round: each takes twice as many as the one before, for those that the books have."""
ASKED_MAX: Final = 500
"""Numbers in one statement."""
_IN_BOOKS: Final[Mapping[IssuedKind, str]] = {
    IssuedKind.PRODUCT: "SELECT DISTINCT sku FROM products WHERE sku IN",
    IssuedKind.CONTAINER: "SELECT holder_id FROM holders WHERE holder_id IN",
    IssuedKind.LOT: "SELECT DISTINCT lot_no FROM lots WHERE lot_no IN",
}


async def issue_codes(tx: Tx, context: WesContext, request: IssueCodes) -> ActView:
    """Issue numbers; the same act again gets the same ones.

    Raises:
        Refusal: the site has no rule for them, or it wants a text, or none, or its serial numbers are used up.
    """
    return await once(tx, context, request, lambda: _issue(tx, context, request))


def list_rules(context: WesContext) -> list[CodeRuleView]:
    """Return the site's rules, kind by kind, the oldest first."""
    day = context.today()
    return [
        CodeRuleView(
            kind=rule.kind.value,
            version=rule.version,
            valid_from=rule.valid_from,
            form=rule.form,
            current=rule is current(context.wes.codes, kind, day),
            issued=rule.serial > 0,
        )
        for kind in CodeKind
        for rule in versions(context.wes.codes, kind)
    ]


async def _issue(tx: Tx, context: WesContext, request: IssueCodes) -> ActView:
    day, rule = context.today(), _rule(context, request)
    text, codes, size = request.text or "", list[str](), request.count
    for _ in range(ROUNDS_MAX):
        taken = await take_codes(tx, rule, day, text, size)
        if any(len(code) > rule.most for code in taken):
            used_up = f"the serial numbers of rule {rule.name} are used up: add a version with more digits"
            raise conflict("kind", "usedUp", used_up)
        known = await _in_books(tx, request.kind, taken)
        codes += [code for code in taken if code not in known]
        if len(codes) >= request.count:
            return ActView(act_id=request.act_id, codes=tuple(codes[: request.count]))
        size = min(2 * size, ROUND_MAX)
    text = (
        f"the books have too many numbers like those of rule {rule.name}: add a version with another prefix"
    )
    raise conflict("kind", "inBooks", text)


def _rule(context: WesContext, request: IssueCodes) -> CodeRule:
    kind = CodeKind(request.kind.value)
    rule = current(context.wes.codes, kind, context.today())
    if rule is None or not rule.serial:
        text = f"the site numbers no {kind.value}s: add a rule with a `serial` to `wes: codes:`"
        raise conflict("kind", "noRule", text)
    if rule.text is None and request.text is not None:
        text = f"rule {rule.name} leaves nothing to others: {rule.form}"
        raise Refusal(RefusalKind.INVALID, FieldError("text", "notAsked", text))
    if rule.text is not None and not rule.text.holds(request.text or ""):
        text = f"rule {rule.name} is {rule.form}: say what its text is"
        raise Refusal(RefusalKind.INVALID, FieldError("text", "wrongText", text))
    return rule


async def _in_books(tx: Tx, kind: IssuedKind, codes: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for first in range(0, len(codes), ASKED_MAX):
        part = codes[first : first + ASKED_MAX]
        asked: dict[str, SqlValue] = {f"code_{number}": code for number, code in enumerate(part)}
        names = ", ".join(f":{name}" for name in asked)
        known |= {row[0] for row in await tx.fetch(f"{_IN_BOOKS[kind]} ({names})", asked)}
    return known
