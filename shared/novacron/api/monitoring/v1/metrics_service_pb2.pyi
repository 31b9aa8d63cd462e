import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Aggregate(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGGREGATE_UNSPECIFIED: _ClassVar[Aggregate]
    AGGREGATE_AVG: _ClassVar[Aggregate]
    AGGREGATE_MIN: _ClassVar[Aggregate]
    AGGREGATE_MAX: _ClassVar[Aggregate]
    AGGREGATE_SUM: _ClassVar[Aggregate]
    AGGREGATE_COUNT: _ClassVar[Aggregate]
    AGGREGATE_LAST: _ClassVar[Aggregate]
AGGREGATE_UNSPECIFIED: Aggregate
AGGREGATE_AVG: Aggregate
AGGREGATE_MIN: Aggregate
AGGREGATE_MAX: Aggregate
AGGREGATE_SUM: Aggregate
AGGREGATE_COUNT: Aggregate
AGGREGATE_LAST: Aggregate

class VmMonitoring(_message.Message):
    __slots__ = ("vm_id", "tenant_id", "node_id", "interval", "created_at")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    tenant_id: str
    node_id: str
    interval: _duration_pb2.Duration
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, vm_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., node_id: _Optional[str] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateVmMonitoringRequest(_message.Message):
    __slots__ = ("vm_id", "tenant_id", "node_id", "interval")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    tenant_id: str
    node_id: str
    interval: _duration_pb2.Duration
    def __init__(self, vm_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., node_id: _Optional[str] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DeleteVmMonitoringRequest(_message.Message):
    __slots__ = ("vm_id",)
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    def __init__(self, vm_id: _Optional[str] = ...) -> None: ...

class DeleteVmMonitoringResponse(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: bool
    def __init__(self, deleted: _Optional[bool] = ...) -> None: ...

class GetVmMonitoringRequest(_message.Message):
    __slots__ = ("vm_id",)
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    def __init__(self, vm_id: _Optional[str] = ...) -> None: ...

class ListVmMonitoringRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListVmMonitoringResponse(_message.Message):
    __slots__ = ("monitorings", "next_page_token")
    MONITORINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    monitorings: _containers.RepeatedCompositeFieldContainer[VmMonitoring]
    next_page_token: str
    def __init__(self, monitorings: _Optional[_Iterable[_Union[VmMonitoring, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class VmSample(_message.Message):
    __slots__ = ("time", "vm_id", "cpu_usage_percent", "memory_usage_bytes", "memory_available_bytes", "network_bytes_sent", "network_bytes_recv", "network_packets_sent", "network_packets_recv", "disk_read_bytes", "disk_write_bytes", "disk_read_ops", "disk_write_ops", "disk_usage_bytes")
    TIME_FIELD_NUMBER: _ClassVar[int]
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    CPU_USAGE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_USAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_AVAILABLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    NETWORK_BYTES_SENT_FIELD_NUMBER: _ClassVar[int]
    NETWORK_BYTES_RECV_FIELD_NUMBER: _ClassVar[int]
    NETWORK_PACKETS_SENT_FIELD_NUMBER: _ClassVar[int]
    NETWORK_PACKETS_RECV_FIELD_NUMBER: _ClassVar[int]
    DISK_READ_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_WRITE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_READ_OPS_FIELD_NUMBER: _ClassVar[int]
    DISK_WRITE_OPS_FIELD_NUMBER: _ClassVar[int]
    DISK_USAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    vm_id: str
    cpu_usage_percent: float
    memory_usage_bytes: int
    memory_available_bytes: int
    network_bytes_sent: int
    network_bytes_recv: int
    network_packets_sent: int
    network_packets_recv: int
    disk_read_bytes: int
    disk_write_bytes: int
    disk_read_ops: int
    disk_write_ops: int
    disk_usage_bytes: int
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., vm_id: _Optional[str] = ..., cpu_usage_percent: _Optional[float] = ..., memory_usage_bytes: _Optional[int] = ..., memory_available_bytes: _Optional[int] = ..., network_bytes_sent: _Optional[int] = ..., network_bytes_recv: _Optional[int] = ..., network_packets_sent: _Optional[int] = ..., network_packets_recv: _Optional[int] = ..., disk_read_bytes: _Optional[int] = ..., disk_write_bytes: _Optional[int] = ..., disk_read_ops: _Optional[int] = ..., disk_write_ops: _Optional[int] = ..., disk_usage_bytes: _Optional[int] = ...) -> None: ...

class IngestVmMetricsRequest(_message.Message):
    __slots__ = ("sequence", "node_id", "samples")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    node_id: str
    samples: _containers.RepeatedCompositeFieldContainer[VmSample]
    def __init__(self, sequence: _Optional[int] = ..., node_id: _Optional[str] = ..., samples: _Optional[_Iterable[_Union[VmSample, _Mapping]]] = ...) -> None: ...

class IngestVmMetricsResponse(_message.Message):
    __slots__ = ("sequence", "written", "dropped")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    written: int
    dropped: int
    def __init__(self, sequence: _Optional[int] = ..., written: _Optional[int] = ..., dropped: _Optional[int] = ...) -> None: ...

class QueryVmMetricsRequest(_message.Message):
    __slots__ = ("vm_id", "metric", "start_time", "end_time", "step", "aggregate")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    AGGREGATE_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    metric: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    step: _duration_pb2.Duration
    aggregate: Aggregate
    def __init__(self, vm_id: _Optional[str] = ..., metric: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., aggregate: _Optional[_Union[Aggregate, str]] = ...) -> None: ...

class QueryVmMetricsResponse(_message.Message):
    __slots__ = ("points", "unit")
    POINTS_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedCompositeFieldContainer[Point]
    unit: str
    def __init__(self, points: _Optional[_Iterable[_Union[Point, _Mapping]]] = ..., unit: _Optional[str] = ...) -> None: ...

class Point(_message.Message):
    __slots__ = ("time", "value")
    TIME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    value: float
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., value: _Optional[float] = ...) -> None: ...

class GetVmMetricsQuantilesRequest(_message.Message):
    __slots__ = ("vm_ids", "metric", "start_time", "end_time", "quantile")
    VM_IDS_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_FIELD_NUMBER: _ClassVar[int]
    vm_ids: _containers.RepeatedScalarFieldContainer[str]
    metric: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    quantile: float
    def __init__(self, vm_ids: _Optional[_Iterable[str]] = ..., metric: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., quantile: _Optional[float] = ...) -> None: ...

class GetVmMetricsQuantilesResponse(_message.Message):
    __slots__ = ("quantiles", "unit")
    QUANTILES_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    quantiles: _containers.RepeatedCompositeFieldContainer[VmMetricsQuantile]
    unit: str
    def __init__(self, quantiles: _Optional[_Iterable[_Union[VmMetricsQuantile, _Mapping]]] = ..., unit: _Optional[str] = ...) -> None: ...

class VmMetricsQuantile(_message.Message):
    __slots__ = ("vm_id", "value")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    value: float
    def __init__(self, vm_id: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class GetLatestVmMetricsRequest(_message.Message):
    __slots__ = ("vm_id",)
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    def __init__(self, vm_id: _Optional[str] = ...) -> None: ...
