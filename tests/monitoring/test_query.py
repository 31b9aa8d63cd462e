"""Questions about samples, against an oracle in plain Python."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from novacron.api.monitoring.v1 import (
    AGGREGATE_AVG,
    AGGREGATE_COUNT,
    AGGREGATE_LAST,
    AGGREGATE_MAX,
    AGGREGATE_MIN,
    AGGREGATE_SUM,
    AGGREGATE_UNSPECIFIED,
    DeleteVmMonitoringRequest,
    GetLatestVmMetricsRequest,
    QueryVmMetricsRequest,
)
from novacron.errors import InvalidArgument, NotFound, PermissionDenied
from novacron_monitoring.question import ORIGIN, Aggregate, asked
from novacron_monitoring.sample import METRICS

ORACLE = {
    AGGREGATE_UNSPECIFIED: lambda values: sum(values) / len(values),
    AGGREGATE_AVG: lambda values: sum(values) / len(values),
    AGGREGATE_MIN: min,
    AGGREGATE_MAX: max,
    AGGREGATE_SUM: sum,
    AGGREGATE_COUNT: len,
    AGGREGATE_LAST: lambda values: values[-1],
}


def question(vm_id, metric="cpu_usage_percent", *, start=None, end=None, step=None, aggregate=AGGREGATE_UNSPECIFIED):
    request = QueryVmMetricsRequest(vm_id=str(vm_id), metric=metric, aggregate=aggregate)
    if start is not None:
        request.start_time.FromDatetime(start)
    if end is not None:
        request.end_time.FromDatetime(end)
    if step is not None:
        request.step.FromTimedelta(step)
    return request


def answered(response):
    return [(point.time.ToDatetime(UTC), point.value) for point in response.points]


def expected(values, start, end, step, aggregate):
    """The answer by one loop over ``{time: value}``."""
    steps = {}
    for time in sorted(values):
        if start <= time < end and values[time] is not None:
            steps.setdefault(ORIGIN + (time - ORIGIN) // step * step, []).append(values[time])
    return [(time, ORACLE[aggregate](found)) for time, found in sorted(steps.items())]


offsets = st.integers(0, 6000)
measured = st.tuples(
    st.one_of(st.none(), st.floats(0, 100, allow_subnormal=False)), st.one_of(st.none(), st.integers(0, 2**40))
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(samples={0: (1.0, 1), 60: (2.0, 2)}, span=(0, 60), step=60, aggregate=AGGREGATE_COUNT)  # the end is exclusive
@given(
    samples=st.dictionaries(offsets, measured, max_size=60),
    span=st.tuples(offsets, offsets).map(sorted).filter(lambda pair: pair[0] < pair[1]),
    step=st.one_of(st.integers(1, 10), st.integers(11, 7000), st.sampled_from([60, 3600, 86_400, 604_800, 2_592_000])),
    aggregate=st.sampled_from(list(ORACLE)),
)
async def test_an_answer_is_what_plain_python_makes_of_the_same_samples(monitoring, samples, span, step, aggregate):
    target = await monitoring.monitored()
    zero = monitoring.moment(seconds=6000)
    await monitoring.ingest(
        monitoring.batch(
            *(
                monitoring.sample(
                    target.vm_id,
                    zero + timedelta(seconds=offset),
                    **({} if cpu is None else {"cpu_usage_percent": cpu}),
                    **({} if disk is None else {"disk_read_bytes": disk}),
                )
                for offset, (cpu, disk) in samples.items()
            )
        )
    )
    start, end = (zero + timedelta(seconds=one) for one in span)
    for place, metric in enumerate(("cpu_usage_percent", "disk_read_bytes")):
        values = {zero + timedelta(seconds=offset): pair[place] for offset, pair in samples.items()}
        width = timedelta(seconds=step)
        request = question(target.vm_id, metric, start=start, end=end, step=width, aggregate=aggregate)
        got = answered(await monitoring.service("scheduler").QueryVmMetrics(request))
        want = expected(values, start, end, width, aggregate)
        assert [time for time, _ in got] == [time for time, _ in want]
        assert [value for _, value in got] == pytest.approx([value for _, value in want], rel=1e-12, abs=1e-12)


async def kept(monitoring, *ages, tenant_id=None, **values):
    """A monitored VM with samples that are so many seconds old."""
    target = await monitoring.monitored(tenant_id=tenant_id)
    values = values or {"cpu_usage_percent": 50}
    await monitoring.ingest(
        monitoring.batch(*(monitoring.sample(target.vm_id, monitoring.moment(seconds=age), **values) for age in ages))
    )
    return target


async def test_unless_said_otherwise_the_last_hour_is_answered_by_the_minute(monitoring):
    target = await kept(monitoring, 4000, 30 * 60, 20 * 60)
    points = answered(await monitoring.service("scheduler").QueryVmMetrics(question(target.vm_id)))
    assert len(points) == 2
    assert all(time.second == 0 and value == 50 for time, value in points)


async def test_a_step_of_seven_days_is_a_week_from_monday(monitoring):
    target = await kept(monitoring, *(day * 86_400 for day in range(30)))
    request = question(target.vm_id, start=monitoring.moment(days=31), step=timedelta(days=7))
    points = answered(await monitoring.service("scheduler").QueryVmMetrics(request))
    assert len(points) >= 5
    assert {(time.weekday(), time.hour, time.minute) for time, _ in points} == {(0, 0, 0)}


async def test_an_answer_spans_the_partitions_of_several_days(monitoring):
    day = 86_400
    target = await kept(monitoring, day, 2 * day, 9 * day, 80 * day)
    request = question(
        target.vm_id, start=monitoring.moment(days=85), step=timedelta(days=30), aggregate=AGGREGATE_COUNT
    )
    points = answered(await monitoring.service("scheduler").QueryVmMetrics(request))
    assert sum(value for _, value in points) == 4


@pytest.mark.parametrize(("metric", "unit"), METRICS.items())
async def test_every_metric_can_be_asked_for_and_names_its_unit(monitoring, metric, unit):
    target = await kept(monitoring, 1, **{metric: 7})
    response = await monitoring.service("scheduler").QueryVmMetrics(question(target.vm_id, metric))
    assert [point.value for point in response.points] == [7]
    assert response.unit == unit


async def test_a_count_is_of_samples(monitoring):
    target = await kept(monitoring, 1)
    request = question(target.vm_id, "memory_usage_bytes", aggregate=AGGREGATE_COUNT)
    response = await monitoring.service("scheduler").QueryVmMetrics(request)
    assert (response.unit, list(response.points)) == ("samples", [])


NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        (
            {"metric": "cpu"},
            "metric",
            "metric: there is no metric 'cpu'; there are cpu_usage_percent, memory_usage_bytes, memory_available_bytes, "
            "network_bytes_sent, network_bytes_recv, network_packets_sent, network_packets_recv, disk_read_bytes, "
            "disk_write_bytes, disk_read_ops, disk_write_ops, disk_usage_bytes",
        ),
        (
            {"metric": "load_average"},
            "metric",
            "metric: there is no metric 'load_average'; there are cpu_usage_percent",
        ),
        ({"metric": '"; DROP TABLE vm_metrics; --'}, "metric", "metric: there is no metric '\"; DROP TABLE"),
        ({"metric": "\0"}, "metric", "metric: there is no metric '\\x00'; there are"),
        ({"metric": ""}, "metric", "metric: must be at least 1 characters"),
        ({"metric": "x" * 10_000}, "metric", "metric: must be at most 64 characters"),
        (
            {"start": NOON, "end": NOON},
            "start_time",
            "start_time: 2026-03-04T12:00:00+00:00 must be before end_time, 2026-03-04T12:00:00+00:00",
        ),
        (
            {"start": NOON + timedelta(days=36_500)},
            "start_time",
            "start_time: 2126-02-08T12:00:00+00:00 must be before",
        ),
        ({"end": datetime(1, 1, 1, tzinfo=UTC)}, "end_time", "end_time: is before all time"),
        ({"step": timedelta(milliseconds=999)}, "step", "step: must be greater than or equal to 1s and less than or"),
        ({"step": timedelta(days=31)}, "step", "step: must be greater than or equal to 1s and less than or"),
        (
            {"start": NOON, "end": NOON + timedelta(seconds=11_001), "step": timedelta(seconds=1)},
            "step",
            "step: this time has 11,001 steps, at most 11,000 can be asked for: "
            "take a step of 2 s or more, or a shorter time",
        ),
        ({"vm_id": "web-1"}, "vm_id", "vm_id: must be a valid UUID"),
        ({"aggregate": 99}, "aggregate", "aggregate: value must be one of the defined enum values"),
    ],
)
async def test_a_question_that_cannot_be_answered_says_why(monitoring, fields, field, says):
    request = question(**{"vm_id": uuid4(), **fields})
    with pytest.raises(InvalidArgument) as caught:
        await monitoring.user(monitoring.reader()).QueryVmMetrics(request)
    assert caught.value.message.startswith(says)
    assert [one.field for one in caught.value.violations] == [field]


async def test_a_time_outside_of_the_calendar_is_told_by_its_field(monitoring):
    request = question(uuid4())
    request.end_time.seconds = 10**15
    with pytest.raises(InvalidArgument, match="end_time: is no time between the years 1 and 9999"):
        await monitoring.user(monitoring.reader()).QueryVmMetrics(request)


async def test_eleven_thousand_steps_can_be_asked_for(monitoring):
    target = await kept(monitoring, 1)
    end = monitoring.moment()
    for span in (timedelta(seconds=11_000), timedelta(days=90)):
        step = max(timedelta(seconds=1), span / 10_999)
        request = question(target.vm_id, start=end - span, end=end, step=step)
        assert len((await monitoring.service("scheduler").QueryVmMetrics(request)).points) == 1


@given(
    span=st.integers(11_001, 10**9),
    start=st.integers(-(10**9), 10**9).map(lambda seconds: ORIGIN + timedelta(seconds=seconds, microseconds=1)),
)
def test_the_step_that_a_refusal_proposes_is_taken(span, start):
    def ask(step):
        end = start + timedelta(seconds=span)
        aggregate, vm_id = Aggregate.AVG, uuid4()
        asked(vm_id, "disk_read_ops", start=start, end=end, step=step, aggregate=aggregate, now=end)

    with pytest.raises(InvalidArgument) as caught:
        ask(timedelta(seconds=1))
    ask(timedelta(seconds=int(caught.value.message.split("take a step of ")[1].split(" s ")[0])))


async def test_the_newest_sample_is_the_newest_by_its_time_and_not_by_its_arrival(monitoring):
    target = await kept(monitoring, 5, 86_400, 7200)
    await monitoring.ingest(
        monitoring.batch(monitoring.sample(target.vm_id, monitoring.moment(seconds=60), cpu_usage_percent=1))
    )
    latest = await monitoring.service("scheduler").GetLatestVmMetrics(GetLatestVmMetricsRequest(vm_id=target.vm_id))
    assert latest.cpu_usage_percent == 50
    assert latest.time.ToDatetime(UTC) > monitoring.moment(seconds=30)


async def test_a_vm_that_has_stopped_weeks_ago_still_has_its_newest_sample(monitoring):
    target = await kept(monitoring, 20 * 86_400, 50 * 86_400)
    latest = await monitoring.service("scheduler").GetLatestVmMetrics(GetLatestVmMetricsRequest(vm_id=target.vm_id))
    assert latest.time.ToDatetime(UTC) > monitoring.moment(days=21)


async def test_a_vm_without_a_sample_has_an_empty_answer_and_says_that_it_has_none_yet(monitoring):
    target = await monitoring.monitored()
    owner = monitoring.user(monitoring.reader(UUID(target.tenant_id)))
    assert list((await owner.QueryVmMetrics(question(target.vm_id))).points) == []
    with pytest.raises(NotFound, match="has no sample yet: its node sends one every 10 s while it runs"):
        await owner.GetLatestVmMetrics(GetLatestVmMetricsRequest(vm_id=target.vm_id))


async def test_a_user_sees_the_own_tenants_samples_also_after_monitoring_ended(monitoring):
    target = await kept(monitoring, 1)
    owner = monitoring.user(monitoring.reader(UUID(target.tenant_id)))
    await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=target.vm_id))
    assert len((await owner.QueryVmMetrics(question(target.vm_id))).points) == 1
    long_ago = question(target.vm_id, end=monitoring.moment(days=5))
    assert list((await owner.QueryVmMetrics(long_ago)).points) == []
    assert (await owner.GetLatestVmMetrics(GetLatestVmMetricsRequest(vm_id=target.vm_id))).cpu_usage_percent == 50


@pytest.mark.parametrize("ended", [False, True])
async def test_another_tenants_vm_and_one_that_never_was_are_told_alike(monitoring, ended):
    target, never = await kept(monitoring, 1), str(uuid4())
    if ended:
        await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=target.vm_id))
    stranger = monitoring.user(monitoring.reader())
    for ask in (
        lambda vm_id: stranger.QueryVmMetrics(question(vm_id)),
        lambda vm_id: stranger.QueryVmMetrics(question(vm_id, aggregate=AGGREGATE_COUNT)),
        lambda vm_id: stranger.GetLatestVmMetrics(GetLatestVmMetricsRequest(vm_id=vm_id)),
    ):
        told = []
        for vm_id in (target.vm_id, never):
            with pytest.raises(NotFound) as caught:
                await ask(vm_id)
            told.append(repr((caught.value.message, sorted(caught.value.metadata.items()))).replace(vm_id, "<id>"))
        assert told[0] == told[1]
        assert "vm <id> not found" in told[0]


async def test_a_vm_that_has_passed_to_another_tenant_shows_each_only_what_was_sampled_for_it(monitoring):
    before = await kept(monitoring, 30)
    await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=before.vm_id))
    after = await monitoring.monitored(vm_id=UUID(before.vm_id))
    await monitoring.ingest(
        monitoring.batch(monitoring.sample(after.vm_id, monitoring.moment(seconds=20), cpu_usage_percent=9))
    )
    for target, value in ((before, 50), (after, 9)):
        stub = monitoring.user(monitoring.reader(UUID(target.tenant_id)))
        response = await stub.QueryVmMetrics(question(target.vm_id, step=timedelta(days=1)))
        assert [point.value for point in response.points] == [value]
        latest = await stub.GetLatestVmMetrics(GetLatestVmMetricsRequest(vm_id=target.vm_id))
        assert latest.cpu_usage_percent == value


async def test_one_who_may_see_every_tenant_does_and_one_without_the_permission_sees_nothing(monitoring):
    target = await kept(monitoring, 1)
    admin = monitoring.user(monitoring.servers.users.add("metrics:read", "tenant:any"))
    assert len((await admin.QueryVmMetrics(question(target.vm_id))).points) == 1
    with pytest.raises(PermissionDenied, match="metrics:read"):
        await monitoring.user(monitoring.servers.users.add("vm:read")).QueryVmMetrics(question(target.vm_id))
