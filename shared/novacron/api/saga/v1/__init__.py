# Written by protos/generate.py from protos/novacron/api/saga/v1: edit that instead.
# ruff: noqa
from .saga_pb2 import GetSagaRequest, ListSagasRequest, ListSagasResponse, SAGA_STATE_COMPENSATED, SAGA_STATE_COMPENSATING, SAGA_STATE_RUNNING, SAGA_STATE_STUCK, SAGA_STATE_SUCCEEDED, SAGA_STATE_UNSPECIFIED, Saga, SagaAttempt, SagaState
from .saga_pb2_grpc import add_SagaServiceServicer_to_server, SagaServiceServicer, SagaServiceStub

__all__ = ['GetSagaRequest', 'ListSagasRequest', 'ListSagasResponse', 'SAGA_STATE_COMPENSATED', 'SAGA_STATE_COMPENSATING', 'SAGA_STATE_RUNNING', 'SAGA_STATE_STUCK', 'SAGA_STATE_SUCCEEDED', 'SAGA_STATE_UNSPECIFIED', 'Saga', 'SagaAttempt', 'SagaServiceServicer', 'SagaServiceStub', 'SagaState', 'add_SagaServiceServicer_to_server']
