"""Breakers configured at run time: overrides of a class, of a target and of a channel's own numbers."""

import pytest

from novacron.api.scheduler.v1 import NodeServiceStub
from novacron.errors import Unavailable
from novacron.rpc.breaker import State
from novacron.rpc.breaker_configuration import BreakerConfiguration, ConfigurationError
from novacron.rpc.breaker_override import BreakerOverride
from novacron.rpc.guard import Breakers

from .node_service import ask


def test_overrides_go_class_over_target_over_the_channels_own():
    breakers = Breakers("scheduler", BreakerConfiguration(success_threshold=9))
    breakers.configure(
        {
            "": BreakerOverride({"failure_threshold": 2, "slow_rate": 0.3}),
            "reads": BreakerOverride({"failure_threshold": 7}),
        }
    )
    reads, writes = breakers.of("reads").configuration, breakers.of("writes").configuration
    assert (reads.failure_threshold, reads.slow_rate, reads.success_threshold) == (7, 0.3, 9)
    assert (writes.failure_threshold, writes.slow_rate) == (2, 0.3)
    breakers.configure({})
    assert breakers.of("reads").configuration == BreakerConfiguration(success_threshold=9)


def test_an_override_that_makes_no_sense_changes_nothing_and_names_its_field():
    breakers = Breakers("scheduler")
    breakers.of("reads")
    breakers.configure({"": BreakerOverride({"failure_threshold": 2})})
    with pytest.raises(ConfigurationError, match="failure_rate: must be above 0"):
        breakers.configure({"": BreakerOverride({"failure_rate": 2.0})})
    assert [breakers.of(one).configuration.failure_threshold for one in ("reads", "new")] == [2, 2]


def test_an_override_for_breakers_that_are_not_there_yet_is_held_to_the_same():
    breakers = Breakers("scheduler")
    for breaker_class in ("", "reads"):
        with pytest.raises(ConfigurationError):
            breakers.configure({breaker_class: BreakerOverride({"failure_rate": 2.0})})
    assert breakers.of("reads").configuration == BreakerConfiguration()


def test_a_configured_state_holds_for_breakers_there_and_to_come_and_one_set_by_hand_stays():
    breakers = Breakers("scheduler")
    breakers.of("reads")
    forced = {"": BreakerOverride(state=State.FORCED_OPEN)}
    breakers.configure(forced)
    assert [breakers.of(one).state for one in ("reads", "new")] == [State.FORCED_OPEN] * 2
    breakers.force("reads", State.CLOSED, "by hand")
    breakers.configure({**forced, "other": BreakerOverride({"slow_rate": 0.5})})
    assert breakers.of("reads").state is State.CLOSED, "nothing about its state has been configured anew"
    breakers.configure({})
    assert breakers.of("new").state is State.CLOSED


async def test_attempts_of_a_call_are_configured_at_run_time(servers, nodes):
    channel = servers.as_service(nodes.server, "vm", attempts=3)
    nodes.down = True
    channel.configure({"": BreakerOverride({"max_retry_attempts": 1})})
    with pytest.raises(Unavailable):
        await ask(NodeServiceStub(channel))
    assert nodes.calls == 1
    channel.configure({})
    assert channel.retry.attempts == 3
