"""Numbered plain SQL, applied once each, in order, under one lock.

A file that was applied is never edited: its checksum is kept, and a service refuses to start on a database whose history is
another or newer than its own. Expand in one release, use it in the next, drop the old in a third.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from .pool import typed_errors
from .row_security import see_everything, unbound

_FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_LOCK_KEY = 0x6E6F7661  # one key for all: two services never share a database

_HISTORY = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    source text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, number)
)
"""


class MigrationError(Exception):
    """The database and the files disagree; the message says which file and what to do."""


@dataclass(frozen=True, slots=True)
class MigrationSource:
    """A folder of ``NNNN_name.sql``, with the name under which its history is kept."""

    name: str
    directory: Path

    def files(self) -> list[tuple[int, str, str]]:
        """``(number, name, sql)`` in order. Raises :class:`MigrationError` on a gap or a name of another form."""
        found = []
        for path in sorted(self.directory.glob("*.sql")):
            match = _FILE_NAME.match(path.name)
            if match is None:
                raise MigrationError(f"{path.name} in {self.name}: a migration is named NNNN_what_it_does.sql")
            found.append((int(match[1]), match[2], path.read_text()))
        for expected, (number, name, _) in enumerate(found, start=1):
            if number != expected:
                raise MigrationError(f"{self.name}: {number:04}_{name}.sql stands where {expected:04} should")
        return found


def service_migrations(name: str, package_file: str) -> MigrationSource:
    """A service's migrations: beside its package in a checkout, inside it in a wheel."""
    package = Path(package_file).resolve().parent
    inside = package / "migrations"
    return MigrationSource(name, inside if inside.is_dir() else package.parent / "migrations")


async def migrate(url: str, sources: Sequence[MigrationSource]) -> int:
    """Bring the database to the newest files of every source, in the order given; returns how many were applied.

    Safe for any number of processes at once: one applies, the others wait and find it done.

    :raises MigrationError: the files and the database disagree; or policies would not hold the role of this URL.
    """
    with typed_errors():
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
            await connection.execute("SET client_min_messages = warning")
            await connection.execute(_HISTORY)
            await connection.execute("SET lock_timeout = '10s'")
            await see_everything(connection)
            applied = 0
            for source in sources:
                applied += await _apply(connection, source)
            if (role := await unbound(connection)) is not None:
                raise MigrationError(
                    f"the role {role} bypasses row-level security, which keeps tenants apart: let the service log in as a role"
                    f" without SUPERUSER and BYPASSRLS that owns its database"
                )
            return applied


async def _apply(connection: psycopg.AsyncConnection[tuple[object, ...]], source: MigrationSource) -> int:
    rows = await connection.execute(
        "SELECT number, checksum FROM schema_migrations WHERE source = %s ORDER BY number", (source.name,)
    )
    history = {int(str(number)): str(checksum) for number, checksum in await rows.fetchall()}
    files = source.files()
    newest = max(history, default=0)
    if newest > len(files):
        raise MigrationError(
            f"{source.name}: the database has migration {newest:04}, this release knows {len(files):04}: run a newer release"
        )
    applied = 0
    for number, name, sql in files:
        checksum = hashlib.sha256(sql.encode()).hexdigest()
        if number in history:
            if history[number] != checksum:
                raise MigrationError(
                    f"{source.name}: {number:04}_{name}.sql was edited after it was applied: restore it and add a new file"
                )
            continue
        async with connection.transaction():
            await connection.execute(sql.encode())
            await connection.execute(
                "INSERT INTO schema_migrations (source, number, name, checksum) VALUES (%s, %s, %s, %s)",
                (source.name, number, name, checksum),
            )
        applied += 1
    return applied
