"""The whole process, as its ``__main__`` wires it."""

import asyncio
import base64

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from novacron.embedded.process import free_port
from novacron.rpc import Channel
from novacron.settings import SettingsError
from novacron.testing.patience import eventually
from novacron_federation import __main__ as federation
from novacron_federation.settings import FederationSettings


@pytest.fixture
def settings(ca, database, tmp_path):
    identity = ca.identity("federation")
    (tmp_path / "key").write_text(base64.b64encode(bytes(32)).decode())
    return FederationSettings(
        environment="testing",
        mesh_listen=f"127.0.0.1:{free_port()}",
        registry_address="127.0.0.1:1",  # nobody: nothing waits for the registry
        tls_ca=identity.ca,
        tls_cert=identity.certificate,
        tls_key=identity.key,
        key_file=tmp_path / "key",
        database_url=database.url,
        drain_seconds=0,
    )


async def test_federation_serves_without_any_other_service_and_stops_when_told(settings, servers):
    stopping = asyncio.Event()
    process = asyncio.create_task(federation.serve(settings, stopping))
    credentials = servers.identification("registry").client()
    async with Channel("federation", settings.mesh_listen, credentials, attempts=1) as channel:
        name = "novacron.api.federation.v1.ProviderService"

        async def serving():
            assert not process.done(), process.exception()
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=name), timeout=1
            )
            return answer.status == health_pb2.HealthCheckResponse.SERVING

        await eventually(serving)
    stopping.set()
    await process


async def test_without_its_key_it_does_not_start_and_says_what_to_set(settings, tmp_path):
    (tmp_path / "key").unlink()
    with pytest.raises(SettingsError, match=r"NOVACRON_KEY_FILE: cannot read .*key: No such file"):
        await federation.serve(settings, asyncio.Event())
