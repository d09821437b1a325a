"""From the feed to its consumers: live streams, webhooks; each with its own cursor, none able to hold up another.

The feed is the table of events; what is newest is kept in memory as well, already encoded. Positions are live data: the
newest of each device, and no history.
"""
