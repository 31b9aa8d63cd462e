"""Every RPC of every service, given what its descriptor allows and what it does not: boundary values, noise, raw bytes.

Whatever comes, a server answers with a status that means something, says nothing of its inside, and stays alive.
``NOVACRON_FUZZ_SEED`` chooses other messages, and ``make test-faults`` sends more of them; a failure prints the seed.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from datetime import timedelta
from uuid import uuid4

import grpc
import pytest
from argon2 import PasswordHasher
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc

import novacron_auth
import novacron_federation
import novacron_registry
from novacron.api.federation.v1 import add_ProviderServiceServicer_to_server
from novacron.api.registry.v1 import add_RegistryServiceServicer_to_server
from novacron.cache import InvalidationBus
from novacron.db import service_migrations
from novacron.paging import PageTokens
from novacron.rpc.policy import policy_of
from novacron.saga import barrier
from novacron.sealing import KeyRing, Sealer
from novacron_auth.house import House as AuthHouse
from novacron_auth.settings import AuthSettings
from novacron_auth.users.passwords import Passwords
from novacron_federation.drivers import OnPremise
from novacron_federation.provider import ProviderType
from novacron_federation.providers import Providers
from novacron_federation.servicer import ProviderServicer
from novacron_federation.store import Store as FederationStore
from novacron_registry.servicer import RegistryServicer
from novacron_registry.services import Services
from novacron_registry.store import Store as RegistryStore
from novacron_registry.watch import Watch

from ..vm.house import build

SEED = int(os.environ.get("NOVACRON_FUZZ_SEED", "1"))
KEY = b"f" * 32
CODE = grpc.StatusCode
# A server may shed, refuse, time out or be out of step with the caller; these two are faults of ours.
FAULTS = {CODE.INTERNAL, CODE.UNKNOWN, CODE.DATA_LOSS}
INSIDE = re.compile(
    r"Traceback|File \"|\.py\b|site-packages|psycopg|SELECT |INSERT |UPDATE |relation \"|/(usr|home|tmp|var|root|etc)/"
    r"|postgres|asyncio|grpc\.|0x[0-9a-f]{6,}|KeyError|ValueError|TypeError|AttributeError"
)


class Messages:
    """Random messages of a descriptor, most of them nearly right, so that they get far."""

    def __init__(self, seed, ids):
        self.random = random.Random(seed)
        self.ids = ids

    def message(self, descriptor, depth=0):
        made = message_factory.GetMessageClass(descriptor)()
        for field in descriptor.fields:
            if self.random.random() < (0.25 if depth < 3 else 0.9):
                continue
            self._fill(made, field, depth)
        return made

    def _fill(self, made, field, depth):
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields
            for _ in range(self._count()):
                if value.message_type is None:
                    getattr(made, field.name)[self._scalar(key)] = self._scalar(value)
        elif field.is_repeated:
            for _ in range(self._count()):
                if field.message_type is not None:
                    getattr(made, field.name).add().CopyFrom(self.message(field.message_type, depth + 1))
                else:
                    getattr(made, field.name).append(self._scalar(field))
        elif field.message_type is not None:
            getattr(made, field.name).CopyFrom(self.message(field.message_type, depth + 1))
        else:
            setattr(made, field.name, self._scalar(field))

    def _count(self):
        return self.random.choice((0, 1, 1, 2, 3, 70))

    def _scalar(self, field):
        kind, choose = field.cpp_type, self.random.choice
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return choose((True, False))
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            return choose([value.number for value in field.enum_type.values] + [99, -1])
        if kind == FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return self.random.randbytes(choose((0, 1, 100, 70_000)))
            return self._text(field.name)
        if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
            return choose((0.0, 1.5, -1.0, 1e30, float("nan"), float("inf"), -float("inf")))
        bits = 31 if kind in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32) else 63
        unsigned = kind in (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64)
        numbers = [0, 1, 2, 10, 64, 1000, 4096, 2**bits - 1] + ([] if unsigned else [-1, -(2**bits)])
        return choose(numbers)

    def _text(self, name):
        choose = self.random.choice
        if name.endswith("_id") and self.random.random() < 0.8:
            return choose(self.ids)
        return choose(
            (
                "web",
                "n1",
                "vm",
                "novacron-guest",
                "localhost:1",
                "192.0.2.1",
                "1.2.3",
                "state = running",
                'tags.env = "x" AND name != "*"',
                "labels.a\0b = c",
                'name = "a',
                "",
                " ",
                "\0",
                "a\0b",
                "'; DROP TABLE vms; --",
                "%s%n{0}${x}",
                "../../outside/secret",
                "\U0001f4a5 \u202e\ufffe",
                "A" * 64,
                "x" * 5_000,
                "ä" * 40_000,
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                str(uuid4()).upper(),
                "{" + str(uuid4()) + "}",
            )
        )

    def noise(self, message):
        """Bytes that were a message: cut off, with bits turned over, or never one."""
        data = bytearray(message.SerializeToString())
        way = self.random.randrange(3)
        if way == 0 or not data:
            return self.random.randbytes(self.random.choice((1, 7, 300)))
        if way == 1:
            return bytes(data[: self.random.randrange(len(data))])
        for _ in range(3):
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        return bytes(data)


def methods_of(service):
    return descriptor_pool.Default().FindServiceByName(service).methods


class Target:
    """One server with what it serves."""

    rounds = 1

    def __init__(self, servers, server, user, *services):
        self.servers, self.server, self.user, self.services = servers, server, user, services
        self.calls, self.codes = 0, {}

    async def wire(self, caller):
        """A bare channel: what is tested is the server, not our client."""
        if caller:
            credentials, port = self.servers.identification(caller).client(), self.server.mesh_port
        else:
            ca = self.servers.identification("operator").ca
            credentials, port = grpc.ssl_channel_credentials(ca), self.server.port
        return grpc.aio.secure_channel(f"localhost:{port}", credentials)

    async def fuzz(self, messages):
        for service in self.services:
            for method in methods_of(service):
                policy = policy_of(f"/{service}/{method.name}")
                caller = "" if policy.permission or policy.public or policy.authenticated else min(policy.callers)
                caller = "agent/n1" if caller == "agent" else caller
                async with await self.wire(caller) as channel:
                    await asyncio.gather(*(self._round(channel, caller, method, messages) for _ in range(self.rounds)))
                    await self._alive(channel)

    async def _round(self, channel, caller, method, messages):
        message = messages.message(method.input_type)
        await self._one(channel, caller, method, message.SerializeToString(), message)
        await self._one(channel, caller, method, messages.noise(message), None)

    async def _one(self, channel, caller, method, data, message):
        path = f"/{method.containing_service.full_name}/{method.name}"
        metadata = () if caller else self.user.metadata
        try:
            if method.server_streaming:
                open_call = channel.stream_stream if method.client_streaming else channel.unary_stream
                argument = _stream_of(data) if method.client_streaming else data
                call = open_call(path)(argument, metadata=metadata, timeout=1)
                async for _ in call:
                    break
                call.cancel()
            else:
                await channel.unary_unary(path)(data, metadata=metadata, timeout=10)
            code, said = CODE.OK, ""
        except grpc.aio.AioRpcError as error:
            code, said = error.code(), error.details() or ""
            said += "".join(
                value.decode(errors="replace")
                for key, value in error.trailing_metadata() or ()
                if key == "grpc-status-details-bin"
            )
        self.calls += 1
        self.codes[code] = self.codes.get(code, 0) + 1
        about = (
            f"{path} answered {code} {said[:600]!r} to {str(message)[:600] if message else data[:200]!r} (seed {SEED})"
        )
        assert code not in FAULTS, about
        # What the caller sent may be repeated to the caller, and none of it looks like this.
        assert not INSIDE.search(said.replace(path, "")), about

    async def _alive(self, channel):
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def _stream_of(data):
    yield data


@pytest.fixture(
    autouse=True, params=[7, pytest.param(42, marks=pytest.mark.faults_all)], ids=lambda rounds: f"{rounds} rounds"
)
def rounds(request, monkeypatch):
    """How many messages each method gets, and as much noise."""
    monkeypatch.setattr(Target, "rounds", request.param)


@pytest.fixture
async def house(servers, new_database, tmp_path):
    house = await build(servers, new_database, tmp_path)
    await house.add_host()
    yield house
    await house.close()


async def check(target):
    await target.fuzz(Messages(SEED, [str(uuid4()), *getattr(target, "ids", ())]))
    assert len(target.codes) > 1, f"every message met the same answer: {target.codes}"


def everyone(servers):
    return servers.users.add("*:*")


async def test_vm_survives_whatever_it_is_sent(servers, house):
    user = everyone(servers)
    ids = [(await house.vms(user).CreateVm(house.request())).vm_id for _ in range(2)]
    target = Target(
        servers,
        house.server,
        user,
        "novacron.api.vm.v1.VmService",
        "novacron.api.vm.v1.TemplateService",
        "novacron.api.saga.v1.SagaService",
    )
    target.ids = ids
    await check(target)


async def test_the_agent_survives_whatever_it_is_sent(servers, house):
    vm = await house.create()
    target = Target(servers, house.host.server, None, "novacron.api.agent.v1.AgentService")
    target.ids = [vm.vm_id]
    await check(target)


async def test_the_scheduler_survives_whatever_it_is_sent(servers, house):
    vm = await house.create()
    services = ("novacron.api.scheduler.v1.NodeService", "novacron.api.scheduler.v1.ReservationService")
    target = Target(servers, house.scheduler, everyone(servers), *services)
    target.ids = [vm.vm_id, vm.node_id]
    await check(target)


async def test_monitoring_survives_whatever_it_is_sent(servers, house):
    vm = await house.create()
    target = Target(servers, house.monitoring, everyone(servers), "novacron.api.monitoring.v1.MetricsService")
    target.ids = [vm.vm_id, vm.node_id]
    await check(target)


async def test_auth_survives_whatever_it_is_sent(servers, new_database, tmp_path):
    database = await new_database(service_migrations("auth", novacron_auth.__file__))
    passwords = Passwords(PasswordHasher(1, 8, 1), threads=2, queue=500)
    settings = AuthSettings(environment="testing", database_url=database.url, key_file=tmp_path / "key")
    house = AuthHouse(settings, database, KeyRing((KEY,)), passwords, InvalidationBus(None, ()))
    await house.keyring.ensure_primary()
    server = await servers.start("auth", house.doors())
    codes = set()
    for _, servicer in house.doors():
        name = type(servicer).__name__.removesuffix("r")
        target = Target(servers, server, everyone(servers), f"novacron.api.auth.v1.{name}")
        await target.fuzz(Messages(SEED, [str(uuid4())]))
        codes |= set(target.codes)
    assert len(codes) > 2, f"every message met the same answer: {codes}"
    passwords.close()


async def test_the_registry_survives_whatever_it_is_sent(servers, new_database):
    database = await new_database(service_migrations("registry", novacron_registry.__file__))
    store = RegistryStore(database, "testing")
    watch = Watch(store, 0.1)
    await watch.start()
    servicer = RegistryServicer(Services(store, 15, 3600), store, watch, PageTokens(KEY))
    server = await servers.start("registry", [(add_RegistryServiceServicer_to_server, servicer)])
    await check(Target(servers, server, everyone(servers), "novacron.api.registry.v1.RegistryService"))
    await watch.stop()


async def test_federation_survives_whatever_it_is_sent(servers, new_database):
    database = await new_database(barrier.MIGRATIONS, service_migrations("federation", novacron_federation.__file__))
    store, ring = FederationStore(database), KeyRing((KEY,))
    drivers = {ProviderType.ON_PREMISE: OnPremise(timeout_seconds=1, slow_seconds=1)}
    providers = Providers(store, Sealer(ring), drivers, timedelta(minutes=5))
    servicer = ProviderServicer(providers, store, PageTokens(ring.primary))
    server = await servers.start("federation", [(add_ProviderServiceServicer_to_server, servicer)])
    await check(Target(servers, server, everyone(servers), "novacron.api.federation.v1.ProviderService"))


async def test_a_message_beyond_the_limit_is_refused_and_the_server_lives(servers, house):
    target = Target(servers, house.server, house.user)
    async with await target.wire("") as channel:
        call = channel.unary_unary("/novacron.api.vm.v1.VmService/CreateVm")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"\x12" + b"\xff" * (9 << 20), metadata=house.user.metadata, timeout=10)
        assert refused.value.code() is CODE.RESOURCE_EXHAUSTED
        await target._alive(channel)
