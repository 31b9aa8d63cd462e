"""Retention: what outlived it goes, in order and never otherwise, and what is left still verifies."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from novacron.ids import new_id
from novacron_auth.audit.entry import Entry, Event, Link

UNGUARDED = "; ".join(f"ALTER TABLE auth_audit_{table} DISABLE TRIGGER USER" for table in ("log", "heads", "anchors"))
DAY = timedelta(days=1)


async def write_long_ago(auth, tenant_id, *days):
    """Entries as the service wrote them so many days ago."""
    async with auth.database.transaction() as connection:
        for ago in days:
            head, _ = await auth.audit.hold(connection, tenant_id)
            at = datetime.now(UTC) - ago * DAY
            entry = Entry(new_id(), head.sequence + 1, Event(tenant_id, "test", True), at, head.hash)
            entry = replace(entry, hash=entry.computed_hash())
            await connection.execute(
                "INSERT INTO auth_audit_log (id, tenant_id, sequence, action, success, created_at, previous_hash, hash)"
                " VALUES (%s, %s, %s, 'test', true, %s, %s, %s)",
                (entry.id, tenant_id, entry.sequence, at, entry.previous_hash, entry.hash),
            )
            await connection.execute(
                "UPDATE auth_audit_heads SET sequence = %s, hash = %s WHERE tenant_id = %s",
                (entry.sequence, entry.hash, tenant_id),
            )


async def sequences(auth, tenant_id):
    rows = await auth.execute("SELECT sequence FROM auth_audit_log WHERE tenant_id = %s ORDER BY 1", tenant_id)
    return [row[0] for row in rows]


@pytest.fixture
async def pruned(auth):
    """A tenant whose first three of five entries have outlived the retention and are gone."""
    tenant_id = uuid4()
    await write_long_ago(auth, tenant_id, 500, 400, 367, 100, 0)
    assert await auth.retention.sweep() == 3
    return tenant_id


async def test_what_outlived_the_retention_goes_and_the_rest_verifies_and_tells_of_it(auth, pruned):
    assert await sequences(auth, pruned) == [4, 5, 6]
    checked = await auth.audit.check(pruned)
    assert (checked.fault, checked.entries, checked.head.sequence) == (None, 3, 6)
    ((action, told),) = await auth.execute("SELECT action, metadata FROM auth_audit_log WHERE sequence = 6")
    assert (action, told["sequence"]) == ("audit-log.prune", "3")
    assert await auth.retention.sweep() == 0
    assert await sequences(auth, pruned) == [4, 5, 6], "nothing is due: nothing is written either"


async def test_an_anchor_moves_on_and_a_young_tenant_is_left_alone(auth, pruned):
    young = uuid4()
    await write_long_ago(auth, young, 364, 1)
    await auth.execute(UNGUARDED)
    await write_long_ago(auth, other := uuid4(), 800, 700)
    assert await auth.retention.sweep() == 2
    await write_long_ago(auth, other, 390)
    await write_long_ago(auth, other, 3)
    assert await auth.retention.sweep() == 1 + 1, "the entry that told of the first pruning was written before these"
    assert await auth.audit.verify(other) is None
    assert await sequences(auth, other) == [5, 6]
    assert await sequences(auth, young) == [1, 2]


async def test_whoever_was_killed_between_anchor_and_removal_is_finished_by_the_next(auth):
    tenant_id = uuid4()
    await write_long_ago(auth, tenant_id, 500, 400, 1)
    await auth.retention._anchor(tenant_id, 365 * DAY)
    assert await sequences(auth, tenant_id) == [1, 2, 3, 4]
    assert await auth.audit.verify(tenant_id) is None
    assert [entry.sequence for entry in await auth.audit_entries._store.newest(tenant_id, (), None, 9)] == [4, 3]
    assert await auth.retention.sweep() == 2
    assert await auth.audit.verify(tenant_id) is None


async def test_a_beginning_that_does_not_verify_is_kept_as_evidence(auth):
    tenant_id = uuid4()
    await write_long_ago(auth, tenant_id, 500, 400, 1)
    await auth.execute(UNGUARDED)
    await auth.execute("UPDATE auth_audit_log SET action = 'harmless' WHERE tenant_id = %s AND sequence = 1", tenant_id)
    assert await auth.retention.sweep() == 0
    assert await sequences(auth, tenant_id) == [1, 2, 3]
    assert (await auth.audit.verify(tenant_id)).sequence == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM auth_audit_log WHERE sequence = 4",
        "DELETE FROM auth_audit_anchors",
        "TRUNCATE auth_audit_anchors",
        "UPDATE auth_audit_anchors SET sequence = 2",
        "UPDATE auth_audit_anchors SET sequence = 5, hash = (SELECT hash FROM auth_audit_log WHERE sequence = 5)",
        "UPDATE auth_audit_anchors SET sequence = 5, removed_before = now() + interval '1 day',"
        " hash = (SELECT hash FROM auth_audit_log WHERE sequence = 5)",
        "UPDATE auth_audit_anchors SET sequence = 4, hash = sha256('x')",
        "INSERT INTO auth_audit_anchors SELECT gen_random_uuid(), 1, sha256('x'), now() - interval '31 days'",
    ],
)
async def test_the_database_lets_nothing_go_that_is_younger_or_out_of_order(auth, pruned, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await auth.execute(statement)
    assert await auth.audit.verify(pruned) is None


@pytest.mark.parametrize(
    ("tamper", "sequence", "problem"),
    [
        ("DELETE FROM auth_audit_anchors", 4, "3 entries before it are missing"),
        ("UPDATE auth_audit_anchors SET hash = sha256('x')", 4, "it does not follow from the entry before it"),
        ("UPDATE auth_audit_anchors SET removed_before = now()", 4, "the chain does not tell of it"),
        # A beginning cut off by somebody who knows of anchors, and moves the anchor along.
        (
            "UPDATE auth_audit_anchors a SET sequence = 4, hash = e.hash FROM auth_audit_log e WHERE e.sequence = 4;"
            "DELETE FROM auth_audit_log WHERE sequence = 4",
            5,
            "the chain does not tell of it",
        ),
        ("DELETE FROM auth_audit_log", 4, "the last 3 entries are missing"),
    ],
)
async def test_who_cuts_off_a_beginning_past_the_service_is_found(auth, pruned, tamper, sequence, problem):
    await auth.execute(UNGUARDED)
    await auth.execute(tamper)
    fault = await auth.audit.verify(pruned)
    assert (fault.sequence, problem in fault.problem) == (sequence, True), fault


async def test_a_chain_that_outlived_it_whole_keeps_the_entry_that_tells_so(auth):
    tenant_id = uuid4()
    await write_long_ago(auth, tenant_id, 900, 800)
    assert await auth.retention.sweep() == 2
    assert await sequences(auth, tenant_id) == [3]
    assert await auth.audit.verify(tenant_id) is None
    async with auth.database.transaction() as connection:
        head, _ = await auth.audit.hold(connection, tenant_id)
    assert head != Link()
