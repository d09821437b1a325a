"""Commands as somebody types them, in this process; and HTTP applications on a real socket for them to talk to."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO

import uvicorn

from gateway.cli import main


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def typed(*words: str) -> Ended:
    """Run a command to its end."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(words)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    return Ended(code, _plain(out.getvalue()), _plain(err.getvalue()))


def _plain(text: str) -> str:
    """Return a text without colours, which an environment may force."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def loopback_socket(port: int = 0) -> socket.socket:
    """Return a socket that is bound to a port of the loopback interface; 0: to a free one."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


@asynccontextmanager
async def served(app: object, bound: socket.socket | None = None) -> AsyncGenerator[str]:
    """Serve an application for as long as the context lasts; leaving it cuts every connection."""
    bound = bound or loopback_socket()
    # The loggers of this process stay as they are: other tests look at them.
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType]
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=0,
    )
    server = uvicorn.Server(config)
    with bound:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve(sockets=[bound]))
            try:
                while not server.started:
                    await asyncio.sleep(0.01)
                yield f"http://127.0.0.1:{bound.getsockname()[1]}"
            finally:
                server.should_exit = True
                await serving
