"""The plant over HTTP: its layout, devices, locations, containers, alarms. Read from the books, between two commits."""

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, TypeVar

from fastapi import APIRouter, Header, Path, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.deps import ApiDeps
from gateway.api.layout import Layout
from gateway.api.replies import Page, Paging, reply
from gateway.api.views import (
    alarm_view,
    command_view,
    container_view,
    link_view,
    no_room_view,
    position_view,
    telegram_view,
)
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.layout import LayoutView
from gateway.contract.plant import (
    AlarmView,
    ContainerView,
    DeviceView,
    LocaliseRequest,
    LocateRequest,
    LocationView,
    TelegramView,
)
from gateway.contract.transports import Act, CommandView, Identifier
from gateway.transport.messages import (
    BlockLocation,
    CorrectContainer,
    LocaliseDevice,
    RemoveContainer,
    ResetDevice,
    SetDeviceEnabled,
    UnblockLocation,
)
from gateway.wes.planning.holders import check_unused

T = TypeVar("T")

DeviceId = Annotated[Identifier, Path(alias="deviceId")]
LocationId = Annotated[Identifier, Path(alias="locationId")]
ContainerId = Annotated[Identifier, Path(alias="containerId")]


def plant_routes(deps: ApiDeps) -> APIRouter:
    """Return the routes of the plant."""
    router = APIRouter(prefix="/v1", route_class=JsonRoute)
    plant = _Plant(deps)
    drawing = cache(lambda: Layout(deps.site))

    @router.get("/layout", tags=["locations"], response_model=LayoutView)
    async def get_layout(
        accept_encoding: Annotated[str, Header()] = "", if_none_match: Annotated[str, Header()] = ""
    ) -> Response:
        """Show the site as it is drawn: what stands where in metres, what each machine reaches, where vehicles drive.

        It stays the same until the gateway is started with another site file: ask with `If-None-Match`, and 304 says so.
        """
        return (await asyncio.to_thread(drawing)).answer(accept_encoding, if_none_match)

    @router.get("/devices", tags=["devices"], response_model=Page[DeviceView])
    async def get_devices(paging: Annotated[Paging, Query()]) -> Response:
        """List devices and vehicles."""
        return reply(await deps.kernel.read(lambda: plant.devices(paging)))

    @router.get("/devices/{deviceId}", tags=["devices"], response_model=DeviceView)
    async def get_device(device_id: DeviceId) -> Response:
        """Show a device: whether it works, what it has been told, how the wire to it is."""
        return reply(await deps.kernel.read(lambda: plant.device(device_id)))

    @router.get("/devices/{deviceId}/telegrams", tags=["devices"], response_model=Page[TelegramView])
    async def get_telegrams(device_id: DeviceId) -> Response:
        """Show the last raw messages on the wire to a device, oldest first."""
        await deps.kernel.read(lambda: plant.device(device_id))
        driver = deps.drivers.get(device_id)
        telegrams = () if driver is None else driver.telegrams(device_id)
        return reply(Page[TelegramView](items=tuple(telegram_view(telegram) for telegram in telegrams)))

    @router.post("/devices/{deviceId}/enable", tags=["devices"], response_model=DeviceView)
    async def enable_device(device_id: DeviceId, act: Act) -> Response:
        """Let the engine use a device again."""
        await deps.ask(SetDeviceEnabled(device_id, enabled=True, act=act))
        return reply(await deps.kernel.read(lambda: plant.device(device_id)))

    @router.post("/devices/{deviceId}/disable", tags=["devices"], response_model=DeviceView)
    async def disable_device(device_id: DeviceId, act: Act) -> Response:
        """Let the engine give a device nothing new; what it does now it finishes."""
        await deps.ask(SetDeviceEnabled(device_id, enabled=False, act=act))
        return reply(await deps.kernel.read(lambda: plant.device(device_id)))

    @router.post("/devices/{deviceId}/reset", tags=["devices"], response_model=DeviceView)
    async def reset_device(device_id: DeviceId, act: Act) -> Response:
        """Ask a device to clear a fault whose cause is gone."""
        await deps.ask(ResetDevice(device_id, act))
        return reply(await deps.kernel.read(lambda: plant.device(device_id)))

    @router.post("/devices/{deviceId}/localise", tags=["devices"], response_model=DeviceView)
    async def localise_device(device_id: DeviceId, request: LocaliseRequest) -> Response:
        """Tell a vehicle that has lost its place at which node it stands (VDA 5050 `initPosition`).

        The vehicle compares with its sensors. If it does not agree, its `fault` says so; if it does, the fault is gone.
        """
        act = Act(operator=request.operator, reason=request.reason)
        await deps.ask(LocaliseDevice(device_id, request.node_id, request.theta, act))
        return reply(await deps.kernel.read(lambda: plant.device(device_id)))

    @router.get("/locations", tags=["locations"], response_model=Page[LocationView])
    async def get_locations(which: Annotated[LocationFilter, Query()]) -> Response:
        """List locations and what stands there; with `blocked` those that somebody has to look at."""
        return reply(await deps.kernel.read(lambda: plant.locations(which)))

    @router.get("/locations/{locationId}", tags=["locations"], response_model=LocationView)
    async def get_location(location_id: LocationId) -> Response:
        """Show a location, what stands there, and who brings something next."""
        return reply(await deps.kernel.read(lambda: plant.location(location_id)))

    @router.post("/locations/{locationId}/block", tags=["locations"], status_code=204)
    async def block_location(location_id: LocationId, act: Act) -> Response:
        """Lock a location, such as one with a bent rail: nothing is brought there or fetched from there.

        What a machine has been told already it finishes. Loads that are on their way there wait; a cancelled one is brought
        to another place.
        """
        await deps.ask(BlockLocation(location_id, act))
        return Response(status_code=204)

    @router.post("/locations/{locationId}/unblock", tags=["locations"], status_code=204)
    async def unblock_location(location_id: LocationId, act: Act) -> Response:
        """Let a blocked location take loads again: somebody has looked that it is as the books say."""
        await deps.ask(UnblockLocation(location_id, act))
        return Response(status_code=204)

    @router.get("/containers", tags=["containers"], response_model=Page[ContainerView])
    async def get_containers(paging: Annotated[Paging, Query()]) -> Response:
        """List containers and where they are."""
        return reply(await deps.kernel.read(lambda: plant.containers(paging)))

    @router.get("/containers/{containerId}", tags=["containers"], response_model=ContainerView)
    async def get_container(container_id: ContainerId) -> Response:
        """Show where a container is."""
        return reply(await deps.kernel.read(lambda: plant.container(container_id)))

    @router.put("/containers/{containerId}/location", tags=["containers"], response_model=ContainerView)
    async def correct_container(container_id: ContainerId, request: LocateRequest) -> Response:
        """Put the books right: the container is at this location. Makes it known if it was not."""
        act = Act(operator=request.operator, reason=request.reason)
        await deps.ask(CorrectContainer(container_id, request.location_id, act))
        return reply(await deps.kernel.read(lambda: plant.container(container_id)))

    @router.post("/containers/{containerId}/removal", tags=["containers"], status_code=204)
    async def remove_container(container_id: ContainerId, act: Act) -> Response:
        """A container has left the site, or is scrapped: it is not in the books any more. It may come back by its location.

        Refused while a transport has it, it is on a device, or the bundled WES has goods or work for it. A WES in another
        process is not asked: it hears the event.
        """
        if deps.wes is not None:
            await deps.wes.store.read(lambda tx: check_unused(tx, container_id))
        await deps.ask(RemoveContainer(container_id, act))
        return Response(status_code=204)

    @router.get("/alarms", tags=["alarms"], response_model=Page[AlarmView])
    async def get_alarms(paging: Annotated[Paging, Query()]) -> Response:
        """List what a person must look at."""
        return reply(await deps.kernel.read(lambda: plant.alarms(paging)))

    return router


class LocationFilter(Paging):
    """Query parameters of the locations."""

    blocked: bool = False


class _Plant:
    """What the books, the site and the drivers tell, put together. To be asked between two commits."""

    def __init__(self, deps: ApiDeps) -> None:
        self._tables = deps.tables
        self._kernel = deps.kernel
        self._drivers = deps.drivers
        self._positions = deps.positions
        self._locations = deps.site.all_locations
        self._fleet_of = {vehicle.id: fleet.id for fleet in deps.site.fleets for vehicle in fleet.vehicles}
        self._kinds = dict.fromkeys(self._fleet_of, "vehicle") | {
            each.id: each.kind for each in deps.site.devices
        }

    def devices(self, paging: Paging) -> Page[DeviceView]:
        commands = self._commands()
        rows = self._tables.devices.values()
        return _page((row.device_id for row in rows), paging, lambda key: self._device(key, commands))

    def device(self, device_id: str) -> DeviceView:
        if device_id not in self._tables.devices:
            raise _unknown("device", device_id)
        return self._device(device_id, self._commands())

    def locations(self, which: LocationFilter) -> Page[LocationView]:
        blocks, reserved = self._tables.blocks, self._reserved()
        wanted = (name for name in self._locations if name in blocks) if which.blocked else self._locations
        return _page(wanted, which, lambda key: self._location(key, reserved))

    def location(self, location_id: str) -> LocationView:
        if location_id not in self._locations:
            raise _unknown("location", location_id)
        return self._location(location_id, self._reserved())

    def _reserved(self) -> dict[str, str]:
        """Return which transport comes to each reserved location next."""
        reserved: dict[str, str] = {}
        for transport in self._tables.transports.values():
            if transport.reserved is not None:
                reserved.setdefault(transport.reserved, transport.transport_id)
        return reserved

    def _location(self, location_id: str, reserved: Mapping[str, str]) -> LocationView:
        location, block = self._locations[location_id], self._tables.blocks.get(location_id)
        return LocationView(
            location_id=location_id,
            kind=location.kind,
            zone=location.zone,
            capacity=location.capacity,
            accepts=location.accepts,
            containers=tuple(self._tables.occupants.get(location_id, ())),
            reserved_by=reserved.get(location_id),
            blocked=None if block is None else block.reason,
            blocked_by=None if block is None else block.operator,
        )

    def containers(self, paging: Paging) -> Page[ContainerView]:
        rows = self._tables.containers.values()
        return _page((row.container_id for row in rows), paging, self.container)

    def container(self, container_id: str) -> ContainerView:
        row = self._tables.containers.get(container_id)
        if row is None:
            raise _unknown("container", container_id)
        return container_view(row)

    def alarms(self, paging: Paging) -> Page[AlarmView]:
        standing = {row.alarm_id: alarm_view(row) for row in self._tables.alarms.values()}
        if (no_room := self._kernel.no_room) is not None:
            alarm = no_room_view(no_room)
            standing[alarm.alarm_id] = alarm
        return _page(standing, paging, standing.__getitem__)

    def _device(self, device_id: str, commands: Mapping[str, Sequence[CommandView]]) -> DeviceView:
        row = self._tables.devices[device_id]
        load = self._tables.loads.get(device_id)
        driver = self._drivers.get(device_id)
        position = self._positions.latest(device_id)
        return DeviceView(
            device_id=device_id,
            kind=self._kinds.get(device_id, "gone"),
            fleet_id=self._fleet_of.get(device_id),
            enabled=row.enabled,
            online=row.online,
            offline_reason=row.offline_reason,
            fault=row.fault,
            containers=() if load is None else (load,),
            commands=tuple(commands.get(device_id, ())),
            link=None if driver is None else link_view(driver.health(device_id)),
            position=None if position is None else position_view(position),
        )

    def _commands(self) -> Mapping[str, Sequence[CommandView]]:
        commands: defaultdict[str, list[CommandView]] = defaultdict(list)
        for job_id in self._tables.open_jobs:
            job = self._tables.jobs[job_id]
            commands[job.command.device_id].append(command_view(job))
        return commands


def _page(ids: Iterable[str], paging: Paging, view: Callable[[str], T]) -> Page[T]:
    """Show some of the things with these ids, in the order of the ids, from behind the cursor on."""
    ordered = sorted(ids)
    start = 0 if paging.cursor is None else bisect_right(ordered, paging.cursor)
    shown = ordered[start : start + paging.limit]
    more = start + len(shown) < len(ordered)
    return Page(items=tuple(view(key) for key in shown), next_cursor=shown[-1] if more else None)


def _unknown(kind: str, key: str) -> Refusal:
    return Refusal(
        RefusalKind.NOT_FOUND, FieldError(f"{kind}Id", f"unknown{kind.capitalize()}", f"no {kind} {key}")
    )
