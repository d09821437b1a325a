"""What the codes of a site look like (编码规则, S2-125…135): of products, containers, places, lots and numbered documents.

A code is made of a prefix, a day, a text, a serial number and a check digit, in this order; a rule says which of them there are.
Rules of one kind have versions: the newest that holds says what new codes look like, and codes of the others stay valid.
"""

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from gateway.contract.wiring import WiringModel
from gateway.site.check_digits import CheckDigit, Mod11, check_digit

CODE_MAX: Final = 64
ISSUED_MIN: Final = 8
ISSUED_MAX: Final = 20
"""Characters of codes that are issued: long enough to be told apart, short enough to be read and typed (S2-125)."""


class CodeKind(StrEnum):
    """What a code stands for."""

    PRODUCT = "product"
    CONTAINER = "container"
    LOCATION = "location"
    LOT = "lot"
    ORDER = "order"
    """An outbound order."""
    RECEIPT = "receipt"
    """Goods that come in without a notice."""
    RETURN = "return"
    """A return that nobody has announced."""
    WAVE = "wave"
    PACKAGE = "package"


DOCUMENTS: Final = frozenset(
    {CodeKind.ORDER, CodeKind.RECEIPT, CodeKind.RETURN, CodeKind.WAVE, CodeKind.PACKAGE}
)
"""What the WES numbers by itself."""


class DayForm(StrEnum):
    """How a code says when it was made. Its serial numbers begin anew whenever this changes (S2-17, S2-18)."""

    YYYYMMDD = "yyyymmdd"
    YYMMDD = "yymmdd"
    YYYYMM = "yyyymm"
    YYMM = "yymm"
    YYYY = "yyyy"
    YY = "yy"

    def write(self, day: date) -> str:
        """Return a day in this form."""
        text = f"{day.year:04}{day.month:02}{day.day:02}"
        return text[4 - self.count("y") : 4 + self.count("m") + self.count("d")]

    def read(self, text: str, year: int) -> tuple[date, date] | None:
        """Return the first and the last day that a text may mean, the current year being known; None: there is no such day."""
        years = self.count("y")
        full = int(text[:years]) if years == 4 else full_year(int(text[:2]), year)
        month, day = text[years : years + 2], text[years + 2 :]
        if full < 1 or (month and not 1 <= int(month) <= 12):
            return None
        if not month:
            return date(full, 1, 1), date(full, 12, 31)
        last = monthrange(full, int(month))[1]
        if not day:
            return date(full, int(month), 1), date(full, int(month), last)
        if not 1 <= int(day) <= last:
            return None
        found = date(full, int(month), int(day))
        return found, found


def full_year(two_digits: int, year: int) -> int:
    """Return the year nearest to a given one that ends so: from 49 years before to 50 after (GS1 General Specifications, 7.12)."""
    return year - 49 + (two_digits - (year - 49)) % 100


class Alphabet(StrEnum):
    """Which characters a text is made of."""

    DIGITS = "digits"
    LETTERS = "letters"
    """A to Z."""
    ALPHANUMERIC = "alphanumeric"
    """A to Z and digits."""
    ANY = "any"
    """Whatever an identifier has: letters, digits, dot, underscore, colon, hyphen."""


_ALPHABETS: Final = {
    Alphabet.DIGITS: re.compile(r"[0-9]*"),
    Alphabet.LETTERS: re.compile(r"[A-Z]*"),
    Alphabet.ALPHANUMERIC: re.compile(r"[A-Z0-9]*"),
    Alphabet.ANY: re.compile(r"[A-Za-z0-9._:\-]*"),
}


class TextPart(WiringModel):
    """What others decide in a code: a category, a supplier, a rack, level and column.

    Attributes:
        length: characters.
        least: None: it has just so many; else it may be shorter, down to this.
        of: which.
    """

    length: Annotated[int, Field(ge=1, le=CODE_MAX)]
    least: Annotated[int, Field(ge=1, le=CODE_MAX)] | None = None
    of: Alphabet = Alphabet.DIGITS

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.fewest > self.length:
            raise ValueError("Let `least` be at most `length`")
        return self

    @property
    def fewest(self) -> int:
        """How many characters it has at least."""
        return self.length if self.least is None else self.least

    def holds(self, text: str) -> bool:
        """Tell whether a text may stand here."""
        return self.fewest <= len(text) <= self.length and self.is_of(text)

    def is_of(self, text: str) -> bool:
        """Tell whether a text has no other characters."""
        return _ALPHABETS[self.of].fullmatch(text) is not None


def _calendar_day(value: object) -> object:
    """Take what a person writes for a day; pydantic would take a number for seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and re.fullmatch(r"(19|2\d)\d\d-\d\d-\d\d", value)):
        return value
    raise ValueError("Write year, month and day, e.g. 2026-01-01")


CalendarDay = Annotated[date, BeforeValidator(_calendar_day)]


class CodeRule(WiringModel):
    """What codes of one kind look like.

    Attributes:
        version: of the rules of this kind; a code says nothing of it.
        valid_from: the site's day from which new codes are made so; None: they always were.
        prefix: what every code begins with.
        day: how it says when it was made, or of a lot when its goods were; None: not at all.
        text: what others decide.
        serial: digits of its number. Whatever has one can be issued, and has 8 to 20 characters.
        check: the digit at its end, over all digits before it; letters do not count.
        mod11: how `check: mod11` counts.
    """

    kind: CodeKind
    version: PositiveInt = 1
    valid_from: CalendarDay | None = None
    prefix: Annotated[str, Field(max_length=20, pattern=r"^([A-Za-z0-9][A-Za-z0-9._:\-]*)?$")] = ""
    day: DayForm | None = None
    text: TextPart | None = None
    serial: Annotated[int, Field(ge=0, le=12)] = 0
    check: CheckDigit = CheckDigit.NONE
    mod11: Mod11 = Mod11()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.text is None and not self.serial:
            raise ValueError("Give `serial` or `text`: all codes would be the same")
        if self.kind in DOCUMENTS and (self.text is not None or not self.serial):
            raise ValueError("Give `serial` and no `text`: such a document is numbered, and nobody is asked")
        if self.kind is CodeKind.LOCATION and (self.serial or self.day):
            raise ValueError("Give `text` alone: places are planned, not issued")
        if self.check is not CheckDigit.NONE and self._letters_only():
            raise ValueError("Take `check` out: there are no digits that it could be of")
        if self.mod11 != Mod11() and self.check is not CheckDigit.MOD11:
            raise ValueError("Take `mod11` out, or let `check` be mod11")
        if self.serial and self.check is CheckDigit.MOD11 and self._may_have_no_digit():
            raise ValueError(
                "Change the `weights`: those of the serial number are all multiples of 11, so a whole day's codes could be without"
                " a check digit"
            )
        if self.serial and not ISSUED_MIN <= self.fewest <= self.most <= ISSUED_MAX:
            raise ValueError(
                f"Let it have {ISSUED_MIN} to {ISSUED_MAX} characters, as codes that are issued do;"
                f" it has {self._length()}"
            )
        if self.most > CODE_MAX:
            raise ValueError(f"Let it have at most {CODE_MAX} characters; it has {self._length()}")
        return self

    @property
    def name(self) -> str:
        """What people call this rule."""
        return f"{self.kind.value} {self.version}"

    @property
    def fewest(self) -> int:
        """How many characters a code has at least."""
        return self._fixed() + (0 if self.text is None else self.text.fewest)

    @property
    def most(self) -> int:
        """How many characters a code has at most."""
        return self._fixed() + (0 if self.text is None else self.text.length)

    @property
    def form(self) -> str:
        """The rule in one line, e.g. `P` yymmdd 6 digits, luhn."""
        text = "" if self.text is None else f"{self._text_length()} {self.text.of.value}"
        parts = (
            self.prefix,
            "" if self.day is None else self.day.value,
            text,
            f"serial {self.serial}" if self.serial else "",
            "" if self.check is CheckDigit.NONE else self.check.value,
        )
        return " + ".join(part for part in parts if part)

    def stem(self, day: date, text: str) -> str:
        """Return what stands before the serial number of codes that are made on a day."""
        return f"{self.prefix}{'' if self.day is None else self.day.write(day)}{text}"

    def compose(self, day: date, text: str, serial: int) -> str | None:
        """Return a code; None: its check digit cannot be written, and this serial number is passed over.

        A serial number that is too long makes the code longer.
        """
        body = f"{self.stem(day, text)}{f'{serial:0{self.serial}}' if self.serial else ''}"
        if self.check is CheckDigit.NONE:
            return body
        digit = check_digit(self.check, self.mod11, body)
        return None if digit is None else body + digit

    def _fixed(self) -> int:
        day = 0 if self.day is None else len(self.day.value)
        return len(self.prefix) + day + self.serial + (self.check is not CheckDigit.NONE)

    def _letters_only(self) -> bool:
        letters = self.text is not None and self.text.of is Alphabet.LETTERS
        return letters and self.day is None and not self.serial

    def _may_have_no_digit(self) -> bool:
        """Tell whether no digit of the serial number may count: then one serial number after the other would be passed over."""
        before = sum(map(str.isdigit, self.prefix)) + (0 if self.day is None else len(self.day.value))
        text = self.text if self.text is not None and self.text.of is not Alphabet.LETTERS else None
        least = 0 if text is None or text.of is not Alphabet.DIGITS else text.fewest
        most = 0 if text is None else text.length
        weights = self.mod11.weights_of(before + most + self.serial)
        starts = range(before + least, before + most + 1)
        return any(
            all(weight % 11 == 0 for weight in weights[start : start + self.serial]) for start in starts
        )

    def _length(self) -> str:
        return f"{self.fewest}" if self.fewest == self.most else f"{self.fewest} to {self.most}"

    def _text_length(self) -> str:
        assert self.text is not None
        return f"{self.text.length}" if self.text.least is None else f"{self.text.least}-{self.text.length}"


def versions(rules: Iterable[CodeRule], kind: CodeKind) -> list[CodeRule]:
    """Return the rules of a kind, the oldest first."""
    return sorted((rule for rule in rules if rule.kind is kind), key=lambda rule: rule.valid_from or date.min)


def current(rules: Iterable[CodeRule], kind: CodeKind, day: date) -> CodeRule | None:
    """Return the rule by which codes are made on a day; None: there is none."""
    holding = [rule for rule in versions(rules, kind) if (rule.valid_from or date.min) <= day]
    return holding[-1] if holding else None
