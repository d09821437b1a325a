"""Simulated equipment: physics and states apart from the wire faces; a world knows where loads truly are."""
