"""The wiring of the agent, read from top to bottom."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from novacron import logs
from novacron.api.agent.v1 import add_AgentServiceServicer_to_server
from novacron.foundation import Mesh
from novacron.process import run
from novacron.registration import Registration
from novacron.rpc import Identification, Server
from novacron.rpc.breaker_clients import BreakerFollower
from novacron.rpc.identity import NoUsers

from .barrier import HostBarrier
from .clients import Peers
from .drivers.choose import DriverSettings, choose
from .drivers.driver import HostCapacity
from .drivers.simulated import SimulatedSettings
from .exports import Exports
from .heartbeat import Heartbeat
from .lease import Lease
from .samples import SampleStream
from .servicer import AgentServicer
from .settings import AgentSettings

log = logs.logger(__name__)


async def serve(settings: AgentSettings, stopping: asyncio.Event) -> None:
    identification = Identification.from_settings(settings)
    mesh = Mesh(settings, identification)
    driver = await choose(_driver_settings(settings))
    log.info("hypervisor", type=driver.hypervisor_type, description=driver.description)
    barrier = HostBarrier(settings.state_directory / "barrier")
    await barrier.open()
    exports = Exports(settings.state_directory / "exports")
    await exports.open()
    lease = Lease()

    async with AsyncExitStack() as stack:
        for close in (mesh.close, driver.close, barrier.close, exports.close):
            stack.push_async_callback(close)
        server = Server(settings, NoUsers(), identification)
        server.add(add_AgentServiceServicer_to_server, AgentServicer(driver, barrier, exports, Peers(mesh), lease))
        await server.start()
        stack.push_async_callback(server.stop)
        await server.serving()
        background = (
            Heartbeat(mesh.channel("scheduler"), driver, settings, lease),
            SampleStream(mesh.channel("monitoring"), driver, settings.node_name, settings.sample_seconds),
            Registration(
                mesh.channel("registry"),
                "agent",
                settings.node_name,
                endpoint="",
                mesh_endpoint=settings.agent_advertise,
            ),
            BreakerFollower(mesh.channel("registry"), mesh.configure),
        )
        for component in background:
            await component.start()
            stack.push_async_callback(component.stop)
        log.info("serving", mesh_port=server.mesh_port)
        await stopping.wait()


def _driver_settings(settings: AgentSettings) -> DriverSettings:
    return DriverSettings(
        directory=settings.state_directory,
        images=settings.image_directory,
        driver=settings.driver,
        libvirt_uri=settings.libvirt_uri,
        libvirt_network=settings.libvirt_network,
        acceleration=settings.acceleration,
        simulated=SimulatedSettings(
            capacity=HostCapacity(settings.simulated_vcpus, settings.simulated_memory_mib, settings.simulated_disk_gib),
            latency_seconds=settings.simulated_latency_seconds,
        ),
    )


if __name__ == "__main__":
    run("agent", AgentSettings, serve)
