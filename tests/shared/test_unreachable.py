"""A call that found no connection was never sent, and everybody above may rely on it."""

import pytest

from novacron.api.vm.v1 import CreateVmRequest, VmServiceStub
from novacron.embedded.process import free_port
from novacron.errors import NovacronError, Outcome, Unavailable, Unreachable
from novacron.rpc import Channel
from novacron.rpc.breaker import Result
from novacron.rpc.guard import result_of


async def test_a_call_to_a_port_where_nobody_listens_was_not_sent(identify):
    address = f"localhost:{free_port()}"
    async with Channel(address, address, identify("vm").client(), attempts=1) as channel:
        with pytest.raises(Unreachable) as told:
            await VmServiceStub(channel).CreateVm(CreateVmRequest(name="web"))
    assert told.value.outcome is Outcome.NOT_SENT
    assert result_of(told.value, timeout=1) is Result.FAILURE, "and it counts against the target"


def test_on_the_wire_it_is_an_unavailable_like_any_other():
    assert Unreachable.reason == Unavailable.reason
    assert NovacronError.by_reason["UNAVAILABLE"] is Unavailable
