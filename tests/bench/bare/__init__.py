"""Floors: programs of a few lines that do the same as the gateway with the bare libraries, and promise nothing."""
