"""Who may register what, and what then stands in the registry."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from novacron.api.registry.v1 import (
    SERVICE_STATUS_UNHEALTHY,
    SERVICE_STATUS_UNKNOWN,
    SERVICE_TYPE_MICROSERVICE,
    SERVICE_TYPE_WORKER_SERVICE,
    DeregisterInstanceRequest,
    GetServiceRequest,
    ListServicesRequest,
    RegisterInstanceRequest,
    RegistryServiceStub,
)
from novacron.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from novacron.testing.patience import eventually


@pytest.fixture
async def registry(replica):
    return await replica(checks=False)


async def test_a_process_registers_and_users_see_where_it_is(registry, register, reader, show):
    started = Timestamp()
    started.FromDatetime(datetime(2026, 1, 2, 3, 4, 5, 678901, UTC))
    answer = await register(
        registry,
        "vm",
        "vm-1",
        mesh="localhost:7562",
        endpoint="localhost:7462",
        started_at=started,
        labels={"zone": "a"},
    )
    assert answer.lease.ToTimedelta() == timedelta(seconds=15)
    service = await show(reader(registry), "vm")
    assert service.service_id == answer.service_id
    assert (service.service_name, service.service_version, service.environment) == ("vm", "1.2.3", "testing")
    assert service.service_type == SERVICE_TYPE_MICROSERVICE
    assert service.status == SERVICE_STATUS_UNKNOWN
    assert dict(service.labels) == {"zone": "a"}
    [instance] = service.instances
    assert (instance.instance, instance.endpoint, instance.mesh_endpoint) == (
        "vm-1",
        "localhost:7462",
        "localhost:7562",
    )
    assert instance.status == SERVICE_STATUS_UNKNOWN
    assert instance.started_at == started
    assert timedelta(0) < instance.lease_until.ToDatetime(UTC) - datetime.now(UTC) <= timedelta(seconds=16)


async def test_a_renewal_moves_the_lease_and_is_no_change(registry, register, database):
    first = await register(registry, "vm", "vm-1")
    async with database.connection() as connection:
        await connection.execute("UPDATE service_instances SET lease_until = lease_until - interval '5 s'")
    before = await registry.store.named("vm")
    assert (await register(registry, "vm", "vm-1")).service_id == first.service_id
    after = await registry.store.named("vm")
    assert after.revision == before.revision
    assert after.instances[0].lease_until - before.instances[0].lease_until > timedelta(seconds=4)


async def test_another_endpoint_start_or_a_lapsed_lease_is_a_new_registration(registry, register, database):
    await register(registry, "vm", "vm-1", mesh="localhost:1")
    revisions = [(await registry.store.named("vm")).revision]
    started = Timestamp(seconds=1)
    for change in ({"mesh": "localhost:2"}, {"mesh": "localhost:2", "started_at": started}):
        async with database.connection() as connection:
            await connection.execute("UPDATE service_instances SET status = 'healthy'")
        await register(registry, "vm", "vm-1", **change)
        service = await registry.store.named("vm")
        revisions.append(service.revision)
        assert [(one.mesh_endpoint, one.status) for one in service.instances] == [("localhost:2", "unknown")]
    async with database.connection() as connection:
        await connection.execute("UPDATE service_instances SET lease_until = now() - interval '1 s'")
    await register(registry, "vm", "vm-1", mesh="localhost:2", started_at=started)
    revisions.append((await registry.store.named("vm")).revision)
    assert revisions == sorted(set(revisions))


async def test_two_versions_stand_side_by_side_and_an_instance_moves_with_its_upgrade(registry, register, reader, show):
    await register(registry, "vm", "vm-1", version="1.0.0", started_at=Timestamp(seconds=100))
    await register(registry, "vm", "vm-2", version="1.0.0", started_at=Timestamp(seconds=100))
    await register(registry, "vm", "vm-1", version="1.1.0-rc.1+build.5", started_at=Timestamp(seconds=200))
    stub = reader(registry)
    services = (await stub.ListServices(ListServicesRequest())).services
    assert [(one.service_version, [i.instance for i in one.instances]) for one in services] == [
        ("1.0.0", ["vm-2"]),
        ("1.1.0-rc.1+build.5", ["vm-1"]),
    ]
    assert (await show(stub, "vm")).service_version == "1.1.0-rc.1+build.5"
    await register(registry, "vm", "vm-1", version="1.0.0", started_at=Timestamp(seconds=300))
    assert (await show(stub, "vm")).service_version == "1.0.0"
    assert len((await show(stub, "vm")).instances) == 2


async def test_a_service_registers_itself_only_and_an_agent_its_own_node_only(registry, register, servers):
    with pytest.raises(PermissionDenied, match="the certificate of vm registers vm, not scheduler"):
        await register(registry, "scheduler", "s-1", certificate="vm")
    with pytest.raises(PermissionDenied, match="the agent of node n1 registers as instance n1, not n2"):
        await register(registry, "agent", "n2", certificate="agent/n1")
    await register(registry, "agent", "n1", certificate="agent/n1", service_type=SERVICE_TYPE_WORKER_SERVICE)
    assert (await registry.store.named("agent")).service_type == "worker_service"

    def leave(certificate, service, instance):
        stub = RegistryServiceStub(servers.as_service(registry.server, certificate))
        return stub.DeregisterInstance(DeregisterInstanceRequest(service_name=service, instance=instance))

    with pytest.raises(PermissionDenied):
        await leave("vm", "agent", "n1")
    with pytest.raises(PermissionDenied):
        await leave("agent/n2", "agent", "n1")
    assert len((await registry.store.named("agent")).instances) == 1
    await leave("agent/n1", "agent", "n1")
    assert (await registry.store.named("agent")).instances == ()


async def test_users_may_not_register_and_need_a_permission_to_read(registry, reader, servers, show):
    request = RegisterInstanceRequest(
        service_name="vm", service_version="1.0.0", instance="x", mesh_endpoint="localhost:1"
    )
    with pytest.raises(PermissionDenied, match="needs a service's certificate"):
        await reader(registry, "*:*").RegisterInstance(request)
    for call in (
        lambda stub: stub.ListServices(ListServicesRequest()),
        lambda stub: stub.GetService(GetServiceRequest(service_name="vm")),
    ):
        with pytest.raises(PermissionDenied, match="service:read"):
            await call(reader(registry, "vm:read"))
        with pytest.raises(Unauthenticated, match="novacron login"):
            await call(RegistryServiceStub(servers.as_user(registry.server)))


async def test_taking_out_twice_is_no_error_and_the_service_stays_listed_as_unhealthy(
    registry, register, servers, reader, show
):
    await register(registry, "vm", "vm-1")
    stub = RegistryServiceStub(servers.as_service(registry.server, "vm"))
    for _ in range(2):
        await stub.DeregisterInstance(DeregisterInstanceRequest(service_name="vm", instance="vm-1"))
    await stub.DeregisterInstance(DeregisterInstanceRequest(service_name="vm", instance="never was"))
    service = await show(reader(registry), "vm")
    assert list(service.instances) == []
    assert service.status == SERVICE_STATUS_UNHEALTHY


async def test_an_unknown_service_is_not_found(registry, reader, show):
    with pytest.raises(NotFound, match=r"^service nobody not found$"):
        await show(reader(registry), "nobody")


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"service": "VM!"}, "service_name", "pattern"),
        ({"service": "v" * 256}, "service_name", "at most 255"),
        ({"version": "1.2"}, "service_version", "pattern"),
        ({"version": "1.2.3" + "-" + "x" * 60}, "service_version", "at most 50"),
        ({"instance": ""}, "instance", "at least 1"),
        ({"instance": "a\x00b"}, "instance", "cannot be printed: leave it out"),
        ({"mesh": ""}, "mesh_endpoint", "at least 3"),
        ({"mesh": "nowhere"}, "mesh_endpoint", "is host:port, such as"),
        ({"mesh": "unix:/run/secret.sock"}, "mesh_endpoint", "is host:port, such as"),
        ({"endpoint": "localhost:0"}, "endpoint", "is host:port, such as"),
        ({"service_type": 99}, "service_type", "defined"),
        ({"started_at": Timestamp(seconds=10**15)}, "started_at", "between the years 1 and 9999"),
        ({"labels": {"k": "v" * 300}}, 'labels["k"]', "has 300 characters"),
        ({"labels": {str(n): "" for n in range(65)}}, "labels", "at most 64"),
        ({"labels": {"k": "a\x00"}}, 'labels["k"]', "cannot be printed"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_registered(registry, register, fields, path, said):
    fields = {"service": "vm", "instance": "vm-1", **fields}
    service = fields.pop("service")
    with pytest.raises(InvalidArgument, match=said) as caught:
        # The certificate is asked first; what is no name at all cannot stand in one.
        await register(registry, service, fields.pop("instance"), certificate="vm", **fields)
    assert [one.field for one in caught.value.violations] == [path]
    assert await registry.store.revisions() == {}


async def test_a_name_with_a_nul_is_refused_and_not_an_inner_error(registry, reader, show):
    with pytest.raises(InvalidArgument, match="NUL"):
        await show(reader(registry), "a\x00b")


async def test_pages_go_by_name_and_a_token_of_another_list_is_refused(registry, reader, database):
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO service_registry (service_name, service_version, service_type, environment, base_url,"
            " health_check_url) SELECT 's' || lpad(n::text, 3, '0'), v, 'microservice', e, 'grpcs://h:1', 'grpcs://h:1'"
            " FROM generate_series(1, 30) n, unnest(ARRAY['1.0.0', '2.0.0']) v, unnest(ARRAY['testing', 'staging']) e"
        )
    stub, seen, token = reader(registry), [], ""
    while True:
        page = await stub.ListServices(ListServicesRequest(page_size=7, page_token=token))
        assert len(page.services) <= 7
        seen += [(one.service_name, one.service_version) for one in page.services]
        token = page.next_page_token
        if not token:
            break
    assert seen == [(f"s{n:03}", version) for n in range(1, 31) for version in ("1.0.0", "2.0.0")]
    with pytest.raises(InvalidArgument, match="not a token of this list"):
        await stub.ListServices(ListServicesRequest(page_token="forged"))
    with pytest.raises(InvalidArgument) as caught:
        await stub.ListServices(ListServicesRequest(page_size=-1))
    assert caught.value.violations[0].field == "page_size"


async def test_many_replicas_registering_at_once_end_with_one_service_and_every_instance(replica, register, registry):
    other = await replica(checks=False)
    names = [f"vm-{n}" for n in range(20)]
    await asyncio.gather(
        *(register((registry, other)[n % 2], "vm", name, version=f"1.{n % 3}.0") for n, name in enumerate(names))
    )
    services = await registry.store.page(None, 10)
    assert [one.service_version for one in services] == ["1.0.0", "1.1.0", "1.2.0"]
    assert sorted(i.instance for one in services for i in one.instances) == sorted(names)


async def test_what_everyone_registers_with_registers_and_deregisters(registry, servers):
    from novacron.registration import Registration

    channel = servers.as_service(registry.server, "auth")
    registration = Registration(channel, "auth", "auth-1", endpoint="localhost:1", mesh_endpoint="localhost:2")
    await registration.start()

    async def there():
        return await registry.store.named("auth")

    service = await eventually(there)
    assert [one.instance for one in service.instances] == ["auth-1"]
    await registration.stop()
    assert (await registry.store.named("auth")).instances == ()
