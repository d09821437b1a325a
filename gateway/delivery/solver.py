"""The built-in solver in a process of its own: it is pure Python, and would hold up the event loop for as long as it computes.

A line of JSON goes in, a line comes out. The process begins with the first problem and ends with the pipe, so it outlives nobody:
a gateway that is killed closes it too.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from gateway.delivery.allocation import NoPlan

COMMAND: Final = (sys.executable, "-m", "gateway.delivery.solving")
LIMIT_S: Final = 30.0
"""A process that has not answered by then hangs: it takes 1.5 s, and its first time a start."""
ANSWER_MAX: Final = 16 * 2**20


class SolverProcess:
    """The solver's process; one problem at a time."""

    by = "solver"
    name = "the solver's process"

    def __init__(self, command: Sequence[str] = COMMAND, limit_s: float = LIMIT_S) -> None:
        self._command = command
        self._limit_s = limit_s
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The process's number; None: none runs."""
        return None if self._process is None else self._process.pid

    async def ask(self, problem: bytes) -> bytes:
        """Return the solver's plan; a process that has failed is replaced when it is asked again."""
        answered = False
        try:
            async with asyncio.timeout(self._limit_s):
                answer = await self._exchange(problem)
            answered = True
        except TimeoutError as late:
            raise NoPlan(f"{self.name} has not answered within {self._limit_s:g} s") from late
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise NoPlan(f"{self.name} has ended: {str(error) or type(error).__name__}") from error
        finally:
            if not answered:  # nor may a late answer be taken for that to another problem
                await self.close()
        return answer

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _exchange(self, problem: bytes) -> bytes:
        if self._process is None:
            # A session of its own: Ctrl-C is for the gateway, which ends it.
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, limit=ANSWER_MAX, start_new_session=True
            )
        wants, answers = self._process.stdin, self._process.stdout
        assert wants is not None
        assert answers is not None
        wants.write(problem + b"\n")
        await wants.drain()
        return await answers.readuntil(b"\n")
