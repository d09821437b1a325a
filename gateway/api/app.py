"""The HTTP application: all routes, one way to refuse, and a description that tells the truth about it."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline

from gateway.api.deps import ApiDeps
from gateway.api.events import event_routes
from gateway.api.guard import Doorkeeper, Entrance, HeadAsGet, SecureHeaders
from gateway.api.health import health_routes, wes_health_routes
from gateway.api.people import door_routes, people_routes, session_routes
from gateway.api.plant import plant_routes
from gateway.api.problems import MEDIA_TYPE, add_problem_handlers
from gateway.api.puts import put_routes
from gateway.api.rights import OPEN
from gateway.api.subscriptions import subscription_routes
from gateway.api.transports import transport_routes
from gateway.api.webhooks import describe_events, describe_upstream
from gateway.api.wes_arrivals import arrival_routes
from gateway.api.wes_attention import attention_routes
from gateway.api.wes_codes import code_routes
from gateway.api.wes_corrections import correction_routes
from gateway.api.wes_counts import count_routes
from gateway.api.wes_documents import document_routes
from gateway.api.wes_floor import floor_routes
from gateway.api.wes_inbound import inbound_routes
from gateway.api.wes_labels import label_routes
from gateway.api.wes_places import place_routes
from gateway.api.wes_products import product_routes
from gateway.api.wes_reports import report_routes
from gateway.api.wes_stock import stock_routes
from gateway.api.wes_throughput import throughput_routes
from gateway.api.wes_tracing import tracing_routes
from gateway.api.wes_transfers import transfer_routes
from gateway.api.wms import wms_routes
from gateway.contract.problems import Problem
from gateway.site.model import Site
from gateway.wes.core import WesCore
from gateway.wes.whereabouts import whereabouts

__all__ = ["ApiDeps", "create_api", "create_wes_api"]

DESCRIPTION: Final = (
    "Ask for containers to be moved, hear about every step. Every request may be repeated: the same id and body is answered"
    " as before. Refusals are problem+json (RFC 9457) and change nothing. Unknown fields and parameters are refused."
)
_PROBLEM: Final = "#/components/schemas/Problem"


def create_api(deps: ApiDeps) -> FastAPI:
    """Return the application of a gateway."""
    routers = [
        routes(deps)
        for routes in (
            transport_routes,
            put_routes,
            event_routes,
            subscription_routes,
            plant_routes,
            health_routes,
        )
    ]
    door = Doorkeeper(
        token=deps.token,
        own_key=deps.own_key,
        people=deps.people,
        names=deps.names,
        zones=_zones(deps.site),
        whereabouts=partial(_whereabouts, deps),
    )
    routers += [door_routes(door), session_routes(deps.people), people_routes(deps.people)]
    if deps.wes is not None:
        routers += wes_routers(deps.wes, deps.closing)
    app = _application("Warehouse gateway", routers, door)
    describe_events(app)
    if deps.wes is not None:
        describe_upstream(app)
    return app


def create_wes_api(
    wes: WesCore, token: str | None, closing: asyncio.Event, names: frozenset[str] = frozenset()
) -> FastAPI:
    """Return the application of a WES core that has a process of its own; its streams end when `closing` is set.

    It keeps no people: whoever asks shows the installation's token, or nothing where only this machine can.
    """
    door = Doorkeeper(token=token, names=names)
    app = _application(
        "WES core", [door_routes(door), wes_health_routes(wes), *wes_routers(wes, closing)], door
    )
    describe_upstream(app)
    return app


async def _whereabouts(deps: ApiDeps, body: Mapping[str, object]) -> Sequence[str]:
    """Return where a container stands that a body names, and where its WES knows the rest to be, if there is one."""
    name = body.get("containerId")
    places: list[str] = []
    if isinstance(name, str):
        container = await deps.kernel.read(lambda: deps.tables.containers.get(name))
        if container is not None and container.location_id is not None:
            places.append(container.location_id)
    if deps.wes is not None:
        places += await deps.wes.store.read(lambda tx: whereabouts(tx, body))
    return places


def _zones(site: Site) -> dict[str, frozenset[str]]:
    """Return the zones of locations, and of stations by their slots."""
    zones = {each.id: frozenset({each.zone}) for each in site.all_locations.values() if each.zone is not None}
    nowhere = frozenset[str]()
    stations = {
        each.id: nowhere.union(*(zones.get(slot, nowhere) for slot in each.slots)) for each in site.stations
    }
    return zones | stations


def wes_routers(wes: WesCore, closing: asyncio.Event) -> list[APIRouter]:
    """Return what a WES core answers, wherever it runs."""
    rooms = (
        wms_routes,
        label_routes,
        document_routes,
        throughput_routes,
        report_routes,
        product_routes,
        code_routes,
        inbound_routes,
        arrival_routes,
        stock_routes,
        place_routes,
        tracing_routes,
        correction_routes,
        count_routes,
        transfer_routes,
        attention_routes,
    )
    return [floor_routes(wes, closing), *(routes(wes) for routes in rooms)]


def _application(title: str, routers: Sequence[APIRouter], door: Doorkeeper) -> FastAPI:
    """Put routes together. The pages at /docs bring their script with them: where a gateway stands there is no internet."""
    app = FastAPIOffline(
        title=title,
        version="1",
        description=DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
        responses={"default": {"model": Problem, "description": "Refused, with reasons"}},
        generate_unique_id_function=_operation_id,
    )
    for router in routers:
        app.include_router(router)
    add_problem_handlers(app, routers)
    _describe_problems(app)
    _describe_token(app, door)
    app.add_middleware(Entrance, door=door)
    app.add_middleware(HeadAsGet)
    app.add_middleware(SecureHeaders)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _describe_problems(app: FastAPI) -> None:
    """Have the description say that refusals are problem+json, which FastAPI has no word for."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        fresh = app.openapi_schema is None
        schema = describe()
        if fresh:
            for path in schema["paths"].values():
                for operation in path.values():
                    content = operation["responses"]["default"]["content"]
                    for media in [each for each, told in content.items() if _tells_problems(told)]:
                        content[MEDIA_TYPE] = content.pop(media)
        return schema

    app.openapi = described


def _tells_problems(told: Mapping[str, Any]) -> bool:
    """Tell whether an answer is a refusal; FastAPI describes it in the media type of the route's own answers."""
    return told["schema"].get("$ref") == _PROBLEM


def _describe_token(app: FastAPI, door: Doorkeeper) -> None:
    """Have the description say whether callers show a token, and where none is asked for: clients are made of it."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        schema = describe()
        if door.asks_for == "none":
            return schema
        bearer = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
        paths = {
            path: {
                method: operation | {"security": []} if f"{method.upper()} {path}" in OPEN else operation
                for method, operation in operations.items()
            }
            for path, operations in schema["paths"].items()
        }
        components = {**schema.get("components", {}), **bearer}
        return {**schema, "components": components, "paths": paths, "security": [{"token": []}]}

    app.openapi = described
