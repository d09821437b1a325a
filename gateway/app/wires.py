"""A site's links and drivers, and what passes between them and the kernel: effects down, reports up."""

import asyncio
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

D = TypeVar("D", CommandDriver, PutWallDriver, VehicleDriver)


class Wires:
    """The links and drivers of a site.

    Attributes:
        runners: whatever has to run, by a name for people; a link may be called like its device.
    """

    def __init__(self, site: Site, around: Surroundings, context: DriverContext) -> None:
        self.runners: dict[str, Runnable] = {}
        self._mailboxes: dict[str, CommandDriver] = {}
        self._walls: dict[str, PutWallDriver] = {}
        self._fleets: dict[str, VehicleDriver] = {}
        self._site = site
        self._around = around
        self._context = context
        for link in site.links:
            self._connect(link)

    @property
    def drivers(self) -> dict[str, Driver]:
        """Return the drivers by device; the vehicles of a fleet share one."""
        return {**self._mailboxes, **self._walls, **self._fleets}

    def _connect(self, link: Link) -> None:
        devices = [device for device in self._site.devices if device.link == link.id]
        match link:
            case OpcUaLink():
                session = OpcUaLinkRunner(link, self._around.opcua)
                self.runners[f"link {link.id}"] = session
                for device in devices:
                    wiring = mailbox_wiring(self._site, _with_mailbox(device))
                    self._add(OpcUaMailboxDriver(session, wiring, self._context), self._mailboxes)
            case ModbusLink():
                connection = ModbusLinkRunner(link, self._around.modbus(link))
                self.runners[f"link {link.id}"] = connection
                for device in devices:
                    if isinstance(device, PutWall):
                        wall = putwall_wiring(self._site, device)
                        self._add(ModbusPutWallDriver(connection, wall, self._context), self._walls)
                    else:
                        wiring = mailbox_wiring(self._site, device)
                        self._add(ModbusMailboxDriver(connection, wiring, self._context), self._mailboxes)
            case MqttLink():
                self._connect_fleets(link)
            case _:
                assert_never(link)

    def _connect_fleets(self, link: MqttLink) -> None:
        for fleet in self._site.fleets:
            if fleet.link == link.id:
                connect = self._around.mqtt(link, f"gateway-{self._context.run}-{fleet.id}")
                self._add(Vda5050Driver(connect, fleet_wiring(fleet), self._context), self._fleets)

    def perform(self, effect: Effect) -> None:
        """Hand an effect to the driver whose matter it is."""
        match effect:
            case Assign(command):
                self._mailboxes[command.device_id].assign(command)
            case Abandon(device_id, job_id):
                self._mailboxes[device_id].abandon(job_id)
            case Show(order):
                self._walls[order.wall].show(order)
            case Darken(wall, put_id):
                self._walls[wall].darken(put_id)
            case SendOrder(order):
                self._fleets[order.vehicle_id].send(order)
            case CancelOrder(vehicle_id, order_id, times):
                self._fleets[vehicle_id].cancel(vehicle_id, order_id, times)
            case LocaliseVehicle(pose):
                self._fleets[pose.vehicle_id].localise(pose)
            case ResetVehicle(vehicle_id):
                self._fleets[vehicle_id].reset(vehicle_id)
            case _:
                raise TypeError(f"nobody carries out {effect!r}")

    def _add(self, driver: D, those: dict[str, D]) -> None:
        """Take up a driver, one of those who do the same for other devices."""
        self.runners[f"driver of {', '.join(driver.device_ids)}"] = driver
        those |= dict.fromkeys(driver.device_ids, driver)


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
