"""The breaker against every order of admissions, results, time, operators and new numbers that Hypothesis can think of."""

import math

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from novacron.rpc.breaker import FORCED, CircuitBreaker, Result, State
from novacron.rpc.breaker_configuration import BreakerConfiguration, RecoveryStrategy

CONFIGURATIONS = st.builds(
    BreakerConfiguration,
    failure_threshold=st.integers(1, 4),
    failure_rate=st.sampled_from([0.1, 0.5, 1.0]),
    minimum_request_threshold=st.integers(1, 6),
    monitoring_window_seconds=st.sampled_from([5.0, 60.0]),
    monitoring_window_calls=st.integers(1, 8),
    timeout_threshold_ms=st.sampled_from([500, 5000]),
    recovery_strategy=st.sampled_from(RecoveryStrategy),
    timeout_duration_seconds=st.sampled_from([1.0, 10.0]),
    longest_open_seconds=st.just(30.0),
    success_threshold=st.integers(1, 3),
    half_open_permits=st.integers(1, 3),
    permit_seconds=st.sampled_from([5.0, 30.0]),
)


class BreakerMachine(RuleBasedStateMachine):
    """Keeps books of its own, of the permits alone, and holds the breaker to them."""

    permits = Bundle("permits")

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.breaker = CircuitBreaker("target/class", BreakerConfiguration(), seed=0)
        self.out = set()  # permits that have not come back
        self.leases = {}  # of the probes among them: until when
        self.forced = None
        self.refusals = 0

    def _moved(self, before, allowed):
        """The state did not change, or to one of these."""
        assert self.breaker.state in {before, *allowed}, f"{before} -> {self.breaker.state}"
        if self.forced is not None:
            assert self.breaker.state is self.forced, "a forced state stays"

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0, 31.0, 400.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(target=permits, configuration=CONFIGURATIONS)
    def a_trip(self, configuration):
        """The way to half-open, which chance alone seldom finds: it opens, and its time passes."""
        self.reconfigured(configuration)
        for _ in range(configuration.monitoring_window_calls + configuration.failure_threshold):
            if self.breaker.state is State.CLOSED:
                permit = self.breaker.acquire(self.now)
                self.breaker.release(permit, Result.FAILURE, self.now)
        if (wait := self.breaker.retry_after(self.now)) is not None:
            self.now += wait
        return self.a_call()

    @rule(result=st.sampled_from(Result), took=st.sampled_from([0.0, 0.6, 6.0]))
    def a_run_of_calls(self, result, took):
        """Enough of one kind to trip it, whatever state it is in."""
        for _ in range(12):
            permit = self.a_call()
            if permit is None:
                return
            self.now += took
            self.a_result(permit, result)

    @rule(target=permits)
    def a_call(self):
        before, generation = self.breaker.state, self.breaker.generation
        permit = self.breaker.acquire(self.now)
        self._moved(before, {State.HALF_OPEN} if before is State.OPEN else set())
        if permit is None:
            self.refusals += 1
            assert self.breaker.state in (State.OPEN, State.HALF_OPEN, State.FORCED_OPEN)
            return None
        assert permit.generation == self.breaker.generation >= generation
        assert permit.number not in {other.number for other in self.out if other.probe}
        assert permit.probe == (self.breaker.state is State.HALF_OPEN)
        assert self.breaker.state not in (State.OPEN, State.FORCED_OPEN)
        self.out.add(permit)
        if permit.probe:
            self.leases[permit] = self.now + self.breaker.configuration.permit_seconds
            self._no_more_probes_than_places()
        return permit

    @rule(permit=consumes(permits), result=st.sampled_from(Result))
    def a_result(self, permit, result):
        if permit is None:
            return
        before, generation = self.breaker.state, self.breaker.generation
        window = self.breaker.rates(self.now)
        current = permit.generation == generation
        self.breaker.release(permit, result, self.now)
        self.out.discard(permit)
        self.leases.pop(permit, None)
        if not current or result is Result.NEUTRAL:
            assert (self.breaker.state, self.breaker.generation) == (before, generation), "only the current one judges"
            assert self.breaker.rates(self.now) == window
        allowed = {State.CLOSED: {State.OPEN}, State.HALF_OPEN: {State.OPEN, State.CLOSED}}
        self._moved(before, allowed.get(before, set()))
        if before is State.HALF_OPEN and self.breaker.state is State.CLOSED:
            assert result is Result.SUCCESS
            assert permit.probe

    @rule(permit=permits, result=st.sampled_from(Result))
    def a_result_that_is_told_twice(self, permit, result):
        if permit is not None and permit not in self.out:
            seen = self._seen()
            self.breaker.release(permit, result, self.now)
            assert self._seen() == seen

    @rule(configuration=CONFIGURATIONS)
    def reconfigured(self, configuration):
        breaker = self.breaker
        before = (breaker.state, breaker.since, breaker.generation, breaker.in_flight, breaker.rejected, breaker.opened)
        window, probes = list(breaker._calls), breaker.probes(self.now)
        breaker.reconfigure(configuration, self.now)
        after = (breaker.state, breaker.since, breaker.generation, breaker.in_flight, breaker.rejected, breaker.opened)
        assert after == before
        assert breaker.probes(self.now) == probes
        oldest = self.now - configuration.monitoring_window_seconds
        kept = [call for call in window if call[0] >= oldest][-configuration.monitoring_window_calls :]
        assert list(breaker._calls) == kept, "only what is beyond the new window is forgotten"

    @rule(state=st.sampled_from([*sorted(FORCED), State.CLOSED]))
    def an_operator(self, state):
        self.breaker.force(state, self.now)
        self.forced = state if state in FORCED else None
        if state is State.CLOSED:
            assert self.breaker.state is State.CLOSED

    @rule()
    def a_reset(self):
        self.breaker.reset(self.now)
        self.forced, self.refusals = None, 0
        assert (self.breaker.state, self.breaker.rates(self.now)) == (State.CLOSED, (0, 0.0, 0.0))

    @invariant()
    def permits_are_conserved(self):
        assert self.breaker.in_flight == len(self.out)
        assert self.breaker.rejected == self.refusals

    @invariant()
    def the_counts_are_those_of_the_window(self):
        calls = self.breaker._calls
        assert self.breaker.failures == sum(failed for _, failed, _ in calls)
        assert self.breaker._slow == sum(slow for _, _, slow in calls)
        assert len(calls) <= self.breaker.configuration.monitoring_window_calls

    @invariant()
    def a_probe_that_is_out_holds_its_lease_or_has_lost_it_to_time(self):
        """No place is lost: what is leased are probes of this generation that are still out."""
        leased = set(self.breaker._probes)
        assert leased <= {permit.number for permit in self.out if permit.generation == self.breaker.generation}

    @invariant()
    def it_says_when_to_come_back(self):
        wait = self.breaker.retry_after(self.now)
        if wait is None:
            manual = self.breaker.configuration.recovery_strategy is RecoveryStrategy.MANUAL
            assert self.breaker.state is State.FORCED_OPEN or (self.breaker.state is State.OPEN and manual)
        else:
            assert 0 <= wait <= self.breaker.configuration.longest_open_seconds
            assert math.isfinite(wait)

    def _no_more_probes_than_places(self):
        generation, configuration = self.breaker.generation, self.breaker.configuration
        held = [one for one, ends in self.leases.items() if one.generation == generation and ends > self.now]
        # A gradual recovery may have doubled its places before the strategy was changed.
        assert len(held) <= configuration.half_open_permits << self.breaker._doublings
        assert self.breaker._doublings <= 3

    def _seen(self):
        breaker = self.breaker
        return (
            breaker.state,
            breaker.generation,
            breaker.in_flight,
            breaker.rates(self.now),
            breaker.probes(self.now),
            breaker._probe_successes,
        )


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
