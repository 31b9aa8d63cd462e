"""The registry: which services run, where, and how they are."""
