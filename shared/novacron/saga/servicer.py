"""The operator's view of the saga log, over gRPC: served by every service that owns sagas."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.struct_pb2 import Struct
from psycopg import sql

from .. import telemetry
from ..api.saga.v1 import (
    CancelSagaRequest,
    CompensateSagaRequest,
    GetSagaRequest,
    ListSagasRequest,
    ListSagasResponse,
    ResolveSagaRequest,
    RetrySagaRequest,
    SagaAttempt,
    SagaServiceServicer,
    SkipSagaStepRequest,
)
from ..api.saga.v1 import Saga as ProtoSaga
from ..db import Database
from ..errors import NotFound
from ..paging import PageTokens, page_size, parse_filter
from ..rpc import current
from ..timestamps import to_timestamp
from .log import attempt_from_row, record_from_row
from .operator import Operator
from .record import Attempt, SagaView
from .statements import ATTEMPTS, INTERVENTIONS, ROW

_FIELDS = {"state": "state", "name": "name", "tenant_id": "tenant_id"}
_VIEW = sql.SQL("SELECT {}, owner, lease_until, due_at, deadline, created_at, finished_at FROM saga").format(
    sql.SQL(ROW)
)


class SagaServicer(SagaServiceServicer):
    """SagaService over one service's database."""

    def __init__(self, database: Database, operator: Operator, tokens: PageTokens) -> None:
        self._database = database
        self._operator = operator
        self._tokens = tokens

    async def ListSagas(self, request: ListSagasRequest, context: Any) -> ListSagasResponse:
        tenant, size = current().tenant_filter, page_size(request.page_size)
        where, values = parse_filter(request.filter, _FIELDS.keys()).where(_FIELDS)
        conditions: list[sql.Composable] = [where]
        if tenant is not None:
            conditions.append(sql.SQL("tenant_id = %s"))
            values.append(tenant)
        position = self._tokens.open(request.page_token, tenant, request.filter, "sagas")
        if position is not None:
            conditions.append(sql.SQL("(created_at, saga_id) < (%s, %s)"))
            values += [datetime.fromisoformat(position[0]), UUID(position[1])]
        query = sql.SQL("{} WHERE {} ORDER BY created_at DESC, saga_id DESC LIMIT {}").format(
            _VIEW, sql.SQL(" AND ").join(conditions), sql.Literal(size + 1)
        )
        async with self._database.connection() as connection:
            views = [_view(row) for row in await (await connection.execute(query, values)).fetchall()]
        answer = ListSagasResponse(sagas=[_to_proto(view) for view in views[:size]])
        if len(views) > size:
            last = views[size - 1]
            answer.next_page_token = self._tokens.seal(
                (last.created_at, last.record.saga_id), tenant, request.filter, "sagas"
            )
        return answer

    async def GetSaga(self, request: GetSagaRequest, context: Any) -> ProtoSaga:
        return await self._saga(UUID(request.saga_id))

    async def RetrySaga(self, request: RetrySagaRequest, context: Any) -> ProtoSaga:
        await self._operator.retry(*self._order(request))
        return await self._saga(UUID(request.saga_id))

    async def SkipSagaStep(self, request: SkipSagaStepRequest, context: Any) -> ProtoSaga:
        saga_id, tenant, by, reason = self._order(request)
        await self._operator.skip(saga_id, request.step, tenant, by, reason)
        return await self._saga(saga_id)

    async def CompensateSaga(self, request: CompensateSagaRequest, context: Any) -> ProtoSaga:
        await self._operator.compensate(*self._order(request))
        return await self._saga(UUID(request.saga_id))

    async def ResolveSaga(self, request: ResolveSagaRequest, context: Any) -> ProtoSaga:
        await self._operator.resolve(*self._order(request))
        return await self._saga(UUID(request.saga_id))

    async def CancelSaga(self, request: CancelSagaRequest, context: Any) -> ProtoSaga:
        await self._operator.cancel(*self._order(request))
        return await self._saga(UUID(request.saga_id))

    def _order(self, request: Any) -> tuple[UUID, UUID | None, UUID, str]:
        caller = current()
        return UUID(request.saga_id), caller.tenant_filter, caller.user.user_id, request.reason

    async def _saga(self, saga_id: UUID) -> ProtoSaga:
        tenant = current().tenant_filter
        query = sql.SQL("{} WHERE saga_id = %s AND (%s::uuid IS NULL OR tenant_id = %s)").format(_VIEW)
        async with self._database.connection() as connection:
            row = await (await connection.execute(query, (saga_id, tenant, tenant))).fetchone()
            if row is None:
                raise NotFound.named("saga", saga_id)
            attempts = await (await connection.execute(ATTEMPTS, ([saga_id],))).fetchall()
            interventions = await (await connection.execute(INTERVENTIONS, (saga_id,))).fetchall()
        answer = _to_proto(_view(row))
        in_order = sorted((attempt_from_row(one[1:]) for one in attempts), key=lambda one: str(one.started_at))
        answer.attempts.extend(_attempt_to_proto(one) for one in in_order)
        for action, step, by, reason, at in interventions:
            answer.interventions.add(
                action=action, step=step, initiated_by=str(by), reason=reason, time=to_timestamp(at)
            )
        return answer


def _view(row: Sequence[Any]) -> SagaView:
    return SagaView(record_from_row(row[:12]), *row[12:])


def _to_proto(view: SagaView) -> ProtoSaga:
    record = view.record
    return ProtoSaga(
        saga_id=str(record.saga_id),
        name=record.name,
        version=record.version,
        state=f"SAGA_STATE_{record.state.name}",
        tenant_id=str(record.tenant_id or ""),
        params=_struct(record.params),
        owner=view.owner or "",
        epoch=record.epoch,
        lease_until=to_timestamp(view.lease_until),
        due_at=to_timestamp(view.due_at),
        deadline=to_timestamp(view.deadline),
        cancel_requested=record.cancel_reason is not None,
        error=str(record.error or ""),
        cause=str((record.error and record.error.cause) or ""),
        trace_id=telemetry.trace_id(record.traceparent),
        created_at=to_timestamp(view.created_at),
        finished_at=to_timestamp(view.finished_at),
    )


def _attempt_to_proto(attempt: Attempt) -> SagaAttempt:
    return SagaAttempt(
        step=attempt.step,
        operation=attempt.operation,
        attempt=attempt.attempt,
        outcome=str(attempt.outcome),
        started_at=to_timestamp(attempt.started_at),
        finished_at=to_timestamp(attempt.finished_at),
        error=attempt.error.message if attempt.error else "",
        reason=attempt.error.reason if attempt.error else "",
        output=_struct(attempt.output),
        epoch=attempt.epoch,
    )


def _struct(values: dict[str, Any] | None) -> Struct | None:
    if values is None:
        return None
    made = Struct()
    made.update(values)
    return made
