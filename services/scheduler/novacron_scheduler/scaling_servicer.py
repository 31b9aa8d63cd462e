"""The gRPC edge of scaling recommendations: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from novacron.api.scheduler import v1 as pb
from novacron.rpc import current

from . import messages
from .answer import Answer
from .scaling.kept import Kept
from .scaling.recommendation import Sizing
from .scaling_recommendations import ScalingRecommendations


class ScalingServicer(pb.ScalingServiceServicer):
    """What size VMs should have."""

    def __init__(self, recommendations: ScalingRecommendations) -> None:
        self._recommendations = recommendations

    async def GenerateScalingRecommendation(
        self, request: pb.GenerateScalingRecommendationRequest, context: Any
    ) -> pb.ScalingRecommendation:
        usual = Sizing()
        sizing = Sizing(request.horizon.seconds or usual.horizon_seconds, request.quantile or usual.part)
        ids = UUID(request.recommendation_id), UUID(request.vm_id)
        return _message(await self._recommendations.generate(*ids, sizing, current().tenant_filter))

    async def GetScalingRecommendation(
        self, request: pb.GetScalingRecommendationRequest, context: Any
    ) -> pb.ScalingRecommendation:
        return _message(await self._recommendations.get(UUID(request.recommendation_id), current().tenant_filter))

    async def ListScalingRecommendations(
        self, request: pb.ListScalingRecommendationsRequest, context: Any
    ) -> pb.ListScalingRecommendationsResponse:
        tenant, vm_id = current().tenant_filter, messages.optional_id(request.vm_id)
        found, following = await self._recommendations.page(request.page_size, request.page_token, vm_id, tenant)
        return pb.ListScalingRecommendationsResponse(recommendations=map(_message, found), next_page_token=following)

    async def MarkScalingRecommendationApplied(
        self, request: pb.MarkScalingRecommendationAppliedRequest, context: Any
    ) -> pb.ScalingRecommendation:
        return await self._recommendations.applied(UUID(request.recommendation_id), _KEPT)

    async def RateScalingRecommendation(
        self, request: pb.RateScalingRecommendationRequest, context: Any
    ) -> pb.ScalingRecommendation:
        ids = UUID(request.recommendation_id)
        return _message(await self._recommendations.rate(ids, request.feedback_score, current().tenant_filter))


def _message(kept: Kept) -> pb.ScalingRecommendation:
    horizon, created_at = Duration(), Timestamp()
    horizon.FromTimedelta(kept.horizon)
    created_at.FromDatetime(kept.created_at)
    message = pb.ScalingRecommendation(
        recommendation_id=str(kept.recommendation_id),
        vm_id=str(kept.vm_id),
        current_resources=messages.resources(kept.current),
        recommended_resources=messages.resources(kept.recommended),
        confidence=kept.confidence,
        horizon=horizon,
        cost_impact=str(kept.cost_impact),
        reason=kept.reason,
        model_version=kept.model_version,
        created_at=created_at,
        feedback_score=kept.feedback_score or 0,
    )
    if kept.applied_at is not None:
        message.applied_at.FromDatetime(kept.applied_at)
    return message


_KEPT: Answer[Kept, pb.ScalingRecommendation] = Answer(pb.ScalingRecommendation, _message)
