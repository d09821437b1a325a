"""`make bench`: how fast the gateway is and what it takes, each figure beside the bare library in the same run.

A gateway is measured as it is run: `gateway run`, a process of its own, on a site that is made for the figure. The simulated
devices, the client and the stopwatch share the bench's process where a figure needs one clock at both ends; on Linux
`time.monotonic()` is the same clock in every process. A *floor* is the least that anybody would have to write to do the same
with the same library (`bare/`); the ratio to it says what the gateway's guarantees cost. Nothing here judges a test run.
"""
