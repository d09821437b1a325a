"""OPC UA equipment: shuttles and lifts that take commands through a mailbox of variables or a method call."""
