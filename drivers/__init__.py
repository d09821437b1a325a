"""Our code for the equipment of others: one driver a device interface, sockets only in `links`."""
