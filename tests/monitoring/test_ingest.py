"""Samples on their way from an agent into the table."""

import asyncio
from datetime import UTC, timedelta
from uuid import UUID, uuid4

import pytest

from novacron.api.monitoring.v1 import DeleteVmMonitoringRequest, GetLatestVmMetricsRequest, IngestVmMetricsRequest
from novacron.errors import InvalidArgument, PermissionDenied
from novacron.ids import derived_id
from novacron_monitoring.sample import METRICS


async def count(monitoring):
    return (await monitoring.rows("SELECT count(*) FROM vm_metrics"))[0][0]


async def test_every_field_of_a_sample_is_kept_and_what_was_not_measured_stays_unset(monitoring):
    target = await monitoring.monitored()
    whole = monitoring.sample(
        target.vm_id, monitoring.moment(seconds=1), **{name: number + 1 for number, name in enumerate(METRICS)}
    )
    [acknowledgement] = await monitoring.ingest(monitoring.batch(whole, sequence=7))
    assert (acknowledgement.sequence, acknowledgement.written, acknowledgement.dropped) == (7, 1, 0)
    reader = monitoring.user(monitoring.reader(UUID(target.tenant_id)))
    assert await reader.GetLatestVmMetrics(GetLatestVmMetricsRequest(vm_id=target.vm_id)) == whole

    idle = monitoring.sample(target.vm_id, monitoring.moment(), cpu_usage_percent=0)
    await monitoring.ingest(monitoring.batch(idle))
    latest = await reader.GetLatestVmMetrics(GetLatestVmMetricsRequest(vm_id=target.vm_id))
    assert latest == idle
    assert latest.HasField("cpu_usage_percent")
    assert not latest.HasField("memory_usage_bytes")


async def test_fifty_thousand_samples_of_several_days_arrive_each_once_with_their_values(monitoring):
    targets = [await monitoring.monitored() for _ in range(10)]
    start, step = monitoring.moment(hours=60), timedelta(seconds=40)

    def samples(vm, first):
        for number in range(first, first + 1000):
            yield monitoring.sample(
                targets[vm].vm_id,
                start + number * step,
                cpu_usage_percent=number % 101,
                network_bytes_sent=vm * 10**15 + number,
            )

    batches = [
        monitoring.batch(*samples(vm, number), *samples(vm + 1, number), sequence=sequence)
        for sequence, (vm, number) in enumerate(
            (vm, number) for vm in range(0, 10, 2) for number in range(0, 5000, 1000)
        )
    ]
    acknowledgements = await monitoring.ingest(*batches)
    assert [(one.sequence, one.written, one.dropped) for one in acknowledgements] == [
        (sequence, 2000, 0) for sequence in range(25)
    ]
    rows = await monitoring.rows(
        "SELECT vm_id, tenant_id, node_id, time, cpu_usage_percent, network_bytes_sent FROM vm_metrics ORDER BY vm_id, time"
    )
    expected = [
        (
            UUID(target.vm_id),
            UUID(target.tenant_id),
            UUID(target.node_id),
            start + number * step,
            float(number % 101),
            vm * 10**15 + number,
        )
        for vm, target in enumerate(targets)
        for number in range(5000)
    ]
    assert [(*row[:3], row[3].astimezone(UTC), *row[4:]) for row in rows] == sorted(expected)
    assert len(rows) == 50_000


async def test_a_batch_that_is_sent_again_changes_nothing_and_is_told_the_same(monitoring):
    target = await monitoring.monitored()
    times = [monitoring.moment(seconds=number) for number in range(5)]
    first = monitoring.batch(*(monitoring.sample(target.vm_id, time, cpu_usage_percent=1) for time in times))
    again = await monitoring.ingest(first, first)
    again += await monitoring.ingest(first)
    assert [(one.written, one.dropped) for one in again] == [(5, 0)] * 3
    assert await count(monitoring) == 5


async def test_many_streams_with_the_same_samples_in_other_orders_do_not_hold_each_other_up(monitoring):
    targets = [await monitoring.monitored() for _ in range(20)]
    time = monitoring.moment()
    samples = [
        monitoring.sample(target.vm_id, time - timedelta(seconds=number), cpu_usage_percent=1)
        for target in targets
        for number in range(50)
    ]
    results = await asyncio.gather(
        *(monitoring.ingest(monitoring.batch(*(samples if turn % 2 else reversed(samples)))) for turn in range(8))
    )
    assert {(one.written, one.dropped) for [one] in results} == {(1000, 0)}
    assert await count(monitoring) == 1000


async def test_of_two_samples_of_one_vm_at_one_time_one_is_kept(monitoring):
    target, time = await monitoring.monitored(), monitoring.moment()
    await monitoring.ingest(
        monitoring.batch(
            monitoring.sample(target.vm_id, time, cpu_usage_percent=1),
            monitoring.sample(target.vm_id, time, cpu_usage_percent=2),
        )
    )
    assert await count(monitoring) == 1


async def test_samples_of_vms_that_nobody_monitors_on_this_node_are_counted_and_dropped(monitoring):
    here, elsewhere, ended = [await monitoring.monitored(node=node) for node in ("node-1", "node-2", "node-1")]
    await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=ended.vm_id))
    vm_ids = [here.vm_id, elsewhere.vm_id, ended.vm_id, str(uuid4())]
    time = monitoring.moment()
    [one] = await monitoring.ingest(
        monitoring.batch(*(monitoring.sample(vm_id, time, cpu_usage_percent=1) for vm_id in vm_ids))
    )
    assert (one.written, one.dropped) == (1, 3)
    assert await monitoring.rows("SELECT vm_id FROM vm_metrics") == [(UUID(here.vm_id),)]


async def test_an_empty_batch_is_acknowledged(monitoring):
    [one] = await monitoring.ingest(monitoring.batch(sequence=3))
    assert (one.sequence, one.written, one.dropped) == (3, 0, 0)


async def test_each_batch_is_durable_when_it_is_acknowledged_and_the_stream_goes_on(monitoring):
    target = await monitoring.monitored()
    to_send = asyncio.Queue()

    async def requests():
        while (request := await to_send.get()) is not None:
            yield request

    stream = monitoring.agent().IngestVmMetrics(requests())
    for number in range(1, 4):
        time = monitoring.moment(seconds=10 - number)
        to_send.put_nowait(monitoring.batch(monitoring.sample(target.vm_id, time, disk_read_ops=1), sequence=number))
        assert (await anext(stream)).sequence == number
        assert await count(monitoring) == number
    to_send.put_nowait(None)
    assert [response async for response in stream] == []


@pytest.mark.parametrize(
    ("ago", "says"),
    [
        (timedelta(minutes=-6), "is more than 5 minutes ahead of"),
        (timedelta(days=-100_000), "is more than 5 minutes ahead of"),
        (timedelta(days=90, minutes=1), "is older than the retention of 90 days: send samples while they are new"),
    ],
)
async def test_a_time_that_is_not_believed_ends_the_stream_and_nothing_of_its_batch_is_written(monitoring, ago, says):
    target = await monitoring.monitored()

    def at(time):
        return monitoring.sample(target.vm_id, time, cpu_usage_percent=1)

    good = monitoring.batch(at(monitoring.moment()), sequence=1)
    bad_time = monitoring.moment() - ago
    bad = monitoring.batch(at(monitoring.moment(seconds=1)), at(bad_time), at(bad_time), sequence=2)
    with pytest.raises(InvalidArgument) as caught:
        await monitoring.ingest(good, bad, good)
    assert caught.value.message.startswith(f"samples[1].time: {bad_time:%Y-%m-%dT%H:%M:%SZ} {says}")
    assert [one.field for one in caught.value.violations] == ["samples[1].time", "samples[2].time"]
    assert await count(monitoring) == 1


async def test_times_just_inside_are_believed(monitoring):
    target = await monitoring.monitored()
    times = (monitoring.moment(minutes=-4, seconds=-50), monitoring.moment(days=89, hours=23, minutes=59))
    [one] = await monitoring.ingest(
        monitoring.batch(*(monitoring.sample(target.vm_id, time, cpu_usage_percent=1) for time in times))
    )
    assert one.written == 2


def _timeless(sample):
    sample.ClearField("time")


def _out_of_time(sample):
    sample.time.seconds = 10**15


def _nameless(sample):
    sample.vm_id = "web-1"


def _too_busy(sample):
    sample.cpu_usage_percent = 100.5


def _nan(sample):
    sample.cpu_usage_percent = float("nan")


def _negative(sample):
    sample.disk_usage_bytes = -1


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_timeless, "samples[1].time: value is required"),
        (_out_of_time, "samples[1].time: is no time between the years 1 and 9999"),
        (_nameless, "samples[1].vm_id: must be a valid UUID"),
        (_too_busy, "samples[1].cpu_usage_percent: must be greater than or equal to 0 and less than or equal to 100"),
        (_nan, "samples[1].cpu_usage_percent: must be greater than or equal to 0 and less than or equal to 100"),
        (_negative, "samples[1].disk_usage_bytes: must be greater than or equal to 0"),
    ],
)
async def test_a_bad_sample_is_told_by_its_place_and_nothing_of_its_batch_is_written(monitoring, spoil, says):
    target = await monitoring.monitored()
    pair = [monitoring.sample(target.vm_id, monitoring.moment(seconds=one), cpu_usage_percent=1) for one in (0, 1)]
    spoil(pair[1])
    with pytest.raises(InvalidArgument) as caught:
        await monitoring.ingest(monitoring.batch(*pair))
    assert caught.value.message == says
    assert await count(monitoring) == 0


async def test_more_than_ten_thousand_samples_are_no_batch(monitoring):
    one = monitoring.sample(str(uuid4()), monitoring.moment())
    with pytest.raises(InvalidArgument, match="samples: must contain no more than 10000 item"):
        await monitoring.ingest(monitoring.batch(*[one] * 10_001))


async def test_an_agent_writes_for_the_node_of_its_certificate_alone(monitoring):
    target = await monitoring.monitored(node="node-2")
    foreign = monitoring.batch(monitoring.sample(target.vm_id, monitoring.moment(), cpu_usage_percent=1), node="node-2")
    with pytest.raises(PermissionDenied) as caught:
        await monitoring.ingest(foreign, node="node-1")
    assert caught.value.message == (
        f"the certificate is that of node node-1, whose node_id is {derived_id('node', 'node-1')}: "
        f"it may not send what {target.node_id} sampled"
    )
    with pytest.raises(PermissionDenied, match="this agent's certificate names no node"):
        await monitoring.ingest(foreign, node="")
    assert await count(monitoring) == 0


async def test_nobody_but_an_agent_writes(monitoring):
    everything = monitoring.user(monitoring.servers.users.add("*:*"))
    for stub in (everything, monitoring.vm()):
        with pytest.raises(PermissionDenied):
            await anext(stub.IngestVmMetrics(_silence()))


async def _silence():
    await asyncio.Event().wait()
    yield IngestVmMetricsRequest()


def test_the_proto_and_the_service_name_the_same_metrics():
    from novacron.api.monitoring.v1 import VmSample
    from novacron_monitoring.sample import Sample

    fields = [field.name for field in VmSample.DESCRIPTOR.fields]
    assert fields == [*Sample._fields] == ["time", "vm_id", *METRICS]
