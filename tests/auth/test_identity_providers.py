"""Administering identity providers: who may, what is refused, and that a repetition is harmless."""

from uuid import uuid4

import pytest

from novacron.api.auth.v1 import (
    USER_ROLE_ADMIN,
    USER_ROLE_OPERATOR,
    CreateIdentityProviderRequest,
    DeleteIdentityProviderRequest,
    IdentityProviderServiceStub,
    ListIdentityProvidersRequest,
)
from novacron.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from novacron_auth.users.account import Role

from .oidc import running


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    with running(tmp_path_factory.mktemp("oidc")) as provider:
        yield provider


@pytest.fixture
async def auth(make_auth, provider):
    return await make_auth(identity_provider_ca_file=provider.ca_file)


@pytest.fixture
async def admin(auth):
    await auth.user("root", Role.ADMIN)
    return auth.as_user((await auth.login("root")).access_token, IdentityProviderServiceStub)


@pytest.fixture
async def tenant_admin(auth):
    boss = await auth.user("boss", tenant="acme")
    await auth.execute(
        "INSERT INTO user_roles (user_id, role_id) SELECT %s, id FROM roles WHERE name = 'tenant-admin'", boss.user_id
    )
    return auth.as_user((await auth.login("boss", tenant="acme")).access_token, IdentityProviderServiceStub)


def request(provider, **more):
    return CreateIdentityProviderRequest(**{**provider.fields(), **more})


async def test_a_provider_is_made_listed_and_deleted_and_never_shows_its_secret(auth, admin, provider):
    made = await admin.CreateIdentityProvider(request(provider))
    assert (made.name, made.issuer, list(made.scopes)) == ("corp", provider.issuer, ["openid", "email", "profile"])
    listed = (await admin.ListIdentityProviders(ListIdentityProvidersRequest())).identity_providers
    assert list(listed) == [made]
    assert "a secret of the client" not in str(await auth.execute("SELECT * FROM identity_providers"))
    gone = DeleteIdentityProviderRequest(identity_provider_id=made.identity_provider_id)
    await admin.DeleteIdentityProvider(gone)
    with pytest.raises(NotFound):
        await admin.DeleteIdentityProvider(gone)
    actions = [row[0] for row in await auth.execute("SELECT action FROM auth_audit_log")]
    assert {"identity-provider.create", "identity-provider.delete"} <= set(actions)


async def test_made_again_it_is_the_same_and_with_other_contents_it_is_refused(admin, provider):
    id_ = str(uuid4())
    made = await admin.CreateIdentityProvider(request(provider, identity_provider_id=id_))
    assert await admin.CreateIdentityProvider(request(provider, identity_provider_id=id_)) == made
    for more in ({"client_secret": "another"}, {"name": "other"}, {"create_users": False}):
        with pytest.raises(AlreadyExists, match="identity_provider_id"):
            await admin.CreateIdentityProvider(request(provider, identity_provider_id=id_, **more))
    with pytest.raises(AlreadyExists, match="name"):
        await admin.CreateIdentityProvider(request(provider))


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("issuer", {"issuer": "http://login.example.org"}),
        ("issuer", {"issuer": "https://user@login.example.org"}),
        ("issuer", {"issuer": "https://login.example.org/?a=b"}),
        ("scopes", {"scopes": ["email"]}),
        ("scopes", {"scopes": ["openid", "two words"]}),
    ],
)
async def test_what_makes_no_sense_is_named(admin, provider, field, more):
    with pytest.raises(InvalidArgument) as caught:
        await admin.CreateIdentityProvider(request(provider, **more))
    assert [one.field for one in caught.value.violations] == [field]


async def test_an_issuer_that_is_no_provider_is_refused_before_anybody_is_sent_there(admin, provider):
    for issuer in ("https://localhost:1", f"{provider.issuer}/elsewhere", f"{provider.issuer}/"):
        with pytest.raises(FailedPrecondition, match="no provider that answers"):
            await admin.CreateIdentityProvider(request(provider, issuer=issuer))


async def test_a_tenants_administrator_sees_and_makes_the_tenants_own_for_roles_within_reach(
    auth, admin, tenant_admin, provider
):
    foreign = await admin.CreateIdentityProvider(request(provider))
    own = await tenant_admin.CreateIdentityProvider(request(provider))
    assert own.tenant_id != foreign.tenant_id
    listed = (await tenant_admin.ListIdentityProviders(ListIdentityProvidersRequest())).identity_providers
    assert list(listed) == [own]
    with pytest.raises(NotFound):
        await tenant_admin.ListIdentityProviders(ListIdentityProvidersRequest(tenant_id=foreign.tenant_id))
    with pytest.raises(NotFound):
        await tenant_admin.DeleteIdentityProvider(
            DeleteIdentityProviderRequest(identity_provider_id=foreign.identity_provider_id)
        )
    for role in (USER_ROLE_ADMIN, USER_ROLE_OPERATOR):
        with pytest.raises(PermissionDenied):
            await tenant_admin.CreateIdentityProvider(request(provider, name="up", default_role=role))
