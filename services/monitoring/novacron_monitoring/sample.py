"""One sample of one VM: what is measured, in which unit, and which times are believed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from novacron.errors import FieldViolation, InvalidArgument

# Every metric that a sample may carry, with its unit. Each is a field of the proto and a column of `vm_metrics`.
METRICS = {
    "cpu_usage_percent": "percent",
    "memory_usage_bytes": "bytes",
    "memory_available_bytes": "bytes",
    "network_bytes_sent": "bytes",
    "network_bytes_recv": "bytes",
    "network_packets_sent": "packets",
    "network_packets_recv": "packets",
    "disk_read_bytes": "bytes",
    "disk_write_bytes": "bytes",
    "disk_read_ops": "operations",
    "disk_write_ops": "operations",
    "disk_usage_bytes": "bytes",
}

# A node's clock may run this far ahead of the database's.
AHEAD = timedelta(minutes=5)
# As many bad samples as a refusal names.
_NAMED = 20


class Sample(NamedTuple):
    """A sample in the order of the staging table's columns: a tuple, because tens of thousands a second are copied as rows."""

    time: datetime
    vm_id: UUID
    cpu_usage_percent: float | None = None
    memory_usage_bytes: int | None = None
    memory_available_bytes: int | None = None
    network_bytes_sent: int | None = None
    network_bytes_recv: int | None = None
    network_packets_sent: int | None = None
    network_packets_recv: int | None = None
    disk_read_bytes: int | None = None
    disk_write_bytes: int | None = None
    disk_read_ops: int | None = None
    disk_write_ops: int | None = None
    disk_usage_bytes: int | None = None


def check_times(samples: Sequence[Sample], now: datetime, retention: timedelta) -> None:
    """Nothing that lies in the future or would be dropped at once: a clock that is wrong must not be found out months later.

    :raises InvalidArgument: naming the samples.
    """
    newest, oldest = now + AHEAD, now - retention
    bad: list[FieldViolation] = []
    for position, sample in enumerate(samples):
        if oldest <= sample.time <= newest:
            continue
        why = (
            f"is more than {AHEAD.seconds // 60} minutes ahead of {now:%Y-%m-%dT%H:%M:%SZ}: set the node's clock"
            if sample.time > newest
            else f"is older than the retention of {retention.days} days: send samples while they are new"
        )
        bad.append(FieldViolation(f"samples[{position}].time", f"{sample.time:%Y-%m-%dT%H:%M:%SZ} {why}"))
        if len(bad) == _NAMED:
            break
    if bad:
        raise InvalidArgument(f"{bad[0].field}: {bad[0].description}", violations=bad)
