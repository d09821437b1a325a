"""Who may ask for what: people and machines, their passwords and tokens, their roles and zones (decision 27).

All of them are in memory, a bounded number, so that a request is let in or refused without waiting; every change is durable before
it is answered. What a role may do stands in one table, `gateway.api.rights`.
"""
