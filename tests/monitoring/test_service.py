"""The whole service as ``__main__`` wires it, with nobody else there."""

import asyncio
import base64
from uuid import uuid4

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from novacron.api.monitoring.v1 import GetVmMonitoringRequest, MetricsServiceStub
from novacron.db import Database
from novacron.embedded.process import free_port
from novacron.errors import NotFound
from novacron.rpc import Channel
from novacron.testing.patience import eventually
from novacron_monitoring.__main__ import serve
from novacron_monitoring.partitions import Partitions
from novacron_monitoring.settings import MonitoringSettings


def settings_for(database_url, ca, **fields):
    own = ca.identity("monitoring")
    return MonitoringSettings(
        environment="testing",
        database_url=database_url,
        tls_ca=own.ca,
        tls_cert=own.certificate,
        tls_key=own.key,
        drain_seconds=0,
        key_file=fields.pop("key_file", "/nonexistent"),
        **fields,
    )


async def test_it_serves_without_auth_registry_or_redis_keeps_its_partitions_and_stops_when_told(
    new_database_url, migrations, ca, identify, tmp_path
):
    url = await asyncio.to_thread(new_database_url)
    address = f"localhost:{free_port()}"
    key_file = tmp_path / "key"
    key_file.write_bytes(base64.b64encode(bytes(32)))
    settings = settings_for(
        url, ca, key_file=key_file, mesh_listen=address, registry_address=f"localhost:{free_port()}"
    )
    stopping = asyncio.Event()
    service = asyncio.create_task(serve(settings, stopping))
    database = Database(url)
    await database.open()

    async def days():
        async with database.connection() as connection:
            return len((await Partitions().present(connection))[1]) == 1 + settings.vm_metrics_days_ahead

    try:
        await _healthy(address, identify("vm"))
        async with Channel("monitoring", address, identify("vm").client()) as channel:
            with pytest.raises(NotFound):
                await MetricsServiceStub(channel).GetVmMonitoring(GetVmMonitoringRequest(vm_id=str(uuid4())))
        await eventually(days)
    finally:
        stopping.set()
        async with asyncio.timeout(10):
            await service
        await database.close()


async def _healthy(address, identification):
    """Waits for it without a breaker in the way: calls before it listens are no failures of it."""
    async with grpc.aio.secure_channel(address, identification.client()) as channel:
        health = health_pb2_grpc.HealthStub(channel)

        async def serving():
            answer = await health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=30)
            return answer.status == health_pb2.HealthCheckResponse.SERVING

        await eventually(serving, within=30)


def test_retention_is_ninety_days_unless_the_environment_says_otherwise(ca, monkeypatch):
    url = "postgresql://monitoring@localhost/novacron_monitoring"
    assert settings_for(url, ca).vm_metrics_retention_days == 90
    monkeypatch.setenv("NOVACRON_VM_METRICS_RETENTION_DAYS", "7")
    assert settings_for(url, ca).vm_metrics_retention_days == 7
