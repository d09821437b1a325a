"""An explicit-state model checker: every reachable state, breadth first, so that a counterexample is as short as one can be.

A model says where it starts, what may happen in a state, what is wrong with a state, and what happens next once nothing goes
wrong any more. Three questions are answered for every state: does an invariant break here, does peace lead from here to rest,
and how is it reached.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from tests.garbage import little_garbage

State = TypeVar("State")
Action = TypeVar("Action")
Action_co = TypeVar("Action_co", covariant=True)

PROGRESS_EVERY = 20_000


class Model(Protocol[State, Action_co]):
    """What is explored. States are hashable, and equal when they behave alike."""

    def starts(self) -> Iterable[State]:
        """Return the states in which it may begin."""
        ...

    def moves(self, state: State) -> Iterator[tuple[Action_co, State]]:
        """Yield everything that may happen next."""
        ...

    def wrong(self, state: State) -> str:
        """Return which invariant the state breaks; empty: none."""
        ...

    def peace(self, state: State) -> tuple[Action_co, State] | None:
        """Return what happens next when nothing goes wrong any more; None: all is settled and at rest."""
        ...


@dataclass(frozen=True)
class Counterexample(Generic[State, Action]):
    """How the model comes to what must not be.

    Attributes:
        story: what is wrong.
        start: where it begins.
        steps: what happens, and the state after it.
    """

    story: str
    start: State
    steps: tuple[tuple[Action, State], ...]


@dataclass
class Explored(Generic[State, Action]):
    """What came of an exploration.

    Attributes:
        states, transitions: how many there are; of a model that does not hold, how many were seen until then.
        depth: steps to the state that is farthest away.
    """

    states: int = 0
    transitions: int = 0
    depth: int = 0
    counterexample: Counterexample[State, Action] | None = None
    _came_from: dict[State, tuple[Action, State] | None] = field(
        default_factory=dict[State, "tuple[Action, State] | None"], repr=False
    )


@little_garbage()
def explore(
    model: Model[State, Action], progress: Callable[[int, int], None] = lambda states, left: None
) -> Explored[State, Action]:
    """Visit every reachable state, or stop at the first one that is wrong.

    Args:
        model: what is explored.
        progress: called now and then with the states that are known, and how many of them are still to be visited.
    """
    found = Explored[State, Action]()
    came_from = found._came_from
    layer = list(dict.fromkeys(model.starts()))
    came_from.update(dict.fromkeys(layer))
    while layer:
        following: list[State] = []
        for visited, state in enumerate(layer):
            if story := model.wrong(state):
                found.counterexample = _counterexample(story, came_from, state)
                return _counted(found)
            for action, after in model.moves(state):
                found.transitions += 1
                if after not in came_from:
                    came_from[after] = (action, state)
                    following.append(after)
            if visited % PROGRESS_EVERY == 0:
                progress(len(came_from), len(layer) - visited + len(following))
        found.depth += bool(following)
        layer = following
    found.counterexample = _restless(model, came_from)
    return _counted(found)


def _counted(found: Explored[State, Action]) -> Explored[State, Action]:
    found.states = len(found._came_from)
    found._came_from = {}
    return found


def _restless(
    model: Model[State, Action], came_from: dict[State, tuple[Action, State] | None]
) -> Counterexample[State, Action] | None:
    """Return how peace fails to lead to rest, if it does. A state from which it does is not looked at twice."""
    calm: set[State] = set()
    for state in came_from:
        path: dict[State, tuple[Action, State]] = {}
        here = state
        while here not in calm:
            step = model.peace(here)
            if step is None:
                break
            if here in path:
                how = _counterexample(
                    "once nothing goes wrong any more, it never comes to rest", came_from, state
                )
                return Counterexample(how.story, how.start, (*how.steps, *path.values()))
            path[here] = step
            here = step[1]
        calm.update(path, (here,))
    return None


def _counterexample(
    story: str, came_from: dict[State, tuple[Action, State] | None], state: State
) -> Counterexample[State, Action]:
    steps: list[tuple[Action, State]] = []
    while (cause := came_from[state]) is not None:
        action, before = cause
        steps.append((action, state))
        state = before
    return Counterexample(story, state, tuple(reversed(steps)))
