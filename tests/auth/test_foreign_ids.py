"""What is read of another tenant's id is what is read of an id that nobody has: at every RPC, to the byte.

The caller may all that there is in a tenant: all but to look past it, and to repair the platform, which knows no tenants.
The requests are made from the descriptors: each field that names something is given the id of what another tenant has, and
then one of nothing.
"""

from __future__ import annotations

from uuid import uuid4

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from novacron.api.auth.v1 import (
    ApiKeyServiceStub,
    CreateApiKeyRequest,
    CreateRoleRequest,
    ListSessionsRequest,
    SessionServiceStub,
)
from novacron.api.buf.validate import validate_pb2
from novacron.api.vm.v1 import CreateTemplateRequest, CreateVmRequest, TemplateServiceStub, VmServiceStub, VmSpec
from novacron.testing.servers import TestUser
from novacron_auth.roles import catalog
from novacron_auth.users.account import Role

from ..vm.house import rows
from .every_service import AskingServers, serve_all
from .matrix_callers import bearer
from .role_callers import tenant_admin
from .test_matrix import CODE, every_rpc

# What a request needs beside the id, so that it is looked at.
BESIDE = {
    "CheckPermission": {"resource": "vm", "action": "read"},
    "ResetPassword": {"new_password": "correct horse battery staple"},
    "UpdateRole": {"description": "mine"},
    "UpdateUser": {"username": "mine"},
    "UpdateTenant": {"display_name": "mine"},
    "QueryVmMetrics": {"metric": "cpu_usage_percent"},
    "SkipSagaStep": {"step": "reserve", "reason": "test"},
    "SetQuota": {"limits": {"vms": 1}},
    "ResizeVm": {"cpu_cores": 2},
    "GenerateScalingRecommendation": {"recommendation_id": str(uuid4())},
}
REASON = {"reason": "test"}
NOTHING = str(uuid4())
SPEC = VmSpec(cpu_cores=1, memory_mib=128, storage_gib=1, base_image="novacron-guest")


@pytest.fixture
async def every(auth, servers, new_database, tmp_path):
    asking = AskingServers(servers, auth.server)
    house = await serve_all(asking, new_database, tmp_path)
    auth.sagas = house.vm_database
    yield {**asking.started, "auth": auth.server}
    await house.close()
    await asking.close()


def user_of(token):
    return TestUser(frozenset(), token=token)


async def what_another_tenant_has(auth, servers, every):
    """Ids by the names that fields have."""
    roles = await tenant_admin(auth, "dave", tenant="other")
    await auth.execute("UPDATE users SET role = 'operator' WHERE username = 'dave'")
    token = (await auth.login("dave", tenant="other")).access_token
    vms = VmServiceStub(servers.as_user(every["vm"], user_of(token)))
    templates = TemplateServiceStub(servers.as_user(every["vm"], user_of(token)))
    vm = await vms.CreateVm(CreateVmRequest(vm_id=str(uuid4()), name="theirs", spec=SPEC))
    template = await templates.CreateTemplate(CreateTemplateRequest(name="theirs", spec=SPEC))
    key = await auth.as_user(token, ApiKeyServiceStub).CreateApiKey(CreateApiKeyRequest(name="theirs"))
    role = (await roles.CreateRole(CreateRoleRequest(name="theirs"))).role_id
    session = (await auth.as_user(token, SessionServiceStub).ListSessions(ListSessionsRequest())).sessions[0]
    ((saga,),) = await rows(auth.sagas, "SELECT saga_id::text FROM saga")
    user, tenant = key.api_key.user_id, key.api_key.tenant_id
    return {
        "vm_id": vm.vm_id,
        "saga_id": saga,
        "template_id": template.template_id,
        "template": template.template_id,
        "user_id": user,
        "user": user,
        "tenant_id": tenant,
        "tenant": tenant,
        "role_id": role,
        "role": role,
        "api_key_id": key.api_key.api_key_id,
        "session_id": session.session_id,
    }


async def who_may_all_in_its_own_tenant(auth):
    account = await auth.user("mallory", Role.VIEWER)
    everything = [one for one in catalog.permissions() if one != "tenant:any" and not one.startswith("platform:")]
    await auth.execute("INSERT INTO roles (name, permissions) VALUES ('everything', to_jsonb(%s::text[]))", everything)
    await auth.execute("INSERT INTO user_roles SELECT %s, id FROM roles WHERE name = 'everything'", account.user_id)
    return bearer((await auth.login("mallory")).access_token)


def asked_about(ids):
    """Each RPC that takes an id, with the field that it is in. What makes something is given an id to have, not to find."""
    for rpc in every_rpc():
        if not rpc.path.startswith("/novacron") or not (rpc.access.permission or rpc.access.authenticated):
            continue
        name = rpc.path.split("/")[2]
        method = descriptor_pool.Default().FindServiceByName(rpc.service).methods_by_name[name]
        for field in method.input_type.fields:
            if field.name in ids and field.type == field.TYPE_STRING and not name.startswith("Create"):
                yield rpc, method.input_type, field.name


def _ids_beside(kind, field, ids):
    """Other ids that a request has to name: of nothing."""
    others = [one for one in kind.fields if one.type == one.TYPE_STRING and one.name != field]
    rules = [(one.name, one.GetOptions().Extensions[validate_pb2.field]) for one in others]
    required = [(name, rule) for name, rule in rules if rule.ignore != validate_pb2.IGNORE_IF_ZERO_VALUE]
    return {name: NOTHING for name, rule in required if name in ids or rule.string.uuid}


async def answer(wire, rpc, message, metadata, named):
    """Status, words and details with the id taken out; or the response."""
    call = getattr(wire, rpc.arity)(rpc.path)(message.SerializeToString(), metadata=metadata, timeout=10)
    try:
        if rpc.arity.endswith("stream"):
            async for data in call:
                return CODE.OK, data.replace(named.encode(), b"ID")
        return CODE.OK, (await call).replace(named.encode(), b"ID")
    except grpc.aio.AioRpcError as error:
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        return error.code(), error.details().replace(named, "ID"), details.replace(named.encode(), b"ID")


async def test_another_tenants_id_is_answered_like_one_that_nobody_has(auth, servers, every, capsys):
    ids = await what_another_tenant_has(auth, servers, every)
    metadata = await who_may_all_in_its_own_tenant(auth)
    wires, asked, told = {}, [], []
    for rpc, kind, field in asked_about(ids):
        places = [at for at, server in every.items() if rpc.service in server._names]
        if not places:
            continue
        at = places[0]
        if at not in wires:
            credentials = grpc.ssl_channel_credentials(servers.identification("operator").ca)
            wires[at] = grpc.aio.secure_channel(f"localhost:{every[at].port}", credentials)
        name, came = rpc.path.split("/")[2], []
        beside = BESIDE.get(name, REASON if "reason" in kind.fields_by_name else {})
        for named in (ids[field], str(uuid4())):
            message = ParseDict({**_ids_beside(kind, field, ids), **beside, field: named}, GetMessageClass(kind)())
            came.append(await answer(wires[at], rpc, message, metadata, named))
        asked.append(f"{name}({field})")
        if came[0][0] is CODE.INVALID_ARGUMENT:
            told.append(f"{rpc.path} did not look at {field}: {came[0][1]}")
        elif came[0] != came[1]:
            told.append(f"{rpc.path} tells of {field}: {came}")
    for wire in wires.values():
        await wire.close()
    with capsys.disabled():
        print(f"\nanother tenant's ids: {len(asked)} questions, {len(told)} told something")
    assert len(asked) > 40
    assert not told, "\n".join(told)
