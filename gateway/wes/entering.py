"""Codes that come from outside are judged by the site's rules before anything is booked under them (S2-135).

Only what the books do not know yet is judged: a code that stands there stays usable, whatever later rules say. Codes of others that
no rule of the site is about, such as barcodes of products and upstream's numbers of documents, are taken as they are.
"""

from gateway.contract.faults import FieldError
from gateway.site.codes import CodeKind
from gateway.site.judging import BREACH_CODES, Breach, judge
from gateway.wes.context import WesContext


def is_ruled(context: WesContext, kind: CodeKind) -> bool:
    """Tell whether the site has rules for codes of a kind."""
    return any(rule.kind is kind for rule in context.wes.codes)


def objection(context: WesContext, kind: CodeKind, code: str, field: str) -> FieldError | None:
    """Return what a new code breaks of the site's rules, for the field that it stands in; None: nothing."""
    judgement = judge(context.wes.codes, kind, code, context.today())
    if judgement is None or judgement.misfit is None:
        return None
    rule, misfit = judgement.rule, judgement.misfit
    text = f"{code} {misfit.text}: a new {kind.value} is {rule.form} here (rule {rule.name})"
    return FieldError(field, BREACH_CODES[misfit.breach], text)


def slip(context: WesContext, code: str) -> str | None:
    """Return what is wrong with the check digit of a code that is one of the site's but for that; None: it is none."""
    for kind in CodeKind:
        judgement = judge(context.wes.codes, kind, code, context.today())
        if judgement is None or judgement.misfit is None:
            continue
        if judgement.misfit.breach is Breach.CHECK_DIGIT:
            return f"as a {kind.value} it {judgement.misfit.text}"
    return None
