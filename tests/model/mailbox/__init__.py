"""The mailbox handshake as a model: the real machines of both sides, a kernel, a wire, and all that goes wrong between them.

**Machines.** `drivers.handshake.Channel` on the gateway's side and `sim_devices.mailbox.Mailbox` on the device's: two readings of
docs/plc-handshake.md. Each is frozen into a tuple between two steps and thawed for the next; a step of a machine is run once for
each local state and remembered, so that what remains of most transitions is to put tuples together. The kernel is modelled after
gateway.transport.outcome, journal and engine; who tells it what and when after drivers.mailboxes, presence and teller.

**Wire.** A link does one thing at a time. Whoever waits for the end of a write cannot tell whether it arrived; a status that was
asked for before counts no more, and is shown to the channel all the same. What TCP gives, the order of one connection, is not
relied on: a block may arrive, be lost, or stay in some buffer (of a dead connection, a switch, a communication module, an OPC UA
server before the PLC) and arrive at any later time, beside a first arrival too; as many as the scope says are late at once, in
any order, across restarts of both sides. A reading takes no time: while it is under way, gateway and device do not see each
other, so whatever the device does meanwhile may as well happen after the answer. Outside lies what neither Modbus TCP nor OPC UA
can do: an answer that is taken for another request's (transaction and request ids; a new connection begins anew), and a block or
a status that arrives in pieces (`check`; ackSeq and doneSeq are read before what they vouch for).

**Faults.** Writes lost, late, doubled, out of order; links that break; the gateway crashes at any moment, before and after a
commit, or is replaced while it goes on as one with a lower epoch (its commits are fenced, its wire is not); the device restarts
at any moment with or without its memory, and with or without what stood in its command block where that is allowed; it refuses for
a while; a person settles a command that is under way; somebody else commands the device under a lower epoch. A link that lives
while the device does not (life counter, bootId 0) is to a channel what a broken link is.

**Time** is only: has the device had its time to look since the last write (`REWRITE_AFTER_S`), or not. Places, barcodes and texts
are left out, and RESET, which moves nothing.
"""
