"""Cancels that a vehicle refuses: it could not cancel just then, or the cancel overtook the order. Each is followed by another."""

from typing import Final

from gateway.contract.vehicles import ActionStatus, VehicleState, cancel_id_of
from gateway.fleet.rows import Cancel
from gateway.fleet.shown import status_of

PAUSE_S: Final = 2.0
"""A cancel that a vehicle refuses is asked for again after pauses that double …"""
DOUBLINGS_MAX: Final = 7
"""… so many times."""


def next_cancel(cancel: Cancel, order_id: str, shown: VehicleState, now_us: int) -> Cancel | None:
    """Return what to ask after this cancel of an order, once the vehicle has refused it and the pause is over."""
    if status_of(shown, cancel_id_of(order_id, cancel.refused)) is not ActionStatus.FAILED:
        return None
    pause_s = PAUSE_S * 2 ** min(cancel.refused, DOUBLINGS_MAX)
    # A moment that is still to come was meant by another clock: that of a run before this one.
    if cancel.refused and 0 <= now_us - cancel.asked_us < pause_s * 1e6:
        return None
    return Cancel(refused=cancel.refused + 1, asked_us=now_us)
