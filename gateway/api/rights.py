"""Who may ask for what: one table of all routes, by method and path, and the roles that may.

It counts once people are kept. The installation's token may do everything; whoever has no session may do nothing that stands here.
A route that is missing in the table is refused to every person, and a test says so (`tests/unit/test_api_rights.py`).
"""

import re
from collections.abc import Mapping
from typing import Final

from starlette.routing import compile_path

from gateway.contract.people import Role

ANYONE: Final = frozenset(Role)
"""Whoever is signed in."""
PEOPLE: Final = ANYONE - {Role.SERVICE}
ACTS: Final = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.SERVICE})
"""Work on the floor; a service brings the acts of its own pages."""
DECIDES: Final = frozenset({Role.SUPERVISOR, Role.SERVICE})
DECIDES_ALONE: Final = frozenset({Role.SUPERVISOR})
"""A person's judgement, which no machine brings."""
MOVES: Final = frozenset({Role.SUPERVISOR, Role.ENGINEER, Role.SERVICE})
"""Containers that are to move."""
MACHINES: Final = frozenset({Role.ENGINEER})
PLACES: Final = frozenset({Role.SUPERVISOR, Role.ENGINEER})
CONNECTS: Final = frozenset({Role.ENGINEER, Role.SERVICE})
"""Who hears of what happens, and how."""
UPSTREAM: Final = frozenset({Role.SUPERVISOR, Role.SERVICE})
ADMINISTRATES: Final = frozenset({Role.ADMINISTRATOR})

RIGHTS: Final[Mapping[str, frozenset[Role]]] = {
    # sessions and people
    "GET /v1/session": ANYONE,
    "POST /v1/session": ANYONE,
    "DELETE /v1/session": ANYONE,
    "POST /v1/session/password": PEOPLE,
    "GET /v1/people": ADMINISTRATES,
    "POST /v1/people": ADMINISTRATES,
    "GET /v1/people/{personId}": ADMINISTRATES,
    "PATCH /v1/people/{personId}": ADMINISTRATES,
    "POST /v1/people/{personId}/tokens": ADMINISTRATES,
    "DELETE /v1/people/{personId}/tokens": ADMINISTRATES,
    "GET /v1/audit": ADMINISTRATES,
    # transports and puts
    "POST /v1/transports": MOVES,
    "GET /v1/transports": ANYONE,
    "POST /v1/transports:batch": MOVES,
    "GET /v1/transports/{transportId}": ANYONE,
    "POST /v1/transports/{transportId}/cancel": MOVES,
    "POST /v1/transports/{transportId}/resolve": MACHINES,
    "POST /v1/puts": MOVES,
    "GET /v1/puts/{putId}": ANYONE,
    "POST /v1/puts/{putId}/cancel": MOVES,
    # events
    "GET /v1/events": ANYONE,
    "GET /v1/events/stream": ANYONE,
    "GET /v1/positions/stream": ANYONE,
    "GET /v1/subscriptions": CONNECTS,
    "POST /v1/subscriptions": CONNECTS,
    "GET /v1/subscriptions/{subscriptionId}": CONNECTS,
    "DELETE /v1/subscriptions/{subscriptionId}": CONNECTS,
    "POST /v1/subscriptions/{subscriptionId}/enable": CONNECTS,
    "GET /v1/subscriptions/{subscriptionId}/deliveries": CONNECTS,
    "POST /v1/subscriptions/{subscriptionId}/deliveries/{seq}/skip": CONNECTS,
    "POST /v1/subscriptions/{subscriptionId}/replay": CONNECTS,
    # the plant
    "GET /v1/devices": ANYONE,
    "GET /v1/devices/{deviceId}": ANYONE,
    "GET /v1/devices/{deviceId}/telegrams": ANYONE,
    "POST /v1/devices/{deviceId}/enable": MACHINES,
    "POST /v1/devices/{deviceId}/disable": MACHINES,
    "POST /v1/devices/{deviceId}/reset": MACHINES,
    "POST /v1/devices/{deviceId}/localise": MACHINES,
    "GET /v1/locations": ANYONE,
    "POST /v1/locations/{locationId}/block": PLACES,
    "POST /v1/locations/{locationId}/unblock": PLACES,
    "GET /v1/locations/{locationId}": ANYONE,
    "GET /v1/containers": ANYONE,
    "GET /v1/containers/{containerId}": ANYONE,
    "PUT /v1/containers/{containerId}/location": PLACES,
    "POST /v1/containers/{containerId}/removal": PLACES,
    "GET /v1/alarms": ANYONE,
    "GET /v1/layout": ANYONE,
    "GET /readyz": ANYONE,
    "GET /metrics": ANYONE,
    # the floor
    "GET /v1/wes/stations": ANYONE,
    "GET /v1/wes/stations/{stationId}": ANYONE,
    "GET /v1/wes/stations/{stationId}/stream": ANYONE,
    "POST /v1/wes/stations/{stationId}/open": ACTS,
    "POST /v1/wes/stations/{stationId}/close": ACTS,
    "POST /v1/wes/acts": ACTS,
    "POST /v1/wes/containers/{containerId}/arrival": DECIDES,
    # documents
    "GET /v1/wes/orders": ANYONE,
    "GET /v1/wes/orders/{orderId}": ANYONE,
    "GET /v1/wes/claims": ANYONE,
    "GET /v1/wes/works": ANYONE,
    "GET /v1/wes/works/{workId}": ANYONE,
    "GET /v1/wes/packages": ANYONE,
    "GET /v1/wes/packages/{packageId}/label": ANYONE,
    "GET /v1/wes/labels/containers": ANYONE,
    "GET /v1/wes/labels/locations": ANYONE,
    "GET /v1/wes/labels/lots": ANYONE,
    "GET /v1/wes/labels/packages": ANYONE,
    "GET /v1/wes/put-backs": ANYONE,
    "GET /v1/wes/replenishments": ANYONE,
    "GET /v1/wes/presentations": ANYONE,
    "GET /v1/wes/waves": ANYONE,
    "GET /v1/wes/throughput": ANYONE,
    "GET /v1/wes/performance": ANYONE,
    "GET /v1/wes/outbound": ANYONE,
    "GET /v1/wes/report": ANYONE,
    "GET /v1/wes/reports": ANYONE,
    "GET /v1/wes/reports/{day}/{file}": ANYONE,
    "GET /v1/wes/suppliers": ANYONE,
    "GET /v1/wes/documents/arrivals/{noticeNo}": ANYONE,
    "GET /v1/wes/documents/counts/{countId}": ANYONE,
    "GET /v1/wes/documents/packages/{packageNo}": ANYONE,
    "GET /v1/wes/documents/picks/{workId}": ANYONE,
    "GET /v1/wes/documents/transfers/{transferId}": ANYONE,
    "GET /v1/wes/products": ANYONE,
    "POST /v1/wes/products/deletions": DECIDES,
    "GET /v1/wes/codes": ANYONE,
    "GET /v1/wes/codes/reading": ANYONE,
    "POST /v1/wes/codes/issues": ACTS,
    # the dock
    "POST /v1/wes/inbound/receipts": ACTS,
    "POST /v1/wes/inbound/putaways": ACTS,
    "POST /v1/wes/inbound/storages": ACTS,
    "POST /v1/wes/inbound/returns": ACTS,
    "GET /v1/wes/inbound/returns": ANYONE,
    "GET /v1/wes/arrivals": ANYONE,
    "GET /v1/wes/arrivals/{noticeNo}": ANYONE,
    "GET /v1/wes/arrivals/{noticeNo}/inspections": ANYONE,
    "POST /v1/wes/arrivals/completions": DECIDES,
    # stock
    "GET /v1/wes/places": ANYONE,
    "GET /v1/wes/misplaced": ANYONE,
    "GET /v1/wes/stock": ANYONE,
    "GET /v1/wes/stock/{skuId}": ANYONE,
    "GET /v1/wes/lots": ANYONE,
    "GET /v1/wes/holders/{holderId}/stock": ANYONE,
    "GET /v1/wes/locations": ANYONE,
    "GET /v1/wes/locations/{locationId}/stock": ANYONE,
    "GET /v1/wes/ledger": ANYONE,
    "GET /v1/wes/lots/trace": ANYONE,
    "GET /v1/wes/lots/orders": ANYONE,
    "GET /v1/wes/lots/shipments": ANYONE,
    "GET /v1/wes/units": ANYONE,
    "GET /v1/wes/units/{upn}": ANYONE,
    "GET /v1/wes/units/{upn}/moves": ANYONE,
    # corrections outside of a count (S2-164)
    "POST /v1/wes/corrections/counts": DECIDES_ALONE,
    "POST /v1/wes/corrections/holds": DECIDES_ALONE,
    "POST /v1/wes/corrections/unholds": DECIDES_ALONE,
    "POST /v1/wes/corrections/moves": DECIDES_ALONE,
    "POST /v1/wes/corrections/held-moves": DECIDES_ALONE,
    "POST /v1/wes/corrections/scraps": DECIDES_ALONE,
    "POST /v1/wes/corrections/supplier-returns": DECIDES_ALONE,
    "POST /v1/wes/corrections/qualities": DECIDES_ALONE,
    "POST /v1/wes/corrections/merges": DECIDES_ALONE,
    "POST /v1/wes/corrections/recalls": DECIDES_ALONE,
    "POST /v1/wes/corrections/safeties": DECIDES_ALONE,
    # transfers
    "POST /v1/wes/transfers": DECIDES,
    "GET /v1/wes/transfers": ANYONE,
    "GET /v1/wes/transfers/{transferId}": ANYONE,
    "GET /v1/wes/transfers/{transferId}/log": ANYONE,
    "GET /v1/wes/transferring/tasks": ANYONE,
    "POST /v1/wes/transferring/acts": ACTS,
    "POST /v1/wes/transferring/decisions": DECIDES_ALONE,
    # counts
    "POST /v1/wes/counts": DECIDES,
    "GET /v1/wes/counts": ANYONE,
    "GET /v1/wes/counts/{countId}": ANYONE,
    "GET /v1/wes/counts/{countId}/lines": ANYONE,
    "POST /v1/wes/counting/claims": ACTS,
    "POST /v1/wes/counting/unclaims": ACTS,
    "POST /v1/wes/counting/results": ACTS,
    "POST /v1/wes/counting/empties": ACTS,
    "POST /v1/wes/counting/finds": ACTS,
    "POST /v1/wes/counting/approvals": DECIDES_ALONE,
    "POST /v1/wes/counting/recounts": DECIDES_ALONE,
    "POST /v1/wes/counting/ends": DECIDES_ALONE,
    # what waits for a person
    "GET /v1/wes/exceptions": ANYONE,
    "POST /v1/wes/exceptions/{exceptionId}/settle": DECIDES_ALONE,
    "GET /v1/wes/messages": ANYONE,
    "POST /v1/wes/messages/{messageId}/send": PLACES,
    "POST /v1/wes/messages/{messageId}/skip": PLACES,
    "GET /v1/wes/decisions": ANYONE,
    "GET /v1/wes/alarms": ANYONE,
    # upstream
    "POST /api/wms/outbound/command": UPSTREAM,
    "POST /api/wms/outbound/cancel": UPSTREAM,
    "GET /api/wms/outbound/order": ANYONE,
    "POST /api/wms/inbound/return": UPSTREAM,
    "POST /api/wms/inbound/notice": UPSTREAM,
    "POST /api/wms/inbound/cancel": UPSTREAM,
    "POST /api/wms/product/sync": UPSTREAM,
    "GET /api/wms/inventory": ANYONE,
    "GET /api/wms/inventory/all": ANYONE,
    "POST /api/wms/inventory/sync": UPSTREAM,
    "POST /api/wms/callback/status": UPSTREAM,
}

OPEN: Final = frozenset({"GET /livez", "GET /v1/session", "POST /v1/session"})
"""Asked without a token: whether the process lives, which sign-in is wanted, and the sign-in itself."""
SIMULATED: Final = "/v1/sim/"
"""Simulated devices, where a demo has them beside its gateway: they are no part of it, and whoever reaches them may break them."""
STATIC: Final = re.compile(r"/|/docs|/openapi\.json|/favicon\.ico|/static-offline-docs/.*|/ui|/ui/.*")
"""Pages and what they are made of: they hold no data, and ask for them with a token of whoever looks."""
WITH_OLD_PASSWORD: Final = frozenset(
    {"GET /v1/session", "DELETE /v1/session", "POST /v1/session/password", "POST /v1/session"}
)
"""All that somebody may do whose password must be changed first."""


def route_of(method: str, path: str) -> str | None:
    """Return the line of the table that a request meets; None: none does."""
    return next((name for name, meets in _BY_METHOD.get(method, ()) if meets.fullmatch(path)), None)


def _compiled() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for name in sorted(RIGHTS.keys() | OPEN, key=lambda each: "{" in each):  # what is said in full goes first
        method, _, path = name.partition(" ")
        table.setdefault(method, []).append((name, compile_path(path)[0]))
    return table


_BY_METHOD: Final = _compiled()
