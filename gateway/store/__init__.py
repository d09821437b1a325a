"""Durable storage behind the kernel's port `Store`: SQLite, one writer with group commit, a few readers.

`synchronous=FULL` in WAL: an acknowledged commit survives a power cut. One process owns a database: a lock keeps a second
one out, and the epoch in the table `ownership` fences a commit that comes late all the same.
"""
