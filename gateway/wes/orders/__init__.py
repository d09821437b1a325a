"""Orders and their documents: taken, promised stock, made into work orders, withdrawn, told upstream, kept in history."""
