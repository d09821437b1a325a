"""What must hold, whatever goes wrong: checked often, and more of it in the end when all is quiet."""

import json
from collections.abc import AsyncIterator, Iterator

from tests.sim.plant import Plant
from tests.sim.wes import Wes

WAITING_MAX = 1000


def always(plant: Plant, wes: Wes) -> Iterator[str]:
    """Yield what is wrong now."""
    if plant.world.moved_twice:
        yield f"jobs moved a load more than once: {plant.world.moved_twice}"
    if plant.vehicles.collisions:
        yield f"vehicles met: {plant.vehicles.collisions[-1]}"
    if plant.gateway is not None and plant.gateway.kernel.waiting > WAITING_MAX:
        yield f"{plant.gateway.kernel.waiting} messages wait for the kernel"
    yield from plant.witness.wrong
    yield from wes.violations
    if plant.seen:
        return
    plant.seen = True
    yield from _crowded(plant)
    yield from _misplaced(plant)


def _crowded(plant: Plant) -> Iterator[str]:
    """More loads than fit are at a place or under way to it."""
    if plant.gateway is None:
        return
    tables, capacity = plant.gateway.tables, plant.site.all_locations
    bound: dict[str, set[str]] = {}
    for job_id in tables.open_jobs:
        command = tables.jobs[job_id].command
        transport = tables.transports.get(command.transport_id or "")
        leg = transport.current if transport is not None and transport.job_id == job_id else None
        if transport is not None and leg is not None:
            bound.setdefault(leg.target, set()).add(transport.container_id)
    for place, containers in bound.items():
        there = containers.union(tables.occupants.get(place, ()))
        if len(there) > capacity[place].capacity:
            yield f"{', '.join(sorted(there))} are at {place} or under way to it"


def _misplaced(plant: Plant) -> Iterator[str]:
    """A load that is under way, and in nobody's doubt, is neither where the books say nor where its command brings it."""
    if plant.gateway is None:
        return
    tables = plant.gateway.tables
    for transport_id in tables.executing:
        transport = tables.transports[transport_id]
        container = tables.containers[transport.container_id]
        spots = {container.location_id or container.device_id}
        job = tables.jobs.get(transport.job_id or 0)
        if job is not None:
            command = job.command
            spots.add(command.target.location_id if command.target else command.device_id)
        spot = plant.world.spots.get(container.container_id)
        if spot not in spots:
            places = " or ".join(sorted(map(str, spots)))
            yield f"{container.container_id} is at {spot}, and not at {places} as {transport_id} has it"


async def at_rest(plant: Plant, wes: Wes) -> list[str]:
    """Return what is wrong when nothing is under way any more."""
    return [
        *[text async for text in _books_and_world(plant, wes)],
        *[text async for text in _feed(wes)],
        *[text async for text in _nothing_lost(wes)],
        *_webhooks(plant, wes),
    ]


async def _books_and_world(plant: Plant, wes: Wes) -> AsyncIterator[str]:
    page = await wes.get("/v1/containers", limit=1000)
    booked = {each["containerId"]: each.get("locationId") or each.get("deviceId") for each in page["items"]}
    for container, spot in plant.world.spots.items():
        if booked.pop(container, None) != spot:
            yield f"{container} is at {spot}, the books say otherwise"
    for container, spot in booked.items():
        if container not in plant.world.spots:
            yield f"{container} is at {spot} by the books, and nowhere in the world"


async def _feed(wes: Wes) -> AsyncIterator[str]:
    """The feed, read again from its beginning, is what it was when it was heard."""
    after, heard = 0, wes.known.events
    while after < len(heard):
        page = await wes.get("/v1/events", after=after, limit=1000)
        for number, event in enumerate(page["items"], start=after + 1):
            if event["seq"] != number:
                yield f"event {event['seq']} stands where {number} should"
            if number <= len(heard) and event != json.loads(heard[number - 1]):
                yield f"event {number} has changed"
        if not page["items"]:
            yield f"the feed ends at {after}; {len(heard)} events have been heard"
            return
        after += len(page["items"])


async def _nothing_lost(wes: Wes) -> AsyncIterator[str]:
    for subject in wes.known.acknowledged:
        kind = "transports" if subject.startswith("T") else "puts"
        view = await wes.get(f"/v1/{kind}/{subject}")
        if view["status"].startswith("HTTP"):
            yield f"{subject} was acknowledged and is lost: {view}"


def has_all(plant: Plant, wes: Wes) -> bool:
    """Tell whether the receiver of webhooks has the newest event and every one between its first and that."""
    seqs = {event["seq"] for event in plant.receiver.taken}
    return bool(seqs) and len(seqs) == len(wes.known.events) + 1 - min(seqs)


def _webhooks(plant: Plant, wes: Wes) -> Iterator[str]:
    """The receiver has each event at least once, and those of one subject in their order, repeats aside."""
    seen: set[int] = set()
    newest: dict[str, int] = {}
    for event in plant.receiver.taken:
        seq, subject = event["seq"], event["subject"]
        if seq not in seen and seq < newest.get(subject, 0):
            yield f"webhook: event {seq} of {subject} came after {newest[subject]}"
        seen.add(seq)
        newest[subject] = max(seq, newest.get(subject, 0))
    missing = [seq for seq in range(min(seen, default=1), len(wes.known.events) + 1) if seq not in seen]
    if seen and missing:
        yield f"webhook: {len(missing)} events never came, the first is {missing[0]}"
