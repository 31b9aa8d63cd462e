"""One database and one role per service, such that no service can open another's database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from .layout import LocalStackError


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """A database, the role of the same name that owns it, and that role's password."""

    name: str
    password: str


def create_databases(superuser_url: str, databases: Mapping[str, ServiceDatabase]) -> None:
    """Make what is missing and set every role's password. Idempotent, also after a crash in the middle.

    :raises LocalStackError: with PostgreSQL's reason, when it refuses.
    """
    try:
        _create_all(superuser_url, databases)
    except psycopg.Error as error:
        raise LocalStackError(f"cannot make the services' databases: {error}") from error


def _create_all(superuser_url: str, databases: Mapping[str, ServiceDatabase]) -> None:
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for public in ("postgres", "template1"):
            connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(public)))
        for database in databases.values():
            _create(connection, database)
    for database in databases.values():
        url = psycopg.conninfo.make_conninfo(superuser_url, dbname=database.name)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")  # takes a superuser


def _create(connection: psycopg.Connection, database: ServiceDatabase) -> None:
    name = sql.Identifier(database.name)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [database.name]).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    # Hashed here: a statement with the password itself would lie about in logs and in pg_stat_statements.
    hashed = connection.pgconn.encrypt_password(
        database.password.encode(), database.name.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(hashed)))
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database.name]).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
