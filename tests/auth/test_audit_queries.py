"""Asking the audit log: by user, action, time and outcome; page by page, as JSON lines, and link by link."""

import json
from ipaddress import ip_address
from uuid import UUID, uuid4

import pytest

from novacron.api.auth.v1 import (
    AuditLogServiceStub,
    ExportAuditEntriesRequest,
    ListAuditEntriesRequest,
    VerifyAuditLogRequest,
)
from novacron.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from novacron_auth.audit.entry import Event, Link
from novacron_auth.sessions.origin import Origin
from novacron_auth.users.account import Role


@pytest.fixture
async def admin(auth):
    """A platform admin's token, and its tenant."""
    account = await auth.user("root", Role.ADMIN)
    return auth.as_user((await auth.login("root")).access_token, AuditLogServiceStub), account


async def write(auth, tenant_id, *events):
    async with auth.database.transaction() as connection:
        for action, success, user_id, address, metadata in events:
            origin = Origin(ip_address(address) if address else None, "tester/1.0")
            said = None if success else "wrong"
            await auth.audit.append(connection, Event(tenant_id, action, success, user_id, said, origin, metadata))


async def listed(stub, text="", **more):
    answer = await stub.ListAuditEntries(ListAuditEntriesRequest(filter=text, **more))
    return [(entry.sequence, entry.action) for entry in answer.audit_entries]


async def test_entries_are_found_by_user_action_time_outcome_address_and_what_they_are_about(auth, admin):
    stub, _ = admin
    tenant, one, other = uuid4(), uuid4(), uuid4()
    await write(
        auth,
        tenant,
        ("user.create", True, one, "192.0.2.1", {"target_user_id": str(other)}),
        ("user.delete", False, one, "2001:db8::1", {}),
        ("login", True, other, "192.0.2.1", {}),
        ("login", False, None, None, {"username": "50%_of\\it"}),
    )
    within = {"tenant_id": str(tenant)}
    ((cut,),) = await auth.execute(
        "SELECT created_at FROM auth_audit_log WHERE tenant_id = %s AND sequence = 3", tenant
    )
    expected = {
        "": [4, 3, 2, 1],
        f"user_id = {one}": [2, 1],
        f"user_id != {one}": [4, 3],
        "action = login": [4, 3],
        'action = "user.*"': [2, 1],
        "action != login": [2, 1],
        "success = false": [4, 2],
        'ip_address = "2001:db8::1"': [2],
        "ip_address != 192.0.2.1": [4, 2],
        f"metadata.target_user_id = {other}": [1],
        'metadata.username = "*%_of\\\\it"': [4],
        f'created_at >= "{cut.isoformat()}"': [4, 3],
        f'created_at < "{cut.isoformat()}" AND success = true': [1],
        'created_at > "2200-01-01T00:00:00Z"': [],
    }
    found = {text: [sequence for sequence, _ in await listed(stub, text, **within)] for text in expected}
    assert found == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("user_id = alice", "user_id takes a user's id"),
        ("success = yes", "success takes true or false"),
        ("created_at > yesterday", "takes a time with its zone"),
        ('created_at > "2026-01-01T00:00:00"', "takes a time with its zone"),
        ("ip_address = 192.0.2.0/24", "takes an address"),
        ("action > login", "takes = and != only"),
        ("hash = 1", "fields are action, created_at, ip_address, success, user_id, metadata.KEY"),
        ("metadata = 1", "no field 'metadata'"),
        ('action = "a\0b"', "NUL"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused_with_what_would(admin, text, said):
    with pytest.raises(InvalidArgument, match=said):
        await listed(admin[0], text)


async def test_pages_neither_skip_nor_repeat_while_others_write_and_a_token_fits_its_own_list_only(auth, admin):
    stub, _ = admin
    tenant = uuid4()
    events = [(f"number.{number}", True, None, None, {}) for number in range(7)]
    await write(auth, tenant, *events)
    request = ListAuditEntriesRequest(page_size=3, tenant_id=str(tenant))
    seen = []
    while True:
        page = await stub.ListAuditEntries(request)
        seen += [entry.sequence for entry in page.audit_entries]
        await write(auth, tenant, ("later", True, None, None, {}))
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    with pytest.raises(InvalidArgument, match="not a token of this list"):
        await stub.ListAuditEntries(ListAuditEntriesRequest(page_token=request.page_token, filter="success = true"))
    with pytest.raises(InvalidArgument, match="not a token of this list"):
        await stub.ListAuditEntries(ListAuditEntriesRequest(page_token=request.page_token))


async def test_an_export_is_the_whole_chain_in_order_and_goes_on_where_it_ended(auth, admin):
    stub, _ = admin
    tenant = uuid4()
    await write(auth, tenant, *((f"number.{number}", True, None, None, {}) for number in range(1100)))
    whole = [entry async for entry in stub.ExportAuditEntries(ExportAuditEntriesRequest(tenant_id=str(tenant)))]
    assert [entry.sequence for entry in whole] == [*range(1, 1101)]
    links = [(Link().sequence, Link().hash), *((entry.sequence, entry.hash) for entry in whole)]
    assert [entry.previous_hash for entry in whole] == [hash_ for _, hash_ in links[:-1]]
    rest = ExportAuditEntriesRequest(tenant_id=str(tenant), after_sequence=1098, filter='action = "number.*"')
    assert [entry.sequence async for entry in stub.ExportAuditEntries(rest)] == [1099, 1100]


async def test_another_tenants_log_does_not_exist_and_reading_takes_the_permission(auth, admin):
    root, account = admin
    await auth.user("mallory", Role.ADMIN, tenant="elsewhere")
    await auth.execute("UPDATE users SET role = 'user' WHERE username = 'mallory'")
    login = await auth.login("mallory", tenant="elsewhere")
    stub = auth.as_user(login.access_token, AuditLogServiceStub)
    with pytest.raises(PermissionDenied, match="audit-log:read"):
        await stub.ListAuditEntries(ListAuditEntriesRequest())
    await auth.execute(
        "INSERT INTO user_roles (user_id, role_id)"
        " SELECT u.id, r.id FROM users u, roles r WHERE u.username = 'mallory' AND r.name = 'tenant-admin'"
    )
    own = await stub.ListAuditEntries(ListAuditEntriesRequest())
    assert {entry.tenant_id for entry in own.audit_entries} == {login.user.tenant_id}
    assert (own.audit_entries[0].action, own.audit_entries[0].user_id) == ("login", login.user.user_id)
    answers = set()
    for foreign in (str(account.tenant_id), str(UUID(int=0)), str(uuid4())):
        for ask in (
            stub.ListAuditEntries(ListAuditEntriesRequest(tenant_id=foreign)),
            stub.VerifyAuditLog(VerifyAuditLogRequest(tenant_id=foreign)),
            anext(aiter(stub.ExportAuditEntries(ExportAuditEntriesRequest(tenant_id=foreign)))),
        ):
            with pytest.raises(NotFound) as caught:
                await ask
            answers.add(caught.value.message.replace(foreign, "ID"))
    assert answers == {"tenant ID not found"}
    assert await listed(root, tenant_id=login.user.tenant_id)


async def test_verification_counts_names_the_first_fault_and_gives_the_head(auth, admin):
    stub, account = admin
    with pytest.raises(Unauthenticated):
        await auth.login("root", "wrong")
    whole = await stub.VerifyAuditLog(VerifyAuditLogRequest())
    ((sequence, hash_),) = await auth.execute(
        "SELECT sequence, hash FROM auth_audit_heads WHERE tenant_id = %s", account.tenant_id
    )
    assert (whole.whole, whole.checked_entries, whole.head_sequence, whole.head_hash) == (True, 2, sequence, hash_)
    await auth.execute("ALTER TABLE auth_audit_log DISABLE TRIGGER USER")
    await auth.execute("UPDATE auth_audit_log SET success = true WHERE sequence = 2")
    broken = await stub.VerifyAuditLog(VerifyAuditLogRequest())
    assert (broken.whole, broken.faulty_sequence) == (False, 2)
    assert broken.problem == "its contents are not what was written"


async def test_the_command_lists_exports_and_verifies(auth, shell, password):
    await auth.user("root", Role.ADMIN)
    run = shell("root")

    assert (await run("login", "root", "--password-file", "-", typed="wrong"))[0] == 4
    code, _, err = await run("login", "root", "--password-file", "-", typed=password)
    assert code == 0, err
    code, out, err = await run("audit-log", "list", "--since", "1h", "--action", "login", "--failed")
    assert (code, len(out.splitlines())) == (0, 2), err
    code, out, err = await run(
        "audit-log", "list", "--user", "root", "--succeeded", "--tenant", "default", "-o", "json"
    )
    assert (code, [one["action"] for one in json.loads(out)]) == (0, ["login"]), err
    code, out, err = await run("audit-log", "export", "--after", "1")
    assert (code, [json.loads(line)["sequence"] for line in out.splitlines()], err) == (0, ["2"], "1 entries\n")
    code, out, err = await run("audit-log", "verify")
    assert (code, out.startswith("whole: 2 entries, head 2 ")) == (0, True), err
    await auth.execute("ALTER TABLE auth_audit_log DISABLE TRIGGER USER")
    await auth.execute("DELETE FROM auth_audit_log WHERE sequence = 1")
    code, out, err = await run("audit-log", "verify")
    assert (code, out) == (1, "")
    assert "broken at entry 2: 1 entries before it are missing" in err
    code, _, err = await run("audit-log", "list", "--since", "soon")
    assert (code, "neither a duration" in err) == (2, True)
