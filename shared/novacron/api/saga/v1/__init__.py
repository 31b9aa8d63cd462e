# Written by protos/generate.py from protos/novacron/api/saga/v1: edit that instead.
# ruff: noqa
from .saga_pb2 import CancelSagaRequest, CompensateSagaRequest, GetSagaRequest, ListSagasRequest, ListSagasResponse, ResolveSagaRequest, RetrySagaRequest, SAGA_STATE_COMPENSATED, SAGA_STATE_COMPENSATING, SAGA_STATE_RUNNING, SAGA_STATE_STUCK, SAGA_STATE_SUCCEEDED, SAGA_STATE_UNSPECIFIED, Saga, SagaAttempt, SagaIntervention, SagaState, SkipSagaStepRequest
from .saga_pb2_grpc import add_SagaServiceServicer_to_server, SagaServiceServicer, SagaServiceStub

__all__ = ['CancelSagaRequest', 'CompensateSagaRequest', 'GetSagaRequest', 'ListSagasRequest', 'ListSagasResponse', 'ResolveSagaRequest', 'RetrySagaRequest', 'SAGA_STATE_COMPENSATED', 'SAGA_STATE_COMPENSATING', 'SAGA_STATE_RUNNING', 'SAGA_STATE_STUCK', 'SAGA_STATE_SUCCEEDED', 'SAGA_STATE_UNSPECIFIED', 'Saga', 'SagaAttempt', 'SagaIntervention', 'SagaServiceServicer', 'SagaServiceStub', 'SagaState', 'SkipSagaStepRequest', 'add_SagaServiceServicer_to_server']
