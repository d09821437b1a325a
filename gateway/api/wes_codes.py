"""The codes of a site, over HTTP: its rules, numbers for labels, and what a scanned text is."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import Page, Paging, number_cursor, page_of, reply
from gateway.contract.acts import ActView, ScannedCode
from gateway.contract.codes import CodeRuleView, CodeView, IssueCodes
from gateway.contract.model import WireModel
from gateway.contract.transports import Identifier
from gateway.wes.core import WesCore
from gateway.wes.issuing import issue_codes, list_rules
from gateway.wes.reading import read_text


class ScannedText(WireModel):
    """What was scanned.

    Attributes:
        owner_id: among whose products it is looked for; left out: the site's own.
    """

    code: ScannedCode
    owner_id: Identifier | None = None


def code_routes(core: WesCore) -> APIRouter:
    """Return the routes under /v1/wes/codes."""
    router = APIRouter(prefix="/v1/wes/codes", tags=["wes"], route_class=JsonRoute)
    store, context = core.store, core.context

    @router.get("", response_model=Page[CodeRuleView])
    async def get_code_rules(which: Annotated[Paging, Query()]) -> Response:
        """List the site's rules for codes, kind by kind, the oldest version first."""
        first = number_cursor(which.cursor) or 0
        found = list_rules(context)[first : first + which.limit + 1]
        return reply(page_of(found, which.limit, range(first + 1, first + len(found) + 1)))

    @router.post("/issues", response_model=ActView)
    async def issue_new_codes(request: IssueCodes) -> Response:
        """Issue numbers, so that labels can be printed. They are the answer's `codes`, and nobody else gets them."""
        return reply(await store.write(partial(issue_codes, context=context, request=request)))

    @router.get("/reading", response_model=CodeView)
    async def read_a_code(which: Annotated[ScannedText, Query()]) -> Response:
        """Say what a scanned text is: what it says, which rule it fits or breaks, and what the books have under it."""
        owner_id = which.owner_id or context.wes.owner
        return reply(await store.read(lambda tx: read_text(tx, context, owner_id, which.code)))

    return router
