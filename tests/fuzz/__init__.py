"""Everything that eats bytes from a device, a client or a file, fed with what nobody would send on purpose."""
