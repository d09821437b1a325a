"""The HTTP interface against its own description, by somebody who knows nothing else of it: schemathesis.

Whatever fits the description, or just misses it, is answered as described, and never with a fault of the gateway.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.mutation import TIMES
from tests.unit.api_rig import gateway

pytestmark = [pytest.mark.contract, pytest.mark.timeout(120)]

T = TypeVar("T")

SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)
"""What hypothesis would complain of, and is the way of schemathesis."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
"""All but that whatever fits the description is accepted: it does not know which containers there are."""


class Gateway:
    """A gateway on an event loop in a thread of its own, asked without a socket."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._stack = AsyncExitStack()
        self._thread.start()
        self._rig = self._run(self._stack.enter_async_context(gateway(raise_faults=False)))
        for number in range(1, 4):
            self._run(self._rig.submit(f"T-{number}", containerId=f"T{number}"))

    def close(self) -> None:
        self._run(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def description(self) -> BaseSchema:
        """Return what there is to ask for, but endless streams."""
        schema = schemathesis.openapi.from_dict(self._rig.app.openapi())
        return schema.exclude(path_regex="/stream$")

    def answer(self, case: Case[Any]) -> httpx.Response:
        asked: Any = requests.Request(**case.as_transport_kwargs(base_url="http://gateway")).prepare()
        request = httpx.Request(asked.method, asked.url, headers=dict(asked.headers), content=asked.body)
        return self._run(self._rig.http.send(request))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


@pytest.fixture(scope="module")
def running() -> Iterator[Gateway]:
    running = Gateway()
    yield running
    running.close()


@pytest.mark.parametrize(("mode", "examples"), [(GenerationMode.POSITIVE, 25), (GenerationMode.NEGATIVE, 8)])
def test_every_operation_is_answered_as_described(
    running: Gateway, mode: GenerationMode, examples: int
) -> None:
    asked, wrong = 0, list[str]()
    for found in running.description().get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        try:
            asked += ask(running, operation.as_strategy(generation_mode=mode), round(examples * TIMES))
        except FailureGroup as failure:
            wrong.append(f"{operation.label}: {failure}")
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # there is nothing to say to it that could be wrong
    print(f"{asked} requests")
    assert wrong == [], "\n".join(wrong)


def ask(running: Gateway, cases: SearchStrategy[Case[Any]], examples: int) -> int:
    """Ask so many times; return how often it was."""
    asked = 0

    @given(case=cases)
    @settings(max_examples=examples, phases=[Phase.generate], suppress_health_check=SLOW)
    def answered(case: Case[Any]) -> None:
        nonlocal asked
        asked += 1
        case.validate_response(running.answer(case), checks=CHECKS)

    answered()
    return asked
