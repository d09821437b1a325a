"""Who may ask for what: every route stands in the table of rights, and every request meets the line that is meant (S2-161)."""

from collections.abc import AsyncIterator
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from gateway.api.guard import Doorkeeper, Entrance
from gateway.api.rights import ACTS, ADMINISTRATES, DECIDES_ALONE, OPEN, RIGHTS, STATIC, route_of
from gateway.contract.people import Role
from gateway.people.callers import SignedIn
from gateway.people.rows import Person, Session
from gateway.wes.core import WesCore
from tests.unit.api_rig import Rig, gateway
from tests.unit.wes_rig import core

pytestmark = pytest.mark.unit

LINES = sorted(RIGHTS)
READS = {"GET"}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with core() as opened:
        wes = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
        async with gateway(wes=wes) as rig:
            yield rig


async def test_every_route_stands_in_the_table_and_nothing_else_does(rig: Rig) -> None:
    """A route that is missing is refused to every person: say in gateway/api/rights.py which roles may ask for it."""
    paths: dict[str, dict[str, Any]] = rig.app.openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert routes - RIGHTS.keys() == {"GET /livez"}
    assert RIGHTS.keys() - routes == set()


def person(*roles: Role, must_change: bool = False) -> SignedIn:
    somebody = Person(
        person_id="ann",
        name="Ann",
        phone=None,
        roles=frozenset(roles),
        zones=frozenset(),
        password=None,
        must_change=must_change,
        created_us=0,
    )
    return SignedIn(somebody, Session("key", "ann", 0, 1))


class Door:
    """Lets one caller in, and asks everybody."""

    asks_for = "person"

    def __init__(self, caller: SignedIn | None) -> None:
        self._caller = caller

    def caller(self, authorization: str) -> SignedIn | None:
        return self._caller


async def asked(caller: SignedIn | None, line: str) -> int:
    """Ask for what a line of the table stands for; 200 comes from behind the door."""
    entrance = Entrance(PlainTextResponse("in"), cast(Doorkeeper, Door(caller)))
    method, _, path = line.partition(" ")
    transport = httpx.ASGITransport(entrance)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        return (await http.request(method, path.replace("{", "x").replace("}", "y"))).status_code


@pytest.mark.parametrize("role", Role, ids=[role.value for role in Role])
async def test_a_role_may_what_the_table_says_and_nothing_else(role: Role) -> None:
    for line in LINES:
        allowed = line in OPEN or role in RIGHTS[line]
        assert (line, await asked(person(role), line)) == (line, 200 if allowed else 403)


async def test_several_roles_may_what_any_of_them_may() -> None:
    both = person(Role.VIEWER, Role.ENGINEER)
    for line in LINES:
        may = line in OPEN or RIGHTS[line] & both.person.roles
        assert (line, await asked(both, line)) == (line, 200 if may else 403)


async def test_with_a_token_that_is_nobodys_one_can_only_sign_in() -> None:
    for line in LINES:
        assert (line, await asked(None, line)) == (line, 200 if line == "POST /v1/session" else 401)


async def test_whoever_must_change_the_password_does_that_or_leaves() -> None:
    for line in LINES:
        may = line in OPEN or line in {"POST /v1/session/password", "DELETE /v1/session"}
        someone = person(*(set(Role) - {Role.SERVICE}), must_change=True)
        assert (line, await asked(someone, line)) == (line, 200 if may else 403)


@given(st.lists(st.sampled_from("abcxyz/{}:%. GETPOST0"), max_size=30).map("".join))
async def test_what_stands_in_no_table_is_nobodys_right(path: str) -> None:
    known = route_of("POST", f"/{path}") is not None
    answer = await asked(person(*(set(Role) - {Role.SERVICE})), f"POST /{quote(path)}")
    assert answer in ((200, 403) if known else (404,))


def test_viewers_change_nothing_and_acts_are_for_those_who_act() -> None:
    for line, roles in RIGHTS.items():
        method, _, path = line.partition(" ")
        if Role.VIEWER in roles and not path.startswith("/v1/session"):
            assert method in READS, line
        if path.startswith("/v1/wes/corrections"):
            assert roles == DECIDES_ALONE, line  # S2-164: nobody else books a correction
        if path.startswith(("/v1/people", "/v1/audit")):
            assert roles == ADMINISTRATES, line
    assert RIGHTS["POST /v1/wes/acts"] == ACTS


@pytest.mark.parametrize("path", ["/v1/ui/x", "/uix", "/docs/x", "/openapi.json/x", "/v1"])
def test_what_only_looks_like_a_page_is_none(path: str) -> None:
    assert STATIC.fullmatch(path) is None
