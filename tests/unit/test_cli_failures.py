"""What a person is told when the gateway refuses or cannot be reached: whose fault, whether to try again, what to do."""

from collections.abc import Sequence

import httpx
import pytest

from gateway.cli.client import content, parse_items, refused, unreachable
from gateway.cli.failure import REFUSED, UNREACHABLE, Failure
from gateway.contract.plant import DeviceView
from gateway.contract.problems import Problem, Reason

pytestmark = pytest.mark.unit


def problem(status: int, reasons: Sequence[Reason] = (), detail: str = "") -> httpx.Response:
    body = Problem(type="urn:x", title="The title", status=status, detail=detail, reasons=tuple(reasons))
    return httpx.Response(status, content=body.model_dump_json())


def shown(failure: Failure, capsys: pytest.CaptureFixture[str]) -> str:
    failure.show()
    told = capsys.readouterr()
    assert told.out == ""
    return " ".join(told.err.split())


def test_every_reason_is_told_with_its_field(capsys: pytest.CaptureFixture[str]) -> None:
    reasons = [
        Reason(field="containerId", code="unknownContainer", message="container X is not known"),
        Reason(field="destination", code="unknownLocation", message="location Y is not in the site file"),
    ]
    failure = refused(problem(422, reasons))
    assert failure.exit_code == REFUSED
    told = shown(failure, capsys)
    assert "refused: The title" in told
    assert "containerId container X is not known (unknownContainer)" in told
    assert "destination location Y is not in the site file (unknownLocation)" in told
    assert "whose fault the request's" in told
    assert "try again no" in told
    assert "what to do correct what is named above" in told


@pytest.mark.parametrize(
    ("status", "whose", "again"),
    [
        (400, "the request's", "no"),
        (401, "the caller's: nobody is signed in", "no"),
        (403, "the caller's: no right to it", "no"),
        (404, "the request's: there is no such thing", "no"),
        (409, "nobody's: it contradicts how things stand now", "once that has changed"),
        (410, "nobody's: what is asked for is no longer kept", "no"),
        (413, "the request's", "no"),
        (423, "the caller's: too many wrong passwords", "once the lock is over"),
        (429, "nobody's: the gateway is busy", "yes, in a second"),
        (500, "the gateway's", "yes"),
        (503, "the gateway's", "yes, in a few seconds"),
        (507, "the gateway's: its disk is full", "yes, once there is room"),
    ],
)
def test_every_status_says_whose_fault_it_is_and_whether_to_try_again(
    status: int, whose: str, again: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = shown(refused(problem(status, detail="the detail")), capsys)
    assert "reason the detail" in told
    assert f"whose fault {whose}" in told
    assert f"try again {again}" in told


def test_a_path_that_nobody_serves_is_no_id_to_look_up(capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = Reason(field="", code="notFound", message="there is no such path")
    told = shown(refused(problem(404, [nowhere])), capsys)
    assert "whose fault the address's" in told
    assert "a gateway with --no-wes has no WES core" in told
    assert "look its id up" not in told


def test_whatever_may_be_asked_again_is_said_to_be_safe(capsys: pytest.CaptureFixture[str]) -> None:
    for status in (429, 500, 503, 507):
        assert "with the same id nothing happens twice" in shown(refused(problem(status)), capsys)


def test_an_answer_that_is_no_problem_json_is_told_by_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(refused(httpx.Response(502, content=b"<html>proxy</html>")), capsys)
    assert "HTTP 502 Bad Gateway" in told
    assert "the gateway's" in told


def test_a_gateway_that_does_not_run_is_told_with_how_to_start_it(capsys: pytest.CaptureFixture[str]) -> None:
    failure = unreachable("http://127.0.0.1:1", httpx.ConnectError("refused"))
    assert failure.exit_code == UNREACHABLE
    told = shown(failure, capsys)
    assert "cannot reach a gateway at http://127.0.0.1:1" in told
    assert "nothing has been done" in told
    assert "gateway run --site" in told
    assert "gateway demo" in told


def test_a_request_without_an_answer_may_have_been_done(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(unreachable("http://127.0.0.1:1", httpx.ReadTimeout("")), capsys)
    assert "no answer" in told
    assert "ReadTimeout" in told
    assert "it may have been done already, but with the same id nothing happens twice" in told


def test_markup_in_what_the_gateway_says_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(
        refused(problem(422, [Reason(field="a[b]", code="c", message="[red]not[/] a style")])), capsys
    )
    assert "a[b] [red]not[/] a style (c)" in told


def test_a_list_of_another_contract_is_told_and_no_stack_trace(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Failure) as failure:
        parse_items(DeviceView, {"items": [{"deviceId": "lift-1"}]})
    told = shown(failure.value, capsys)
    assert "the gateway answered, but not as a gateway does" in told
    assert "fields do not fit DeviceView" in told
    assert "a gateway of the same version" in told


def test_an_answer_that_is_no_json_is_no_gateways(capsys: pytest.CaptureFixture[str]) -> None:
    request = httpx.Request("GET", "http://127.0.0.1:1/v1/devices/lift-1")
    with pytest.raises(Failure) as failure:
        content(httpx.Response(200, content=b"<html></html>", request=request))
    assert "the answer is no JSON" in shown(failure.value, capsys)
