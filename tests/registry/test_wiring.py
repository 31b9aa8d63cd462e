"""The whole process, as its ``__main__`` wires it."""

import asyncio
import base64

from novacron.db import service_migrations
from novacron.embedded.process import free_port
from novacron.testing.patience import eventually
from novacron_registry import __main__ as registry
from novacron_registry.settings import RegistrySettings
from novacron_registry.store import Store


async def test_the_registry_registers_with_itself_finds_itself_healthy_and_leaves(ca, database, tmp_path):
    identity, port = ca.identity("registry"), free_port()
    (tmp_path / "key").write_text(base64.b64encode(bytes(32)).decode())
    settings = RegistrySettings(
        environment="testing",
        instance="registry-1",
        mesh_listen=f"127.0.0.1:{port}",
        registry_address=f"127.0.0.1:{port}",
        tls_ca=identity.ca,
        tls_cert=identity.certificate,
        tls_key=identity.key,
        key_file=tmp_path / "key",
        database_url=database.url,
        drain_seconds=0,
    )
    stopping = asyncio.Event()
    process = asyncio.create_task(registry.serve(settings, stopping))
    store = Store(database, "testing")

    async def healthy():
        assert not process.done(), process.exception()
        service = await store.named("registry")
        return service is not None and service.status == "healthy" and service

    service = await eventually(healthy)
    assert [(one.instance, one.mesh_endpoint) for one in service.instances] == [("registry-1", f"127.0.0.1:{port}")]
    stopping.set()
    await process
    assert (await store.named("registry")).instances == ()


def test_its_migrations_are_found_from_its_package():
    assert service_migrations("registry", registry.__file__).files()[0][1] == "service_registry"
