"""The command line: the top of the program, and with the tests the only room that knows the simulated devices.

Each command is a module that is imported when it is called, so that `gateway --help` does not wait for the wire libraries.
`transport`, `put`, `device`, `location`, `container`, `events` and `alarms` are clients of the public HTTP contract, like a WES;
they work on any gateway.
"""

import atexit
import gc
import os
import sys
import time
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any, Final

from typer.main import get_group

from gateway.cli.failure import Failure
from gateway.cli.listed import Listed, alone, commands
from gateway.cli.output import answers

PIPE_WIDTH: Final = "240"
"""Columns of what Typer tells where nobody sits at a terminal (`appearance.PIPE_WIDTH` for what we tell)."""

STARTED_S: Final = time.monotonic()  # noqa: TID251 - of this program, for commands that are given a time for all of it
"""When the program began, before what a command needs was imported."""


def _run() -> Any:
    from gateway.cli.run import run

    return alone(run)


def _demo() -> Any:
    from gateway.cli.demo import demo

    return alone(demo)


def _sim() -> Any:
    from gateway.cli.sim import sim

    return alone(sim)


def _check() -> Any:
    from gateway.cli.check import check

    return alone(check)


def _transport() -> Any:
    from gateway.cli.transport import transport

    return get_group(transport)


def _device() -> Any:
    from gateway.cli.device import device

    return get_group(device)


def _location() -> Any:
    from gateway.cli.location import location

    return get_group(location)


def _container() -> Any:
    from gateway.cli.container import container

    return get_group(container)


def _alarms() -> Any:
    from gateway.cli.alarms import alarms

    return alone(alarms)


def _put() -> Any:
    from gateway.cli.put import put

    return get_group(put)


def _events() -> Any:
    from gateway.cli.events import events

    return alone(events)


def _login() -> Any:
    from gateway.cli.session import login

    return alone(login)


def _logout() -> Any:
    from gateway.cli.session import logout

    return alone(logout)


def _people() -> Any:
    from gateway.cli.people import people

    return get_group(people)


def _tags() -> Any:
    from gateway.cli.tags import tags

    return get_group(tags)


def _backup() -> Any:
    from gateway.cli.backup import backup

    return alone(backup)


def _wes() -> Any:
    from gateway.cli.wes import wes

    return get_group(wes)


COMMANDS: Final = {
    "demo": Listed("Run the demo site: gateway, simulated devices, something to look at.", _demo),
    "run": Listed("Run the gateway for a site.", _run),
    "sim": Listed("Serve a site's simulated devices, for any control system.", _sim),
    "check": Listed("Check a site file: every error at once.", _check),
    "transport": Listed("Transports: submit, list, show, cancel, resolve.", _transport),
    "device": Listed("Devices: list, show, enable, disable, reset, localise, telegrams.", _device),
    "location": Listed("Locations: list, block, unblock.", _location),
    "container": Listed("Containers: list, locate, remove.", _container),
    "put": Listed("Puts at put walls: submit, show, cancel.", _put),
    "events": Listed("Events: what has happened, and what happens now.", _events),
    "alarms": Listed("Alarms: what a person must look at.", _alarms),
    "wes": Listed("The WES core: run, look, allocate, import stock, verify; what waits for a person.", _wes),
    "login": Listed("Sign in: what you type from then on is done under your name.", _login),
    "logout": Listed("Sign out.", _logout),
    "people": Listed(
        "People and machines: add, roles, zones, lock, unlock, reset-password, token, audit.", _people
    ),
    "backup": Listed("Copy the databases of a gateway that runs or not.", _backup),
    "tags": Listed("Tag tables of device profiles, as CSV: import, export.", _tags),
}


app = commands(COMMANDS, "A hardware integration gateway for automated warehouses. Begin with: gateway demo")


def main(words: Sequence[str] | None = None) -> None:
    """Run the command that the words name; end the process with its exit status.

    Args:
        words: left out: those that the process was started with.
    """
    # A stream that was closed before is None, whatever its type says.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what the locale has no sign for is told in signs that it has
            stream.reconfigure(errors="backslashreplace")
    if not sys.stderr.isatty():
        # Typer reads this when it first tells wrong usage, and else breaks sentences, and what they say to type, at 80.
        os.environ.setdefault("TERMINAL_WIDTH", PIPE_WIDTH)
    # Whoever pressed Ctrl-C would else wait for seconds while the interpreter looks for garbage in what ends with it.
    atexit.register(gc.freeze)
    try:
        with answers():
            app(args=words, prog_name="gateway")
    except Failure as failure:
        failure.show()
        raise SystemExit(failure.exit_code) from None
