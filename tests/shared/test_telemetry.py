"""What goes to a collector, and what an absent one costs: nothing that a caller or a stop would feel."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult
from structlog.testing import capture_logs

from novacron import telemetry
from novacron.embedded.process import free_port
from novacron.otlp import Export, _Watchful
from novacron.rpc import Channel, observe  # noqa: F401 - declares the calls' instruments
from novacron.settings import ProcessSettings
from novacron.testing.collector import Collector
from novacron.testing.patience import eventually

from .rpc_echo import SERVICE, Echo, EchoServiceServicer, add_to_server

# A whole process as the services are, but for what it serves.
PROCESS = """
import asyncio, sys
from novacron import telemetry
from novacron.process import run
from novacron.settings import ProcessSettings

async def serve(settings, stopping):
    with telemetry.span("work"):
        pass
    print("serving", sorted(name for name in sys.modules if name.startswith("opentelemetry.sdk")), flush=True)
    await stopping.wait()

run("test", ProcessSettings, serve)
"""


def exporting(endpoint, **settings):
    return Export(ProcessSettings(environment="testing", instance="test-1", otlp_endpoint=endpoint, **settings), "test")


@pytest.fixture
def collector():
    with Collector() as made:
        yield made


@pytest.fixture
def installed():
    """Makes spans by an export, for the length of a test."""

    def install(export):
        telemetry.trace_with(export.tracer_provider)
        return export

    yield install
    telemetry.trace_with(None)


@pytest.fixture
async def silent():
    """Takes connections and never says a word."""
    kept = []

    async def keep(reader, writer):
        kept.append(writer)
        await reader.read()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for writer in kept:
        writer.close()


async def test_spans_arrive_with_who_made_them_and_the_last_ones_at_the_stop(collector, installed):
    export = installed(exporting(collector.endpoint))
    with telemetry.span("outer", test_attribute="here") as outer, telemetry.span("inner"):
        pass
    await asyncio.to_thread(export.stop)
    trace = collector.trace(f"{outer.get_span_context().trace_id:032x}")
    assert [span.name for span in trace.spans] == ["outer", "inner"]
    assert trace.roots == [trace.spans[0]]
    assert (trace.spans[0].service, trace.spans[0].instance) == ("novacron-test", "test-1")
    assert trace.spans[0].attributes == {"test.attribute": "here"}
    assert str(trace).splitlines()[1].startswith("  inner  [novacron-test internal]")


async def test_numbers_arrive_under_their_own_names(collector, servers):
    server = await servers.start("scheduler", [(add_to_server, EchoServiceServicer())])
    channel = servers.as_service(server, "vm")
    for _ in range(3):
        await Echo(channel)("Quick", "hello")
    export = exporting(collector.endpoint, otlp_metrics_seconds=0.1)
    key = ("rpc.client.call.duration", "test-1")
    await eventually(lambda: asyncio.sleep(0, key in collector.metrics))
    await asyncio.to_thread(export.stop)
    metric = collector.metrics[key]
    assert metric.unit == "s"
    wanted = {"rpc.method": f"{SERVICE}/Quick", "server.address": channel.name}
    for point in metric.histogram.data_points:
        attributes = {one.key: one.value.string_value for one in point.attributes}
        if attributes.items() >= wanted.items():
            assert attributes == {**wanted, "rpc.system.name": "grpc", "rpc.response.status_code": "OK"}
            assert (point.count, sum(point.bucket_counts)) == (3, 3)
            assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
            assert 0 < point.sum < 3
            break
    else:
        raise AssertionError("the calls are not among the exported")


@pytest.mark.parametrize("how", ["nobody listens", "never answers"])
async def test_an_absent_collector_delays_no_call_and_no_stop(how, silent, installed, servers):
    endpoint = silent if how == "never answers" else f"http://127.0.0.1:{free_port()}"
    export = installed(exporting(endpoint, otlp_metrics_seconds=0.05))
    server = await servers.start("scheduler", [(add_to_server, EchoServiceServicer())])
    echo = Echo(servers.as_service(server, "vm"))
    slowest = 0.0
    ends = time.monotonic() + 1.5  # beyond the first batch
    while time.monotonic() < ends:
        began = time.monotonic()
        await echo("One", "hello")
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 4  # an export waits for five seconds
    began = time.monotonic()
    await asyncio.to_thread(export.stop)
    assert time.monotonic() - began < 4.5


def test_a_collector_that_goes_away_is_told_of_once_and_so_is_its_return():
    class Wire:
        results = iter([SpanExportResult.SUCCESS, *3 * [SpanExportResult.FAILURE], *2 * [SpanExportResult.SUCCESS]])

        def export(self, batch):
            return next(self.results)

    watchful = _Watchful("traces", Wire())
    with capture_logs() as told:
        assert [watchful.export(()) for _ in range(6)] == [True, False, False, False, True, True]
    assert [(line["log_level"], line["event"]) for line in told] == [
        ("warning", "the collector is away"),
        ("info", "the collector takes telemetry again"),
    ]


def process(**settings):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NOVACRON_")}
    environment |= {f"NOVACRON_{key}": value for key, value in settings.items()}
    return subprocess.Popen([sys.executable, "-c", PROCESS], env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("collector_is", ["not set", "away"])
def test_a_process_stops_at_once_and_loads_what_exports_only_where_it_does(collector_is):
    endpoint = f"http://127.0.0.1:{free_port()}" if collector_is == "away" else ""
    with process(OTLP_ENDPOINT=endpoint, METRICS_LISTEN="127.0.0.1:0") as running:
        loaded = running.stdout.readline()
        assert loaded.startswith("serving")
        assert ("opentelemetry.sdk" in loaded) is (collector_is == "away")
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
        assert time.monotonic() - began < 8


def test_a_stored_traceparent_says_its_trace_and_whether_it_is_recorded():
    traceparent = "00-" + "ab" * 16 + "-" + "cd" * 8
    assert telemetry.trace_id(traceparent + "-01") == "ab" * 16
    assert [telemetry.sampled(f"{traceparent}-{flags}") for flags in ("01", "03", "00", "02")] == [
        True,
        True,
        False,
        False,
    ]
    assert telemetry.sampled("")
    assert telemetry.sampled("not a traceparent")
