"""One HTTP application for all runs of the gateway at a site: to make it takes as long as many seconds of simulation.

The routes are the production ones. What they work with stands for the parts of the run whose request is being served.
"""

from contextvars import ContextVar
from typing import Any, Final, cast

from fastapi import FastAPI

from gateway.api.app import ApiDeps, create_api
from gateway.app import Gateway
from gateway.site.model import Site

SERVED: Final[ContextVar[ApiDeps]] = ContextVar("SERVED")
"""What belongs to the run whose request is being served."""

_made: Final[dict[int, tuple[Site, FastAPI]]] = {}


def routes_of(gateway: Gateway) -> FastAPI:
    """Return the application for a site without a WES core, and the gateway's own for any other."""
    if gateway.wes is not None:
        return gateway.api
    site = gateway.settings.site
    if id(site) not in _made:
        SERVED.set(gateway.deps)
        _made[id(site)] = site, create_api(cast(ApiDeps, _Deps(site)))
    return _made[id(site)][1]


class _Part:
    """Stands for one part of the run that is served."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(getattr(SERVED.get(), self._name), attribute)

    def __call__(self, *arguments: Any) -> Any:
        return getattr(SERVED.get(), self._name)(*arguments)


class _Deps:
    """Stands for `ApiDeps`."""

    token = own_key = wes = monitors = None
    names: frozenset[str] = frozenset()

    def __init__(self, site: Site) -> None:
        self.site = site
        parts = (
            "tables",
            "kernel",
            "store",
            "feed",
            "webhooks",
            "positions",
            "drivers",
            "explain",
            "ask",
            "people",
        )
        for name in (*parts, "closing"):
            setattr(self, name, _Part(name))
