"""The one writer: clock, supervised tasks, the books, the loop that changes them, and the ports to storage.

Every change of state is a message that the kernel's loop hands to a synchronous handler. What handlers decide (rows, feed
events, effects) becomes visible only after the commit that makes it durable; a failed commit leaves nothing behind.
"""
