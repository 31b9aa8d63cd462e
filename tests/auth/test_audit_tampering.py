"""Every byte of a stored chain is flipped, every entry removed, every order tried: all of it is found, and counted."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from novacron_auth.audit.entry import Entry, Event
from novacron_auth.sessions.origin import Origin

TABLES = {"auth_audit_log": "tenant_id, sequence", "auth_audit_heads": "tenant_id", "auth_audit_anchors": "tenant_id"}
# What PostgreSQL writes around the rows of a binary COPY: a signature, flags and an extension; then an end.
HEADER, TRAILER = 19, 2
# Two that outlived the retention, then as many as are tampered with: the last is the one that tells of those two.
LONG_AGO, KEPT = (500, 400, 3, 2, 1), 4


async def read(auth, table):
    """A table as PostgreSQL writes it, byte by byte."""
    async with auth.database.connection() as connection, connection.cursor() as cursor:
        statement = f"COPY (SELECT * FROM {table} ORDER BY {TABLES[table]}) TO STDOUT (FORMAT binary)"
        async with cursor.copy(statement) as copy:
            return b"".join([bytes(part) async for part in copy])


async def write(auth, table, content):
    """Whether PostgreSQL takes these bytes for the table's rows."""
    async with auth.database.connection() as connection, connection.cursor() as cursor:
        try:
            async with connection.transaction():
                await cursor.execute(f"DELETE FROM {table}")
                async with cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
                    await copy.write(content)
        except psycopg.Error:
            return False
    return True


@pytest.fixture
async def chain(auth):
    """A chain that was pruned, whose entries hold all that an entry can; and nothing that keeps anybody from its tables."""
    tenant_id = uuid4()
    for number, ago in enumerate(LONG_AGO):
        origin = Origin.of_peer("ipv6:[2001:db8::7]:1" if number % 2 else "ipv4:192.0.2.7:1", "tester/1.0 (Zoë)")
        event = Event(tenant_id, "user.update", number % 2 == 0, uuid4(), "not allowed", origin, {"role": "Ärztin"})
        async with auth.database.transaction() as connection:
            head, _ = await auth.audit.hold(connection, tenant_id)
            at = datetime.now(UTC) - timedelta(days=ago)
            entry = Entry(uuid4(), head.sequence + 1, event, at, head.hash)
            entry = replace(entry, hash=entry.computed_hash())
            await connection.execute(
                "INSERT INTO auth_audit_log VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    *(entry.id, tenant_id, entry.sequence, event.user_id, event.action, origin.ip_address),
                    *(origin.user_agent, event.success, event.error_message, Jsonb(event.metadata), at),
                    *(entry.previous_hash, entry.hash),
                ),
            )
            await connection.execute(
                "UPDATE auth_audit_heads SET sequence = %s, hash = %s WHERE tenant_id = %s",
                (entry.sequence, entry.hash, tenant_id),
            )
    assert await auth.retention.sweep() == 2
    for table in TABLES:
        await auth.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY")
    assert await auth.audit.verify(tenant_id) is None
    return tenant_id


async def flip(auth, tenant_id, places):
    """Flip one bit in each of these bytes, one after the other: how many of them were found, refused, or changed nothing."""
    outcomes = Counter()
    for table in TABLES:
        original = await read(auth, table)
        for place in list(range(HEADER, len(original) - TRAILER))[places]:
            changed = bytearray(original)
            changed[place] ^= 1 << (place % 8)
            if not await write(auth, table, bytes(changed)):
                outcomes["refused"] += 1
            elif await read(auth, table) == original:
                outcomes["no change"] += 1
            elif await auth.audit.verify(tenant_id) is not None:
                outcomes["found"] += 1
            else:
                outcomes["missed"] += 1
        assert await write(auth, table, original)
    assert await auth.audit.verify(tenant_id) is None
    return outcomes


@pytest.mark.parametrize(
    "places",
    [slice(None, None, 9), pytest.param(slice(None), marks=pytest.mark.faults_all)],
    ids=["sample", "every byte"],
)
async def test_a_flipped_byte_is_found_wherever_it_is(auth, chain, places, record_property, capsys):
    outcomes = await flip(auth, chain, places)
    tried = sum(outcomes.values())
    with capsys.disabled():
        print(f"\n  bytes flipped: {tried}, of which {dict(outcomes)}")
    record_property("bytes flipped", tried)
    assert outcomes["missed"] == 0
    assert outcomes["found"] > tried / 2, "most flips are values that the database takes: those say something"


async def test_a_removal_of_any_entries_is_found(auth, chain):
    original = await read(auth, "auth_audit_log")
    sequences = [row[0] for row in await auth.execute("SELECT sequence FROM auth_audit_log ORDER BY 1")]
    removals = [some for count in range(1, KEPT + 1) for some in itertools.combinations(sequences, count)]
    for some in removals:
        await auth.execute("DELETE FROM auth_audit_log WHERE sequence = ANY(%s)", list(some))
        assert await auth.audit.verify(chain) is not None, f"{some} were removed"
        assert await write(auth, "auth_audit_log", original)
    assert (len(removals), await auth.audit.verify(chain)) == (2**KEPT - 1, None)


async def test_any_other_order_of_the_entries_is_found(auth, chain):
    original = await read(auth, "auth_audit_log")
    sequences = [row[0] for row in await auth.execute("SELECT sequence FROM auth_audit_log ORDER BY 1")]
    orders = [order for order in itertools.permutations(sequences) if list(order) != sequences]
    for order in orders:
        moves = ", ".join(f"({old}, {new + 100})" for old, new in zip(sequences, order, strict=True))
        await auth.execute(
            f"UPDATE auth_audit_log SET sequence = new FROM (VALUES {moves}) AS moves (old, new) WHERE sequence = old"
        )
        await auth.execute("UPDATE auth_audit_log SET sequence = sequence - 100")
        assert await auth.audit.verify(chain) is not None, f"they stood in the order {order}"
        assert await write(auth, "auth_audit_log", original)
    assert (len(orders), await auth.audit.verify(chain)) == (23, None)


async def test_an_end_that_was_cut_off_is_found_and_with_its_head_by_who_kept_the_head(auth, chain):
    kept = (await auth.audit.check(chain)).head
    for last in range(kept.sequence - 1, kept.sequence - KEPT, -1):
        await auth.execute("DELETE FROM auth_audit_log WHERE sequence > %s", last)
        fault = await auth.audit.verify(chain)
        assert (fault.sequence, fault.problem) == (last + 1, f"the last {kept.sequence - last} entries are missing")
    await auth.execute("DELETE FROM auth_audit_anchors")
    await auth.execute("DELETE FROM auth_audit_log")
    await auth.execute("UPDATE auth_audit_heads SET sequence = 0, hash = %s", bytes(32))
    rewritten = await auth.audit.check(chain)
    assert rewritten.fault is None, "who rewrites everything has a chain that fits"
    assert rewritten.head != kept, "and another head than the one that was kept elsewhere"
