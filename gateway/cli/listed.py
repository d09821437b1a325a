"""Commands that are listed by one line each and imported when they are called: help does not wait for the wire libraries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command


@dataclass(frozen=True, slots=True)
class Listed:
    """A command as help lists it, and how to get it."""

    help: str
    load: Callable[[], Any]
    """Returns a click command; typer does not publish the types of click that it carries along."""


def alone(command: Callable[..., None]) -> Any:
    """Return a function as a click command."""
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return get_command(app)


def commands(listed: Mapping[str, Listed], about: str) -> typer.Typer:
    """Return an app that lists commands by their one line, and imports the one that is called."""

    class Commands(TyperGroup):
        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            name, found, rest = super().resolve_command(ctx, args)
            return name, found if name is None else listed[name].load(), rest

    app = typer.Typer(cls=Commands, help=about, no_args_is_help=True, pretty_exceptions_enable=False)
    for name, command in listed.items():
        app.command(name, help=command.help)(_nothing)
    return app


def _nothing() -> None:
    """Stand for a command until it is called."""
