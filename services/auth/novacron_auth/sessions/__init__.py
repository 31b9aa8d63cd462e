"""Sessions: how they begin, go on and end, and what is noticed on the way."""
