"""No input may take memory without measure."""

import resource
from collections.abc import Iterator

import pytest

GROWTH_MAX_KB = 100_000


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH_MAX_KB
