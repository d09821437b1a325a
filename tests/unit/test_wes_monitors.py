"""What is counted in memory is the event loop's: the monitors look at it there, and not on the database's thread."""

import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.sqlite import open_sqlite
from gateway.wes.core import Outcome, WesCore
from gateway.wes.schema import MIGRATIONS
from gateway.wes.upstream.monitors import Monitor, look
from tests.unit.wes_rig import core_on

pytestmark = pytest.mark.unit


class Noted(deque[Outcome]):
    """Outcomes that remember which threads have looked through them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen_by: set[int] = set()

    def __iter__(self) -> Iterator[Outcome]:
        self.seen_by.add(threading.get_ident())
        return super().__iter__()


async def test_outcomes_are_counted_where_they_are_noted(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "wes.db", MIGRATIONS) as store:
        opened = await core_on(store)
        commands, callbacks = Noted(), Noted()
        running = WesCore(
            store=store,
            context=opened.context,
            numbers=opened.numbers,
            commands=commands,
            callbacks=callbacks,
        )
        running.note_command(taken=True)
        running.note_command(taken=False)
        callbacks.append(Outcome(opened.clock.now_us(), good=True))
        await look(running)
        assert running.tally.readings[Monitor.COMMAND_SUCCESS].value == 0.5
        assert running.tally.readings[Monitor.CALLBACK_FAILURES].value == 0
        assert commands.seen_by == callbacks.seen_by == {threading.get_ident()}
