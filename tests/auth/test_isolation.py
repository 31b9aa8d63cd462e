"""No tenant sees a byte of another's: three tenants, whatever calls they make of whatever is served.

Requests are made from the descriptors. What names something is given what the caller has, what another tenant has, or nothing
that there is; pages are turned with tokens that another tenant was given. No answer, success or error, holds an id or a name
of another tenant that its own request did not hold; and what is read of another's id is what is read of one that nobody has.
Half of the calls meet the first wall alone, the queries' own WHERE: behind the second a hole in it would not show.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
import structlog
from google.protobuf import descriptor_pool
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from novacron import tenancy
from novacron.api.auth.v1 import ApiKeyServiceStub, CreateApiKeyRequest, CreateRoleRequest, RoleServiceStub
from novacron.api.scheduler.v1 import (
    CreateSchedulingPolicyRequest,
    PolicyServiceStub,
    SchedulingPolicy,
    add_PlacementServiceServicer_to_server,
    add_PolicyServiceServicer_to_server,
    add_QuotaServiceServicer_to_server,
)
from novacron.api.vm.v1 import CreateTemplateRequest, CreateVmRequest, TemplateServiceStub, VmServiceStub, VmSpec
from novacron.paging import PageTokens
from novacron.testing.servers import TestUser
from novacron_auth.roles import catalog
from novacron_auth.users.account import Role
from novacron_scheduler.overcommit import UNSHARED
from novacron_scheduler.placement_servicer import PlacementServicer
from novacron_scheduler.placements import Placements
from novacron_scheduler.policies import Policies
from novacron_scheduler.policy_servicer import PolicyServicer
from novacron_scheduler.quota_servicer import QuotaServicer
from novacron_scheduler.quotas import Quotas
from novacron_scheduler.store import PolicyStore, QuotaStore, ReservationStore

from ..vm.house import rows
from .every_service import KEY, AskingServers, serve_all
from .matrix_callers import bearer
from .test_foreign_ids import BESIDE
from .test_matrix import CODE, every_rpc

TENANTS = ("amber", "birch", "cedar")
SPEC = VmSpec(cpu_cores=1, memory_mib=128, storage_gib=1, base_image="novacron-guest")
# Faults of ours; and a server that asks for patience has said nothing yet.
FAULTS = {CODE.INTERNAL, CODE.UNKNOWN, CODE.DATA_LOSS}
BUSY = {CODE.RESOURCE_EXHAUSTED, CODE.UNAVAILABLE, CODE.DEADLINE_EXCEEDED}
# Whoever may drain nodes does so for the platform, whose nodes have everybody's VMs; and these end what the test goes by.
PLATFORM = ("node:drain",)
ENDINGS = {"Logout", "RevokeAllSessions", "RevokeUserSessions", "ChangePassword", "DisableUser", "DeleteUser"}
MADE = {"template_id", "role_id", "policy_id"}
_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass
class Tenant:
    """What one has, by the names of the fields that would name it; and the words that are in its names alone."""

    name: str
    metadata: tuple[tuple[str, str], ...]
    things: dict[str, list[str]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    def ids(self) -> set[bytes]:
        return {one.encode() for many in self.things.values() for one in many}

    def has(self, name: str, value: str) -> None:
        self.things.setdefault(name, []).append(value)


@dataclass
class World:
    every: dict[str, Any]
    tenants: list[Tenant]
    wires: dict[str, grpc.aio.Channel]
    calls: int = 0
    foreign: int = 0
    second_wall: bool = True
    codes: dict[str, int] = field(default_factory=dict)

    async def close(self) -> None:
        for wire in self.wires.values():
            await wire.close()


def user_of(token: str) -> TestUser:
    return TestUser(frozenset(), token=token)


async def settle(name: str, auth: Any, servers: Any, every: dict[str, Any], house: Any) -> Tenant:
    """A tenant with one thing of each kind, in whose names its own stands."""
    user = f"{name}-user"
    account = await auth.user(user, Role.VIEWER, tenant=f"{name}-tenant")
    role = await auth.execute("SELECT id FROM roles WHERE name = 'everything'")
    await auth.execute("INSERT INTO user_roles (user_id, role_id) VALUES (%s, %s)", account.user_id, role[0][0])
    login = await auth.login(user, tenant=f"{name}-tenant")
    token = login.access_token
    tenant = Tenant(name, bearer(token))
    tenant.things["user_id"] = tenant.things["user"] = [str(account.user_id)]
    tenant.things["tenant_id"] = tenant.things["tenant"] = [str(account.tenant_id)]
    who = user_of(token)
    vm = await VmServiceStub(servers.as_user(every["vm"], who)).CreateVm(
        CreateVmRequest(vm_id=str(uuid4()), name=f"{name}-vm", spec=SPEC)
    )
    tenant.has("vm_id", vm.vm_id)
    made = await TemplateServiceStub(servers.as_user(every["vm"], who)).CreateTemplate(
        CreateTemplateRequest(name=f"{name}-template", spec=SPEC)
    )
    tenant.things["template_id"] = tenant.things["template"] = [made.template_id]
    key = await auth.as_user(token, ApiKeyServiceStub).CreateApiKey(CreateApiKeyRequest(name=f"{name}-key"))
    tenant.has("api_key_id", key.api_key.api_key_id)
    made = await auth.as_user(token, RoleServiceStub).CreateRole(CreateRoleRequest(name=f"{name}-role"))
    tenant.things["role_id"] = tenant.things["role"] = [made.role_id]
    policies = PolicyServiceStub(servers.as_user(every["scheduler, for tenants"], who))
    made = await policies.CreateSchedulingPolicy(
        CreateSchedulingPolicyRequest(
            policy=SchedulingPolicy(policy_id=str(uuid4()), name=f"{name}-policy", policy_type="POLICY_TYPE_PLACEMENT")
        )
    )
    tenant.has("policy_id", made.policy_id)
    for (session,) in await auth.execute("SELECT id::text FROM user_sessions WHERE user_id = %s", account.user_id):
        tenant.has("session_id", session)
    for (saga,) in await rows(
        house.vm_database, "SELECT saga_id::text FROM saga WHERE tenant_id = %s", account.tenant_id
    ):
        tenant.has("saga_id", saga)
    for (decision,) in await rows(
        house.scheduler_database, "SELECT id::text FROM scheduling_decisions WHERE vm_id = %s", UUID(vm.vm_id)
    ):
        tenant.has("decision_id", decision)
    return tenant


async def serve_the_schedulers_rest(asking: AskingServers, database: Any) -> None:
    """What the house of VMs has no use for."""
    first, tokens = asking.started["scheduler"], PageTokens(KEY)
    placements = Placements(database, ReservationStore(), QuotaStore())
    await asking.start(
        "scheduler",
        [
            (add_PlacementServiceServicer_to_server, PlacementServicer(placements, UNSHARED)),
            (add_PolicyServiceServicer_to_server, PolicyServicer(Policies(database, PolicyStore(), tokens))),
            (add_QuotaServiceServicer_to_server, QuotaServicer(Quotas(database, QuotaStore(), tokens))),
        ],
    )
    asking.started["scheduler, for tenants"], asking.started["scheduler"] = asking.started["scheduler"], first


@pytest.fixture
async def world(auth, servers, new_database, tmp_path, monkeypatch):
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asking = AskingServers(servers, auth.server)
    house = await serve_all(asking, new_database, tmp_path)
    await serve_the_schedulers_rest(asking, house.scheduler_database)
    everything = [
        one for one in catalog.permissions() if one not in ("tenant:any", *PLATFORM) and not one.startswith("platform:")
    ]
    await auth.execute("INSERT INTO roles (name, permissions) VALUES ('everything', to_jsonb(%s::text[]))", everything)
    every = {**asking.started, "auth": auth.server}
    tenants = [await settle(name, auth, servers, every, house) for name in TENANTS]
    credentials = grpc.ssl_channel_credentials(servers.identification("operator").ca)
    wires = {
        at: grpc.aio.secure_channel(f"localhost:{server.port}", credentials)
        for at, server in every.items()
        if server.port
    }
    made, sees = World(every, tenants, wires), tenancy.sees
    monkeypatch.setattr(tenancy, "sees", lambda: sees() if made.second_wall else tenancy.EVERY_TENANT)
    yield made
    await made.close()
    await house.close()
    await asking.close()
    structlog.reset_defaults()


def _reads(rpc: Any) -> bool:
    return bool(re.match(r"(Get|List|Query|Watch|Explain|Check|Export|Verify)", rpc.path.split("/")[2]))


def callable_rpcs(world: World) -> list[tuple[str, Any, Any]]:
    """What users may call: where, the RPC, its request's type."""
    found = []
    for rpc in every_rpc():
        name = rpc.path.split("/")[2]
        if not rpc.path.startswith("/novacron") or not (rpc.access.permission or rpc.access.authenticated):
            continue
        # What a process sees of the others' wires is no tenant's, and is not wired here.
        if rpc.arity.startswith("stream") or name in ENDINGS or rpc.service.endswith(".AdminService"):
            continue
        at = next((at for at in world.wires if rpc.service in world.every[at]._names), None)
        kind = descriptor_pool.Default().FindServiceByName(rpc.service).methods_by_name[name].input_type
        if at is not None:
            found.append((at, rpc, kind))
    return found


@dataclass
class Asked:
    """A call to make: whose, and the choices of which its request is made when the time has come."""

    caller: int
    rpc: int
    whose: list[int]
    size: int
    word: int
    second_wall: bool


asked = st.builds(
    Asked,
    st.integers(0, len(TENANTS) - 1),
    st.integers(0, 10_000),
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
    st.sampled_from([0, 1, 2, 50]),
    st.integers(0, 10_000),
    st.booleans(),
)


def request_of(one: Asked, rpc: Any, kind: Any, world: World) -> tuple[Any, set[str]]:
    """The request, and the ids in it that are another tenant's."""
    caller, foreign = world.tenants[one.caller], set()
    message = GetMessageClass(kind)()
    choices = iter(one.whose)
    changes = not _reads(rpc)
    for part in kind.fields:
        if part.is_repeated or part.cpp_type != part.CPPTYPE_STRING or part.type == part.TYPE_BYTES:
            if part.name == "page_size":
                message.page_size = one.size
            if part.message_type is not None and part.message_type.full_name.endswith("VmSpec"):
                message.spec.CopyFrom(SPEC)
            continue
        whose = next(choices, 3)
        others = [tenant for tenant in world.tenants if tenant is not caller]
        if part.name == "page_token":
            tokens = [token for tenant in world.tenants for token in tenant.tokens]
            message.page_token = tokens[one.word % len(tokens)] if tokens and whose else ""
        elif part.name == "filter":
            message.filter = filter_of(one, whose, others)
        elif part.name in caller.things:
            # What changes something is not let near what the callers go on with.
            owner = world.tenants[whose] if whose < len(TENANTS) else None
            if owner is caller and changes:
                owner = others[one.word % len(others)]
            if owner is None:
                setattr(message, part.name, str(uuid4()))
            elif owner.things.get(part.name):
                value = owner.things[part.name][one.word % len(owner.things[part.name])]
                setattr(message, part.name, value)
                if owner is not caller:
                    foreign.add(value)
        elif part.name == "name":
            message.name = f"{caller.name}-{one.word}"
        elif part.name == "reason":
            message.reason = "asked"
        elif part.name == "metric":
            message.metric = "cpu_usage_percent"
    return ParseDict(BESIDE.get(rpc.path.split("/")[2], {}), message), foreign


def filter_of(one: Asked, whose: int, others: list[Tenant]) -> str:
    other = others[one.word % len(others)]
    ids = sorted(other.ids())
    wanted = ids[one.word % len(ids)].decode()
    words = (f'tenant_id = "{wanted}"', f'name = "{other.name}-vm"', f'name != "{whose}"', "")
    return words[whose]


async def ask(world: World, at: str, rpc: Any, message: Any, caller: Tenant) -> tuple[grpc.StatusCode, bytes]:
    """The status, and all that came with it."""
    call = getattr(world.wires[at], rpc.arity)(rpc.path)(
        message.SerializeToString(), metadata=caller.metadata, timeout=2
    )
    try:
        if rpc.arity.endswith("stream"):
            said = b""
            async for data in call:
                said += data
                break
            call.cancel()
        else:
            said = await call
        return CODE.OK, said
    except grpc.aio.AioRpcError as error:
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        return error.code(), (error.details() or "").encode() + details


async def play(one: Asked, world: World) -> None:
    rpcs = callable_rpcs(world)
    at, rpc, kind = rpcs[one.rpc % len(rpcs)]
    caller = world.tenants[one.caller]
    message, foreign = request_of(one, rpc, kind, world)
    world.second_wall = one.second_wall
    code, said = await ask(world, at, rpc, message, caller)
    world.calls += 1
    world.codes[code.name] = world.codes.get(code.name, 0) + 1
    about = f"{rpc.path} by {caller.name}, asked {str(message)!r}, answered {code.name} {said[:500]!r}"
    assert code not in FAULTS, about
    sent = message.SerializeToString()
    for other in world.tenants:
        if other is not caller:
            told = {value for value in other.ids() if value in said and value not in sent}
            assert not told, f"{about}: that is {other.name}'s {told}"
            assert other.name.encode() not in said or other.name.encode() in sent, f"{about}: that is {other.name}'s"
    keep(rpc, kind, caller, code, said)
    if foreign and not rpc.path.split("/")[2].startswith("Create") and code not in BUSY:
        await compare(world, at, rpc, message, foreign, caller, (code, said), about)


async def compare(
    world: World,
    at: str,
    rpc: Any,
    message: Any,
    foreign: set[str],
    caller: Tenant,
    came: tuple[grpc.StatusCode, bytes],
    about: str,
) -> None:
    """Another tenant's ids, and ids of nothing in their places: the two answers are one."""
    world.foreign += 1
    unknown = GetMessageClass(message.DESCRIPTOR)()
    unknown.CopyFrom(message)
    for part, value in message.ListFields():
        if isinstance(value, str) and value in foreign:
            setattr(unknown, part.name, str(uuid4()))
    code, said = await ask(world, at, rpc, unknown, caller)
    if code in BUSY:
        return
    alike = (
        _ID.sub(b"ID", came[1]) == _ID.sub(b"ID", said) or code is CODE.OK
    )  # of what is found, times go on meanwhile
    assert (came[0], alike) == (code, True), f"{about}; of nothing: {code.name} {said[:500]!r}"


def keep(rpc: Any, kind: Any, caller: Tenant, code: grpc.StatusCode, said: bytes) -> None:
    """Pages that were begun, for others to go on with; and what was made, as one thing more of its tenant's."""
    method = descriptor_pool.Default().FindServiceByName(rpc.service).methods_by_name[rpc.path.split("/")[2]]
    if code is not CODE.OK or rpc.arity != "unary_unary":
        return
    answer = GetMessageClass(method.output_type)()
    answer.ParseFromString(said)
    if getattr(answer, "next_page_token", ""):
        caller.tokens.append(answer.next_page_token)
    if method.name.startswith("Create"):
        for part, value in answer.ListFields():
            if part.name in MADE and value not in caller.things.setdefault(part.name, []):
                caller.has(part.name, value)


@pytest.mark.parametrize("examples", [15, pytest.param(2_000, marks=pytest.mark.faults_all)])
async def test_no_tenant_is_told_anything_of_another(world, capsys, examples):
    loop = asyncio.get_running_loop()

    # What was asked before is part of what is answered: a failure tells its own story, and does not shrink.
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples < 100,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(st.lists(asked, min_size=4, max_size=12))
    def whatever_they_ask(calls):
        for one in calls:
            asyncio.run_coroutine_threadsafe(play(one, world), loop).result(30)

    await asyncio.to_thread(whatever_they_ask)
    with capsys.disabled():
        print(f"\nisolation: {world.calls} calls, {world.foreign} with another tenant's ids: {world.codes}")
    assert min(world.codes["OK"], world.foreign) > examples / 2, "the calls got nowhere: nothing was tested"
