# Written by protos/generate.py from protos/novacron/api/admin/v1: edit that instead.
# ruff: noqa
from .admin_service_pb2 import BREAKER_ACTION_CLOSE, BREAKER_ACTION_DISABLE, BREAKER_ACTION_METRICS_ONLY, BREAKER_ACTION_OPEN, BREAKER_ACTION_RESET, BREAKER_ACTION_UNSPECIFIED, Breaker, BreakerAction, ListBreakersRequest, ListBreakersResponse, ServerLoad, SetBreakerRequest, SetBreakerResponse, Target
from .admin_service_pb2_grpc import add_AdminServiceServicer_to_server, AdminServiceServicer, AdminServiceStub

__all__ = ['AdminServiceServicer', 'AdminServiceStub', 'BREAKER_ACTION_CLOSE', 'BREAKER_ACTION_DISABLE', 'BREAKER_ACTION_METRICS_ONLY', 'BREAKER_ACTION_OPEN', 'BREAKER_ACTION_RESET', 'BREAKER_ACTION_UNSPECIFIED', 'Breaker', 'BreakerAction', 'ListBreakersRequest', 'ListBreakersResponse', 'ServerLoad', 'SetBreakerRequest', 'SetBreakerResponse', 'Target', 'add_AdminServiceServicer_to_server']
