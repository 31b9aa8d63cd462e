"""The whole process, as ``python -m novacron_scheduler`` runs it."""

import asyncio
import base64
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from novacron.api.scheduler.v1 import ListNodesRequest, NodeServiceStub
from novacron.embedded.process import free_port
from novacron.settings import SettingsError, load
from novacron.testing.patience import eventually
from novacron_scheduler.__main__ import serve
from novacron_scheduler.settings import SchedulerSettings


@pytest.fixture
def environment(monkeypatch, tmp_path, new_database_url, identify, ca):
    issued = ca.identity("scheduler")
    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(b"k" * 32))
    said = {
        "ENVIRONMENT": "testing",
        "LISTEN": f"127.0.0.1:{free_port()}",
        "MESH_LISTEN": f"127.0.0.1:{free_port()}",
        "TLS_CA": issued.ca,
        "TLS_CERT": issued.certificate,
        "TLS_KEY": issued.key,
        "DATABASE_URL": new_database_url(),
        "KEY_FILE": key,
        "DRAIN_SECONDS": 0,
    }
    for name, value in said.items():
        monkeypatch.setenv(f"NOVACRON_{name}", str(value))
    return said


@asynccontextmanager
async def running(settings):
    stopping = asyncio.Event()
    task = asyncio.create_task(serve(settings, stopping))
    yield
    stopping.set()
    await asyncio.wait_for(task, 30)


async def test_it_migrates_an_empty_database_serves_and_stops_when_told(environment, identify):
    ca = identify("operator").ca
    credentials = grpc.ssl_channel_credentials(ca)
    async with running(load(SchedulerSettings)):
        port = environment["LISTEN"].rpartition(":")[2]
        async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
            health = health_pb2_grpc.HealthStub(channel)

            async def serving():
                answer = await health.Check(health_pb2.HealthCheckRequest())
                return answer.status == health_pb2.HealthCheckResponse.SERVING

            await eventually(serving, within=30)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await NodeServiceStub(channel).ListNodes(ListNodesRequest())
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("name", "value"), [("NODE_LEASE_SECONDS", "0"), ("CPU_ALLOCATION_RATIO", "-1"), ("KEY_FILE", None)]
)
def test_settings_that_cannot_be_are_named(environment, monkeypatch, name, value):
    if value is None:
        monkeypatch.delenv(f"NOVACRON_{name}")
    else:
        monkeypatch.setenv(f"NOVACRON_{name}", value)
    with pytest.raises(SettingsError, match=f"NOVACRON_{name}: "):
        load(SchedulerSettings)
