"""Simulated equipment: physics and states apart from the wire faces, over a world that knows every load."""
