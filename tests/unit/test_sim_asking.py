"""Simulated people and programs ask until there is an answer, and say once that there is none."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from structlog.testing import capture_logs

from sim_devices import asking
from sim_devices.asking import Asker

pytestmark = pytest.mark.unit


async def asked(*answers: httpx.Response | Exception) -> tuple[httpx.Response, list[tuple[str, str]]]:
    """Ask somebody who says these one after the other; return what was taken as the answer, and what was logged."""
    left: Iterator[httpx.Response | Exception] = iter(answers)

    def say(_: httpx.Request) -> httpx.Response:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(say), base_url="http://wes") as http:
        with capture_logs() as lines:
            answer = await Asker(http, "Ann").ask("GET", "/v1/wes/stations/pick")
    return answer, [(line["event"], line.get("why", "")) for line in lines]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "RETRY_S", 0.001)


async def test_what_is_answered_at_once_is_not_worth_a_word() -> None:
    answer, told = await asked(httpx.Response(409))
    assert (answer.status_code, told) == (409, [])


async def test_who_does_not_answer_is_asked_again_and_told_of_once() -> None:
    answer, told = await asked(
        httpx.ConnectError("nobody listens"),
        httpx.ReadTimeout(""),
        httpx.Response(507, text="the disk is full"),
        httpx.Response(429),
        httpx.Response(200),
    )
    assert answer.status_code == 200
    assert told == [
        ("there is no answer; asking again", "ConnectError nobody listens"),
        ("there is an answer again", ""),
    ]


async def test_one_that_always_fails_is_told_of_with_its_reason() -> None:
    """Whoever looks why nothing goes on has to find it in the log."""
    with capture_logs() as lines:
        broken = httpx.MockTransport(lambda _: httpx.Response(500, text="x" * 10_000))
        async with httpx.AsyncClient(transport=broken, base_url="http://wes") as http:
            asking_on = asyncio.ensure_future(Asker(http, "Ann").ask("POST", "/v1/wes/acts", json={}))
            await asyncio.sleep(0.05)
            asking_on.cancel()
    (line,) = lines
    assert (line["asked_by"], line["path"], len(line["why"])) == ("Ann", "/v1/wes/acts", len("500 ") + 200)
