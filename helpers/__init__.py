"""What the notebooks built by hand, carried on: one module a thing, imports only downwards."""
