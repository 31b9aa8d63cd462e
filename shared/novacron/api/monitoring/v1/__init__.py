# Written by protos/generate.py from protos/novacron/api/monitoring/v1: edit that instead.
# ruff: noqa
from .metrics_service_pb2 import AGGREGATE_AVG, AGGREGATE_COUNT, AGGREGATE_LAST, AGGREGATE_MAX, AGGREGATE_MIN, AGGREGATE_SUM, AGGREGATE_UNSPECIFIED, Aggregate, CreateVmMonitoringRequest, DeleteVmMonitoringRequest, DeleteVmMonitoringResponse, GetLatestVmMetricsRequest, GetVmMonitoringRequest, IngestVmMetricsRequest, IngestVmMetricsResponse, Point, QueryVmMetricsRequest, QueryVmMetricsResponse, VmMonitoring, VmSample
from .metrics_service_pb2_grpc import add_MetricsServiceServicer_to_server, MetricsServiceServicer, MetricsServiceStub

__all__ = ['AGGREGATE_AVG', 'AGGREGATE_COUNT', 'AGGREGATE_LAST', 'AGGREGATE_MAX', 'AGGREGATE_MIN', 'AGGREGATE_SUM', 'AGGREGATE_UNSPECIFIED', 'Aggregate', 'CreateVmMonitoringRequest', 'DeleteVmMonitoringRequest', 'DeleteVmMonitoringResponse', 'GetLatestVmMetricsRequest', 'GetVmMonitoringRequest', 'IngestVmMetricsRequest', 'IngestVmMetricsResponse', 'MetricsServiceServicer', 'MetricsServiceStub', 'Point', 'QueryVmMetricsRequest', 'QueryVmMetricsResponse', 'VmMonitoring', 'VmSample', 'add_MetricsServiceServicer_to_server']
