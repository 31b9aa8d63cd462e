# Written by protos/generate.py from protos/novacron/api/vm/v1: edit that instead.
# ruff: noqa
from .template_service_pb2 import CreateTemplateRequest, DeleteTemplateRequest, DeleteTemplateResponse, GetTemplateRequest, ListTemplatesRequest, ListTemplatesResponse, Template
from .vm_pb2 import VM_STATE_BACKING_UP, VM_STATE_CREATING, VM_STATE_DELETED, VM_STATE_ERROR, VM_STATE_MIGRATING, VM_STATE_PAUSED, VM_STATE_RESTORING, VM_STATE_RUNNING, VM_STATE_STOPPED, VM_STATE_SUSPENDED, VM_STATE_UNSPECIFIED, Vm, VmEvent, VmSpec, VmState
from .vm_service_pb2 import CreateVmRequest, DeleteVmRequest, GetVmConsoleRequest, GetVmConsoleResponse, GetVmRequest, ListVmsRequest, ListVmsResponse, RebootVmRequest, StartVmRequest, StopVmRequest, WatchVmRequest
from .template_service_pb2_grpc import add_TemplateServiceServicer_to_server, TemplateServiceServicer, TemplateServiceStub
from .vm_service_pb2_grpc import add_VmServiceServicer_to_server, VmServiceServicer, VmServiceStub

__all__ = ['CreateTemplateRequest', 'CreateVmRequest', 'DeleteTemplateRequest', 'DeleteTemplateResponse', 'DeleteVmRequest', 'GetTemplateRequest', 'GetVmConsoleRequest', 'GetVmConsoleResponse', 'GetVmRequest', 'ListTemplatesRequest', 'ListTemplatesResponse', 'ListVmsRequest', 'ListVmsResponse', 'RebootVmRequest', 'StartVmRequest', 'StopVmRequest', 'Template', 'TemplateServiceServicer', 'TemplateServiceStub', 'VM_STATE_BACKING_UP', 'VM_STATE_CREATING', 'VM_STATE_DELETED', 'VM_STATE_ERROR', 'VM_STATE_MIGRATING', 'VM_STATE_PAUSED', 'VM_STATE_RESTORING', 'VM_STATE_RUNNING', 'VM_STATE_STOPPED', 'VM_STATE_SUSPENDED', 'VM_STATE_UNSPECIFIED', 'Vm', 'VmEvent', 'VmServiceServicer', 'VmServiceStub', 'VmSpec', 'VmState', 'WatchVmRequest', 'add_TemplateServiceServicer_to_server', 'add_VmServiceServicer_to_server']
