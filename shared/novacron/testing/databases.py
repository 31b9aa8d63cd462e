"""A PostgreSQL for the session, a template database for each set of migrations, a copy of it for each test."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
from psycopg import sql

from .. import tenancy
from ..db import MigrationSource, migrate
from ..db.row_security import SETTING
from ..embedded.postgres import EmbeddedPostgres

_OWNER = "novacron_tests"


class Databases:
    """Makes migrated databases, each in a few milliseconds. Their owner is no superuser: what holds a service holds it too."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._templates: dict[tuple[MigrationSource, ...], str] = {}
        self._password = ""

    def create(self, *sources: MigrationSource) -> str:
        """The URL of a new database with these migrations applied, in this order."""
        template = self._templates.get(sources)
        if template is None:
            template = self._templates[sources] = self._new()
            asyncio.run(migrate(self._url(template), sources))
        return self._url(self._new(template))

    def drop(self, url: str) -> None:
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(url.rpartition("/")[2])))

    def _new(self, template: str = "template0") -> str:
        if not self._password:
            self._make_owner()
        name, owner = f"test_{uuid4().hex}", sql.Identifier(_OWNER)
        # Files are copied as they are: without fsync that takes a third of what writing each page into the log does.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER {}")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(template), owner))
        return name

    def _make_owner(self) -> None:
        password, owner = uuid4().hex, sql.Identifier(_OWNER)
        self._execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(owner, sql.Literal(password)))
        # A test that looks into a database on a connection of its own is no tenant; services' connections say whom they serve.
        self._execute(sql.SQL(f"ALTER ROLE {{}} SET {SETTING} = {{}}").format(owner, sql.Literal(tenancy.EVERY_TENANT)))
        self._password = password

    def _url(self, name: str) -> str:
        return self._server.url(name, _OWNER, self._password)

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server.url(), autocommit=True) as connection:
            connection.execute(statement)
