"""How this installation authenticates, as administrators set it."""
