"""A deliberately broken version of something, applied in memory: what does not notice it has a hole."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A broken rule.

    Attributes:
        story: what it does.
        owner, attribute: what is broken.
        breaks: makes the broken one of the sound one.
        caught: how its harm is told, in part.
    """

    name: str
    story: str
    owner: Any
    attribute: str
    breaks: Callable[[Any], Any]
    caught: str

    def applied(self) -> AbstractContextManager[object]:
        """Break the rule for a while."""
        return patch.object(self.owner, self.attribute, self.breaks(getattr(self.owner, self.attribute)))
