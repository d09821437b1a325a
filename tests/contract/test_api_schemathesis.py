"""The HTTP interface against its own description, by somebody who knows nothing else of it: schemathesis.

Whatever fits the description, or just misses it, is answered as described, and never with a fault of the gateway. The gateway has
a WES core with work under way; every other valid request names what there is of it, where it names something at all.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy, booleans
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

from gateway.wes.core import WesCore
from tests.fuzz.mutation import TIMES
from tests.unit.api_rig import gateway
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station
from tests.unit.wes_rig import WAREHOUSE

pytestmark = [pytest.mark.contract, pytest.mark.timeout(120)]

T = TypeVar("T")

TOKEN = "correct-horse-battery"
"""The installation's: one of the requests may keep the first person, after whom all others would be asked who they are."""
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
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stack = AsyncExitStack()
        self._thread.start()
        floor = self._run(self._stack.enter_async_context(station()))
        self.known = self._run(work_under_way(floor))
        wes = WesCore(store=floor.store, context=floor.core.context, numbers=floor.core.numbers)
        self._rig = self._run(
            self._stack.enter_async_context(gateway(token=TOKEN, raise_faults=False, wes=wes))
        )
        self._rig.http.headers["Authorization"] = f"Bearer {TOKEN}"
        for number in range(1, 4):
            self._run(self._rig.submit(f"T-{number}", containerId=f"T{number}"))

    def close(self) -> None:
        self._run(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def description(self) -> BaseSchema:
        """Return what there is to ask for, but endless streams; that all must show a token is tested elsewhere."""
        described = {key: value for key, value in self._rig.app.openapi().items() if key != "security"}
        schema = schemathesis.openapi.from_dict(described)
        return schema.exclude(path_regex="/stream$")

    def answer(self, case: Case[Any]) -> httpx.Response:
        asked: Any = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
        headers = {**asked.headers, "Authorization": f"Bearer {TOKEN}"}
        request = httpx.Request(asked.method, asked.url, headers=headers, content=asked.body)
        return self._run(self._rig.http.send(request))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


async def work_under_way(floor: Station) -> dict[str, Any]:
    """Have orders in every phase on the floor; returns ids of what there is, by the names that requests have for them."""
    await fill(floor, "T-1", "A1-1-L-05", A=40)
    await fill(floor, "T-2", "A1-2-L-05", B=40)
    await order(floor, "C-1", ("A", 2))
    await floor.work_off(await floor.bring())
    (package_id,) = await floor.seal_all()
    await order(floor, "C-2", ("A", 3))
    await order(floor, "C-3", ("B", 999))
    operation_id = await floor.bring()
    ((allocation_id, _),) = await floor.scan(operation_id)
    await order(floor, "C-4", ("A", 1))
    put = await floor.act("pick", allocation_id=allocation_id, quantity=1)
    ((work_id,),) = await floor.core.rows(
        "SELECT work_id FROM allocations WHERE allocation_id = :id", id=allocation_id
    )
    ((exception_id,),) = await floor.core.rows("SELECT exception_id FROM order_exceptions LIMIT 1")
    ((order_id,),) = await floor.core.rows("SELECT order_id FROM orders WHERE oms_order_no = 'ORD-C-2'")
    return {
        "warehouseId": WAREHOUSE,
        "skuId": "A",
        "lotNo": "A-1",
        "receivedAt": "2026-01-03T00:00:00Z",
        "producedAt": "2026-01-01T00:00:00Z",
        "expiresAt": "2027-01-01T00:00:00Z",
        "orderNo": "ORD-C-4",
        "orderId": order_id,
        "stationId": "station-1",
        "containerId": "T-1",
        "holderId": "T-2",
        "operationId": operation_id,
        "allocationId": allocation_id,
        "putId": put.put_id,
        "workId": work_id,
        "packageId": package_id,
        "exceptionId": exception_id,
    }


def naming(known: Mapping[str, Any], value: Any) -> Any:
    """Return a part of a request that names what there is instead of what there is not, and writes 1 instead of 1.0."""
    match value:
        case dict():
            parts: dict[str, Any] = value
            return {key: known[key] if key in known else naming(known, each) for key, each in parts.items()}
        case list():
            items: list[Any] = value
            return [naming(known, each) for each in items]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


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
            cases = operation.as_strategy(generation_mode=mode)
            asked += ask(running, cases, round(examples * TIMES), aimed=mode is GenerationMode.POSITIVE)
        except FailureGroup as failure:
            wrong.append(f"{operation.label}: {failure}")
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # there is nothing to say to it that could be wrong
    print(f"{asked} requests")
    assert wrong == [], "\n".join(wrong)


def ask(running: Gateway, cases: SearchStrategy[Case[Any]], examples: int, *, aimed: bool) -> int:
    """Ask so many times, at what there is every other time if `aimed`; return how often it was."""
    asked = 0

    @given(case=cases, aim=booleans())
    @settings(max_examples=examples, phases=[Phase.generate], suppress_health_check=SLOW)
    def answered(case: Case[Any], aim: bool) -> None:
        nonlocal asked
        asked += 1
        if aimed and aim:
            for part in ("path_parameters", "query", "body"):
                given_part = getattr(case, part)
                named = naming(running.known, given_part)
                if repr(named) != repr(given_part):
                    setattr(case, part, named)
        case.validate_response(running.answer(case), checks=CHECKS)

    answered()
    return asked
