"""Codes of a site: published numbers have their check digits, slips are found as the standards say, versions outlive each other."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.site.check_digits import CheckDigit, Mod11, check_digit
from gateway.site.codes import CodeKind, CodeRule, DayForm, current, full_year
from gateway.site.document import parse_document
from gateway.site.judging import judge, misfit
from gateway.site.wes import Wes
from tests.documents import DOCS
from tests.unit.small_site import findings, small_site, write

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 23)
PALLET = {"kind": "container", "prefix": "P", "day": "yymmdd", "serial": 6, "check": "luhn"}
LOT = {"kind": "lot", "day": "yymmdd", "text": {"length": 3}, "serial": 3, "check": "mod11"}

LUHN, MOD11 = CheckDigit.LUHN, CheckDigit.MOD11
SOURCE = Mod11()
"""Weights 1, 2, 3 … from the left: what the source's lot number has, and ISBN-10."""
ISBN_10 = Mod11.model_validate({"ten": "X"})
ISSN = Mod11.model_validate({"weights": [8, 7, 6, 5, 4, 3, 2], "gives": "complement", "ten": "X"})
NHS = Mod11.model_validate({"weights": [10, 9, 8, 7, 6, 5, 4, 3, 2], "gives": "complement"})


def rule(**keys: Any) -> CodeRule:
    return CodeRule.model_validate(keys)


def told(rules: list[CodeRule], kind: CodeKind, code: str) -> tuple[int, str | None]:
    """Return the version that a code is judged by, and what is wrong with it."""
    judgement = judge(rules, kind, code, TODAY)
    assert judgement is not None
    return judgement.rule.version, None if judgement.misfit is None else judgement.misfit.text


@pytest.mark.parametrize(
    ("check", "mod11", "number"),
    [
        pytest.param(LUHN, SOURCE, "79927398713", id="the example of the Luhn algorithm"),
        pytest.param(LUHN, SOURCE, "4111111111111111", id="Visa's test card"),
        pytest.param(LUHN, SOURCE, "378282246310005", id="American Express's test card"),
        pytest.param(LUHN, SOURCE, "490154203237518", id="an IMEI of 3GPP TS 23.003's kind"),
        pytest.param(LUHN, SOURCE, "S010205003", id="SKU of S2-126"),
        pytest.param(LUHN, SOURCE, "P2508190012344", id="pallet of S2-129"),
        pytest.param(MOD11, SOURCE, "2508190010057", id="lot of S2-128"),
        pytest.param(MOD11, ISBN_10, "0306406152", id="ISBN of the ISBN manual"),
        pytest.param(MOD11, ISBN_10, "080442957X", id="ISBN that ends with X"),
        pytest.param(MOD11, ISSN, "03785955", id="ISSN of ISO 3297"),
        pytest.param(MOD11, ISSN, "2434561X", id="ISSN that ends with X"),
        pytest.param(MOD11, NHS, "9434765919", id="number of the NHS data dictionary"),
    ],
)
def test_published_numbers_have_their_check_digit(check: CheckDigit, mod11: Mod11, number: str) -> None:
    assert check_digit(check, mod11, number[:-1]) == number[-1]


def test_the_codes_that_the_document_shows_are_those_of_its_rules() -> None:
    text = (DOCS / "wes-codes.md").read_text(encoding="utf-8")
    example = parse_document(Path("wes-codes.md"), text.partition("```yaml\n")[2].partition("```")[0])
    assert isinstance(example.data, dict)
    rules = Wes.model_validate(example.data["wes"]).codes
    for kind, code in (
        (CodeKind.PRODUCT, "S010205003"),
        (CodeKind.LOCATION, "W1B20150308"),
        (CodeKind.LOT, "2508190010057"),
        (CodeKind.CONTAINER, "P2601010012345"),
        (CodeKind.ORDER, "O20250819000567"),
    ):
        assert code in text
        judgement = judge(rules, kind, code, TODAY)
        assert judgement is not None
        assert judgement.misfit is None, code
    assert told(list(rules), CodeKind.CONTAINER, "TOTE-0042") == (1, None)


bodies = st.text("0123456789", min_size=2, max_size=18)


@given(body=bodies, data=st.data())
def test_luhn_finds_every_wrong_digit(body: str, data: st.DataObject) -> None:
    whole = body + (check_digit(LUHN, SOURCE, body) or "")
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != whole[place]))
    wrong = whole[:place] + other + whole[place + 1 :]
    assert check_digit(LUHN, SOURCE, wrong[:-1]) != wrong[-1]


@given(body=bodies, data=st.data())
def test_luhn_finds_neighbours_that_changed_places_but_for_0_and_9(body: str, data: st.DataObject) -> None:
    whole = body + (check_digit(LUHN, SOURCE, body) or "")
    place = data.draw(st.integers(0, len(whole) - 2))
    pair = whole[place : place + 2]
    wrong = whole[:place] + pair[::-1] + whole[place + 2 :]
    passes = check_digit(LUHN, SOURCE, wrong[:-1]) == wrong[-1]
    assert passes == (pair[0] == pair[1] or set(pair) == {"0", "9"})


weightings = st.none() | st.lists(st.integers(1, 30), min_size=1, max_size=18).map(tuple)


@given(body=bodies, weights=weightings, gives=st.sampled_from(["remainder", "complement"]), data=st.data())
def test_mod_11_finds_every_wrong_digit_whose_weight_is_no_multiple_of_11(
    body: str, weights: tuple[int, ...] | None, gives: str, data: st.DataObject
) -> None:
    mod11 = Mod11.model_validate({"weights": weights, "gives": gives, "ten": "X"})
    digit = check_digit(MOD11, mod11, body)
    place = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.sampled_from("0123456789").filter(lambda each: each != body[place]))
    wrong = body[:place] + other + body[place + 1 :]
    blind = mod11.weights_of(len(body))[place] % 11 == 0
    assert (check_digit(MOD11, mod11, wrong) == digit) == blind


@given(body=bodies, weights=weightings, data=st.data())
def test_mod_11_finds_neighbours_that_changed_places_unless_their_weights_are_the_same(
    body: str, weights: tuple[int, ...] | None, data: st.DataObject
) -> None:
    mod11 = Mod11.model_validate({"weights": weights, "ten": "X"})
    place = data.draw(st.integers(0, len(body) - 2))
    pair = body[place : place + 2]
    wrong = body[:place] + pair[::-1] + body[place + 2 :]
    used = mod11.weights_of(len(body))
    same = pair[0] == pair[1] or (used[place] - used[place + 1]) % 11 == 0
    assert (check_digit(MOD11, mod11, wrong) == check_digit(MOD11, mod11, body)) == same


def test_a_ten_is_an_x_or_no_code_at_all() -> None:
    ten = "080442957"
    assert check_digit(MOD11, ISBN_10, ten) == "X"
    assert check_digit(MOD11, SOURCE, ten) is None


def test_a_rule_writes_the_codes_of_the_source() -> None:
    day = date(2025, 8, 19)
    assert rule(**PALLET).compose(day, "", 1234) == "P2508190012344"
    assert rule(**LOT).compose(day, "001", 5) == "2508190010057"
    assert rule(kind="order", prefix="O", day="yyyymmdd", serial=6).compose(day, "", 567) == "O20250819000567"
    sku = rule(kind="product", prefix="S", text={"length": 4}, serial=4, check="luhn")
    assert sku.compose(day, "0102", 500) == "S010205003"


@given(
    prefix=st.sampled_from(["P", "A1"]),
    form=st.none() | st.sampled_from(DayForm),
    serial=st.integers(0, 10**6 - 1),
    check=st.sampled_from(CheckDigit),
    text=st.none() | st.text("0123456789", min_size=2, max_size=2),
    ago=st.integers(0, 15_000),
)
def test_what_a_rule_writes_fits_it(
    prefix: str, form: DayForm | None, serial: int, check: CheckDigit, text: str | None, ago: int
) -> None:
    written_by = rule(
        kind="container",
        prefix=prefix,
        day=form,
        serial=7,
        check=check,
        text=None if text is None else {"length": 2},
    )
    code = written_by.compose(TODAY - timedelta(days=ago), text or "", serial)
    assert code is None or misfit(written_by, code, TODAY) is None
    assert code is not None or check is CheckDigit.MOD11


@given(first=st.dates(date(1990, 1, 1), date(2060, 12, 31)), form=st.sampled_from(DayForm))
def test_a_day_is_read_as_it_was_written(first: date, form: DayForm) -> None:
    found = form.read(form.write(first), 2026)
    assert found is not None
    assert found[0] <= first <= found[1]


@pytest.mark.parametrize(
    ("two_digits", "year", "full"), [(75, 2026, 2075), (77, 2026, 1977), (76, 2026, 2076), (0, 1999, 2000)]
)
def test_a_year_of_two_digits_is_the_nearest_one(two_digits: int, year: int, full: int) -> None:
    assert full_year(two_digits, year) == full


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("P2508190012344", None),
        ("Q2508190012344", "does not begin with P"),
        ("P250819001234", "has 13 characters, not 14"),
        ("P25O8190012344", "has 25O819 for its day, which is not digits alone"),
        ("P2508190O12344", "has 0O1234 for its serial number, which is not digits alone"),
        ("P250819001234X", "ends with X, which is no check digit"),
        ("P2513190012344", "says 251319 for its day, and there is none"),
        ("P2502300012344", "says 250230 for its day, and there is none"),
        ("P2611250000018", "says 261125 for its day, which is still to come"),
        ("P2508190012345", "ends with 5, where its check digit would be 4"),
        ("P250819\u0660012344", "has \u066001234 for its serial number, which is not digits alone"),
    ],
)
def test_a_code_that_is_none_is_told_why(code: str, wrong: str | None) -> None:
    assert told([rule(**PALLET)], CodeKind.CONTAINER, code) == (1, wrong)


def test_a_code_may_have_been_made_where_the_day_has_begun_already() -> None:
    pallet = rule(**PALLET)
    tomorrow = pallet.compose(TODAY + timedelta(days=1), "", 1)
    assert tomorrow is not None
    assert misfit(pallet, tomorrow, TODAY) is None


VERSIONS = [
    rule(kind="container", prefix="T", serial=8),
    rule(**PALLET, version=2, valid_from="2026-03-01"),
    rule(
        kind="container",
        version=3,
        prefix="C",
        day="yyyymmdd",
        serial=4,
        check="luhn",
        valid_from="2027-01-01",
    ),
]


@pytest.mark.parametrize(
    ("day", "version"), [("2026-02-28", 1), ("2026-03-01", 2), ("2026-12-31", 2), ("2027-01-01", 3)]
)
def test_new_codes_are_made_by_the_version_of_their_day(day: str, version: int) -> None:
    found = current(VERSIONS, CodeKind.CONTAINER, date.fromisoformat(day))
    assert found is not None
    assert found.version == version


def test_codes_of_an_older_version_stay_valid_and_those_of_a_later_one_are_none_yet() -> None:
    assert told(VERSIONS, CodeKind.CONTAINER, "T00000001") == (1, None)
    second = VERSIONS[1].compose(date(2026, 3, 1), "", 1)
    assert second is not None
    assert told(VERSIONS, CodeKind.CONTAINER, second) == (2, None)
    third = VERSIONS[2].compose(date(2027, 1, 1), "", 1)
    assert third is not None
    version, wrong = told(VERSIONS, CodeKind.CONTAINER, third)
    assert version != 3
    assert wrong is not None


def test_a_code_says_no_day_on_which_its_version_did_not_hold() -> None:
    early = VERSIONS[1].compose(date(2026, 2, 27), "", 1)
    assert early is not None
    assert told(VERSIONS, CodeKind.CONTAINER, early) == (
        2,
        "says 260227 for its day, when codes were not yet made so",
    )
    late = VERSIONS[1].compose(date(2027, 1, 2), "", 1)
    assert late is not None
    judgement = judge(VERSIONS, CodeKind.CONTAINER, late, date(2027, 2, 1))
    assert judgement is not None
    assert judgement.misfit is not None
    assert judgement.misfit.text == "says 270102 for its day, when codes were no longer made so"


def test_of_a_kind_without_rules_any_code_will_do() -> None:
    assert judge(VERSIONS, CodeKind.PRODUCT, "whatever", TODAY) is None


def test_a_text_of_others_may_be_shorter_down_to_its_least() -> None:
    place = [rule(kind="location", prefix="W1", text={"length": 9, "least": 7, "of": "alphanumeric"})]
    for code, wrong in (
        ("W1B20150308", None),
        ("W1B2015030", None),
        ("W1B20150", "has 8 characters, not 9 to 11"),
        ("W1B2015-308", "has B2015-308 where alphanumeric belong"),
    ):
        assert told(place, CodeKind.LOCATION, code) == (1, wrong)


@pytest.mark.parametrize(
    ("keys", "mend"),
    [
        ("{kind: wave, prefix: WAVE}", "give `serial` or `text`: all codes would be the same"),
        ("{kind: order, prefix: O, text: {length: 8}}", "give `serial` and no `text`"),
        ("{kind: location, serial: 8}", "give `text` alone: places are planned, not issued"),
        (
            "{kind: lot, text: {length: 8, of: letters}, check: luhn}",
            "there are no digits that it could be of",
        ),
        ("{kind: lot, text: {length: 8}, mod11: {ten: X}}", "take `mod11` out, or let `check` be mod11"),
        ("{kind: package, prefix: B, serial: 6}", "let it have 8 to 20 characters"),
        ("{kind: package, prefix: PACKAGE-, day: yyyymmdd, serial: 6}", "it has 22"),
        ("{kind: product, text: {length: 4, least: 5}}", "let `least` be at most `length`"),
        ("{kind: lot, text: {length: 8}, valid_from: 1}", "write year, month and day"),
        ("{kind: lot, text: {length: 64}, check: luhn}", "let it have at most 64 characters"),
        (
            "{kind: wave, day: yymmdd, serial: 2, check: mod11, mod11: {weights: [1, 2, 3, 4, 5, 6, 11, 22]}}",
            "change the `weights`: those of the serial number are all multiples of 11",
        ),
        ("{kind: pallet, serial: 8}", "`pallet` does not fit"),
    ],
)
def test_a_rule_that_makes_no_sense_is_told_with_its_line(keys: str, mend: str, tmp_path: Path) -> None:
    text = (
        f"wes:\n  warehouse_id: WH-1\n  codes:\n    - {{kind: receipt, prefix: I, serial: 8}}\n    - {keys}\n"
    )
    (finding,) = findings(write(tmp_path, small_site() | {"wes.yaml": text}))
    assert finding.line == 5
    assert mend in f"{finding.message}: {finding.mend}"
