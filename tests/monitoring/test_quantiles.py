"""One quantile for each of many VMs: what it is, whose it is, and what cannot be asked."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest

from novacron.api.monitoring.v1 import DeleteVmMonitoringRequest, GetVmMetricsQuantilesRequest
from novacron.errors import InvalidArgument, PermissionDenied

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def question(*vm_ids, metric="cpu_usage_percent", quantile=0.5, start=None, end=None):
    request = GetVmMetricsQuantilesRequest(vm_ids=map(str, vm_ids), metric=metric, quantile=quantile)
    if start is not None:
        request.start_time.FromDatetime(start)
    if end is not None:
        request.end_time.FromDatetime(end)
    return request


async def asked(stub, request):
    return {one.vm_id: one.value for one in (await stub.GetVmMetricsQuantiles(request)).quantiles}


async def kept(monitoring, values, *, ago=10, vm_id=None, **changes):
    """A monitored VM with these values of its CPU use, a second apart, the last of them so many seconds ago."""
    target = await monitoring.monitored(vm_id=vm_id)
    first = monitoring.moment(seconds=len(values) + ago)
    samples = [
        monitoring.sample(target.vm_id, first + timedelta(seconds=n), **{"cpu_usage_percent": value, **changes})
        for n, value in enumerate(values)
    ]
    await monitoring.ingest(monitoring.batch(*samples))
    return target


def expected(values, quantile):
    """Linear between the two values that it lies between, as the textbooks have it (Hyndman and Fan's seventh)."""
    values, place = sorted(values), quantile * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


async def test_each_vm_has_the_quantile_of_its_own_values_within_the_time(monitoring):
    random = Random(7)
    values = {}
    for length in (1, 2, 3, 90):
        drawn = [random.uniform(0, 100) for _ in range(length)]
        values[(await kept(monitoring, drawn)).vm_id] = drawn
    without = await kept(monitoring, [1], cpu_usage_percent=None, disk_read_bytes=2**40)
    scheduler = monitoring.service("scheduler")
    for quantile in (0, 0.25, 0.5, 0.9, 1):
        found = await asked(scheduler, question(*values, without.vm_id, quantile=quantile))
        assert list(found) == sorted(values), "by id, and none of a VM without this metric"
        assert found == pytest.approx({vm_id: expected(drawn, quantile) for vm_id, drawn in values.items()})
    answer = await scheduler.GetVmMetricsQuantiles(question(without.vm_id, metric="disk_read_bytes"))
    assert ([one.value for one in answer.quantiles], answer.unit) == ([2**40], "bytes")
    long = next(vm_id for vm_id, drawn in values.items() if len(drawn) == 90)
    begin, until = monitoring.moment(hours=2), monitoring.moment(seconds=3600)
    assert await asked(scheduler, question(long, start=begin, end=until)) == {}, "before its samples"


async def test_a_user_is_answered_for_the_own_tenants_vms_and_others_are_left_out_like_ones_that_never_were(monitoring):
    mine, theirs = await kept(monitoring, [10]), await kept(monitoring, [20])
    await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=theirs.vm_id))
    passed_on = await kept(monitoring, [30], ago=20, vm_id=UUID(theirs.vm_id))
    every = question(mine.vm_id, theirs.vm_id, uuid4())

    async def seen_by(*permissions, tenant_id=None):
        user = monitoring.servers.users.add("metrics:read", *permissions, tenant_id=tenant_id and UUID(tenant_id))
        return await asked(monitoring.user(user), every)

    assert await seen_by(tenant_id=mine.tenant_id) == {mine.vm_id: 10}
    assert await seen_by(tenant_id=theirs.tenant_id) == {theirs.vm_id: 20}
    assert await seen_by(tenant_id=passed_on.tenant_id) == {theirs.vm_id: 30}
    assert await seen_by() == {}
    assert await seen_by("tenant:any") == {mine.vm_id: 10, theirs.vm_id: 25}
    with pytest.raises(PermissionDenied, match="metrics:read"):
        await asked(monitoring.user(monitoring.servers.users.add("vm:read")), every)


async def test_a_thousand_vms_are_answered_in_one_statement(monitoring):
    one = await kept(monitoring, [10, 20])
    vms = [uuid4() for _ in range(999)]
    await monitoring.rows(
        "INSERT INTO vm_metrics (time, vm_id, tenant_id, cpu_usage_percent) SELECT time, vm, tenant_id, cpu_usage_percent"
        " FROM vm_metrics, unnest(%s::uuid[]) vm RETURNING 1",
        vms,
    )
    statements = 0
    connection = monitoring.database.connection

    def counted():
        nonlocal statements
        statements += 1
        return connection()

    monitoring.database.connection = counted
    found = await asked(monitoring.service("scheduler"), question(one.vm_id, *vms))
    assert found.keys() == {one.vm_id, *map(str, vms)}
    assert set(found.values()) == {15}
    assert statements == 1


async def test_a_question_that_cannot_be_answered_says_why_by_its_field(monitoring):
    user = monitoring.user(monitoring.reader())
    vm_id = uuid4()
    unsaid = question(vm_id)
    unsaid.ClearField("quantile")
    for request, field, says in (
        (question(), "vm_ids", "vm_ids: must contain at least 1 item(s)"),
        (question(*(uuid4() for _ in range(1001))), "vm_ids", "vm_ids: must contain no more than 1000 item(s)"),
        (question(vm_id, vm_id), "vm_ids", "vm_ids: repeated value must contain unique items"),
        (question(vm_id, "web-1"), "vm_ids[1]", "vm_ids[1]: must be a valid UUID"),
        (question(vm_id, metric="cpu"), "metric", "metric: there is no metric 'cpu'; there are cpu_usage_percent, "),
        (unsaid, "quantile", "quantile: value is required"),
        (question(vm_id, quantile=1.1), "quantile", "quantile: must be greater than or equal to 0 and less than or"),
        (question(vm_id, quantile=float("nan")), "quantile", "quantile: must be"),
        (question(vm_id, start=NOON, end=NOON), "start_time", "start_time: 2026-03-04T12:00:00+00:00 must be before"),
        (
            question(vm_id, start=NOON - 25 * HOUR, end=NOON),
            "start_time",
            "start_time: 2026-03-03T11:00:00+00:00 is more than a day before end_time, 2026-03-04T12:00:00+00:00: ask",
        ),
        (question(vm_id, end=datetime(1, 1, 1, tzinfo=UTC)), "end_time", "end_time: is before all time"),
    ):
        with pytest.raises(InvalidArgument) as caught:
            await user.GetVmMetricsQuantiles(request)
        assert caught.value.message.startswith(says)
        assert [one.field for one in caught.value.violations] == [field]
