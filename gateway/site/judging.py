"""What the rules of a site say of a code (S2-134, S2-135): which version it fits, or what it breaks of the nearest one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Final

from gateway.site.check_digits import CheckDigit, check_digit
from gateway.site.codes import CodeKind, CodeRule, DayForm, versions

ELSEWHERE: Final = timedelta(days=1)
"""A day may have begun where a code was made that has not begun here."""


class Breach(IntEnum):
    """What a code breaks of a rule, the more telling the higher."""

    PREFIX = 1
    LENGTH = 2
    CHARACTERS = 3
    DAY = 4
    CHECK_DIGIT = 5


BREACH_CODES: Final = {
    Breach.PREFIX: "wrongPrefix",
    Breach.LENGTH: "wrongLength",
    Breach.CHARACTERS: "wrongCharacters",
    Breach.DAY: "wrongDay",
    Breach.CHECK_DIGIT: "wrongCheckDigit",
}
"""How callers are told."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a code is none of a rule's.

    Attributes:
        text: in words that go on from the code, e.g. "has 12 characters, not 13".
    """

    breach: Breach
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules of a kind say of a code.

    Attributes:
        rule: the one that it fits, or comes nearest to.
        misfit: None: it fits.
    """

    rule: CodeRule
    misfit: Misfit | None


def judge(rules: Iterable[CodeRule], kind: CodeKind, code: str, today: date) -> Judgement | None:
    """Return what the rules of a kind say of a code; None: there are none yet, and any code will do."""
    found = [
        Judgement(rule, misfit(rule, code, today, until)) for rule, until in _holding(rules, kind, today)
    ]
    fitting = [each for each in found if each.misfit is None]
    if fitting:
        return fitting[-1]
    return max(found, key=lambda each: 0 if each.misfit is None else each.misfit.breach, default=None)


def misfit(rule: CodeRule, code: str, today: date, until: date | None = None) -> Misfit | None:
    """Return what a code breaks of a rule.

    Args:
        rule: the rule.
        code: the code.
        today: the site's day; no code says a later one.
        until: from this day on codes are made by another version; None: they are still made by this one.
    """
    if not code.startswith(rule.prefix):
        return Misfit(Breach.PREFIX, f"does not begin with {rule.prefix}")
    if not rule.fewest <= len(code) <= rule.most:
        wanted = f"{rule.fewest}" if rule.fewest == rule.most else f"{rule.fewest} to {rule.most}"
        return Misfit(Breach.LENGTH, f"has {len(code)} characters, not {wanted}")
    day, text, serial, check = _parts(rule, code)
    if strange := _strange(rule, day, text, serial, check):
        return Misfit(Breach.CHARACTERS, strange)
    if rule.day is not None and (wrong := _wrong_day(rule, rule.day, day, today, until)):
        return Misfit(Breach.DAY, wrong)
    if rule.check is not CheckDigit.NONE:
        digit = check_digit(rule.check, rule.mod11, code[:-1])
        if digit is None:
            return Misfit(
                Breach.CHECK_DIGIT, "has no check digit: its number is one of those that are passed over"
            )
        if digit != check:
            return Misfit(Breach.CHECK_DIGIT, f"ends with {check}, where its check digit would be {digit}")
    return None


def _holding(
    rules: Iterable[CodeRule], kind: CodeKind, today: date
) -> Iterator[tuple[CodeRule, date | None]]:
    """Yield the rules of a kind that hold or did, each with the day from which another one does."""
    known: Sequence[CodeRule] = versions(rules, kind)
    for number, rule in enumerate(known):
        if (rule.valid_from or date.min) <= _after(today):
            yield rule, known[number + 1].valid_from if number + 1 < len(known) else None


def _parts(rule: CodeRule, code: str) -> tuple[str, str, str, str]:
    """Return day, text, serial number and check digit of a code of the right length."""
    rest = code[len(rule.prefix) :]
    check = rest[-1] if rule.check is not CheckDigit.NONE else ""
    rest = rest.removesuffix(check) if check else rest
    day = rest[: 0 if rule.day is None else len(rule.day.value)]
    serial = rest[len(rest) - rule.serial :]
    return day, rest[len(day) : len(rest) - rule.serial], serial, check


def _strange(rule: CodeRule, day: str, text: str, serial: str, check: str) -> str | None:
    for what, part in (("day", day), ("serial number", serial)):
        if part and not _is_digits(part):
            return f"has {part} for its {what}, which is not digits alone"
    if rule.text is not None and not rule.text.is_of(text):
        return f"has {text} where {rule.text.of.value} belong"
    if check and not _is_digits(check) and check != rule.mod11.letter:
        return f"ends with {check}, which is no check digit"
    return None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _wrong_day(rule: CodeRule, form: DayForm, text: str, today: date, until: date | None) -> str | None:
    found = form.read(text, today.year)
    if found is None:
        return f"says {text} for its day, and there is none"
    first, last = found
    if first > _after(today):
        return f"says {text} for its day, which is still to come"
    if rule.kind is CodeKind.LOT:  # it says when its goods were made, not when it was
        return None
    if rule.valid_from is not None and last < rule.valid_from - ELSEWHERE:
        return f"says {text} for its day, when codes were not yet made so"
    if until is not None and first >= _after(until):
        return f"says {text} for its day, when codes were no longer made so"
    return None


def _after(day: date) -> date:
    """Return a day that is here already where the day begins first."""
    return day + ELSEWHERE
