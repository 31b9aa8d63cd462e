"""A connection whose other end is gone without a word is found by keepalive, in the time that is deployed."""

import asyncio

import pytest

from novacron.errors import Unavailable
from novacron.rpc import Channel
from novacron.testing.patience import eventually
from novacron.testing.toxics import HalfOpen

from ..shared.rpc_echo import Echo, EchoServiceServicer, add_to_server

pytestmark = [pytest.mark.faults, pytest.mark.faults_all]


async def test_a_half_open_connection_is_found_though_nobody_has_a_deadline(servers, fault_proxy):
    """A ping each 20 seconds, and 10 for its answer; then the call is told, and the next one finds a way."""
    servicer = EchoServiceServicer()
    begun, never = asyncio.Event(), asyncio.Event()

    async def wait(text):
        begun.set()
        await never.wait()

    servicer.behave = wait
    server = await servers.start("scheduler", [(add_to_server, servicer)])
    wire = await fault_proxy(server.mesh_port)
    async with Channel("scheduler", wire.address, servers.identification("vm").client(), patience=10) as channel:
        echo = Echo(channel)
        silent = asyncio.create_task(echo("OneOnce", "silent", timeout=600))
        await asyncio.wait_for(begun.wait(), 10)
        with wire.suffering(HalfOpen()), pytest.raises(Unavailable):
            async with asyncio.timeout(60):
                await silent
        servicer.behave = lambda text: text

        async def answered():
            return await echo("One", "back") == ["back"]

        await eventually(answered)
