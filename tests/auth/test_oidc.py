"""Logging in through a real OpenID Connect provider: who gets in, and what a hostile provider or client comes to."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from novacron.api.auth.v1 import (
    AUTHENTICATION_METHOD_OAUTH,
    BeginDeviceLoginRequest,
    BeginOidcLoginRequest,
    CompleteOidcLoginRequest,
    IdentityProviderServiceStub,
    LinkExternalIdentityRequest,
    PollDeviceLoginRequest,
)
from novacron.errors import AlreadyExists, InvalidArgument, NotFound, Unauthenticated, Unavailable
from novacron.ids import new_id
from novacron.rpc import Identity, Subject
from novacron.testing.patience import eventually
from novacron_auth.caller import Caller
from novacron_auth.identity_providers.provider import NewIdentityProvider
from novacron_auth.users.account import Role

from .oidc import REDIRECT, running
from .refusals import causes, refused


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    with running(tmp_path_factory.mktemp("oidc")) as provider:
        yield provider


@pytest.fixture
def provider(process):
    process.control(reset=True)
    return process


@pytest.fixture
async def auth(make_auth, provider):
    made = await make_auth(identity_provider_ca_file=provider.ca_file)
    made.provider_client.refetch_seconds = 0.0
    return made


@pytest.fixture
async def add(auth, provider):
    """Makes providers of the tenant ``default``."""

    async def make(**more):
        tenant_id = await auth.tenant()
        fields = {"scopes": ("openid", "email"), "default_role": Role.USER, **provider.fields(**more)}
        new = NewIdentityProvider(identity_provider_id=new_id(), tenant_id=tenant_id, **fields)
        subject = Subject(new_id(), tenant_id, "root", new_id())
        return await auth.identity_providers.create(Caller(Identity(subject, frozenset(["*:*"]))), new)

    return make


@pytest.fixture
def stub(auth):
    return auth.as_user(stub=IdentityProviderServiceStub)


async def begin(stub, provider="corp", **more):
    return await stub.BeginOidcLogin(BeginOidcLoginRequest(provider=provider, redirect_uri=REDIRECT, **more))


async def shown(stub, provider):
    """What a client shows that has begun a login and whose user has been at the provider."""
    begun = await begin(stub)
    back = await provider.visit(begun.authorization_url)
    assert back["state"] == begun.state
    return {"state": back["state"], "code": back["code"], "issuer": back["iss"], "login_token": begun.login_token}


async def login(stub, provider):
    return await stub.CompleteOidcLogin(CompleteOidcLoginRequest(**await shown(stub, provider)))


async def test_a_first_login_makes_a_user_and_the_next_one_finds_it(auth, provider, add, stub):
    await add()
    first, second = await login(stub, provider), await login(stub, provider)
    assert (first.user.username, first.user.email) == ("jane", "jane@example.org")
    assert first.session.authentication_method == AUTHENTICATION_METHOD_OAUTH
    assert first.user.user_id == second.user.user_id
    assert (await auth.tokens_of(second.access_token)).user.user_id == first.user.user_id
    # Nobody logs in with a password as who has none.
    await refused(auth.login("jane", "x"))
    actions = [row[0] for row in await auth.execute("SELECT action FROM auth_audit_log ORDER BY created_at, sequence")]
    assert actions.count("user.create") == 1


async def test_the_browser_is_sent_with_a_challenge_of_pkce_and_secrets_that_are_new_each_time(provider, add, stub):
    await add()
    urls = [urlsplit((await begin(stub)).authorization_url) for _ in range(2)]
    first, second = ({name: one[0] for name, one in parse_qs(url.query).items()} for url in urls)
    assert (first["response_type"], first["code_challenge_method"]) == ("code", "S256")
    assert (first["redirect_uri"], first["scope"]) == (REDIRECT, "openid email")
    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))


async def test_a_user_is_known_by_the_subject_and_never_by_name_or_address(auth, provider, add, stub):
    await add()
    await login(stub, provider)
    provider.control(user={"sub": "another", "preferred_username": "jane", "email": "jane@example.org"})
    await refused(login(stub, provider))
    assert "name or address is another user's, who may link the provider" in await causes(auth)
    # The same subject under other names is the same user.
    provider.control(user={"sub": "248289761001", "preferred_username": "root", "email": "root@example.org"})
    assert (await login(stub, provider)).user.username == "jane"


async def test_an_account_is_not_taken_over_by_a_provider_that_names_its_address(auth, provider, add, stub):
    await add(create_users=False)
    await auth.user("jane")
    await refused(login(stub, provider))
    assert await causes(auth) == ["nobody here is linked to the provider's user"]
    assert await auth.execute("SELECT count(*) FROM external_identities") == [(0,)]


async def test_who_has_an_account_links_it_with_the_password_and_logs_in_with_either(
    auth, provider, add, stub, password
):
    await add(create_users=False)
    alice = await auth.user()
    own = auth.as_user((await auth.login()).access_token, IdentityProviderServiceStub)
    answer = await shown(stub, provider)
    with pytest.raises(InvalidArgument) as caught:
        await own.LinkExternalIdentity(LinkExternalIdentityRequest(**answer, password="wrong"))
    assert [one.field for one in caught.value.violations] == ["password"]
    await own.LinkExternalIdentity(LinkExternalIdentityRequest(**answer, password=password))
    assert (await login(stub, provider)).user.user_id == str(alice.user_id)
    await auth.login()
    await auth.user("bob")
    bob = auth.as_user((await auth.login("bob")).access_token, IdentityProviderServiceStub)
    with pytest.raises(AlreadyExists):
        await bob.LinkExternalIdentity(LinkExternalIdentityRequest(**await shown(stub, provider), password=password))


@pytest.mark.parametrize(
    "lie",
    [
        "wrong nonce",
        "no nonce",
        "wrong audience",
        "no audience",
        "two audiences",
        "wrong party",
        "our party, another's audience",
        "wrong issuer",
        "expired",
        "no expiry",
        "from the future",
        "no signature",
        "signed with the public key as a secret",
        "signed by another key",
        "changed",
        "no subject",
        "a number as subject",
        "a long subject",
        "a wrong hash of the access token",
        "no token",
        "no ID token",
    ],
)
async def test_a_hostile_id_token_begins_no_session_and_tells_nothing(auth, provider, add, stub, lie):
    await add()
    provider.control(lie=lie)
    status = await refused(login(stub, provider))
    assert "came to nothing" in status.message
    (cause,) = await causes(auth)
    assert "token" in cause
    assert await auth.execute("SELECT count(*) FROM user_sessions") == [(0,)]
    assert await auth.execute("SELECT count(*) FROM users") == [(0,)]


async def test_an_answer_of_another_provider_is_not_shown_to_this_one(auth, provider, add, stub):
    await add()
    answer = await shown(stub, provider)
    await refused(stub.CompleteOidcLogin(CompleteOidcLoginRequest(**{**answer, "issuer": "https://evil.example"})))
    answer = await shown(stub, provider)
    await refused(stub.CompleteOidcLogin(CompleteOidcLoginRequest(**{**answer, "issuer": ""})))
    assert await causes(auth) == ["the answer is of another provider"] * 2


async def test_a_login_ends_once_and_only_for_who_began_it(auth, provider, add, stub):
    await add()
    answer, other = await shown(stub, provider), await shown(stub, provider)
    # Whoever saw the browser go by has state and code, and not the token.
    await refused(stub.CompleteOidcLogin(CompleteOidcLoginRequest(**{**other, "login_token": answer["login_token"]})))
    await refused(stub.CompleteOidcLogin(CompleteOidcLoginRequest(**other)))
    calls = [stub.CompleteOidcLogin(CompleteOidcLoginRequest(**answer), timeout=30) for _ in range(8)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(one, Unauthenticated) for one in results].count(False) == 1
    # A code belongs to the login that asked for it: PKCE and nonce are another's.
    answer, other = await shown(stub, provider), await shown(stub, provider)
    await refused(stub.CompleteOidcLogin(CompleteOidcLoginRequest(**{**answer, "code": other["code"]})))
    assert "the provider refuses: invalid_grant" in await causes(auth)


async def test_a_login_that_took_too_long_has_ended(auth, provider, add, stub):
    await add()
    answer = await shown(stub, provider)
    await auth.execute("UPDATE external_logins SET expires_at = now()")
    await refused(stub.CompleteOidcLogin(CompleteOidcLoginRequest(**answer)))
    await begin(stub)
    assert await auth.execute("SELECT count(*) FROM external_logins") == [(1,)], "and is forgotten"


async def test_keys_are_read_once_and_again_when_the_provider_signs_with_another(provider, add, stub):
    await add()
    for _ in range(3):
        await login(stub, provider)
    assert provider.control()["fetched_keys"] == 1
    provider.control(rotate=True)
    await login(stub, provider)
    await login(stub, provider)
    assert provider.control()["fetched_keys"] == 2


async def test_unknown_keys_do_not_make_the_service_ask_on_and_on(auth, provider, add, stub):
    await add()
    await login(stub, provider)
    auth.provider_client.refetch_seconds = 600.0
    provider.control(rotate=True)
    for _ in range(3):
        await refused(login(stub, provider))
    assert provider.control()["fetched_keys"] == 1


async def test_of_eight_first_logins_at_once_one_makes_the_user_and_all_get_in(auth, provider, add, stub):
    await add()
    answers = [await shown(stub, provider) for _ in range(8)]
    calls = (stub.CompleteOidcLogin(CompleteOidcLoginRequest(**one), timeout=30) for one in answers)
    logins = await asyncio.gather(*calls)
    assert len({one.user.user_id for one in logins}) == 1
    assert await auth.execute("SELECT count(*) FROM users") == [(1,)]


async def test_who_is_disabled_does_not_come_in_through_a_provider(auth, provider, add, stub):
    await add()
    await login(stub, provider)
    await auth.execute("UPDATE users SET disabled_at = now()")
    await refused(login(stub, provider))
    assert await causes(auth) == ["disabled"]
    await auth.execute("UPDATE users SET disabled_at = NULL")
    await auth.execute("UPDATE tenants SET disabled_at = now()")
    with pytest.raises(NotFound):
        await begin(stub)


@pytest.mark.parametrize(
    "user",
    [{"sub": "1"}, {"sub": "1", "email": "no address"}, {"sub": "1", "preferred_username": "a\0b", "email": "a@b.c"}],
)
async def test_a_user_whose_names_will_not_do_is_not_made(auth, provider, add, stub, user):
    await add()
    provider.control(user=user)
    await refused(login(stub, provider))
    assert await causes(auth) == ["the provider names no user name and address that a user can have"]


async def test_a_provider_that_saw_a_second_factor_satisfies_a_role_that_requires_one(auth, provider, add, stub):
    await add()
    await auth.execute("UPDATE roles SET mfa_required = true WHERE name = 'user'")
    assert (await login(stub, provider)).second_factor_needed
    provider.control(
        user={"sub": "248289761001", "preferred_username": "jane", "email": "jane@example.org", "amr": ["pwd", "mfa"]}
    )
    assert not (await login(stub, provider)).second_factor_needed


async def test_a_device_logs_in_once_its_user_is_done(auth, provider, add, stub):
    await add()
    begun = await stub.BeginDeviceLogin(BeginDeviceLoginRequest(provider="corp"))
    assert begun.user_code in begun.verification_uri_complete
    request = PollDeviceLoginRequest(device_code=begun.device_code)
    answer = await stub.PollDeviceLogin(request)
    assert (answer.HasField("login"), answer.interval.seconds) == (False, 1)
    provider.control(approve=[begun.user_code])
    # Sooner than the provider allows, it is not asked at all.
    assert not (await stub.PollDeviceLogin(request)).HasField("login")

    async def done():
        answer = await stub.PollDeviceLogin(request)
        return answer.login if answer.HasField("login") else None

    assert (await eventually(done)).user.username == "jane"
    await refused(stub.PollDeviceLogin(request))


async def test_of_two_polls_that_are_answered_one_begins_a_session(auth, provider, add, stub):
    await add()
    begun = await stub.BeginDeviceLogin(BeginDeviceLoginRequest(provider="corp"))
    provider.control(approve=[begun.user_code])
    request = PollDeviceLoginRequest(device_code=begun.device_code)
    results = await asyncio.gather(
        *(stub.PollDeviceLogin(request, timeout=30) for _ in range(5)), return_exceptions=True
    )
    assert sum(1 for one in results if not isinstance(one, Unauthenticated) and one.HasField("login")) == 1
    assert await auth.execute("SELECT count(*) FROM user_sessions") == [(1,)]


async def test_a_device_that_is_denied_or_unknown_is_refused_and_its_lies_are_found_out(auth, provider, add, stub):
    await add()
    begun = await stub.BeginDeviceLogin(BeginDeviceLoginRequest(provider="corp"))
    provider.control(deny=[begun.user_code])
    await refused(stub.PollDeviceLogin(PollDeviceLoginRequest(device_code=begun.device_code)))
    await refused(stub.PollDeviceLogin(PollDeviceLoginRequest(device_code=begun.device_code)))
    begun = await stub.BeginDeviceLogin(BeginDeviceLoginRequest(provider="corp"))
    provider.control(approve=[begun.user_code], lie="wrong audience")
    await refused(stub.PollDeviceLogin(PollDeviceLoginRequest(device_code=begun.device_code)))
    found = await causes(auth)
    assert found[:2] == ["the provider refuses: access_denied", "no such login is under way"]
    assert "not to be trusted" in found[2]


async def test_a_provider_that_is_not_there_is_told_apart_from_one_that_is_away(auth, provider, add, stub):
    await add()
    await auth.tenant("other")
    answers = []
    for name, tenant in (("nobody", ""), ("corp", "other"), ("corp", "no-such-tenant"), ("co\0rp", "")):
        with pytest.raises(NotFound) as caught:
            await begin(stub, name, tenant=tenant)
        answers.append(caught.value.message.replace(name, "*"))
    assert len(set(answers[:3])) == 1
    await auth.execute("UPDATE identity_providers SET issuer = 'https://localhost:1'")
    with pytest.raises(Unavailable, match="does not answer"):
        await begin(stub)


@pytest.mark.parametrize(
    "uri",
    [
        "http://evil.example/",
        "https://user@evil.example/",
        "ftp://localhost/",
        "http://localhost.evil.example/",
        "http://[::1",
    ],
)
async def test_a_code_is_sent_back_only_where_nobody_reads_it_on_the_way(add, stub, uri):
    await add()
    with pytest.raises(InvalidArgument) as caught:
        await stub.BeginOidcLogin(BeginOidcLoginRequest(provider="corp", redirect_uri=uri))
    assert [one.field for one in caught.value.violations] == ["redirect_uri"]


async def test_what_is_stored_of_a_login_and_a_provider_ends_nobodys_login(auth, provider, add, stub):
    held = await add()
    begun = await begin(stub)
    rows = await auth.execute("SELECT state_hash, details_sealed FROM external_logins")
    rows += await auth.execute("SELECT client_secret_sealed, '' FROM identity_providers")
    text = str(rows)
    assert begun.state not in text
    assert begun.login_token not in text
    assert "a secret of the client" not in text
    assert auth.identity_providers.secret_of(held) == "a secret of the client"
    assert "a secret" not in repr(held)
