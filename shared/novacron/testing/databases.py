"""A PostgreSQL for the session, a template database for each set of migrations, a copy of it for each test."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
from psycopg import sql

from ..db import MigrationSource, migrate
from ..embedded.postgres import EmbeddedPostgres


class Databases:
    """Makes migrated databases, each in a few milliseconds."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._templates: dict[tuple[MigrationSource, ...], str] = {}

    def create(self, *sources: MigrationSource) -> str:
        """The URL of a new database with these migrations applied, in this order."""
        template = self._templates.get(sources)
        if template is None:
            template = self._templates[sources] = self._new()
            asyncio.run(migrate(self._server.url(template), sources))
        return self._server.url(self._new(template))

    def drop(self, url: str) -> None:
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(url.rpartition("/")[2])))

    def _new(self, template: str = "template0") -> str:
        name = f"test_{uuid4().hex}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server.url(), autocommit=True) as connection:
            connection.execute(statement)
