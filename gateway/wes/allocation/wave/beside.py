"""Work in processes of their own: they use other cores, and can be ended at the deadline whatever the solver is at."""

from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Final, Self, cast

import numpy as np

from gateway.wes.allocation.wave.improvement import Improvement
from gateway.wes.allocation.wave.incumbent import Deadline, Incumbent, Wave
from gateway.wes.allocation.wave.instance import Instance
from gateway.wes.allocation.wave.packing import Packing
from gateway.wes.allocation.wave.proof import Proof
from gateway.wes.allocation.wave.search import Search

REST_MAX_S: Final = 1.0
"""Between two walks that found nothing."""
Listen = Callable[[float], None]
Work = Callable[[Instance, Incumbent, int, Deadline, Listen], None]
"""Works on an instance with a seed until a deadline; calls `Listen` to hear of what others found, and to wait for it so long."""


def walk(instance: Instance, incumbent: Incumbent, seed: int, deadline: Deadline, listen: Listen) -> None:
    """Search while others work, less and less the longer it finds nothing: they need the cores too."""
    search = Search(instance, Packing(instance), incumbent, np.random.default_rng(seed), deadline)
    search.grow()
    search.settle()
    rest = 0.0
    while deadline.left() > 0 and len(incumbent.open_sizes()):
        best = incumbent.ratio
        search.walk()
        rest = 0.0 if incumbent.ratio > best else min(2 * rest + 0.01, REST_MAX_S, deadline.left())
        listen(rest)
        search.take_up()


def prove(instance: Instance, incumbent: Incumbent, seed: int, deadline: Deadline, listen: Listen) -> None:
    """Prove bounds."""
    del seed
    Proof(instance, incumbent, deadline, listen).run()


def improve(instance: Instance, incumbent: Incumbent, seed: int, deadline: Deadline, listen: Listen) -> None:
    """Improve the best wave."""
    Improvement(instance, incumbent, np.random.default_rng(seed), deadline, listen).run()


class Beside:
    """Runs while it is entered. What both sides find is exchanged when the caller asks for it."""

    def __init__(
        self, work: Work, instance: Instance, incumbent: Incumbent, seed: int, deadline: Deadline
    ) -> None:
        self._incumbent = incumbent
        self._told: Wave | None = None
        self.ended = False
        """Whether it has ended by itself, because nothing is open or it broke down; what it found has arrived."""
        spawn = get_context("spawn")
        self._link, theirs = spawn.Pipe()
        bare = replace(instance, members=())
        self._process = spawn.Process(target=_work, args=(theirs, work, bare, seed, deadline), daemon=True)
        self._theirs = theirs

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()
        self.exchange()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()
        self._link.close()

    @property
    def link(self) -> Connection:
        """Where news arrives."""
        return cast("Connection", self._link)

    def exchange(self) -> None:
        """Take what the other side has found, and tell it the best wave; never waits for it."""
        try:
            while self._link.poll():
                wave, most = self._link.recv()
                self._incumbent.bound(most)
                if wave is not None:
                    self._incumbent.offer(wave.totes, wave.chosen)
            best = self._incumbent.wave
            if best is not None and best is not self._told:
                # Without its orders it is small enough for the pipe's buffer, so that sending does not wait.
                self._link.send((replace(best, chosen=best.chosen[:0]), self._incumbent.most))
                self._told = best
        except (EOFError, OSError):
            self.ended = True


def _work(link: Connection, work: Work, instance: Instance, seed: int, deadline: Deadline) -> None:
    """Work in the other process."""
    told: list[Wave | None] = [None]

    def tell() -> None:
        wave = incumbent.wave
        news = wave if wave is not told[0] and wave is not None and len(wave.chosen) else None
        told[0] = wave
        link.send((news, incumbent.most))

    def listen(seconds: float) -> None:
        while link.poll(max(seconds, 0)):
            wave, most = link.recv()
            told[0] = wave
            incumbent.hear(wave, most)
            seconds = 0

    incumbent = Incumbent(instance, tell)
    listen(0)
    work(instance, incumbent, seed, deadline, listen)
