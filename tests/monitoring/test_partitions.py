"""Days come and go: made ahead, made in need, dropped by retention, by any number of replicas, whatever the database does."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from novacron.db import Database
from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.process import free_port
from novacron.errors import Conflict, NovacronError
from novacron.testing.databases import Databases
from novacron.testing.patience import eventually
from novacron_monitoring.keeper import PartitionKeeper
from novacron_monitoring.partition import Partition, ahead, days_of, expired
from novacron_monitoring.partitions import LOCK, Partitions

RETENTION = timedelta(days=90)


def keeper(database, *, retention=RETENTION, every_seconds=600.0, kind=PartitionKeeper):
    return kind(database, Partitions(), retention=retention, days_ahead=3, every_seconds=every_seconds)


async def present(database):
    async with database.connection() as connection:
        return sorted((await Partitions().present(connection))[1])


async def made(database, *days):
    async with database.connection() as connection:
        await Partitions().make(connection, {Partition(day) for day in days})


def today():
    return datetime.now(UTC).date()


async def test_days_ahead_have_their_partition_before_a_sample_comes(monitoring):
    first, _ = await keeper(monitoring.database).look()
    assert sorted(first) == [Partition(today() + timedelta(days=number)) for number in range(4)]
    assert await present(monitoring.database) == sorted(first)
    assert await keeper(monitoring.database).look() == ([], [])


async def test_a_sample_of_a_day_without_a_partition_makes_it(monitoring):
    target = await monitoring.monitored()
    time = monitoring.moment(days=40)
    assert await present(monitoring.database) == []
    await monitoring.ingest(monitoring.batch(monitoring.sample(target.vm_id, time, cpu_usage_percent=1)))
    assert await present(monitoring.database) == [Partition(time.date())]


async def test_a_refused_batch_makes_no_partition(monitoring):
    target = await monitoring.monitored()
    for time in (monitoring.moment(days=91), monitoring.moment(days=-400)):
        with pytest.raises(Exception, match="samples"):
            await monitoring.ingest(monitoring.batch(monitoring.sample(target.vm_id, time, cpu_usage_percent=1)))
    assert await present(monitoring.database) == []


async def test_samples_on_both_sides_of_midnight_go_to_their_own_days(monitoring):
    target = await monitoring.monitored()
    midnight = datetime.combine(today() - timedelta(days=2), datetime.min.time(), UTC)
    times = [midnight - timedelta(microseconds=1), midnight]
    await monitoring.ingest(
        monitoring.batch(*(monitoring.sample(target.vm_id, time, cpu_usage_percent=1) for time in times))
    )
    rows = await monitoring.rows("SELECT tableoid::regclass::text, time FROM vm_metrics ORDER BY time")
    assert rows == [(Partition(time.date()).name, time) for time in times]


async def test_what_is_older_than_retention_goes_and_what_is_younger_stays_with_its_samples(monitoring):
    old, edge, young = (today() - timedelta(days=days) for days in (92, 90, 89))
    target = await monitoring.monitored()
    time = datetime.combine(young, datetime.max.time(), UTC)
    await monitoring.ingest(monitoring.batch(monitoring.sample(target.vm_id, time, cpu_usage_percent=1)))
    await made(monitoring.database, old, edge)
    async with monitoring.database.connection() as connection:
        await connection.execute(
            "INSERT INTO vm_metrics (time, vm_id, tenant_id) VALUES (%s, %s, %s)",
            (datetime.combine(old, datetime.min.time(), UTC), UUID(target.vm_id), UUID(target.tenant_id)),
        )
    _, dropped = await keeper(monitoring.database).look()
    assert dropped == [Partition(old)]
    assert await present(monitoring.database) == [
        Partition(edge),
        Partition(young),
        *sorted(ahead(datetime.now(UTC), 3)),
    ]
    assert await monitoring.rows("SELECT time FROM vm_metrics") == [(time,)]


async def test_a_shorter_retention_drops_more(monitoring):
    await made(monitoring.database, *(today() - timedelta(days=days) for days in range(10)))
    _, dropped = await keeper(monitoring.database, retention=timedelta(days=3)).look()
    assert set(dropped) >= {Partition(today() - timedelta(days=days)) for days in range(5, 10)}
    assert Partition(today() - timedelta(days=3)) not in dropped


async def test_replicas_that_look_at_once_do_not_disturb_each_other(monitoring):
    await made(monitoring.database, *(today() - timedelta(days=days) for days in (100, 101, 102)))
    await asyncio.gather(*(keeper(monitoring.database).look() for _ in range(8)))
    assert await present(monitoring.database) == sorted(ahead(datetime.now(UTC), 3))


async def test_who_waited_for_a_twin_sees_what_the_twin_made(monitoring):
    wanted = {Partition(today())}

    async def make():
        async with monitoring.database.connection() as connection:
            await Partitions().missing(connection, wanted)  # the backend now remembers that there is no such table
            return await Partitions().make(connection, wanted)

    async def both_wait():
        return await monitoring.rows("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted OFFSET 1")

    async with monitoring.database.transaction() as holder:
        await holder.execute(LOCK)
        twins = [asyncio.create_task(make()) for _ in range(2)]
        await eventually(both_wait)
    assert sorted(map(len, await asyncio.gather(*twins))) == [0, 1]


async def test_streams_that_need_the_same_new_days_at_once_all_get_through(monitoring):
    targets = [await monitoring.monitored() for _ in range(8)]
    results = await asyncio.gather(
        *(
            monitoring.ingest(
                monitoring.batch(
                    *(
                        monitoring.sample(target.vm_id, monitoring.moment(days=day), cpu_usage_percent=1)
                        for day in range(20)
                    )
                )
            )
            for target in targets
        )
    )
    assert [one.written for [one] in results] == [20] * 8


async def test_a_new_day_is_made_while_others_write(monitoring):
    await made(monitoring.database, today())
    async with monitoring.database.transaction() as writer:
        await writer.execute(
            "INSERT INTO vm_metrics (time, vm_id, tenant_id) VALUES (now(), gen_random_uuid(), gen_random_uuid())"
        )
        async with asyncio.timeout(5):
            await made(monitoring.database, today() + timedelta(days=1))


async def test_a_drop_does_not_wait_long_for_a_reader_and_is_made_up_for(monitoring):
    old = today() - timedelta(days=100)
    await made(monitoring.database, old)
    async with monitoring.database.transaction() as reader:
        await reader.execute("SELECT count(*) FROM vm_metrics")
        with pytest.raises(Conflict):
            async with asyncio.timeout(5):
                await keeper(monitoring.database).look()
        assert Partition(old) in await present(monitoring.database)
    _, dropped = await keeper(monitoring.database).look()
    assert dropped == [Partition(old)]


async def test_tables_that_are_none_of_ours_are_left_alone(monitoring):
    async with monitoring.database.connection() as connection:
        await connection.execute(
            "CREATE TABLE vm_metrics_archive PARTITION OF vm_metrics FOR VALUES FROM ('2001-01-01') TO ('2002-01-01')"
        )
    assert (await keeper(monitoring.database).look())[1] == []
    assert await monitoring.rows("SELECT to_regclass('vm_metrics_archive') IS NOT NULL") == [(True,)]


class Watched(PartitionKeeper):
    """Counts the looks that failed."""

    failed = 0

    async def look(self):
        try:
            return await super().look()
        except NovacronError:
            self.failed += 1
            raise


async def test_the_keeper_works_on_after_the_database_was_away(tmp_path, migrations):
    server = EmbeddedPostgres(tmp_path / "postgres", free_port())
    server.prepare()
    try:
        with server.running():
            url = await asyncio.to_thread(Databases(server).create, *migrations)
            database = Database(url, wait_seconds=0.5)
            running = keeper(database, every_seconds=0.05, kind=Watched)
            await database.open()
            await running.start()
            await eventually(lambda: _all_days(database))
        await eventually(lambda: _failed(running))
        with server.running():
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute(f"DROP TABLE {Partition(today()).name}")
            await eventually(lambda: _all_days(database), within=10)
            await running.stop()
            await database.close()
    finally:
        server.remove()


async def _failed(watched):
    return watched.failed > 0


async def _all_days(database):
    return await present(database) == sorted(ahead(datetime.now(UTC), 3))


def test_a_partitions_name_tells_its_day_and_no_other_name_does():
    partition = Partition(date(2026, 3, 4))
    assert partition.name == "vm_metrics_y2026m03d04"
    assert Partition.named(partition.name) == partition
    for other in ("vm_metrics_y2026m03", "vm_metrics_y2026m13d01", "vm_metrics_y2026m03d04_old", "vm_metrics"):
        assert Partition.named(other) is None


def test_a_day_is_due_an_hour_after_its_youngest_sample_reached_retention():
    partition = Partition(date(2026, 1, 1))
    due = datetime(2026, 4, 2, 1, tzinfo=UTC)
    assert expired([partition], due, RETENTION) == [partition]
    assert expired([partition], due - timedelta(microseconds=1), RETENTION) == []


def test_a_day_is_one_in_utc():
    assert days_of([datetime(2026, 1, 1, 23, 59, 59, 999_999, UTC), datetime(2026, 1, 2, tzinfo=UTC)]) == {
        Partition(date(2026, 1, 1)),
        Partition(date(2026, 1, 2)),
    }
