"""What upstream asks and is told beside its orders: questions, stock, and how the exchange does."""
