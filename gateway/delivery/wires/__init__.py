"""One module for each kind of broker, all alike: FastStream's client, how it confirms, and by what it knows a message."""
