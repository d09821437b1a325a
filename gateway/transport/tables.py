"""The transport room's tables, with the indexes that its decisions need; watchers keep them true through every rollback."""

from bisect import bisect_left, insort
from collections import Counter

from gateway.contract.transports import TransportStatus
from gateway.kernel.books import Books
from gateway.transport import rows
from gateway.transport.rows import Container, Job, Put, Transport
from gateway.transport.transitions import ENDED


class TransportTables:
    """Rows and indexes of the transport room.

    Attributes:
        occupants: containers by location.
        loads: container by device.
        reserved: how much of each location is reserved.
        to_plan: transports that wait for a route, oldest first.
        executing: transports whose container is, or is about to be, under way.
        ended: ended transports that memory still keeps, and since when (steady time of this run).
        newest_us: the latest time from which a transport that has not ended has waited.
        goals: how many transports want to end at each location.
        open_jobs: commands that have not ended, oldest first, and since when (steady time of this run).
        slot_puts: puts of each (wall, slot) that have not ended, oldest first.
    """

    def __init__(self, books: Books) -> None:
        self.books = books
        self.transports = books.table(rows.TRANSPORTS)
        self.jobs = books.table(rows.JOBS)
        self.containers = books.table(rows.CONTAINERS)
        self.blocks = books.table(rows.BLOCKS)
        self.devices = books.table(rows.DEVICES)
        self.channels = books.table(rows.CHANNELS)
        self.alarms = books.table(rows.ALARMS)
        self.puts = books.table(rows.PUTS)
        self.acts = books.table(rows.ACTS)
        self.counters = books.table(rows.COUNTERS)

        self.occupants: dict[str, dict[str, None]] = {}
        self.loads: dict[str, str] = {}
        self.reserved: Counter[str] = Counter()
        self.to_plan: dict[str, None] = {}
        self.executing: dict[str, None] = {}
        self.ended: dict[str, int] = {}
        self.newest_us = 0
        self.goals: Counter[str] = Counter()
        self.open_jobs: dict[int, int] = {}
        self.slot_puts: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self.transports.watch(self._index_transport)
        self.containers.watch(self._index_container)
        self.jobs.watch(self._index_job)
        self.puts.watch(self._index_put)

    def room_at(self, location_id: str, capacity: int) -> int:
        """Return how many more containers the location can be promised."""
        return capacity - len(self.occupants.get(location_id, ())) - self.reserved[location_id]

    def next_number(self, counter: str, first: int = 1) -> int:
        """Give out the next number of a counter."""
        last = self.counters.get(counter)
        value = first if last is None else last.value + 1
        self.counters.put(rows.Counter(name=counter, value=value))
        return value

    def _index_transport(self, old: Transport | None, new: Transport | None) -> None:
        if old is not None:
            self._unindex_transport(old)
        if new is None:
            return
        if new.reserved is not None:
            self.reserved[new.reserved] += 1
        if new.status is TransportStatus.ACCEPTED:
            self.to_plan[new.transport_id] = None
        if new.status is TransportStatus.EXECUTING:
            self.executing[new.transport_id] = None
        if new.status in ENDED:
            self.ended[new.transport_id] = self.books.steady_us
        else:
            self.goals[new.goal] += 1
            self.newest_us = max(self.newest_us, new.since_us)

    def _unindex_transport(self, old: Transport) -> None:
        if old.reserved is not None:
            self.reserved[old.reserved] -= 1
            if not self.reserved[old.reserved]:
                del self.reserved[old.reserved]
        if old.status not in ENDED:
            self.goals[old.goal] -= 1
        self.to_plan.pop(old.transport_id, None)
        self.executing.pop(old.transport_id, None)
        self.ended.pop(old.transport_id, None)

    def _index_container(self, old: Container | None, new: Container | None) -> None:
        if old is not None and old.location_id is not None:
            self.occupants[old.location_id].pop(old.container_id, None)
        if (
            old is not None
            and old.device_id is not None
            and self.loads.get(old.device_id) == old.container_id
        ):
            del self.loads[old.device_id]
        if new is not None and new.location_id is not None:
            self.occupants.setdefault(new.location_id, {})[new.container_id] = None
        if new is not None and new.device_id is not None:
            self.loads[new.device_id] = new.container_id

    def _index_job(self, old: Job | None, new: Job | None) -> None:
        if new is not None and new.ended_us is None:
            self.open_jobs.setdefault(new.command.job_id, self.books.steady_us)
        elif old is not None:
            self.open_jobs.pop(old.command.job_id, None)

    def _index_put(self, old: Put | None, new: Put | None) -> None:
        if old is not None and rows.is_open_put(old):
            queue = self.slot_puts[old.wall, old.slot]
            del queue[bisect_left(queue, (old.job_id, old.put_id))]
        if new is not None and rows.is_open_put(new):
            insort(self.slot_puts.setdefault((new.wall, new.slot), []), (new.job_id, new.put_id))
