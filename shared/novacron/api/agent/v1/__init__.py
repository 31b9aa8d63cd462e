# Written by protos/generate.py from protos/novacron/api/agent/v1: edit that instead.
# ruff: noqa
from .agent_service_pb2 import CreateVmRequest, DeleteVmRequest, DeleteVmResponse, Domain, ExportVmRequest, ExportVmResponse, FileBegins, GetVmConsoleRequest, GetVmConsoleResponse, GetVmRequest, ImportVmRequest, ListVmsRequest, ListVmsResponse, POWER_STATE_CRASHED, POWER_STATE_PAUSED, POWER_STATE_RUNNING, POWER_STATE_STOPPED, POWER_STATE_UNSPECIFIED, PowerState, RebootVmRequest, ResizeVmRequest, StartVmRequest, StopVmRequest
from .agent_service_pb2_grpc import add_AgentServiceServicer_to_server, AgentServiceServicer, AgentServiceStub

__all__ = ['AgentServiceServicer', 'AgentServiceStub', 'CreateVmRequest', 'DeleteVmRequest', 'DeleteVmResponse', 'Domain', 'ExportVmRequest', 'ExportVmResponse', 'FileBegins', 'GetVmConsoleRequest', 'GetVmConsoleResponse', 'GetVmRequest', 'ImportVmRequest', 'ListVmsRequest', 'ListVmsResponse', 'POWER_STATE_CRASHED', 'POWER_STATE_PAUSED', 'POWER_STATE_RUNNING', 'POWER_STATE_STOPPED', 'POWER_STATE_UNSPECIFIED', 'PowerState', 'RebootVmRequest', 'ResizeVmRequest', 'StartVmRequest', 'StopVmRequest', 'add_AgentServiceServicer_to_server']
