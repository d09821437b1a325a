"""Rules of the WES: the first that holds decides, and what could never hold is told when the site is read."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.site import rules as points
from gateway.site.load import load_site
from gateway.site.rules import PICKING, POINTS, Bounds, DecisionPoint, Like, Rule, Scalar, Turnover, holds
from gateway.wes.rules import Rulebook
from tests.unit.small_site import findings, small_site, write

pytestmark = pytest.mark.unit

MEDICINE = """\
wes:
  warehouse_id: WH-1
  rules:
    - {at: audit.turnover, when: {sku: {like: "MED-*"}, quantity: {min: 10}}, then: lifo}
    - {at: audit.turnover, when: {carrier: [SF, YTO], product.cold: true}, then: nearest}
    - {at: audit.turnover, then: fifo}
    - {at: audit.lot, when: {ext.channel: export}, then: {shelf_life_days: 90}}
"""


def rulebook(tmp_path: Path, text: str = MEDICINE) -> Rulebook:
    wes = load_site(write(tmp_path, small_site() | {"wes.yaml": text})).wes
    assert wes is not None
    return Rulebook(wes.rules)


@pytest.mark.parametrize(
    ("facts", "turnover"),
    [
        ({"sku": "MED-7", "quantity": 10}, Turnover.LIFO),
        ({"sku": "MED-7", "quantity": 9}, Turnover.FIFO),
        ({"sku": "med-7", "quantity": 10}, Turnover.FIFO),
        ({"sku": "A", "carrier": "YTO", "product.cold": True}, Turnover.NEAREST),
        ({"sku": "A", "carrier": "YTO", "product.cold": 1}, Turnover.FIFO),
        ({"sku": "A", "carrier": None, "product.cold": True}, Turnover.FIFO),
        ({}, Turnover.FIFO),
    ],
    ids=[
        "both hold",
        "below the minimum",
        "another case",
        "one of",
        "1 is not true",
        "not known",
        "no facts",
    ],
)
def test_the_first_rule_whose_conditions_all_hold_decides(
    tmp_path: Path, facts: dict[str, Scalar | None], turnover: Turnover
) -> None:
    assert rulebook(tmp_path).decide(points.TURNOVER, facts) is turnover


def test_a_point_without_a_fitting_rule_keeps_its_default(tmp_path: Path) -> None:
    book = rulebook(tmp_path)
    assert book.decide(points.REVIEW, {"owner": "me"}) is points.Review.SKIPPED
    assert book.decide(points.LOT, {"ext.channel": "export"}).shelf_life_days == 90
    assert book.decide(points.LOT, {"ext.channel": "home"}).shelf_life_days == 0


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        (
            "{at: audit.turnover, when: {skuu: A}, then: fifo}",
            "when.skuu",
            "`audit.turnover` has no fact `skuu`",
        ),
        ("{at: review, when: {sku: A}, then: required}", "when.sku", "`review` has no fact `sku`"),
        ("{at: review, when: {ext.: A}, then: required}", "when.ext.", "`review` has no fact `ext.`"),
        ("{at: review, when: {city: {min: 3}}, then: required}", "when.city", "`city` is a text"),
        (
            "{at: review, when: {priority: [9, high]}, then: required}",
            "when.priority",
            "`priority` is a number",
        ),
        ("{at: return, when: {empty: 1}, then: A}", "when.empty", "`empty` is true or false"),
        ("{at: audit.turnover, then: newest}", "then", "cannot decide `newest`"),
        ("{at: audit.lot, then: {shelf_life_days: -1}}", "then", "`audit.lot` cannot decide"),
        ("{at: nowhere, then: fifo}", "at", "`nowhere` does not fit"),
        ("{at: review, when: {city: {like: A, min: 2}}, then: required}", "when.city.min", "not a key"),
    ],
)
def test_a_rule_that_could_never_decide_is_told(tmp_path: Path, rule: str, path: str, message: str) -> None:
    files = small_site() | {"wes.yaml": f"wes:\n  warehouse_id: W\n  rules:\n    - {rule}\n"}
    told = [each for each in findings(write(tmp_path, files)) if each.path == f"wes.rules[0].{path}"]
    assert [each.message for each in told if message in each.message]
    assert {each.line for each in told} == {4}


def test_a_rule_behind_one_that_always_decides_is_told(tmp_path: Path) -> None:
    text = MEDICINE + "    - {at: audit.turnover, when: {sku: B}, then: fefo}\n"
    (told,) = findings(write(tmp_path, small_site() | {"wes.yaml": text}))
    assert (told.line, told.path) == (8, "wes.rules[4]")
    assert "wes.yaml:6" in told.message


SCALARS = st.one_of(st.booleans(), st.integers(-5, 5), st.sampled_from(["A", "B-1", "B-2", "*"]))
CONDITIONS = st.one_of(
    SCALARS,
    st.lists(SCALARS, min_size=1, max_size=3).map(tuple),
    st.builds(Bounds, min=st.none() | st.integers(-5, 5), max=st.none() | st.integers(-5, 5)),
    st.builds(Like, like=st.sampled_from(["B-?", "*", "A"])),
)
NAMES = st.sampled_from(["sku", "quantity", "product.x"])
RULES = st.lists(
    st.builds(
        Rule,
        at=st.just(DecisionPoint.TURNOVER),
        when=st.dictionaries(NAMES, CONDITIONS, max_size=2),
        then=st.sampled_from([each.value for each in Turnover]),
    ),
    max_size=5,
)
FACTS = st.dictionaries(NAMES, SCALARS | st.none(), max_size=3)


@given(RULES, FACTS)
def test_what_stands_behind_the_deciding_rule_changes_nothing(
    rules: list[Rule], facts: dict[str, Any]
) -> None:
    decided = Rulebook(rules).decide(points.TURNOVER, facts)
    deciding = [all(holds(when, facts.get(fact)) for fact, when in rule.when.items()) for rule in rules]
    first = deciding.index(True) if any(deciding) else len(rules)
    assert Rulebook(rules[: first + 1]).decide(points.TURNOVER, facts) is decided
    assert Rulebook(rules[:first]).decide(points.TURNOVER, facts) is points.TURNOVER.default
    assert decided == (rules[first].then if first < len(rules) else points.TURNOVER.default)


@given(RULES, FACTS, NAMES)
def test_knowing_less_fulfils_no_more(rules: list[Rule], facts: dict[str, Any], name: str) -> None:
    less = {fact: value for fact, value in facts.items() if fact != name}
    for rule in rules:
        for fact, condition in rule.when.items():
            assert holds(condition, facts.get(fact)) or not holds(condition, less.get(fact))


@pytest.mark.parametrize("point", POINTS.values(), ids=[point.value for point in POINTS])
def test_every_default_is_an_outcome_that_a_rule_could_name(point: points.Point[Any]) -> None:
    written = point.outcome.dump_python(point.default, mode="json")
    assert Rulebook([Rule(at=point.name, then=written)]).decide(point, {}) == point.default


def test_every_fact_has_a_meaning() -> None:
    assert {fact for point in POINTS.values() for fact in point.facts} == set(points.FACT_MEANINGS)


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ({"pick": "P-*", "min": 5}, "Give `min` and `max`"),
        ({"pick": "P-*", "reserve": "R-*", "min": 9, "max": 5}, "`max` at least as large"),
        ({"pick": "P-*", "min": 5, "max": 9}, "Name the `reserve`"),
        ({"pick": "P-*", "reserve": "R-*", "amount": "pallet"}, "'needed', 'case' or 'all'"),
        ({"picks": "P-*"}, "Extra inputs"),
    ],
)
def test_where_products_are_picked_and_filled_up_from_must_make_sense(
    then: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        Rulebook([Rule(at=DecisionPoint.MOVE, then=then)])


def test_what_a_point_may_lead_to_ends_with_the_first_rule_without_conditions() -> None:
    some = Rule(at=DecisionPoint.PICKING, when={"zone": "A"}, then="flat")
    every = Rule(at=DecisionPoint.PICKING, then="blackBox")
    assert [*Rulebook([]).outcomes(PICKING)] == [PICKING.default]
    assert [*Rulebook([some]).outcomes(PICKING)] == ["flat", PICKING.default]
    assert [*Rulebook([some, every]).outcomes(PICKING)] == ["flat", "blackBox"]
