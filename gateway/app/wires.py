"""A site's links and drivers, and what passes between them and the kernel: effects down, reports up."""

import asyncio
from collections.abc import Mapping
from typing import Final, TypeVar, assert_never

from drivers.modbus.link import ModbusLinkRunner
from drivers.modbus.mailbox import ModbusMailboxDriver
from drivers.modbus.putwall import ModbusPutWallDriver
from drivers.opcua.link import OpcUaLinkRunner
from drivers.opcua.mailbox import OpcUaMailboxDriver
from drivers.vda5050.driver import Vda5050Driver
from gateway.app.surroundings import Runnable, Surroundings
from gateway.contract.driver import CommandDriver, Driver, DriverContext, PutWallDriver, VehicleDriver
from gateway.contract.faults import Refusal
from gateway.contract.reports import Report
from gateway.contract.wiring import Link, ModbusLink, MqttLink, OpcUaLink
from gateway.fleet.effects import CancelOrder, LocaliseVehicle, ResetVehicle, SendOrder
from gateway.kernel.books import Effect
from gateway.kernel.kernel import Kernel
from gateway.site.model import Carrier, Conveyor, Device, PutWall, Site
from gateway.site.wiring import fleet_wiring, mailbox_wiring, putwall_wiring
from gateway.transport.effects import Abandon, Assign, Darken, Show

ASK_AGAIN_S: Final = 1.0

T = TypeVar("T")


class Wires:
    """The links and drivers of a site.

    Attributes:
        runners: whatever has to run, by a name for people.
        drivers: by device; the vehicles of a fleet share one.
    """

    def __init__(self, site: Site, around: Surroundings, context: DriverContext) -> None:
        self.runners: dict[str, Runnable] = {}
        self.drivers: dict[str, Driver] = {}
        self._site = site
        self._around = around
        self._context = context
        for link in site.links:
            self._connect(link)

    def _connect(self, link: Link) -> None:
        devices = [device for device in self._site.devices if device.link == link.id]
        match link:
            case OpcUaLink():
                session = OpcUaLinkRunner(link, self._around.opcua)
                self.runners[link.id] = session
                for device in devices:
                    wiring = mailbox_wiring(self._site, _with_mailbox(device))
                    self._add(OpcUaMailboxDriver(session, wiring, self._context))
            case ModbusLink():
                connection = ModbusLinkRunner(link, self._around.modbus(link))
                self.runners[link.id] = connection
                for device in devices:
                    if isinstance(device, PutWall):
                        wall = putwall_wiring(self._site, device)
                        self._add(ModbusPutWallDriver(connection, wall, self._context))
                    else:
                        wiring = mailbox_wiring(self._site, device)
                        self._add(ModbusMailboxDriver(connection, wiring, self._context))
            case MqttLink():
                self._connect_fleets(link)
            case _:
                assert_never(link)

    def _connect_fleets(self, link: MqttLink) -> None:
        for fleet in self._site.fleets:
            if fleet.link == link.id:
                connect = self._around.mqtt(link, f"gateway-{self._context.run}-{fleet.id}")
                self._add(Vda5050Driver(connect, fleet_wiring(fleet), self._context))

    def _add(self, driver: Driver) -> None:
        self.runners[", ".join(driver.device_ids)] = driver
        self.drivers |= dict.fromkeys(driver.device_ids, driver)


def _with_mailbox(device: Device) -> Carrier | Conveyor:
    if isinstance(device, PutWall):
        raise TypeError(f"{device.id}: no put wall speaks OPC UA")
    return device


async def tell(kernel: Kernel, report: Report) -> None:
    """Give a driver's report to the kernel, again and again if need be, until it is durable."""
    while True:
        try:
            await kernel.ask(report)
        except Refusal:  # busy, or no room: the kernel tells the latter, once
            await asyncio.sleep(ASK_AGAIN_S)
        else:
            return


def perform(drivers: Mapping[str, Driver], effect: Effect) -> None:
    """Hand an effect to the driver whose matter it is."""
    match effect:
        case Assign(command):
            _speaking(drivers, command.device_id, CommandDriver).assign(command)
        case Abandon(device_id, job_id):
            _speaking(drivers, device_id, CommandDriver).abandon(job_id)
        case Show(order):
            _speaking(drivers, order.wall, PutWallDriver).show(order)
        case Darken(wall, put_id):
            _speaking(drivers, wall, PutWallDriver).darken(put_id)
        case SendOrder(order):
            _speaking(drivers, order.vehicle_id, VehicleDriver).send(order)
        case CancelOrder(vehicle_id, order_id):
            _speaking(drivers, vehicle_id, VehicleDriver).cancel(vehicle_id, order_id)
        case LocaliseVehicle(pose):
            _speaking(drivers, pose.vehicle_id, VehicleDriver).localise(pose)
        case ResetVehicle(vehicle_id):
            _speaking(drivers, vehicle_id, VehicleDriver).reset(vehicle_id)
        case _:
            raise TypeError(f"nobody carries out {effect!r}")


def _speaking(drivers: Mapping[str, Driver], device_id: str, kind: type[T]) -> T:
    driver = drivers[device_id]
    if not isinstance(driver, kind):
        raise TypeError(f"{device_id} has no {kind.__name__}")
    return driver
