"""The evaluator of the site's rules: the first rule of a point whose conditions all hold decides (S0-8).

What may be decided, by which facts and with which outcomes is data in gateway/site/rules.py; docs/wes-rules.md lists it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from gateway.site.rules import POINTS, Condition, DecisionPoint, Point, Rule, Scalar, holds

T = TypeVar("T")

Known = Mapping[str, Scalar | None]
"""Facts by name; one that is missing or None fulfils no condition."""


class Rulebook:
    """A site's rules, ready to be asked."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Take rules that the site's checks have passed.

        Raises:
            ValidationError: an outcome is none of its point's.
        """
        self._entries: dict[DecisionPoint, list[tuple[Mapping[str, Condition], Any]]] = {}
        for rule in rules:
            outcome = POINTS[rule.at].outcome.validate_python(rule.then)
            self._entries.setdefault(rule.at, []).append((rule.when, outcome))

    def decide(self, point: Point[T], facts: Known) -> T:
        """Return the outcome for these facts."""
        for when, outcome in self._entries.get(point.name, ()):
            if all(holds(condition, facts.get(fact)) for fact, condition in when.items()):
                return outcome
        return point.default

    def outcomes(self, point: Point[T]) -> Iterator[T]:
        """Yield what facts may lead to, as the rules stand: nothing behind a rule without conditions."""
        for when, outcome in self._entries.get(point.name, ()):
            yield outcome
            if not when:
                return
        yield point.default
