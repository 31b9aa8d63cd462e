"""What a process shows over HTTP, and that showing it holds up nothing."""

import asyncio
import re
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import novacron
import novacron.foundation
import novacron.saga
from novacron import instruments
from novacron.cache import TieredCache
from novacron.exposition import Exposition
from novacron.testing.patience import eventually
from novacron.testing.promtool import complaints

from .rpc_echo import SERVICE, Echo, EchoServiceServicer, add_to_server


@pytest.fixture
async def exposition():
    made = Exposition("127.0.0.1:0", asyncio.get_running_loop())
    made.start()
    yield made
    made.stop()


async def get(exposition, path, **headers):
    def ask():
        request = urllib.request.Request(f"http://127.0.0.1:{exposition.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["Content-Type"], error.read().decode()

    return await asyncio.to_thread(ask)


async def test_metrics_are_shown_as_prometheus_reads_them_or_as_openmetrics_where_that_is_asked_for(exposition):
    status, kind, text = await get(exposition, "/metrics")
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    assert "# TYPE rpc_server_call_duration_seconds histogram" in text
    _, kind, text = await get(exposition, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert text.rstrip().endswith("# EOF")


async def test_promtool_finds_no_fault_with_what_is_shown(exposition):
    _, _, text = await get(exposition, "/metrics")
    assert await complaints(text) == []


async def test_healthz_says_that_the_event_loop_turns(exposition):
    assert await get(exposition, "/healthz") == (200, "text/plain; charset=utf-8", "ok\n")


async def test_healthz_says_when_the_event_loop_hangs_and_metrics_are_shown_all_the_same(exposition):
    answers = []

    def ask():
        for path in ("/metrics", "/healthz"):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{exposition.port}{path}", timeout=10) as answer:
                    answers.append(answer.status)
            except urllib.error.HTTPError as error:
                error.close()
                answers.append(error.code)

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(10)  # on purpose: this is the loop's own thread, and it hangs
    assert answers == [200, 503]


async def test_any_other_path_is_told_what_there_is(exposition):
    status, _, text = await get(exposition, "/")
    assert (status, text) == (404, "here are /metrics and /healthz\n")


async def test_a_client_that_says_nothing_holds_up_neither_others_nor_the_stop():
    exposition = Exposition("127.0.0.1:0", asyncio.get_running_loop())
    exposition.start()
    _, writer = await asyncio.open_connection("127.0.0.1", exposition.port)
    writer.write(b"GET /metr")
    assert (await get(exposition, "/healthz"))[0] == 200
    began = time.monotonic()
    exposition.stop()
    assert time.monotonic() - began < 8
    writer.close()


async def test_a_port_that_is_taken_is_named(exposition):
    with pytest.raises(RuntimeError, match=f"cannot listen on 127.0.0.1:{exposition.port} for metrics"):
        Exposition(f"127.0.0.1:{exposition.port}", asyncio.get_running_loop())


async def test_what_is_observed_is_read_when_somebody_asks_and_only_as_long_as_it_lives(exposition):
    class Pool:
        size = 3

    pools = instruments.Watched()
    instruments.observed(
        "gauge", "test.pool.size", "{place}", "Places", ("test.pool",), lambda: [(("one",), one.size) for one in pools]
    )
    first, second = Pool(), Pool()
    pools.add(first)
    pools.add(second)
    # Two of one name are one series.
    assert 'test_pool_size{test_pool="one"} 6.0' in (await get(exposition, "/metrics"))[2]
    first.size = 5
    del second
    assert 'test_pool_size{test_pool="one"} 5.0' in (await get(exposition, "/metrics"))[2]


@pytest.mark.parametrize(
    ("kind", "name", "unit", "family"),
    [
        ("counter", "test.names.turned", "{turn}", "test_names_turned_total"),
        ("gauge", "test.names.rate", "1", "test_names_rate_ratio"),
        ("gauge", "test.names.size", "By", "test_names_size_bytes"),
    ],
)
async def test_a_name_is_translated_by_opentelemetrys_rules_for_prometheus(exposition, kind, name, unit, family):
    getattr(instruments, kind)(name, unit, "A name")
    _, _, text = await get(exposition, "/metrics")
    assert re.search(rf"^{family} 0\.0$", text, re.M)
    assert instruments.declared(family.removesuffix("_total")).name == name


async def test_what_a_process_shows_of_its_calls_its_pool_and_its_caches(exposition, servers, new_database):
    database = await new_database()
    cache = TieredCache("test-cache", ttl_seconds=60)
    server = await servers.start("scheduler", [(add_to_server, EchoServiceServicer())])
    channel = servers.as_service(server, "vm")

    async def load():
        async with database.connection() as connection:
            await connection.execute("SELECT 1")
        return await Echo(channel)("One", "hello")

    for _ in range(3):
        await cache.get("key", load)

    async def settled():
        return database.gauges()["pool_available"] == database.gauges()["pool_size"]

    await eventually(settled, message="a connection that the pool had begun to open is there")
    async with database.connection():
        _, _, text = await get(exposition, "/metrics")
    pool, target = f'db_client_connection_pool_name="{database.name}"', f'server_address="{channel.name}"'
    for line in (
        f'db_client_connection_count{{{pool},db_client_connection_state="used"}} 1.0',
        f"db_client_connection_max{{{pool}}} 32.0",
        'novacron_cache_gets_total{novacron_cache_name="test-cache",novacron_cache_outcome="hit"} 2.0',
        'novacron_cache_gets_total{novacron_cache_name="test-cache",novacron_cache_outcome="miss"} 1.0',
        f"novacron_retry_refused_total{{{target}}} 0.0",
        f"novacron_bulkhead_in_flight{{{target}}} 0.0",
        f"novacron_throttle_refused_total{{{target}}} 0.0",
        "novacron_server_in_flight 0.0",
        "novacron_server_shed_total 0.0",
    ):
        assert line in text.splitlines(), line
    assert f"novacron_retry_budget{{{target}}} 3." in text
    assert f'rpc_client_call_duration_seconds_count{{error_type="",rpc_method="{SERVICE}/One"' in text


def test_every_instrument_stands_in_the_operators_table():
    table = Path(novacron.__file__).with_name("observability.md").read_text()
    named, stem = set(), ""
    for name in re.findall(r"`([^`]+)`", " ".join(re.findall(r"^\| (`[^|]*) \|", table, re.M))):
        # `.refused` is of the one before it that is written out.
        stem = stem if name.startswith(".") else name.rpartition(".")[0]
        named.add(stem + name if name.startswith(".") else name)
    declared = {one.name for one in instruments.every() if one.name.startswith(("rpc.", "db.", "novacron."))}
    assert declared - named == set(), "name these in shared/novacron/observability.md"
