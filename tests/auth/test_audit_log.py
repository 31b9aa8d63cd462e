"""The audit log: append-only in the database, and a chain that shows every change made in spite of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novacron.errors import Unauthenticated
from novacron_auth.audit.entry import Entry, Event, Link, fault_after
from novacron_auth.sessions.origin import Origin
from novacron_auth.users.account import NO_TENANT

# What stands on the way of somebody who owns the tables: nothing. The chain is for those.
UNGUARDED = "ALTER TABLE auth_audit_log DISABLE TRIGGER USER; ALTER TABLE auth_audit_heads DISABLE TRIGGER USER"


async def write(auth, tenant_id, number=5):
    for index in range(number):
        origin = Origin(ip_address("2001:db8::1"), "tester/1.0")
        event = Event(tenant_id, "test", True, uuid4(), None, origin, {"number": str(index), "name": "Zoë"})
        async with auth.database.transaction() as connection:
            await auth.audit.append(connection, event)


@pytest.fixture
async def chain(auth):
    """A tenant with five entries, and another with three."""
    tenant_id = uuid4()
    await write(auth, tenant_id)
    await write(auth, uuid4(), 3)
    assert [await auth.audit.verify(one) for one in await auth.audit.tenants()] == [None, None]
    return tenant_id


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE auth_audit_log SET success = false",
        "DELETE FROM auth_audit_log",
        "TRUNCATE auth_audit_log",
        "TRUNCATE auth_audit_heads",
        "DELETE FROM auth_audit_heads",
        "UPDATE auth_audit_heads SET sequence = sequence - 1",
        "UPDATE auth_audit_heads SET hash = sha256('x')",
        "UPDATE auth_audit_heads SET sequence = sequence + 2",
        "UPDATE auth_audit_heads SET tenant_id = gen_random_uuid(), sequence = sequence + 1",
    ],
)
async def test_the_database_refuses_to_rewrite_the_log(auth, chain, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await auth.execute(statement)
    assert await auth.audit.verify(chain) is None


@pytest.mark.parametrize(
    "edit",
    [
        "success = false",
        "action = 'tested'",
        "user_id = gen_random_uuid()",
        "user_id = NULL",
        "error_message = ''",
        "ip_address = '2001:db8::2'",
        "ip_address = NULL",
        "user_agent = 'tester/1.1'",
        "metadata = '{}'",
        'metadata = metadata || \'{"extra": "1"}\'',
        "created_at = created_at + interval '1 microsecond'",
        "id = gen_random_uuid()",
    ],
)
async def test_an_edit_of_any_column_is_found_where_it_was_made(auth, chain, edit):
    await auth.execute(UNGUARDED)
    await auth.execute(f"UPDATE auth_audit_log SET {edit} WHERE tenant_id = %s AND sequence = 3", chain)
    fault = await auth.audit.verify(chain)
    assert (fault.tenant_id, fault.sequence, fault.problem) == (chain, 3, "its contents are not what was written")


async def test_an_edit_with_its_hash_made_anew_is_found_at_the_next_entry(auth, chain):
    await auth.execute(UNGUARDED)
    async with auth.database.transaction() as connection:
        entries = [entry async for entry in auth.audit_entries._store.chain(connection, chain)]
    forged = Entry(
        entries[2].id, 3, Event(chain, "harmless", True), entries[2].created_at, entries[2].previous_hash
    ).computed_hash()
    await auth.execute(
        "UPDATE auth_audit_log SET action = 'harmless', user_id = NULL, ip_address = NULL, user_agent = NULL,"
        " metadata = '{}', hash = %s WHERE tenant_id = %s AND sequence = 3",
        forged,
        chain,
    )
    fault = await auth.audit.verify(chain)
    assert (fault.sequence, fault.problem) == (4, "it does not follow from the entry before it")


@pytest.mark.parametrize(
    ("sequence", "found_at", "problem"),
    [
        (1, 2, "1 entries before it are missing"),
        (3, 4, "1 entries before it are missing"),
        (5, 5, "the last 1 entries are missing"),
    ],
)
async def test_a_removed_entry_is_found_at_the_start_in_the_middle_and_at_the_end(
    auth, chain, sequence, found_at, problem
):
    await auth.execute(UNGUARDED)
    await auth.execute("DELETE FROM auth_audit_log WHERE tenant_id = %s AND sequence = %s", chain, sequence)
    fault = await auth.audit.verify(chain)
    assert (fault.sequence, fault.problem) == (found_at, problem)


async def test_a_chain_that_was_removed_whole_or_lost_its_head_is_found(auth, chain):
    await auth.execute(UNGUARDED)
    await auth.execute("DELETE FROM auth_audit_heads WHERE tenant_id = %s", chain)
    assert (await auth.audit.verify(chain)).problem == "the chain's head is not its last entry"
    assert chain in await auth.audit.tenants()
    await auth.execute("DELETE FROM auth_audit_log WHERE tenant_id <> %s", chain)
    faults = [await auth.audit.verify(one) for one in await auth.audit.tenants() if one != chain]
    assert [fault.problem for fault in faults] == ["the last 3 entries are missing"]


async def test_two_entries_that_changed_places_are_found(auth, chain):
    await auth.execute(UNGUARDED)
    for old, new in ((2, 99), (3, 2), (99, 3)):
        await auth.execute(
            "UPDATE auth_audit_log SET sequence = %s WHERE tenant_id = %s AND sequence = %s", new, chain, old
        )
    assert (await auth.audit.verify(chain)).sequence == 2


async def test_an_entry_that_was_slipped_in_is_found(auth, chain):
    event = Event(chain, "never happened", True)
    entry = Entry(uuid4(), 6, event, datetime.now(UTC), bytes(32))
    await auth.execute(
        "INSERT INTO auth_audit_log (id, tenant_id, sequence, action, success, created_at, previous_hash, hash)"
        " VALUES (%s, %s, 6, 'never happened', true, %s, %s, %s)",
        entry.id,
        chain,
        entry.created_at,
        entry.previous_hash,
        entry.computed_hash(),
    )
    assert (await auth.audit.verify(chain)).sequence == 6


async def test_writers_of_one_tenant_take_turns_and_those_of_another_do_not_wait(auth):
    tenants = [uuid4() for _ in range(3)]
    await asyncio.gather(*(write(auth, tenant, 10) for tenant in tenants for _ in range(4)))
    for tenant in tenants:
        assert await auth.audit.verify(tenant) is None
        assert await auth.execute("SELECT sequence FROM auth_audit_heads WHERE tenant_id = %s", tenant) == [(40,)]
    async with auth.database.transaction() as held:
        await auth.audit.append(held, Event(tenants[0], "slow", True))
        await asyncio.wait_for(write(auth, tenants[1], 1), 5)


async def test_what_is_rolled_back_leaves_no_entry_and_no_gap(auth, chain):
    with pytest.raises(ZeroDivisionError):
        async with auth.database.transaction() as connection:
            await auth.audit.append(connection, Event(chain, "undone", True))
            raise ZeroDivisionError
    await write(auth, chain, 1)
    assert await auth.audit.verify(chain) is None
    assert await auth.execute("SELECT max(sequence) FROM auth_audit_log WHERE tenant_id = %s", chain) == [(6,)]


async def test_attempts_on_tenants_that_do_not_exist_have_a_chain_too(auth):
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await auth.login("x", "y", "nowhere")
    assert await auth.audit.tenants() == [NO_TENANT]
    assert await auth.audit.verify(NO_TENANT) is None


events = st.builds(
    Event,
    tenant_id=st.uuids(),
    action=st.text(),
    success=st.booleans(),
    user_id=st.none() | st.uuids(),
    error_message=st.none() | st.text(),
    origin=st.builds(Origin, st.none() | st.ip_addresses(), st.none() | st.text()),
    metadata=st.dictionaries(st.text(), st.text(), max_size=3),
)
since, until = (datetime.fromisoformat(f"{year}-01-01") for year in (2000, 2100))
times = st.datetimes(since, until, timezones=st.just(UTC))


@settings(deadline=None)
@given(first=events, second=events, at=times, id_=st.uuids())
def test_different_events_never_share_a_hash_and_equal_ones_always_do(first, second, at, id_):
    one, two = (Entry(id_, 1, event, at, bytes(32)).computed_hash() for event in (first, second))
    assert (one == two) == (first == second)
    later = Entry(id_, 1, first, at + timedelta(microseconds=1), bytes(32))
    assert later.computed_hash() != one


@settings(deadline=None)
@given(events, times)
def test_the_first_entry_of_a_chain_follows_from_nothing_but_the_beginning(event, at):
    entry = Entry(uuid4(), 1, event, at, Link().hash)
    sealed = Entry(entry.id, 1, event, at, entry.previous_hash, entry.computed_hash())
    assert fault_after(Link(), sealed) is None
    assert fault_after(Link(0, b"\1" * 32), sealed) is not None
    assert fault_after(Link(1, bytes(32)), sealed) is not None
