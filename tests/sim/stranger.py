"""Somebody with a test tool, who speaks the handshake and knows nothing of the gateway."""

from random import Random
from typing import Final

from gateway.site.model import Carrier
from sim_devices.mailbox import CommandBlock, Op
from sim_devices.plc import Plc
from sim_devices.site import SimulatedSite

SEQ_MAX: Final = 65_535
JOBS_FROM: Final = 2**52
"""Far beyond those of the gateway."""


def move_a_carrier(devices: SimulatedSite, chance: Random) -> bool:
    """Send an idle carrier somewhere by the rules of the handshake; tell whether there was one."""
    carrier = chance.choice([device for device in devices.site.devices if isinstance(device, Carrier)])
    plc = devices._devices[carrier.id]
    assert isinstance(plc, Plc)
    ((channel_id, channel),) = plc.channels.items()
    memory, goal = channel.mailbox.memory, chance.choice(devices.site.matching(carrier.drops))
    if not plc.powered or memory.executing is not None:
        return False
    block = CommandBlock(
        epoch=memory.epoch,
        seq=memory.ack_seq % SEQ_MAX + 1,
        op=Op.MOVE,
        job_id=JOBS_FROM + chance.getrandbits(32),
        target=goal.place or 0,
        boot_id=channel.mailbox.boot_id,
    )
    numbers = {"epoch": block.epoch, "seq": block.seq, "op": block.op, "target": block.target}
    whole = numbers | {"jobId": block.job_id, "bootId": block.boot_id, "check": block.computed_check()}
    devices._runners[carrier.id].act(lambda: plc.write(channel_id, whole))
    return True
