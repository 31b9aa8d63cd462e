"""What is given instead of an answer while a target is away or its breaker open: whom, how long, and never by guess."""

from dataclasses import replace
from uuid import uuid4

import pytest
from google.protobuf import descriptor_pool

from novacron.api.auth.v1 import AuthServiceServicer, AuthServiceStub, GetUserPermissionsRequest
from novacron.api.auth.v1 import add_AuthServiceServicer_to_server as add_auth
from novacron.api.scheduler.v1 import GetNodeRequest, NodeServiceStub, add_NodeServiceServicer_to_server
from novacron.errors import BreakerOpen, Unavailable
from novacron.rpc import channel as channels
from novacron.rpc import policy
from novacron.rpc.breaker import State
from novacron.rpc.breaker_override import BreakerOverride
from novacron.saga.key import SagaKey, set_current_key

from .node_service import EAGER, Nodes, ask


async def test_a_nodes_place_is_the_last_known_one_while_the_scheduler_is_away_or_its_breaker_open(servers, nodes):
    channel = servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER)
    stub = NodeServiceStub(channel)
    assert (await ask(stub)).agent_address == "host:1"
    nodes.down = True
    for _ in range(4):
        assert (await ask(stub)).agent_address == "host:1"
    assert channel.breakers.of("novacron.api.scheduler.v1.NodeService").state is State.OPEN
    assert nodes.calls == 3, "the last two were not sent"
    with pytest.raises(BreakerOpen):
        await ask(stub, "another node, of which nothing is known")


async def test_what_is_given_instead_may_be_changed_by_who_gets_it(servers, nodes):
    stub = NodeServiceStub(servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER))
    (await ask(stub)).agent_address = "scribbled over"
    nodes.down = True
    (await ask(stub)).agent_address = "again"
    assert (await ask(stub)).agent_address == "host:1"


async def test_a_saga_is_given_no_old_answer(servers, nodes):
    stub = NodeServiceStub(servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER))
    await ask(stub)
    nodes.down = True
    set_current_key(SagaKey(uuid4(), "destroy", "action"))
    with pytest.raises(Unavailable):
        await ask(stub)


async def test_one_users_answer_is_not_another_users(servers, nodes):
    channel = servers.as_user(nodes.server, attempts=1, breaker=EAGER)
    stub = NodeServiceStub(channel)
    mine, yours = servers.users.add("node:read"), servers.users.add("node:read")
    await stub.GetNode(GetNodeRequest(node="n1"), metadata=mine.metadata)
    nodes.down = True
    await stub.GetNode(GetNodeRequest(node="n1"), metadata=mine.metadata)
    with pytest.raises(Unavailable):
        await stub.GetNode(GetNodeRequest(node="n1"), metadata=yours.metadata)


async def test_an_old_answer_is_too_old_after_its_time(servers, nodes):
    channel = servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER)
    now = 0.0
    channel.fallback._clock = lambda: now
    stub = NodeServiceStub(channel)
    await ask(stub)
    nodes.down, now = True, 60.0
    await ask(stub)
    now = 60.1
    with pytest.raises(Unavailable):
        await ask(stub)


async def test_fallbacks_can_be_switched_off_at_run_time(servers, nodes):
    channel = servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER)
    stub = NodeServiceStub(channel)
    await ask(stub)
    channel.configure({"": BreakerOverride({"fallback_enabled": False})})
    nodes.down = True
    with pytest.raises(Unavailable):
        await ask(stub)


async def test_another_service_is_asked_and_then_the_default_where_the_method_declares_them(
    servers, nodes, monkeypatch
):
    there = Nodes()
    elsewhere = await servers.start("scheduler", [(add_NodeServiceServicer_to_server, there)])
    path = "/novacron.api.scheduler.v1.NodeService/GetNode"
    fallback = policy.Fallback(another_service=True, default_value='{"name": "nobody"}')
    declared = policy.policy_of(path)
    monkeypatch.setattr(channels, "policy_of", lambda _: replace(declared, fallback=fallback))
    west = servers.as_service(elsewhere, "vm", attempts=1, breaker=EAGER)
    channel = servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER, other=lambda name: west)
    stub = NodeServiceStub(channel)
    nodes.down = True
    assert (await ask(stub)).name == "nobody", "no other service is configured"
    channel.configure({"": BreakerOverride(fallback_service="scheduler-west")})
    assert (await ask(stub)).agent_address == "host:1"
    there.down = True
    assert (await ask(stub)).name == "nobody"
    name = path[1:].replace("/", ".")
    channel.configure({"": BreakerOverride(fallback_response={name: {"name": "configured"}})})
    assert (await ask(stub)).name == "configured"
    channel.configure({"": BreakerOverride(fallback_response={name: {"no such": "field"}})})
    assert (await ask(stub)).name == "nobody"


async def test_what_somebody_may_do_is_never_guessed(servers):
    """The permission check fails closed: its contract declares no fallback, and nothing configured gives it one."""

    class Auth(AuthServiceServicer):
        async def GetUserPermissions(self, request, context):
            raise Unavailable("auth is starting")

    server = await servers.start("auth", [(add_auth, Auth())])
    channel = servers.as_service(server, "vm", attempts=1, breaker=EAGER)
    answer = {"novacron.api.auth.v1.AuthService.GetUserPermissions": {"permissions": ["*:*"]}}
    channel.configure({"": BreakerOverride(fallback_response=answer, fallback_service="auth")})
    for _ in range(4):
        with pytest.raises(Unavailable):
            await AuthServiceStub(channel).GetUserPermissions(GetUserPermissionsRequest(user_id=str(uuid4())))
    methods = descriptor_pool.Default().FindServiceByName("novacron.api.auth.v1.AuthService").methods
    assert [
        one.name for one in methods if policy.policy_of(f"/{one.containing_service.full_name}/{one.name}").fallback
    ] == []
