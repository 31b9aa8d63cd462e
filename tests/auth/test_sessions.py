"""Sessions after their login: refreshed, listed, ended; what a stolen token comes to; what is noticed."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from novacron.api.auth.v1 import (
    SECURITY_EVENT_TYPE_ACCOUNT_LOCKED,
    SECURITY_EVENT_TYPE_IMPOSSIBLE_TRAVEL,
    SECURITY_EVENT_TYPE_REFRESH_TOKEN_REUSE,
    SESSION_STATUS_ACTIVE,
    SESSION_STATUS_EXPIRED,
    SESSION_STATUS_REVOKED,
    GeoLocation,
    GetSessionRequest,
    ListSecurityEventsRequest,
    ListSessionsRequest,
    LogoutRequest,
    RefreshSessionRequest,
    RevokeAllSessionsRequest,
    RevokeSessionRequest,
    SessionServiceStub,
)
from novacron.errors import InvalidArgument, NotFound, Overloaded, PermissionDenied, Unauthenticated
from novacron_auth.users.account import Role

BERLIN = GeoLocation(latitude=52.52, longitude=13.4, country="DE", city="Berlin")
POTSDAM = GeoLocation(latitude=52.39, longitude=13.06, country="DE", city="Potsdam")
TOKYO = GeoLocation(latitude=35.68, longitude=139.69, country="JP", city="Tokyo")


def sessions(auth, token=None):
    return auth.as_user(token, SessionServiceStub)


def refresh(auth, token):
    return sessions(auth).RefreshSession(RefreshSessionRequest(refresh_token=token))


async def refused(call):
    with pytest.raises(Unauthenticated) as caught:
        await call
    return caught.value.message


async def pass_grace(auth):
    await auth.execute("UPDATE spent_refresh_tokens SET spent_at = spent_at - interval '11 seconds'")


async def test_a_refresh_token_is_exchanged_for_the_next_pair_and_the_session_goes_on(auth):
    await auth.user()
    login = await auth.login()
    first = await refresh(auth, login.refresh_token)
    second = await refresh(auth, first.refresh_token)
    assert len({login.refresh_token, first.refresh_token, second.refresh_token}) == 3
    for token in (login.access_token, first.access_token, second.access_token):
        assert (await auth.tokens_of(token)).session_id == login.session.session_id
    assert first.session_expires_at == login.session.expires_at, "a refresh never makes a session longer"


async def test_a_lost_answer_is_given_again_to_the_byte_and_to_many_at_once(auth):
    await auth.user()
    login = await auth.login()
    answers = await asyncio.gather(*(refresh(auth, login.refresh_token) for _ in range(10)))
    assert len({answer.refresh_token for answer in answers}) == 1
    await refresh(auth, answers[0].refresh_token)


@pytest.mark.parametrize("thief_first", [True, False])
async def test_a_stolen_refresh_token_ends_the_session_for_the_thief_and_for_the_owner(auth, thief_first):
    account = await auth.user()
    login = await auth.login()
    other = await auth.login()
    kept = await refresh(auth, login.refresh_token)
    if thief_first:
        kept = await refresh(auth, kept.refresh_token)  # used on: within the grace already it is no lost answer
    else:
        await pass_grace(auth)
    await refused(refresh(auth, login.refresh_token))
    await refused(refresh(auth, kept.refresh_token))
    await refused(auth.tokens_of(kept.access_token))
    await auth.tokens_of(other.access_token)
    events = await sessions(auth, other.access_token).ListSecurityEvents(ListSecurityEventsRequest())
    reuse = [one for one in events.security_events if one.event_type == SECURITY_EVENT_TYPE_REFRESH_TOKEN_REUSE]
    assert [one.session_id for one in reuse] == [login.session.session_id]
    rows = await auth.execute("SELECT success, user_id FROM auth_audit_log WHERE action = 'session.refresh'")
    assert rows == [(False, account.user_id)]
    await refused(refresh(auth, login.refresh_token))
    assert await auth.execute("SELECT count(*) FROM security_events WHERE event_type = 'refresh_token_reuse'") == [(1,)]


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE user_sessions SET revoked_at = now()",
        "UPDATE user_sessions SET created_at = now() - interval '2 d', expires_at = now() - interval '1 s'",
        "UPDATE user_sessions SET last_accessed_at = now() - interval '13 h'",
        "UPDATE users SET disabled_at = now()",
        "UPDATE tenants SET disabled_at = now()",
        "DELETE FROM users",
    ],
)
async def test_every_ended_session_and_every_token_that_is_none_gets_one_answer(make_auth, ended):
    auth = await make_auth(session_seconds=86_400)
    await auth.user()
    login = await auth.login()
    await auth.execute(ended)
    said = {await refused(refresh(auth, login.refresh_token)), await refused(refresh(auth, "nrt_nonsense"))}
    assert said == {"the session has ended: log in again"}


async def test_a_session_knows_where_it_began_and_what_it_may(auth):
    account = await auth.user(role=Role.VIEWER)
    login = await auth.login(device_fingerprint="laptop", geo_location=BERLIN)
    shown = await sessions(auth, login.access_token).GetSession(GetSessionRequest(session_id=login.session.session_id))
    assert (shown.user_id, shown.tenant_id) == (str(account.user_id), str(account.tenant_id))
    assert (shown.device_fingerprint, shown.geo_location) == ("laptop", BERLIN)
    assert (shown.status, shown.current) == (SESSION_STATUS_ACTIVE, True)
    assert shown.ip_address in ("127.0.0.1", "::1")
    assert "grpc-python" in shown.user_agent
    assert list(shown.roles) == ["viewer"]
    assert "vm:read" in shown.permissions
    assert (shown.risk_score, list(shown.security_events)) == (0.0, [])


async def test_logout_ends_the_session_that_asks_and_no_other(auth):
    await auth.user()
    here, there = await auth.login(), await auth.login()
    await sessions(auth, here.access_token).Logout(LogoutRequest())
    await refused(auth.tokens_of(here.access_token))
    await refused(refresh(auth, here.refresh_token))
    await auth.tokens_of(there.access_token)


async def test_a_user_lists_and_ends_their_own_sessions_and_nobody_elses(auth):
    alice = await auth.user("alice")
    await auth.user("bob")
    mine = [await auth.login() for _ in range(3)]
    theirs = await auth.login("bob")
    stub = sessions(auth, mine[2].access_token)
    page = await stub.ListSessions(ListSessionsRequest(page_size=2))
    rest = await stub.ListSessions(ListSessionsRequest(page_size=2, page_token=page.next_page_token))
    listed = [*page.sessions, *rest.sessions]
    assert [one.session_id for one in listed] == [one.session.session_id for one in reversed(mine)]
    assert [one.current for one in listed] == [True, False, False]
    revoked = await stub.RevokeSession(RevokeSessionRequest(session_id=mine[0].session.session_id, reason="lost phone"))
    assert (revoked.status, revoked.revoked_reason) == (SESSION_STATUS_REVOKED, "lost phone")
    assert await stub.RevokeSession(RevokeSessionRequest(session_id=mine[0].session.session_id)) == revoked
    active = await stub.ListSessions(ListSessionsRequest(filter="status = active"))
    assert len(active.sessions) == 2

    messages = set()
    for session_id in (theirs.session.session_id, str(uuid4())):
        for call in (
            stub.GetSession(GetSessionRequest(session_id=session_id)),
            stub.RevokeSession(RevokeSessionRequest(session_id=session_id)),
        ):
            with pytest.raises(NotFound) as caught:
                await call
            messages.add(caught.value.message.replace(session_id, "<id>"))
    assert len(messages) == 1
    for user_id in (theirs.user.user_id, str(uuid4())):
        for call in (
            stub.ListSessions(ListSessionsRequest(user_id=user_id)),
            stub.ListSecurityEvents(ListSecurityEventsRequest(user_id=user_id)),
            stub.RevokeAllSessions(RevokeAllSessionsRequest(user_id=user_id)),
        ):
            with pytest.raises(PermissionDenied, match="another user's: this needs session:"):
                await call
    ended = await stub.RevokeAllSessions(RevokeAllSessionsRequest(user_id=str(alice.user_id), keep_current=True))
    assert ended.revoked_sessions == 1
    await auth.tokens_of(mine[2].access_token)
    await stub.RevokeAllSessions(RevokeAllSessionsRequest())
    await refused(auth.tokens_of(mine[2].access_token))
    await auth.tokens_of(theirs.access_token)


async def test_an_admin_sees_and_ends_another_users_sessions_but_a_tenants_admin_none_above_or_outside(auth):
    await auth.user("root", Role.ADMIN, tenant="acme")
    await auth.user("alice", tenant="acme")
    stranger = await auth.user("stranger")
    boss = await auth.user("boss", tenant="acme")
    await auth.execute("INSERT INTO user_roles SELECT %s, id FROM roles WHERE name = 'tenant-admin'", boss.user_id)
    logins = {name: await auth.login(name, tenant="acme") for name in ("root", "alice", "boss")}
    stub = sessions(auth, logins["boss"].access_token)
    listed = await stub.ListSessions(ListSessionsRequest(user_id=logins["alice"].user.user_id))
    assert [one.session_id for one in listed.sessions] == [logins["alice"].session.session_id]
    await stub.RevokeSession(RevokeSessionRequest(session_id=listed.sessions[0].session_id))
    await refused(auth.tokens_of(logins["alice"].access_token))
    with pytest.raises(PermissionDenied, match="may do more than you"):
        await stub.RevokeSession(RevokeSessionRequest(session_id=logins["root"].session.session_id))
    with pytest.raises(PermissionDenied, match="may do more than you"):
        await stub.RevokeAllSessions(RevokeAllSessionsRequest(user_id=logins["root"].user.user_id))
    for user_id in (str(stranger.user_id), str(uuid4())):
        with pytest.raises(NotFound):
            await stub.ListSessions(ListSessionsRequest(user_id=user_id))
        with pytest.raises(NotFound):
            await stub.RevokeAllSessions(RevokeAllSessionsRequest(user_id=user_id))
    above = sessions(auth, logins["root"].access_token)
    ended = await above.RevokeAllSessions(RevokeAllSessionsRequest(user_id=str(boss.user_id)))
    assert ended.revoked_sessions == 1


async def test_an_idle_session_is_shown_as_expired(auth):
    await auth.user()
    idle, here = await auth.login(), await auth.login()
    await auth.execute(
        "UPDATE user_sessions SET last_accessed_at = now() - interval '2 h' WHERE id = %s", idle.session.session_id
    )
    shown = await sessions(auth, here.access_token).GetSession(GetSessionRequest(session_id=idle.session.session_id))
    assert shown.status == SESSION_STATUS_EXPIRED


async def test_a_new_device_and_wrong_passwords_before_it_raise_the_risk(auth):
    await auth.user()
    assert (await auth.login(device_fingerprint="laptop")).session.risk_score == 0.0
    assert (await auth.login(device_fingerprint="laptop")).session.risk_score == 0.0
    new = await auth.login(device_fingerprint="another")
    assert new.session.risk_score == 0.2
    await auth.execute("UPDATE user_sessions SET network = '192.0.2.0/24'")
    far = await auth.login(device_fingerprint="third")
    assert far.session.risk_score == pytest.approx(0.36)
    events = await sessions(auth, far.access_token).ListSecurityEvents(ListSecurityEventsRequest(page_size=2))
    assert {one.session_id for one in events.security_events} == {far.session.session_id}
    assert events.next_page_token


async def test_nobody_travels_from_berlin_to_tokyo_in_a_moment(auth):
    await auth.user()
    await auth.login(device_fingerprint="laptop", geo_location=BERLIN)
    near = await auth.login(device_fingerprint="laptop", geo_location=POTSDAM)
    assert near.session.risk_score == 0.0
    far = await auth.login(device_fingerprint="laptop", geo_location=TOKYO)
    assert far.session.risk_score == 0.5
    events = await sessions(auth, far.access_token).ListSecurityEvents(ListSecurityEventsRequest())
    (event,) = events.security_events
    assert event.event_type == SECURITY_EVENT_TYPE_IMPOSSIBLE_TRAVEL
    assert "km from the login" in event.description
    await auth.execute("UPDATE user_sessions SET created_at = created_at - interval '20 h'")
    assert (await auth.login(device_fingerprint="laptop", geo_location=BERLIN)).session.risk_score == 0.0


@pytest.mark.parametrize(
    "place", [GeoLocation(latitude=91), GeoLocation(longitude=-181), GeoLocation(latitude=1, country="Germany")]
)
async def test_a_place_that_is_none_is_refused_with_its_field(auth, place):
    with pytest.raises(InvalidArgument) as caught:
        await auth.login(geo_location=place)
    assert caught.value.violations[0].field.startswith("geo_location.")


async def test_whoever_guesses_on_keeps_strangers_out_but_never_the_owner(auth, lockout):
    await auth.user()
    home = await auth.login(device_fingerprint="laptop")
    await auth.execute(
        "UPDATE user_sessions SET network = '192.0.2.0/24'"
    )  # the owner is elsewhere, the guesses come from here
    for _ in range(lockout.attempts * 3):
        await refused(auth.login(password="guess"))
    await refused(auth.login())
    again = await auth.login(device_fingerprint="laptop")
    assert again.session.risk_score > 0.3, "who was guessed at is told"
    events = await sessions(auth, home.access_token).ListSecurityEvents(ListSecurityEventsRequest())
    kinds = [one.event_type for one in events.security_events]
    assert kinds.count(SECURITY_EVENT_TYPE_ACCOUNT_LOCKED) == 1


async def test_a_familiar_device_has_a_lock_of_its_own_that_ends_by_itself(auth, lockout):
    await auth.user()
    await auth.login(device_fingerprint="laptop")
    guesses = (auth.login(password="guess", device_fingerprint="laptop") for _ in range(20))
    assert {type(one) for one in await asyncio.gather(*guesses, return_exceptions=True)} == {Unauthenticated}
    assert await auth.execute("SELECT failures FROM login_throttles WHERE scope = 'familiar'") == [(20,)]
    assert await auth.execute("SELECT failed_login_attempts FROM users") == [(0,)]
    await refused(auth.login(device_fingerprint="laptop"))
    ((until,),) = await auth.execute("SELECT locked_until FROM login_throttles WHERE scope = 'familiar'")
    assert until - datetime.now(UTC) <= lockout.pause
    await auth.execute("UPDATE login_throttles SET locked_until = now(), resets_at = now() WHERE scope = 'familiar'")
    await auth.login(device_fingerprint="laptop")
    assert await auth.execute("SELECT count(*) FROM login_throttles WHERE scope = 'familiar'") == [(0,)]


async def test_an_address_that_guesses_at_many_accounts_has_to_wait_whoever_they_are(auth):
    await auth.user()
    await auth.execute(
        "INSERT INTO login_throttles (scope, key, failures, resets_at) VALUES ('address', %s, 299, now() + interval '1 m')",
        "127.0.0.1",
    )
    await auth.execute(
        "INSERT INTO login_throttles SELECT scope, '::1', failures, NULL, resets_at FROM login_throttles"
    )
    await auth.login(device_fingerprint="laptop")
    await refused(auth.login("nobody"))
    said = set()
    for username in ("alice", "nobody"):
        with pytest.raises(Overloaded) as caught:
            await auth.login(username)
        assert 0 < caught.value.retry_after_seconds <= 900
        said.add(caught.value.message)
    assert said == {"too many failed logins from this address: wait a while"}
    await auth.login(device_fingerprint="laptop")


async def test_more_sessions_than_a_user_may_have_end_the_oldest(auth):
    await auth.user()
    await auth.execute(
        "INSERT INTO authentication_configuration (auth_config_id, environment, configuration)"
        " VALUES (gen_random_uuid(), 'testing', '{\"session_management.max_sessions_per_user\": 2}')"
    )
    first, second, third = [await auth.login() for _ in range(3)]
    await refused(auth.tokens_of(first.access_token))
    for login in (second, third):
        await auth.tokens_of(login.access_token)


async def test_sessions_that_ended_long_ago_are_forgotten_with_their_tokens(auth):
    await auth.user()
    old, kept = await auth.login(), await auth.login()
    await refresh(auth, old.refresh_token)
    await auth.execute(
        "UPDATE user_sessions SET created_at = now() - interval '1 y', expires_at = now() - interval '100 d' WHERE id = %s",
        old.session.session_id,
    )
    assert await auth.housekeeping.sweep() == (1, 0)
    assert await auth.execute("SELECT id::text FROM user_sessions") == [(kept.session.session_id,)]
    assert await auth.execute("SELECT count(*) FROM spent_refresh_tokens") == [(0,)]
