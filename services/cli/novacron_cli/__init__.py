"""The ``novacron`` command: a client of the services, and nothing that they know of."""
