"""Sessions and people over HTTP."""

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Path, Query, Request, Response

from gateway.api.body import JsonRoute
from gateway.api.guard import Doorkeeper, caller_of
from gateway.api.replies import Page, Paging, number_cursor, page_of, reply
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.people import (
    AuditView,
    NewPerson,
    NewSessionView,
    PasswordChange,
    PersonChange,
    PersonView,
    SessionView,
    SignedInView,
    SignIn,
    TokenRequest,
    TokenView,
)
from gateway.contract.transports import Identifier
from gateway.kernel.clock import to_datetime, to_moment
from gateway.people.callers import Anybody, Installation, SignedIn, Stranger
from gateway.people.people import People
from gateway.people.rows import AuditEntry, Person

PersonId = Annotated[Identifier, Path(alias="personId")]
NUMBER_MAX = 2**53 - 1


class AuditFilter(Paging):
    """Whose entries of the audit log to list."""

    person_id: Identifier | None = None


def door_routes(door: Doorkeeper) -> APIRouter:
    """Return the route that tells how one is let in; where nobody is kept, pages ask it too."""
    router = APIRouter(prefix="/v1", tags=["session"], route_class=JsonRoute)

    @router.get("/session", response_model=SessionView)
    async def get_session(request: Request) -> Response:
        """Tell how the caller is let in and which sign-in is wanted; answers without a token too."""
        wanted = cast(Literal["none", "token", "person"], door.asks_for)
        match caller_of(request.scope):
            case Anybody():
                view = SessionView(access="open", sign_in="none", person=None)
            case Installation():
                view = SessionView(access="token", sign_in="none", person=None)
            case SignedIn(person):
                view = SessionView(access="person", sign_in="none", person=signed_in_view(person))
            case Stranger():
                access = "open" if wanted == "none" else wanted
                view = SessionView(access=access, sign_in=wanted, person=None)
        return reply(view)

    return router


def session_routes(people: People) -> APIRouter:
    """Return the routes by which people sign in and out."""
    router = APIRouter(prefix="/v1", tags=["session"], route_class=JsonRoute)

    @router.post("/session", status_code=201, response_model=NewSessionView)
    async def sign_in(request: Request, body: SignIn) -> Response:
        """Sign in. The answer tells the session's token, this once."""
        token, caller = await people.sign_in(body, _address(request))
        view = NewSessionView(
            token=token,
            expires_at=to_datetime(caller.session.expires_us),
            person=signed_in_view(caller.person),
        )
        return reply(view, 201)

    @router.delete("/session", status_code=204)
    async def sign_out(request: Request) -> Response:
        """Sign out: the token that is shown opens nothing any more."""
        await people.sign_out(_signed_in(request))
        return Response(status_code=204)

    @router.post("/session/password", status_code=204)
    async def change_password(request: Request, body: PasswordChange) -> Response:
        """Change one's own password: 12 characters or more, without one's name. Other sessions of this person end."""
        await people.change_password(_signed_in(request), body, _address(request))
        return Response(status_code=204)

    return router


def people_routes(people: People) -> APIRouter:
    """Return the routes of administrators."""
    router = APIRouter(prefix="/v1", tags=["people"], route_class=JsonRoute)

    def view(person: Person) -> PersonView:
        return PersonView(
            person_id=person.person_id,
            name=person.name,
            phone=person.phone,
            roles=tuple(sorted(person.roles)),
            zones=tuple(sorted(person.zones)),
            status=person.status,
            must_change_password=person.must_change,
            failures=person.failures,
            locked_until=to_moment(person.locked_until_us),
            sessions=people.sessions(person),
            created_at=to_datetime(person.created_us),
            last_seen_at=to_moment(people.seen_us(person)),
        )

    @router.get("/people", response_model=Page[PersonView])
    async def get_people(which: Annotated[Paging, Query()]) -> Response:
        """List people, by their names."""
        rest = [each for each in people.all() if which.cursor is None or each.person_id > which.cursor]
        found = [view(each) for each in rest[: which.limit + 1]]
        return reply(page_of(found, which.limit, [each.person_id for each in found]))

    @router.post("/people", status_code=201, response_model=PersonView)
    async def add_person(request: Request, body: NewPerson) -> Response:
        """Keep a person from now on. From the first one on, who must be an administrator, everybody is asked who it is."""
        person = await people.add(caller_of(request.scope), body)
        return reply(view(person), 201, f"/v1/people/{person.person_id}")

    @router.get("/people/{personId}", response_model=PersonView)
    async def get_person(person_id: PersonId) -> Response:
        """Show a person."""
        return reply(view(people.person(person_id)))

    @router.patch("/people/{personId}", response_model=PersonView)
    async def change_person(request: Request, person_id: PersonId, body: PersonChange) -> Response:
        """Change what is named. Whoever is locked, leaves or gets another password is signed out everywhere."""
        return reply(view(await people.change(caller_of(request.scope), person_id, body)))

    @router.post("/people/{personId}/tokens", status_code=201, response_model=TokenView)
    async def issue_token(request: Request, person_id: PersonId, body: TokenRequest) -> Response:
        """Give a service a token, which the answer tells this once."""
        token, session = await people.issue(caller_of(request.scope), person_id, body.days)
        view = TokenView(person_id=session.person_id, token=token, expires_at=to_datetime(session.expires_us))
        return reply(view, 201)

    @router.delete("/people/{personId}/tokens", status_code=204)
    async def revoke_tokens(request: Request, person_id: PersonId) -> Response:
        """End all sessions of a person, or all tokens of a service."""
        await people.revoke(caller_of(request.scope), person_id)
        return Response(status_code=204)

    @router.get("/audit", response_model=Page[AuditView])
    async def get_audit(which: Annotated[AuditFilter, Query()]) -> Response:
        """List what happened to accounts, the newest first: sign-ins, failures, locks, changes of rights."""
        below = number_cursor(which.cursor) or NUMBER_MAX
        entries = await people.audit(which.person_id, below, which.limit + 1)
        found = [_audit_view(each) for each in entries]
        return reply(page_of(found, which.limit, [each.number for each in found]))

    return router


def signed_in_view(person: Person) -> SignedInView:
    """Return a person as that person sees it."""
    return SignedInView(
        person_id=person.person_id,
        name=person.name,
        roles=tuple(sorted(person.roles)),
        zones=tuple(sorted(person.zones)),
        must_change_password=person.must_change,
    )


def _audit_view(entry: AuditEntry) -> AuditView:
    return AuditView(
        number=entry.number,
        at=to_datetime(entry.at_us),
        kind=entry.kind,
        person_id=entry.person_id,
        by=entry.by,
        details=entry.details,
    )


def _signed_in(request: Request) -> SignedIn:
    """Return who is signed in.

    Raises:
        Refusal: nobody is.
    """
    caller = caller_of(request.scope)
    if not isinstance(caller, SignedIn):
        text = "nobody is signed in: there is no session"
        raise Refusal(RefusalKind.CONFLICT, FieldError("", "noSession", text))
    return caller


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host
