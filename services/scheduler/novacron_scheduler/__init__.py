"""The scheduler: clusters and nodes, and who takes what of them. Never above capacity, with any number of callers at once."""
