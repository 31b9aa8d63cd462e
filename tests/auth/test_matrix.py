"""The authorization matrix: every RPC of every service, called by every kind of caller.

What is expected is derived here, from the options in the protos and from the roles in the database, by rules written out below
and not by the code under test. What is sent is no message of any type, so no handler does anything: a caller that is let in
reads INVALID_ARGUMENT, and one that is not UNAUTHENTICATED or PERMISSION_DENIED, before its bytes were looked at.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from google.protobuf import descriptor_pool
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from novacron.api.options import v1 as options
from novacron.api.options.v1 import Access
from novacron.ids import derived_id

from .every_service import AskingServers, serve_all, serve_unbuilt
from .matrix_callers import CallerKind, every_kind

CODE = grpc.StatusCode
NO_MESSAGE = b"\xff\xff\xff"
AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Rpc:
    """A row of the matrix."""

    path: str
    access: Any
    arity: str = "unary_unary"
    every_service: bool = False  # whatever service's certificate will do

    @property
    def service(self):
        return self.path.split("/")[1]


# gRPC's own, which have no options of ours: anybody sees how a server does; its sockets are for who may debug it.
OPERATIONAL = [
    Rpc("/grpc.health.v1.Health/Check", Access(public=True), every_service=True),
    Rpc("/grpc.channelz.v1.Channelz/GetTopChannels", Access(permission="service:debug"), every_service=True),
]


def granted(held, permission):
    """The one rule of wildcards: a star stands for any resource, or for any action."""
    return any(fnmatchcase(permission, one) for one in held)


def expected(rpc: Rpc, caller: CallerKind, at: str) -> grpc.StatusCode:
    """What a caller reads of a method at a service."""
    access = rpc.access
    if caller.service:
        if not caller.valid:
            return CODE.UNAUTHENTICATED
        admitted = access.public or rpc.every_service or caller.service.partition("/")[0] in access.callers
        return CODE.INVALID_ARGUMENT if admitted else CODE.PERMISSION_DENIED
    if not caller.metadata:
        return CODE.INVALID_ARGUMENT if access.public else CODE.UNAUTHENTICATED
    if not caller.valid:
        return CODE.UNAUTHENTICATED
    if caller.scopes and at not in caller.scopes:
        return CODE.PERMISSION_DENIED
    if access.public or (access.authenticated and not caller.is_key):
        return CODE.INVALID_ARGUMENT
    if access.permission and granted(caller.permissions, access.permission):
        return CODE.INVALID_ARGUMENT
    return CODE.PERMISSION_DENIED


def every_rpc():
    """Those of all protos that there are, whether somebody serves them or not."""
    pool = descriptor_pool.Default()
    protos = Path(__file__).resolve().parents[2] / "protos"
    for path in sorted((protos / "novacron").rglob("*.proto")):
        name = path.relative_to(protos)
        __import__(".".join(name.parent.parts))
        for service in pool.FindFileByName(str(name)).services_by_name.values():
            for method in service.methods:
                arity = [
                    "stream" if streams else "unary" for streams in (method.client_streaming, method.server_streaming)
                ]
                access = method.GetOptions().Extensions[options.access]
                yield Rpc(f"/{service.full_name}/{method.name}", access, "_".join(arity))
    yield from OPERATIONAL


# What the agent of node n2 would say of node n1, at each RPC that agents may call; None: it is about no node.
OF_ANOTHER_NODE = {
    "HeartbeatNode": {
        "name": "n1",
        "hostname": "n1",
        "ip_address": "192.0.2.1",
        "agent_address": "localhost:1",
        "capacity": {"cpu_cores": 1, "memory_mib": 1, "storage_gib": 1},
        "hypervisor_types": ["HYPERVISOR_TYPE_KVM"],
        "incarnation": "1",
    },
    "IngestVmMetrics": {"node_id": str(derived_id("node", "n1")), "sequence": 1},
    "RegisterInstance": {
        "service_name": "agent",
        "instance": "n1",
        "service_version": "1.0.0",
        "endpoint": "localhost:1",
        "mesh_endpoint": "localhost:1",
    },
    "DeregisterInstance": {"service_name": "agent", "instance": "n1"},
    "ExportVm": None,
    "WatchCircuitBreakerConfigurations": None,
}


def about_another_node(rpcs):
    """Those that agents may call, each with what the wrong agent sends."""
    pool, told = descriptor_pool.Default(), {}
    for rpc in rpcs:
        if "agent" in rpc.access.callers:
            method = pool.FindServiceByName(rpc.service).methods_by_name[rpc.path.split("/")[2]]
            assert method.name in OF_ANOTHER_NODE, f"{rpc.path}: say what another node's agent would send"
            if (fields := OF_ANOTHER_NODE[method.name]) is not None:
                told[rpc] = ParseDict(fields, GetMessageClass(method.input_type)()).SerializeToString()
    return told


class Matrix:
    """Calls, and what came of them."""

    def __init__(self, servers, every, callers):
        self.servers, self.every, self.callers = servers, every, callers
        self.wrong, self.outcomes, self.size = [], Counter(), 0
        self._wires = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    def wire(self, at, caller):
        """A bare channel: what is tested is the server, not our client."""
        name = (at, caller.name if caller.service else "")
        if name not in self._wires:
            server = self.every[at]
            if caller.service:
                port = server.mesh_port
                credentials = caller.credentials or self.servers.identification(caller.service).client()
            else:
                port = server.port
                credentials = grpc.ssl_channel_credentials(self.servers.identification("operator").ca)
            self._wires[name] = grpc.aio.secure_channel(f"localhost:{port}", credentials)
        return self._wires[name]

    async def check(self, at, rpc, caller, want, data=NO_MESSAGE):
        async with self._turns:
            method = getattr(self.wire(at, caller), rpc.arity)(rpc.path)
            came = await self._call(method, rpc.arity, data, caller.metadata)
        self.size += 1
        self.outcomes[want.name] += 1
        if came is not want:
            self.wrong.append(f"{rpc.path} at {at}, {caller.name}: {came.name}, not {want.name}")

    async def _call(self, method, arity, data, metadata):
        while True:
            call = method(_once(data) if arity.startswith("stream") else data, metadata=metadata, timeout=30)
            try:
                if arity.endswith("stream"):
                    async for _ in call:
                        break
                    call.cancel()
                else:
                    await call
                return CODE.OK
            except grpc.aio.AioRpcError as error:
                # A busy machine sheds load before it looks at who calls: that is no answer to the question.
                if error.code() is not CODE.RESOURCE_EXHAUSTED:
                    return error.code()
                await asyncio.sleep(0.05)

    async def close(self):
        for wire in self._wires.values():
            await wire.close()


async def _once(data):
    yield data


@pytest.fixture
async def matrix(auth, servers, new_database, tmp_path, ca):
    named = {rpc.service for rpc in every_rpc() if rpc.service.startswith("novacron.")}
    asking = AskingServers(servers, auth.server)
    house = await serve_all(asking, new_database, tmp_path)
    every = {**asking.started, "auth": auth.server}
    built = {name for server in every.values() for name in server._names}
    unbuilt = await serve_unbuilt(asking, auth, named - built)
    made = Matrix(servers, every | ({"auth, unbuilt": unbuilt} if unbuilt else {}), await every_kind(auth, ca))
    yield made
    await made.close()
    await house.close()
    await asking.close()


@pytest.fixture
def quiet():
    """A line of log for each of thousands of refusals is most of what they cost."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("one_of", [3, pytest.param(1, marks=pytest.mark.faults_all)])
async def test_every_rpc_answers_every_kind_of_caller_as_its_options_say(quiet, matrix, capsys, one_of):
    """A third of the calls by default, of every RPC and every kind of caller; all of them with `make test-faults`."""
    rpcs, calls, seen = list(every_rpc()), [], 0
    another_node, told = CallerKind("the agent of another node", service="agent/n2"), about_another_node(rpcs)
    for number, rpc in enumerate(rpcs):
        # One that every process serves is judged at another each time.
        places = [at for at, server in matrix.every.items() if rpc.service in server._names] or ["vm"]
        at = places[number % len(places)]
        if rpc in told:
            calls.append(matrix.check(at, rpc, another_node, CODE.PERMISSION_DENIED, told[rpc]))
        for caller in matrix.callers:
            seen += 1
            if seen % one_of == 0 and (caller.service or matrix.every[at].port):
                calls.append(matrix.check(at, rpc, caller, expected(rpc, caller, at.partition(",")[0])))
    await asyncio.gather(*calls)
    with capsys.disabled():
        sys.stdout.write(
            f"\nauthorization matrix: {len(rpcs)} RPCs, {len(matrix.callers)} kinds of callers, {matrix.size} calls,"
            f" {len(matrix.wrong)} wrong: {dict(matrix.outcomes)}\n"
        )
    assert not matrix.wrong, "\n".join(matrix.wrong[:50])
    assert set(matrix.outcomes) == {"INVALID_ARGUMENT", "PERMISSION_DENIED", "UNAUTHENTICATED"}
