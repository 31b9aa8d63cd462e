"""The second wall in every service's database: a query that forgot its WHERE shows, changes and writes one tenant's rows alone.

The tables are found, not listed: whatever has a tenant's id, and whatever belongs to a row of such a table.
"""

from __future__ import annotations

from collections import defaultdict
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from novacron import tenancy
from novacron.db import service_migrations
from novacron.saga import MIGRATIONS as SAGA
from novacron.saga import barrier
from novacron_monitoring.partition import Partition
from novacron_monitoring.partitions import Partitions

SOURCES = {
    "auth": (),
    "vm": (SAGA, barrier.MIGRATIONS),
    "scheduler": (barrier.MIGRATIONS,),
    "federation": (barrier.MIGRATIONS,),
    "monitoring": (barrier.MIGRATIONS,),
    "registry": (),
}
WITHOUT_TENANTS = {"federation", "registry"}
OURS, THEIRS = uuid4(), uuid4()

_COLUMNS = """
SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',
    t.typtype::text, (SELECT min(enumlabel) FROM pg_enum WHERE enumtypid = t.oid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum
"""
_REFERENCES = """
SELECT conrelid::regclass::text, confrelid::regclass::text, a.attname::text FROM pg_constraint
JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
WHERE contype = 'f' AND conparentid = 0 ORDER BY 1, 3
"""
_WALLS = """
SELECT relname::text, relrowsecurity AND relforcerowsecurity,
    relispartition OR EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
"""
# What stands between a made-up row and its table, and is not what is tested.
_LOOSEN = """
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT conrelid::regclass AS relation, conname FROM pg_constraint
        WHERE contype IN ('c', 'f') AND conrelid <> 0 AND conparentid = 0 AND connamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', one.relation, one.conname);
    END LOOP;
    FOR one IN SELECT oid::regclass AS relation FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', one.relation);
    END LOOP;
END $$;
"""
_VALUES = {
    "uuid": lambda: uuid4(),
    "text": lambda: uuid4().hex,
    "bytea": lambda: uuid4().bytes * 2,
    "timestamp with time zone": lambda: "2026-01-01T00:00:00Z",
    "jsonb": lambda: "{}",
    "bigint": lambda: 1,
    "integer": lambda: 1,
    "boolean": lambda: False,
    "interval": lambda: "1 hour",
    "inet": lambda: "192.0.2.1",
    "double precision": lambda: 0.5,
    "numeric": lambda: 1,
}


class Tables:
    """The tables of a service's database that hold what is somebody's, and rows of two tenants in each of them."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.columns: dict[str, list[tuple[str, str, bool, str, str]]] = defaultdict(list)
        self.parents: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.rows: dict[tuple[str, UUID], dict[str, Any]] = {}

    async def read(self) -> None:
        for table, *column in await self.sql(_COLUMNS):
            self.columns[table].append(tuple(column))
        for table, parent, column in await self.sql(_REFERENCES):
            self.parents[table].append((parent, column))

    def owned(self, table: str) -> bool:
        """Whether its rows are tenants': by a column of their own, or by what they belong to for good."""
        names = {name for name, *_ in self.columns[table]}
        by_itself = "tenant_id" in names or table == "tenants"
        return by_itself or any(parent != table and self.owned(parent) for parent, _ in self.parents[table])

    @property
    def all(self) -> list[str]:
        return [table for table in self.columns if self.owned(table)]

    async def fill(self) -> None:
        """A row of each tenant in each, with what it belongs to before it."""
        await self.sql("CREATE TABLE vm_metrics_2026 PARTITION OF vm_metrics DEFAULT", when="vm_metrics")
        await self.sql(_LOOSEN)
        for tenant in (OURS, THEIRS):
            for table in self.all:
                await self.add(table, tenant)

    async def add(self, table: str, tenant: UUID) -> dict[str, Any]:
        if (table, tenant) not in self.rows:
            row = self.rows[table, tenant] = await self.made_up(table, tenant)
            await self.insert(table, row)
        return self.rows[table, tenant]

    async def made_up(self, table: str, tenant: UUID) -> dict[str, Any]:
        row: dict[str, Any] = {}
        belongs = {column: parent for parent, column in self.parents[table] if parent != table}
        for name, kind, required, of, label in self.columns[table]:
            if name == "tenant_id" or (table, name) == ("tenants", "id"):
                row[name] = tenant
            elif name in belongs and self.owned(belongs[name]) and name != "template_id":
                parent = await self.add(belongs[name], tenant)
                row[name] = parent.get("id", parent.get("saga_id"))
            elif required or (name, kind) == ("id", "uuid"):
                row[name] = label if of == "e" else "{}" if kind.endswith("[]") else _VALUES[kind]()
        return row

    async def insert(self, table: str, row: dict[str, Any]) -> None:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.SQL("%s")] * len(row)),
        )
        await self.sql(statement, *row.values())

    async def sql(self, statement: Any, *values: Any, when: str = "") -> list[Any]:
        if when and when not in self.columns:
            return []
        async with self.database.connection() as connection:
            cursor = await connection.execute(statement, values or None)
            return await cursor.fetchall() if cursor.description else [cursor.rowcount]


def sources(service: str) -> tuple[Any, ...]:
    package = import_module(f"novacron_{service}")
    return (*SOURCES[service], service_migrations(service, package.__file__))


@pytest.fixture(params=[name for name in SOURCES if name not in WITHOUT_TENANTS])
async def tables(request, new_database):
    made = Tables(await new_database(*sources(request.param)))
    await made.read()
    return made


@pytest.mark.parametrize("service", SOURCES)
async def test_every_table_with_what_is_somebodys_has_a_policy_that_its_owner_is_held_to(service, new_database):
    tables = Tables(await new_database(*sources(service)))
    await tables.read()
    walls = {table: (forced, policy) for table, forced, policy in await tables.sql(_WALLS)}
    open_ = [table for table in tables.all if walls[table] != (True, True)]
    assert not open_, (
        f"ENABLE and FORCE ROW LEVEL SECURITY, and a policy, for {open_}: see the others in its migrations"
    )
    assert bool(tables.all) == (service not in WITHOUT_TENANTS)


async def test_a_query_that_forgot_its_where_meets_the_tenants_rows_alone(tables):
    await tables.fill()
    wrong = []
    for table in tables.all:
        name = sql.Identifier(table)
        columns = [column for column, *_ in tables.columns[table]]
        ours, theirs = (tables.rows[table, tenant] for tenant in (OURS, THEIRS))
        every = sql.SQL("SELECT * FROM {}").format(name)
        tenancy.restrict(OURS)
        found = [dict(zip(columns, row, strict=True)) for row in await tables.sql(every)]
        for row in found:
            foreign = {
                column for column, value in theirs.items() if isinstance(value, UUID) and row.get(column) == value
            }
            if foreign:
                wrong.append(f"{table}: SELECT shows another's {foreign}")
        if not any(
            all(row[column] == value for column, value in ours.items() if isinstance(value, UUID)) for row in found
        ):
            wrong.append(f"{table}: SELECT hides what is the tenant's own")
        await changes(tables, table, next(iter(ours)), wrong)
        tenancy.detached()
        left = len(await tables.sql(every))
        if left < 2:
            wrong.append(f"{table}: a tenant's DELETE took what was another's")
    assert not wrong, "\n".join(wrong)
    assert len(tables.all) > 1


async def changes(tables: Tables, table: str, key: str, wrong: list[str]) -> None:
    """As one tenant: change, give away, insert and delete without a word of whose."""
    name = sql.Identifier(table)
    theirs = await tables.made_up(table, THEIRS)
    own = "tenant_id" if "tenant_id" in theirs else "id" if table == "tenants" else ""
    async with tables.database.transaction() as connection:
        for statement, values in (
            (sql.SQL("UPDATE {} SET {k} = {k}").format(name, k=sql.Identifier(key)), ()),
            (sql.SQL("DELETE FROM {}").format(name), ()),
        ):
            try:
                async with connection.transaction():
                    touched = (await connection.execute(statement, values)).rowcount
                    if touched != 1:
                        wrong.append(f"{table}: {statement.as_string()} touched {touched} rows")
                    raise psycopg.Rollback
            except psycopg.errors.InsufficientPrivilege:
                pass  # it met the platform's own rows, which are seen by all and changed by none
        refused = [(sql.SQL("UPDATE {} SET {} = %s").format(name, sql.Identifier(own)), (THEIRS,))] if own else []
        if own or table not in {"saga_step", "vm_state_transitions"}:  # these come with what they belong to
            columns = sql.SQL(", ").join(map(sql.Identifier, theirs))
            marks = sql.SQL(", ").join([sql.SQL("%s")] * len(theirs))
            insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(name, columns, marks)
            refused.append((insert, tuple(theirs.values())))
        for statement, values in refused:
            try:
                async with connection.transaction():
                    await connection.execute(statement, values)
                    wrong.append(f"{table}: {statement.as_string()} was carried out for another tenant")
                    raise psycopg.Rollback
            except psycopg.errors.InsufficientPrivilege:
                pass
        raise psycopg.Rollback


async def test_what_belongs_to_nobody_is_seen_by_every_tenant_and_changed_by_none(new_database):
    database = await new_database(*sources("auth"))
    tenancy.restrict(OURS)
    async with database.transaction() as connection:
        seen = await (await connection.execute("SELECT name FROM roles FOR UPDATE")).fetchall()
        assert ("admin",) in seen
    for statement in ("UPDATE roles SET description = ''", "INSERT INTO roles (name) VALUES ('mine')"):
        async with database.connection() as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(statement)
    async with database.connection() as connection:
        assert (await connection.execute("DELETE FROM roles")).rowcount == 0


async def test_a_public_template_is_read_by_all_and_changed_by_its_tenant_alone(new_database):
    tables = Tables(await new_database(*sources("vm")))
    await tables.read()
    row = await tables.made_up("vm_templates", THEIRS)
    await tables.insert("vm_templates", {**row, "is_public": True})
    tenancy.restrict(OURS)
    assert len(await tables.sql("SELECT id FROM vm_templates")) == 1
    assert await tables.sql("UPDATE vm_templates SET name = 'mine'") == [0]
    assert await tables.sql("DELETE FROM vm_templates") == [0]
    tenancy.detached()


async def test_a_partition_shows_nobody_anything_by_its_own_name(new_database):
    tables = Tables(await new_database(*sources("monitoring")))
    await tables.read()
    async with tables.database.connection() as connection:
        now, _ = await Partitions().present(connection)
        (made,) = await Partitions().make(connection, [Partition(now.date())])
    await tables.insert("vm_metrics", {**await tables.made_up("vm_metrics", OURS), "time": now})
    for tenant in (None, OURS):
        tenancy.restrict(tenant)
        assert len(await tables.sql("SELECT vm_id FROM vm_metrics")) == 1
        assert await tables.sql(sql.SQL("SELECT vm_id FROM {}").format(sql.Identifier(made.name))) == []
    tenancy.detached()
