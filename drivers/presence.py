"""Whether a device is there and well: what all polled devices have in common. No I/O and no clock.

Like everything that drivers tell, it is due until the kernel has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from drivers.telegrams import Diagnosis
from gateway.contract.reports import CLEAR_THE_CAUSE, DeviceFault, DeviceOffline, DeviceRecovered, Report

_log = structlog.get_logger(__name__)

LIFE_TIMEOUT_S: Final = 2.0
"""A life counter that stands still for longer means a dead device."""
LIFE_STANDS_STILL: Final = f"the life counter stands still for {LIFE_TIMEOUT_S:g} s"

ASK_THE_OTHER: Final = (
    "Nothing is wrong with the device: look at the other gateway."
    " This gateway takes the device over when it is started again."
)
"""What to do where another gateway has a higher epoch: a reset cannot help."""
COMPARE: Final = (
    "Compare the device's program with the site file and its profile. The gateway goes on by itself."
)
"""What to do about a device that shows well-formed blocks and does not do its part of the handshake."""


Life = int | Sequence[int]
"""What a life counter shows: a number, or the registers that it is made of. Only whether it changes counts."""


class LifeCounter:
    """A counter of the device since the link came up. Times are seconds of a clock that never goes back.

    Attributes:
        stands_still: it was read, and has been the same for too long.
    """

    def __init__(self) -> None:
        self.stands_still = False
        self._count: Life | None = None
        self._changed_at = 0.0

    def show(self, count: Life, now: float) -> None:
        """Take the newest reading."""
        if count != self._count:
            self._count, self._changed_at = count, now
        self.stands_still = now - self._changed_at > LIFE_TIMEOUT_S

    def forget(self) -> None:
        """The link is lost."""
        self.stands_still, self._count = False, None

    @property
    def alive(self) -> bool:
        """It was read, and does not stand still."""
        return self._count is not None and not self.stands_still


@dataclass(frozen=True, slots=True)
class ShownFault:
    """A fault that is not the answer to a command; `code` is the device's own, 0 where it has none."""

    code: int
    text: str
    advice: str = CLEAR_THE_CAUSE


PresenceReport = DeviceOffline | DeviceFault | DeviceRecovered


class Presence:
    """One device: there or not, faulty or well. One log line on loss and one on recovery.

    Attributes:
        up: the device is there.
        fault: what the device shows now, or showed before it was lost.
    """

    def __init__(self, device_id: str, diagnosis: Diagnosis) -> None:
        self.up = False
        self.fault: ShownFault | None = None
        self._device_id = device_id
        self._diagnosis = diagnosis
        self._tried = False
        self._offline_due: DeviceOffline | None = None
        self._fault_due: DeviceFault | DeviceRecovered | None = None
        self._fault_told: PresenceReport | None = None

    def arrive(self) -> None:
        """The device answers, and lives."""
        if not self.up:
            self.up = self._tried = True
            self._diagnosis.connected = True
            _log.info("device online", device=self._device_id)

    def leave(self, reason: str) -> None:
        """The device does not answer, or does not live."""
        if self.up or not self._tried:
            self.up, self._tried = False, True
            self._diagnosis.connected = False
            self._offline_due = DeviceOffline(device_id=self._device_id, reason=reason)
            _log.warning("device offline", device=self._device_id, reason=reason)

    def due(self) -> PresenceReport | None:
        """Return what the kernel has to hear next.

        A device without a fault counts as recovered at first contact: an alarm may stand from before a
        restart.
        """
        if self._offline_due:
            return self._offline_due
        if self.up and self._fault_due is None and not self._fault_is_told():
            self._fault_due = self._fault_report()
        return self._fault_due

    def told(self, report: Report) -> None:
        """The kernel has the report; one that is not from here is no matter."""
        if report is self._offline_due:
            self._offline_due = None
        if report is self._fault_due:
            self._fault_told, self._fault_due = self._fault_due, None

    def _fault_is_told(self) -> bool:
        told, fault = self._fault_told, self.fault
        if fault is None:
            return isinstance(told, DeviceRecovered)
        return isinstance(told, DeviceFault) and (told.code, told.text) == (fault.code, fault.text)

    def _fault_report(self) -> DeviceFault | DeviceRecovered:
        if self.fault is None:
            return DeviceRecovered(device_id=self._device_id)
        fault = self.fault
        return DeviceFault(device_id=self._device_id, code=fault.code, text=fault.text, advice=fault.advice)
