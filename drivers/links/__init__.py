"""The wires: sockets live only here, each kind behind a port that an in-memory face implements as well."""
