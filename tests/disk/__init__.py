"""Disks that lose power, run full or fail, under the production store and the very SQLite library that it uses."""
