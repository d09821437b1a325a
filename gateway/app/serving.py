"""HTTP on a port, from before anything else begins until the process is told to stop."""

import asyncio
import errno
import gc
import os
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from gateway.kernel.ports import CannotStart

GOODBYE_S: Final = 2
"""Open streams are cut off this long after the gateway was told to stop."""
BACKLOG: Final = 2048
OWN_ADDRESS: Final = "name an address of this machine with --host"


def start_is_over() -> None:
    """Look for garbage from now on, but not in what is there.

    A program may start with garbage collection switched off: what a start makes lives as long as the process. To look
    through it again and again takes a fifth of a gateway's start, a third of that of simulated devices, and long pauses later.
    """
    gc.freeze()
    gc.enable()


class PortRefused(CannotStart):
    """A port cannot be had; the text says which one, why, and what to do."""


@contextmanager
def http_port(host: str, port: int) -> Generator[socket.socket]:
    """Have a port before anything else begins; nobody can connect until it is served.

    Raises:
        PortRefused: it is taken, or not ours to take.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        if os.name == "posix":  # elsewhere this option would let two programs have one port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            is_ours = not isinstance(error, socket.gaierror) and error.errno != errno.EADDRNOTAVAIL
            mend = (
                "stop the program that has it, or choose another one with --port" if is_ours else OWN_ADDRESS
            )
            raise PortRefused(f"port {port} on {host} cannot be had ({error.strerror}): {mend}") from error
        except UnicodeError as error:
            raise PortRefused(f"port {port} on {host} cannot be had (no name): {OWN_ADDRESS}") from error
        yield bound


class _Server(uvicorn.Server):
    """Lets open streams end before it waits for them, and leaves signals to whoever has taken them before."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            yield
        else:
            with super().capture_signals():
                yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.set()
        await super().shutdown(sockets)


async def serve_http(api: FastAPI, port: socket.socket, closing: asyncio.Event) -> None:
    """Answer HTTP until the process is told to stop, and set `closing` then; until cancelled, where signals are taken already."""
    config = uvicorn.Config(
        api,
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GOODBYE_S,
    )
    await _Server(config, closing).serve(sockets=[port])
