"""The gateway: a WES asks for transports, machines carry them out, and every step is told, exactly once."""
