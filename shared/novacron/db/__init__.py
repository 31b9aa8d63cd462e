"""PostgreSQL: the pool and the migrations. SQL itself stands in each service's ``store.py``."""

from .arrays import id_array
from .migrations import MigrationSource, migrate, service_migrations
from .pool import Database
from .row_security import Connection

__all__ = ["Connection", "Database", "MigrationSource", "id_array", "migrate", "service_migrations"]
