"""Users and the providers that vouch for them: who looks, who unlinks, and that nobody is left without a way in."""

import asyncio

import pytest

from novacron.api.auth.v1 import (
    IdentityProviderServiceStub,
    ListExternalIdentitiesRequest,
    UnlinkExternalIdentityRequest,
)
from novacron.errors import FailedPrecondition, NotFound, PermissionDenied
from novacron.ids import new_id
from novacron_auth.users.account import Role

from .role_callers import admin, tenant_admin


async def linked(auth, account, name="corp"):
    """The id of a provider of the user's tenant that vouches for the user."""
    provider = new_id()
    await auth.execute(
        "INSERT INTO identity_providers (id, tenant_id, name, issuer, client_id, scopes)"
        " VALUES (%s, %s, %s, 'https://login.example.org', 'novacron', '{openid}')",
        *(provider, account.tenant_id, name),
    )
    await auth.execute(
        "INSERT INTO external_identities (identity_provider_id, subject, user_id) VALUES (%s, %s, %s)",
        *(provider, f"{name}-{account.username}", account.user_id),
    )
    return str(provider)


@pytest.fixture
async def own(auth, alice):
    return auth.as_user((await auth.login()).access_token, IdentityProviderServiceStub)


def names(answer):
    return [(one.provider, one.subject) for one in answer.external_identities]


def unlink(stub, provider, **of):
    return stub.UnlinkExternalIdentity(UnlinkExternalIdentityRequest(identity_provider_id=provider, **of))


async def entries(auth):
    return await auth.execute(
        "SELECT user_id, metadata ->> 'target_user_id', metadata ->> 'identity_provider_id' FROM auth_audit_log"
        " WHERE action = 'external-identity.unlink'"
    )


async def test_users_see_their_links_and_end_them_once(auth, alice, own):
    provider = await linked(auth, alice)
    assert names(await own.ListExternalIdentities(ListExternalIdentitiesRequest())) == [("corp", "corp-alice")]
    for _ in range(2):
        await unlink(own, provider)
    assert not names(await own.ListExternalIdentities(ListExternalIdentitiesRequest()))
    assert await entries(auth) == [(alice.user_id, str(alice.user_id), provider)]


async def test_the_last_way_in_is_not_taken_even_by_two_at_once(auth, alice, own):
    providers = [await linked(auth, alice, name) for name in ("corp", "other")]
    await auth.execute("UPDATE users SET password_hash = NULL WHERE id = %s", alice.user_id)
    results = await asyncio.gather(*(unlink(own, one) for one in providers), return_exceptions=True)
    (refused,) = [one for one in results if isinstance(one, BaseException)]
    assert isinstance(refused, FailedPrecondition)
    assert "set a password first" in refused.message
    assert len(names(await own.ListExternalIdentities(ListExternalIdentitiesRequest()))) == 1
    assert len(await entries(auth)) == 1


async def test_another_users_take_a_permission_its_tenant_and_no_less_than_the_user_may(auth, alice, own):
    bob, root = await auth.user("bob", Role.OPERATOR), await admin(auth, stub=IdentityProviderServiceStub)
    provider = await linked(auth, bob)
    whose = {"user_id": str(bob.user_id)}
    for call in (own.ListExternalIdentities(ListExternalIdentitiesRequest(**whose)), unlink(own, provider, **whose)):
        with pytest.raises(PermissionDenied):
            await call
    boss = await tenant_admin(auth, "boss", stub=IdentityProviderServiceStub)
    assert names(await boss.ListExternalIdentities(ListExternalIdentitiesRequest(**whose))) == [("corp", "corp-bob")]
    with pytest.raises(PermissionDenied, match="may do more than you"):
        await unlink(boss, provider, **whose)
    stranger = await tenant_admin(auth, "stranger", "elsewhere", stub=IdentityProviderServiceStub)
    for call in (
        stranger.ListExternalIdentities(ListExternalIdentitiesRequest(**whose)),
        unlink(stranger, provider, **whose),
    ):
        with pytest.raises(NotFound):
            await call
    await unlink(root, provider, **whose)
    assert not names(await root.ListExternalIdentities(ListExternalIdentitiesRequest(**whose)))
