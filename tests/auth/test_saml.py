"""Logins through a SAML provider, from the redirect to the session: each ends once, for who began it."""

import sys

import pytest

pytest.importorskip("signxml", reason="pip install 'novacron[saml]' judges SAML responses")

from novacron.api.auth.v1 import (
    AUTHENTICATION_METHOD_SAML,
    IDENTITY_PROVIDER_TYPE_SAML,
    BeginOidcLoginRequest,
    BeginSamlLoginRequest,
    CompleteSamlLoginRequest,
    CreateIdentityProviderRequest,
    IdentityProviderServiceStub,
    LinkSamlIdentityRequest,
    ListIdentityProvidersRequest,
    SamlProvider,
    SetSamlCertificatesRequest,
)
from novacron.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from novacron_auth.users.account import Role

from .refusals import causes, refused
from .saml_provider import (
    ACS,
    AUDIENCE,
    ISSUER,
    SSO,
    A,
    P,
    Said,
    Signer,
    asked,
    assertion,
    certificate,
    encoded,
    response,
)


@pytest.fixture(scope="module")
def signer():
    return Signer()


@pytest.fixture
async def admin(auth):
    await auth.user("root", Role.ADMIN)
    return auth.as_user((await auth.login("root")).access_token, IdentityProviderServiceStub)


@pytest.fixture
async def stub(auth):
    return auth.as_user(stub=IdentityProviderServiceStub)


def corp(signer, **more):
    fields = {
        "name": "corp",
        "type": IDENTITY_PROVIDER_TYPE_SAML,
        "issuer": ISSUER,
        "client_id": AUDIENCE,
        "create_users": True,
        "saml": SamlProvider(sso_url=SSO, certificates=[signer.certificate]),
    }
    return CreateIdentityProviderRequest(**{**fields, **more})


@pytest.fixture
async def provider(admin, signer):
    return await admin.CreateIdentityProvider(corp(signer))


async def begin(stub, name="corp"):
    return await stub.BeginSamlLogin(BeginSamlLoginRequest(provider=name, assertion_consumer_url=ACS))


def answered(signer, begun, **said):
    """What the browser brings back, as ``CompleteSamlLogin`` takes it."""
    request, relay_state = asked(begun.redirect_url)
    told = Said(request.get("ID"), request.get("AssertionConsumerServiceURL"), **said)
    made = response(told, signer.sign(assertion(told)))
    return {"relay_state": relay_state, "saml_response": encoded(made), "login_token": begun.login_token}


async def complete(stub, answer):
    return await stub.CompleteSamlLogin(CompleteSamlLoginRequest(**answer))


async def test_a_first_login_makes_a_user_and_the_next_one_finds_it(auth, provider, stub, signer):
    begun = await begin(stub)
    assert begun.redirect_url.startswith(f"{SSO}&SAMLRequest=")
    request, relay_state = asked(begun.redirect_url)
    assert relay_state == begun.relay_state
    assert request.tag == f"{{{P}}}AuthnRequest"
    assert request.find(f"{{{A}}}Issuer").text == AUDIENCE
    assert (request.get("Destination"), request.get("AssertionConsumerServiceURL")) == (SSO, ACS)
    login = await complete(stub, answered(signer, begun))
    assert (login.user.username, login.user.email) == ("jane", "jane@example.org")
    assert login.session.authentication_method == AUTHENTICATION_METHOD_SAML
    await auth.tokens_of(login.access_token)
    # A name changes hands and means nobody; the subject stays.
    begun = await begin(stub)
    again = await complete(stub, answered(signer, begun, names={"uid": "janet"}))
    assert again.user.user_id == login.user.user_id


async def test_an_assertion_of_a_second_factor_counts_as_one(auth, provider, stub, signer):
    await auth.execute("UPDATE roles SET mfa_required = true WHERE name = 'user' AND tenant_id IS NULL")
    assert (await complete(stub, answered(signer, await begin(stub)))).second_factor_needed
    strong = answered(signer, await begin(stub), context="https://refeds.org/profile/mfa")
    assert not (await complete(stub, strong)).second_factor_needed


async def test_a_login_ends_once_for_who_began_it_and_every_refusal_is_told_alike(auth, provider, stub, signer):
    answer = answered(signer, await begin(stub))
    await complete(stub, answer)
    told = [await refused(complete(stub, answer))]
    # Somebody who saw the browser, and not the command, has no login token; and has spent the login.
    seen = answered(signer, await begin(stub))
    told.append(await refused(complete(stub, {**seen, "login_token": "guessed"})))
    told.append(await refused(complete(stub, seen)))
    # A response to another request, under a relay state that is under way.
    one, other = answered(signer, await begin(stub)), answered(signer, await begin(stub))
    told.append(await refused(complete(stub, {**one, "saml_response": other["saml_response"]})))
    late = answered(signer, await begin(stub))
    await auth.execute("UPDATE external_logins SET expires_at = now()")
    told.append(await refused(complete(stub, late)))
    told.append(await refused(complete(stub, answered(Signer(), await begin(stub)))))
    told.append(await refused(complete(stub, {**answered(signer, await begin(stub)), "saml_response": "?"})))
    assert all(one == told[0] for one in told)
    under_way = "no such login is under way"
    assert await causes(auth) == [
        under_way,
        "it is not who began it that ends it",
        under_way,
        "the response answers another request",
        under_way,
        "the assertion is not signed by the provider: InvalidSignature",
        "the response is no XML",
    ]
    assert await auth.execute("SELECT count(*) FROM user_sessions WHERE authentication_method = 'saml'") == [(1,)]


async def test_who_has_an_account_links_it(auth, provider, stub, signer, password):
    await auth.user("jane")
    janes = (await auth.login("jane")).access_token
    # Her name is taken, by her: only she can say so.
    await refused(complete(stub, answered(signer, await begin(stub))))
    jane = auth.as_user(janes, IdentityProviderServiceStub)
    answer = answered(signer, await begin(stub))
    with pytest.raises(InvalidArgument, match="password"):
        await jane.LinkSamlIdentity(LinkSamlIdentityRequest(**answer, password="wrong"))
    await jane.LinkSamlIdentity(LinkSamlIdentityRequest(**answer, password=password))
    await refused(jane.LinkSamlIdentity(LinkSamlIdentityRequest(**answer, password=password)))
    login = await complete(stub, answered(signer, await begin(stub)))
    assert login.user.username == "jane"
    await auth.user("bob")
    bob = auth.as_user((await auth.login("bob")).access_token, IdentityProviderServiceStub)
    with pytest.raises(AlreadyExists):
        answer = answered(signer, await begin(stub))
        await bob.LinkSamlIdentity(LinkSamlIdentityRequest(**answer, password=password))


async def test_a_provider_is_kept_as_it_was_made_and_is_of_one_kind(admin, provider, stub, signer):
    (held,) = (await admin.ListIdentityProviders(ListIdentityProvidersRequest())).identity_providers
    assert held == provider
    assert (held.type, held.saml.sso_url, list(held.scopes)) == (IDENTITY_PROVIDER_TYPE_SAML, SSO, [])
    same = corp(signer, identity_provider_id=held.identity_provider_id)
    assert await admin.CreateIdentityProvider(same) == held
    other = SamlProvider(sso_url=SSO, certificates=[Signer().certificate])
    with pytest.raises(AlreadyExists):
        await admin.CreateIdentityProvider(corp(signer, identity_provider_id=held.identity_provider_id, saml=other))
    with pytest.raises(NotFound):
        await stub.BeginOidcLogin(BeginOidcLoginRequest(provider="corp", redirect_uri=ACS))
    with pytest.raises(NotFound):
        await begin(stub, "nobody")
    with pytest.raises(InvalidArgument, match="assertion_consumer_url"):
        request = BeginSamlLoginRequest(provider="corp", assertion_consumer_url="http://console.example.org/acs")
        await stub.BeginSamlLogin(request)


async def test_a_provider_changes_its_keys_and_nobody_gives_it_keys_to_more_than_they_have(
    auth, admin, provider, stub, signer
):
    following = Signer()

    def certify(stub, *certificates):
        request = SetSamlCertificatesRequest(
            identity_provider_id=provider.identity_provider_id, certificates=certificates
        )
        return stub.SetSamlCertificates(request)

    jane = (await complete(stub, answered(signer, await begin(stub)))).user.user_id
    await certify(admin, signer.certificate, following.certificate)
    assert (await complete(stub, answered(following, await begin(stub)))).user.user_id == jane
    await complete(stub, answered(signer, await begin(stub)))
    await certify(admin, following.certificate)
    await refused(complete(stub, answered(signer, await begin(stub))))
    with pytest.raises(InvalidArgument, match="certificates"):
        await certify(admin, "no certificate")
    # Whoever has the keys is whom they like: a tenant's administrator is not the platform's.
    boss = await auth.user("boss")
    await auth.execute(
        "INSERT INTO user_roles (user_id, role_id) SELECT %s, id FROM roles WHERE name = 'tenant-admin'", boss.user_id
    )
    tenants = auth.as_user((await auth.login("boss")).access_token, IdentityProviderServiceStub)
    await certify(tenants, following.certificate)
    await auth.execute("UPDATE users SET role = 'admin' WHERE username = 'jane'")
    with pytest.raises(PermissionDenied):
        await certify(tenants, Signer().certificate)
    await complete(stub, answered(following, await begin(stub)))


async def test_what_makes_no_sense_of_a_provider_is_named(admin, signer):
    expired = certificate(signer.key, days=-1)
    for wrong, field in (
        ({"saml": SamlProvider(sso_url="http://idp.example.org", certificates=[signer.certificate])}, "saml.sso_url"),
        ({"saml": SamlProvider(sso_url=SSO, certificates=["no certificate"])}, "saml.certificates"),
        ({"saml": SamlProvider(sso_url=SSO, certificates=[expired])}, "saml.certificates"),
        ({"saml": None}, "saml.sso_url"),
        ({"client_secret": "secret"}, "client_secret"),
        ({"scopes": ["openid"]}, "scopes"),
        ({"type": 0}, "saml"),
    ):
        with pytest.raises(InvalidArgument) as caught:
            await admin.CreateIdentityProvider(corp(signer, **wrong))
        assert field in [one.field for one in caught.value.violations]


async def test_without_the_extra_it_is_said_what_to_install(admin, provider, stub, signer, monkeypatch):
    answer = answered(signer, await begin(stub))
    monkeypatch.setitem(sys.modules, "signxml", None)
    for call in (
        admin.CreateIdentityProvider(corp(signer, name="other")),
        begin(stub),
        complete(stub, answer),
    ):
        with pytest.raises(FailedPrecondition, match=r"pip install 'novacron\[saml\]'"):
            await call
    monkeypatch.undo()
    await complete(stub, answer)
