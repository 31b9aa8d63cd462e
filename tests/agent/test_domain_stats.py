"""From libvirt's counters to samples."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from novacron_agent.drivers.domain_stats import Sampler, cpu_nanoseconds

VM = UUID(int=1)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECOND = 10**9

TOLD = {
    "vcpu.current": 2,
    "vcpu.0.time": 5 * SECOND,
    "vcpu.1.time": 1 * SECOND,
    "cpu.time": 9 * SECOND,
    "balloon.available": 1000,
    "balloon.usable": 400,
    "balloon.rss": 5000,
    "block.count": 2,
    "block.0.rd.bytes": 10,
    "block.1.rd.bytes": 5,
    "block.0.rd.reqs": 1,
    "block.0.physical": 4096,
    "block.1.physical": 1,
    "net.count": 1,
    "net.0.tx.bytes": 7,
    "net.0.rx.pkts": 3,
}


def test_a_percentage_is_of_all_vcpus_together_since_the_sample_before() -> None:
    sampler = Sampler()
    (first,) = sampler.samples({VM: TOLD}, NOW, monotonic=100.0)
    later = {**TOLD, "vcpu.0.time": 7 * SECOND, "vcpu.1.time": 2 * SECOND}

    (second,) = sampler.samples({VM: later}, NOW, monotonic=110.0)

    assert first.cpu_usage_percent is None
    assert second.cpu_usage_percent == 15.0  # 3 s of 20


def test_a_domain_that_was_started_anew_has_no_percentage_and_none_goes_above_a_hundred() -> None:
    sampler = Sampler()
    sampler.samples({VM: TOLD}, NOW, monotonic=100.0)
    (restarted,) = sampler.samples({VM: {**TOLD, "vcpu.0.time": 0}}, NOW, monotonic=101.0)
    (busy,) = sampler.samples({VM: {**TOLD, "vcpu.0.time": 90 * SECOND}}, NOW, monotonic=102.0)
    sampler.samples({}, NOW, monotonic=103.0)
    (returned,) = sampler.samples({VM: TOLD}, NOW, monotonic=104.0)

    assert restarted.cpu_usage_percent is None
    assert busy.cpu_usage_percent == 100.0
    assert returned.cpu_usage_percent is None


def test_cpu_time_is_the_vcpus_own_where_libvirt_tells_it() -> None:
    assert cpu_nanoseconds(TOLD) == 6 * SECOND
    assert cpu_nanoseconds({"cpu.time": 9 * SECOND}) == 9 * SECOND
    assert cpu_nanoseconds({}) is None


def test_memory_is_the_guest_s_account_and_else_what_the_host_spends() -> None:
    (sample,) = Sampler().samples({VM: TOLD}, NOW, monotonic=0.0)
    silent = {name: value for name, value in TOLD.items() if name not in ("balloon.available", "balloon.usable")}
    (from_outside,) = Sampler().samples({VM: silent}, NOW, monotonic=0.0)

    assert (sample.memory_usage_bytes, sample.memory_available_bytes) == (600 * 1024, 400 * 1024)
    assert (from_outside.memory_usage_bytes, from_outside.memory_available_bytes) == (5000 * 1024, None)


def test_counters_are_summed_over_devices_and_what_is_not_told_is_none() -> None:
    (sample,) = Sampler().samples({VM: TOLD}, NOW, monotonic=0.0)
    (nothing,) = Sampler().samples({VM: {}}, NOW, monotonic=0.0)

    assert (sample.disk_read_bytes, sample.disk_read_ops, sample.disk_write_bytes) == (15, 1, None)
    assert (sample.network_bytes_sent, sample.network_packets_recv) == (7, 3)
    assert sample.disk_usage_bytes == 4096, "the disk, not the seed"
    assert nothing.disk_read_bytes is None
    assert nothing.memory_usage_bytes is None
