"""Allocation: which orders are picked from which totes, and where.

Two problems, both decided on frozen data and without a database:

- `wave`: choose orders and totes so that units per tote are most, with a proven bound (`gateway wes allocate`).
- the port of the live chain: waiting work orders, stations and totes in, a plan out (`Problem` → `Plan`).
"""
