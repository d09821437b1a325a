"""Transfers (调拨): goods are ordered to be moved, bound once somebody approves it, taken out, put where they go (decision 24)."""
