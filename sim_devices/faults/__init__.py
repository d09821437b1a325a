"""Faults on request: what can go wrong at a device, when it begins, and when it is over.

A fault is a *state* of one device, never a call into it: devices and their faces ask their own `Troubles`
what is wrong now, whenever it matters, and are told when that changes. So a fault that strikes between any
two steps takes the same code as one that was there from the start. A fault ends when its `durationS` has
passed, when its `count` is used up, or when somebody deletes it; without any of these it lasts.

All times are seconds of the event loop, as the gateway experiences them, not of simulated motion.

`kinds` says what can go wrong, `book` holds what does, `file` reads a list of faults, or a menu to draw from.
"""
