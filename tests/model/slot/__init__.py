"""A slot of a put wall as a model: the real machines of both sides, a kernel, a wire, hands, and all that goes wrong between them.

**Machines.** `drivers.slots.Slot` on the gateway's side and `sim_devices.putwall.Slot` on the wall's, frozen and thawed as in
`tests.model.mailbox`. The kernel is modelled after gateway.transport.puts: one put of a slot is shown at a time, the next in the
commit in which the one before it ends; who tells it what and when after drivers.modbus.putwall and teller.

**Wire.** As in `tests.model.mailbox`: an order may arrive, be lost, or stay in a buffer and arrive at any later time, beside a
first arrival too, across restarts of both sides. The wall looks at what stands in its registers whenever it likes.

**Hands** press buttons and go through the light curtain at any moment. What counts is what the wall shows in that moment: a press
ends the put for which the slot is lit, or nothing. The model remembers each end with its put and quantity, apart from the wall.

**Faults.** Writes lost, late, doubled, out of order; links that break; the gateway crashes at any moment, before and after a
commit, or is replaced while it goes on as one with a lower epoch; the wall restarts at any moment with or without its memory, and
with or without what stood in its registers where that is allowed; puts are cancelled at any moment.

**Time** is only: have the pauses before the next write passed, or not. Colours and texts are left out, and the counters of the
buttons, which tell the driver nothing that the slot's state does not.
"""
