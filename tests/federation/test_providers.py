"""Registering, reading and forgetting providers, and who may."""

import asyncio
from uuid import uuid4

import pytest

from novacron.api.federation.v1 import (
    PROVIDER_HEALTH_UNKNOWN,
    PROVIDER_TYPE_AWS,
    PROVIDER_TYPE_HYBRID,
    PROVIDER_TYPE_ON_PREMISE,
    CheckProviderHealthRequest,
    CreateCloudProviderRequest,
    DeleteCloudProviderRequest,
    GetCloudProviderRequest,
    ListCloudProvidersRequest,
    ProviderServiceStub,
)
from novacron.errors import AlreadyExists, InvalidArgument, NotFound, PermissionDenied, Unauthenticated, Unimplemented


@pytest.fixture
def stub(federation, as_user):
    return as_user(federation)


async def count(database):
    async with database.connection() as connection:
        return (await (await connection.execute("SELECT count(*) FROM cloud_providers")).fetchone())[0]


async def test_a_provider_is_registered_and_read_by_id_and_by_name(stub, wanted):
    request = wanted()
    made = await stub.CreateCloudProvider(request)
    assert made.provider_id == request.provider_id
    assert (made.name, made.provider_type, list(made.regions), made.endpoint, made.priority, made.enabled) == (
        "east",
        PROVIDER_TYPE_ON_PREMISE,
        ["eu-1", "eu-2"],
        request.endpoint,
        5,
        True,
    )
    assert made.health_status == PROVIDER_HEALTH_UNKNOWN
    assert not made.HasField("last_health_check")
    for key in (made.provider_id, made.provider_id.upper(), "east"):
        assert await stub.GetCloudProvider(GetCloudProviderRequest(provider=key)) == made


async def test_an_id_is_made_when_none_is_given(stub, wanted):
    made = await stub.CreateCloudProvider(wanted(provider_id=""))
    assert await stub.GetCloudProvider(GetCloudProviderRequest(provider=made.provider_id)) == made


async def test_the_same_again_returns_what_stands_and_other_contents_do_not(stub, wanted, database):
    request = wanted()
    made = await stub.CreateCloudProvider(request)
    assert await stub.CreateCloudProvider(request) == made
    same_id = {"provider_id": request.provider_id}
    for other in (
        {"name": "west"},
        {"regions": ["eu-1"]},
        {"regions": ["eu-2", "eu-1"]},
        {"endpoint": "localhost:1"},
        {"priority": 6},
        {"secrets": {"password": "another"}},
    ):
        with pytest.raises(
            AlreadyExists, match="exists with other contents: repeat them exactly, or choose another id"
        ):
            await stub.CreateCloudProvider(wanted(**same_id, **other))
    assert await stub.GetCloudProvider(GetCloudProviderRequest(provider="east")) == made
    assert await count(database) == 1


async def test_a_name_is_one_providers_only(stub, wanted):
    await stub.CreateCloudProvider(wanted())
    with pytest.raises(AlreadyExists, match="a provider named east exists: choose another name, or delete that one"):
        await stub.CreateCloudProvider(wanted())


async def test_the_same_create_from_many_at_once_makes_one(replica, as_user, wanted, database):
    stubs = [as_user(await replica()) for _ in range(2)]
    request = wanted()
    made = await asyncio.gather(*(stubs[n % 2].CreateCloudProvider(request) for n in range(16)))
    assert all(one == made[0] for one in made)
    assert await count(database) == 1


async def test_a_deleted_provider_is_gone_with_its_credentials_and_may_be_deleted_again(stub, wanted, database):
    request = wanted()
    await stub.CreateCloudProvider(request)
    for _ in range(2):
        await stub.DeleteCloudProvider(DeleteCloudProviderRequest(provider_id=request.provider_id))
    assert await count(database) == 0
    with pytest.raises(NotFound, match=r"^provider east not found$"):
        await stub.GetCloudProvider(GetCloudProviderRequest(provider="east"))
    with pytest.raises(NotFound, match=rf"^provider {request.provider_id} not found$"):
        await stub.CheckProviderHealth(CheckProviderHealthRequest(provider=request.provider_id))
    await stub.CreateCloudProvider(request)


@pytest.mark.parametrize(("kind", "name"), [(PROVIDER_TYPE_AWS, "aws"), (PROVIDER_TYPE_HYBRID, "hybrid")])
async def test_a_provider_type_without_a_driver_is_told_which_there_are(stub, wanted, kind, name, database):
    with pytest.raises(
        Unimplemented, match=f"^provider type {name} is not in this installation; there is: on_premise$"
    ):
        await stub.CreateCloudProvider(wanted(provider_type=kind, endpoint="ec2.eu-1.amazonaws.com"))
    assert await count(database) == 0


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"provider_id": "not-a-uuid"}, "provider_id", "valid UUID"),
        ({"name": ""}, "name", "pattern"),
        ({"name": "East!"}, "name", "pattern"),
        ({"name": "e" * 10_000}, "name", "at most 255"),
        ({"name": str(uuid4())}, "name", "has the form of an id"),
        ({"provider_type": 0}, "provider_type", "not be in"),
        ({"provider_type": 77}, "provider_type", "defined"),
        ({"regions": [""]}, "regions[0]", "at least 1"),
        ({"regions": ["a", "b\x00"]}, "regions[1]", "cannot be printed: leave it out"),
        ({"regions": ["r"] * 65}, "regions", "no more than 64"),
        ({"endpoint": "nowhere"}, "endpoint", "is host:port, such as"),
        ({"endpoint": "unix:/run/secret.sock"}, "endpoint", "is host:port, such as"),
        ({"priority": 1001}, "priority", "1000"),
        ({"on_premise": None}, "on_premise", "is needed for this provider type: username, password and auth_endpoint"),
        ({"secrets": {"username": ""}}, "on_premise.username", "at least 1"),
        ({"secrets": {"password": "canary-" + "p" * 1024}}, "on_premise.password", "at most 1024"),
        ({"secrets": {"auth_endpoint": "http://a:1/"}}, "on_premise.auth_endpoint", "is host:port, such as"),
        ({"secrets": {"ca_pem": "canary-not-pem"}}, "on_premise.ca_pem", "holds no PEM certificate"),
        ({"secrets": {"ca_pem": "p" * 65_537}}, "on_premise.ca_pem", "at most 65536"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_registered(stub, wanted, database, fields, path, said):
    with pytest.raises(InvalidArgument, match=said) as caught:
        await stub.CreateCloudProvider(wanted(**fields))
    assert [one.field for one in caught.value.violations] == [path]
    assert "canary" not in caught.value.message
    assert await count(database) == 0


async def test_pages_go_by_the_order_of_registration_and_a_forged_token_is_refused(stub, wanted):
    names = [f"p{n}" for n in (5, 3, 9, 1, 7)]
    for name in names:
        await stub.CreateCloudProvider(wanted(name=name))
    seen, token = [], ""
    while True:
        page = await stub.ListCloudProviders(ListCloudProvidersRequest(page_size=2, page_token=token))
        assert len(page.providers) <= 2
        seen += [one.name for one in page.providers]
        token = page.next_page_token
        if not token:
            break
    assert seen == names
    with pytest.raises(InvalidArgument, match="not a token of this list"):
        await stub.ListCloudProviders(ListCloudProvidersRequest(page_token="forged"))
    with pytest.raises(InvalidArgument) as caught:
        await stub.ListCloudProviders(ListCloudProvidersRequest(page_size=1001))
    assert caught.value.violations[0].field == "page_size"


CALLS = {
    "provider:create": lambda stub: stub.CreateCloudProvider(CreateCloudProviderRequest()),
    "provider:read": lambda stub: stub.GetCloudProvider(GetCloudProviderRequest()),
    "provider:read ": lambda stub: stub.ListCloudProviders(ListCloudProvidersRequest(page_size=-1)),
    "provider:delete": lambda stub: stub.DeleteCloudProvider(DeleteCloudProviderRequest()),
    "provider:check": lambda stub: stub.CheckProviderHealth(CheckProviderHealthRequest()),
}


@pytest.mark.parametrize("permission", CALLS)
async def test_each_call_needs_its_permission_before_it_tells_anything_of_its_rules(
    federation, as_user, servers, permission
):
    call, others = CALLS[permission], [one.strip() for one in CALLS if one.strip() != permission.strip()]
    with pytest.raises(Unauthenticated, match="novacron login"):
        await call(ProviderServiceStub(servers.as_user(federation.server)))
    with pytest.raises(PermissionDenied, match=f"needs {permission.strip()}"):
        await call(as_user(federation, *others))
    with pytest.raises(PermissionDenied, match="the service vm may not call"):
        await call(ProviderServiceStub(servers.as_service(federation.server, "vm")))
    with pytest.raises(InvalidArgument):
        await call(as_user(federation, permission.strip()))


async def test_a_nul_in_a_name_is_the_callers_fault(stub):
    with pytest.raises(InvalidArgument, match="NUL"):
        await stub.GetCloudProvider(GetCloudProviderRequest(provider="a\x00b"))
