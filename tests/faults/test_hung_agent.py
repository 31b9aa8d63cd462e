"""An agent that hangs is its own VMs' misfortune: calls for all others succeed. What it costs them, a benchmark says."""

import os
import signal

import grpc
import pytest

from novacron.api.vm.v1 import VmServiceStub
from novacron.rpc.channel import Channel

from ..bench.hung_agent import ONE_VM_A_NODE, agent_of, one_on_each_node, others, users
from ..e2e.stack import running_stack
from .test_wires import UNEXPLAINED

pytestmark = [pytest.mark.faults, pytest.mark.faults_all]


async def test_calls_to_a_hung_agent_end_in_time_and_typed_and_fail_none_of_the_others():
    with running_stack(agents=2, **ONE_VM_A_NODE) as stack:
        token = await stack.token()
        credentials = grpc.ssl_channel_credentials((stack.data.certificates / "ca.pem").read_bytes())
        address = stack.profile["endpoints"]["vm"]

        def client():
            return Channel("vm", address, credentials, metadata=lambda: token)

        async with client() as ours, client() as theirs:
            hung, healthy = await one_on_each_node(VmServiceStub(ours), 2)
            victim, answers = await agent_of(stack, hung), []
            os.kill(victim, signal.SIGSTOP)
            try:
                async with others(VmServiceStub(theirs), hung, answers):
                    assert len(await users(VmServiceStub(ours), [healthy], 6.0)) > 50
            finally:
                os.kill(victim, signal.SIGCONT)
        assert {"DEADLINE_EXCEEDED", "UNAVAILABLE"} & set(answers)
        assert not {code.name for code in UNEXPLAINED} & set(answers)
