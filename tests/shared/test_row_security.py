"""What a connection tells PostgreSQL of whose rows it may see."""

import asyncio
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from novacron import tenancy
from novacron.db import migrate
from novacron.db.migrations import MigrationError, MigrationSource
from novacron.rpc.identity import Identity, IdentityStage, Subject
from novacron.rpc.policy import MethodPolicy

OURS, THEIRS = UUID(int=1), UUID(int=2)
TABLE = """
CREATE TABLE things (id int PRIMARY KEY, tenant_id uuid NOT NULL);
ALTER TABLE things ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON things USING (
    (SELECT current_setting('novacron.tenant', true) = '*')
    OR tenant_id::text = (SELECT current_setting('novacron.tenant', true))
);
"""


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    directory = tmp_path_factory.mktemp("things")
    (directory / "0001_things.sql").write_text(TABLE)
    return MigrationSource("things", directory)


@pytest.fixture
async def database(new_database, things):
    made = await new_database(things)
    async with made.connection() as connection:
        await connection.execute("INSERT INTO things VALUES (1, %s), (2, %s)", (OURS, THEIRS))
    return made


@pytest.fixture
def as_tenant():
    """This test speaks for a tenant from here on."""
    tenancy.restrict(OURS)
    yield
    tenancy.detached()


async def seen(connection):
    return [row[0] for row in await (await connection.execute("SELECT id FROM things ORDER BY id")).fetchall()]


async def test_a_tenants_statement_sees_its_rows_alone_and_leaves_nothing_behind(database):
    async with database.connection() as connection:
        assert await seen(connection) == [1, 2]
        tenancy.restrict(OURS)
        assert await seen(connection) == [1]
        tenancy.restrict(THEIRS)
        assert await seen(connection) == [2]
        tenancy.restrict(None)
        assert await seen(connection) == [1, 2]


async def test_in_a_transaction_each_statement_sees_what_its_task_may_at_that_moment(database, as_tenant):
    async with database.transaction() as connection:
        assert await seen(connection) == [1]
        with tenancy.every_tenant():
            assert await seen(connection) == [1, 2]
        assert await seen(connection) == [1]


async def test_a_savepoint_that_is_rolled_back_takes_no_restriction_along(database, as_tenant):
    async with database.transaction() as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            async with connection.transaction():
                assert await seen(connection) == [1]
                await connection.execute("SELECT 1 / 0")
        assert await seen(connection) == [1]


async def test_a_tenant_can_neither_write_nor_take_nor_drop_what_is_anothers(database, as_tenant):
    async with database.connection() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("INSERT INTO things VALUES (3, %s)", (THEIRS,))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("UPDATE things SET tenant_id = %s", (THEIRS,))
        assert (await connection.execute("UPDATE things SET id = id + 10")).rowcount == 1
        assert (await connection.execute("DELETE FROM things")).rowcount == 1
    with tenancy.every_tenant():
        async with database.connection() as connection:
            assert await seen(connection) == [2]


async def test_cursors_of_every_kind_are_held_to_it(database, as_tenant):
    async with database.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        assert await (await cursor.execute("SELECT id FROM things")).fetchall() == [{"id": 1}]
    async with database.transaction() as connection, connection.cursor(name="kept") as cursor:
        await cursor.execute("SELECT id FROM things")
        assert await cursor.fetchall() == [(1,)]
    async with database.connection() as connection, connection.pipeline():
        first = await connection.execute("SELECT count(*) FROM things")
        with tenancy.every_tenant():
            second = await connection.execute("SELECT count(*) FROM things")
        third = await connection.execute("SELECT count(*) FROM things WHERE id = %s", (2,))
        counts = [(await cursor.fetchone())[0] for cursor in (first, second, third)]
    # What goes out in one pipeline errs on the side of too little.
    assert (counts[0], counts[2]) == (1, 0)
    assert counts[1] in (1, 2)


async def test_what_takes_no_word_before_it_is_refused_to_a_tenant(database, as_tenant):
    async with database.connection() as connection, connection.cursor() as cursor:
        for way in (
            lambda: cursor.copy("COPY things TO STDOUT"),
            lambda: cursor.stream("SELECT * FROM things"),
        ):
            with pytest.raises(RuntimeError, match="does not say whose rows"):
                way()
        with pytest.raises(RuntimeError, match="does not say whose rows"):
            await cursor.executemany("INSERT INTO things VALUES (%s, %s)", [(3, OURS)])


async def test_a_statement_that_failed_or_was_cancelled_leaves_the_connection_whole(database, as_tenant):
    for _ in range(3):
        async with database.connection() as connection:
            with pytest.raises(psycopg.errors.UniqueViolation):
                await connection.execute("INSERT INTO things VALUES (2, %s)", (OURS,))
            waiting = asyncio.create_task(connection.execute("SELECT pg_sleep(30)"))
            await asyncio.sleep(0.05)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await seen(connection) == [1]


async def test_a_task_that_a_request_begins_is_restricted_like_it(database, as_tenant):
    async def look():
        async with database.connection() as connection:
            return await seen(connection)

    assert await asyncio.create_task(look()) == [1]


async def test_who_says_nothing_sees_nothing(database):
    async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as connection:
        await connection.execute("SET novacron.tenant = ''")
        assert await seen(connection) == []
        await connection.execute("SET novacron.tenant = 'somebody'")
        assert await seen(connection) == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("INSERT INTO things VALUES (3, %s)", (OURS,))


async def test_a_service_does_not_start_as_a_role_that_policies_do_not_hold(postgres, database, things):
    with pytest.raises(MigrationError, match="role postgres bypasses row-level security"):
        await migrate(postgres.url(database.url.rpartition("/")[2]), [things])


SUBJECT = Subject(uuid4(), OURS, "somebody", uuid4())


class Known:
    """Whoever shows anything is one user."""

    def __init__(self, *permissions):
        self.held = frozenset(permissions)

    async def subject(self, token):
        return SUBJECT

    async def permissions(self, subject):
        return self.held


class Call:
    path, metadata = "/a/B", {"authorization": "Bearer x"}

    class context:
        @staticmethod
        def peer_identity_key():
            return None

    def __init__(self, **policy):
        self.policy = MethodPolicy(self.path, declared=True, **policy)


@pytest.mark.parametrize(
    ("held", "policy", "sees"),
    [
        (("vm:read",), {"permission": "vm:read"}, str(OURS)),
        ((), {"authenticated": True}, str(OURS)),
        (("*:*",), {"permission": "vm:read"}, "*"),
        (("vm:read", "tenant:any"), {"permission": "vm:read"}, "*"),
        (("vm:read",), {"public": True}, "*"),
    ],
)
async def test_the_chain_restricts_a_request_to_what_its_caller_sees(held, policy, sees):
    async def handler(call):
        return tenancy.sees()

    assert await IdentityStage(Known(*held), "novacron/testing").server_stage(Call(**policy), handler) == sees
    tenancy.detached()


def test_a_service_sees_every_tenant():
    assert Identity(service="vm").tenant_filter is None
    assert tenancy.sees() == tenancy.EVERY_TENANT
