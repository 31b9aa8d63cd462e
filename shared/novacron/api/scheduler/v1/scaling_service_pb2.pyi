import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from novacron.api.types.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScalingRecommendation(_message.Message):
    __slots__ = ("recommendation_id", "vm_id", "current_resources", "recommended_resources", "confidence", "horizon", "cost_impact", "reason", "model_version", "created_at", "feedback_score", "applied_at")
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENT_RESOURCES_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDED_RESOURCES_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    COST_IMPACT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_SCORE_FIELD_NUMBER: _ClassVar[int]
    APPLIED_AT_FIELD_NUMBER: _ClassVar[int]
    recommendation_id: str
    vm_id: str
    current_resources: _resources_pb2.Resources
    recommended_resources: _resources_pb2.Resources
    confidence: float
    horizon: _duration_pb2.Duration
    cost_impact: str
    reason: str
    model_version: str
    created_at: _timestamp_pb2.Timestamp
    feedback_score: int
    applied_at: _timestamp_pb2.Timestamp
    def __init__(self, recommendation_id: _Optional[str] = ..., vm_id: _Optional[str] = ..., current_resources: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., recommended_resources: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., confidence: _Optional[float] = ..., horizon: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cost_impact: _Optional[str] = ..., reason: _Optional[str] = ..., model_version: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., feedback_score: _Optional[int] = ..., applied_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GenerateScalingRecommendationRequest(_message.Message):
    __slots__ = ("recommendation_id", "vm_id", "horizon", "quantile")
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_FIELD_NUMBER: _ClassVar[int]
    recommendation_id: str
    vm_id: str
    horizon: _duration_pb2.Duration
    quantile: float
    def __init__(self, recommendation_id: _Optional[str] = ..., vm_id: _Optional[str] = ..., horizon: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., quantile: _Optional[float] = ...) -> None: ...

class GetScalingRecommendationRequest(_message.Message):
    __slots__ = ("recommendation_id",)
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    recommendation_id: str
    def __init__(self, recommendation_id: _Optional[str] = ...) -> None: ...

class ListScalingRecommendationsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "vm_id")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    vm_id: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., vm_id: _Optional[str] = ...) -> None: ...

class ListScalingRecommendationsResponse(_message.Message):
    __slots__ = ("recommendations", "next_page_token")
    RECOMMENDATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    recommendations: _containers.RepeatedCompositeFieldContainer[ScalingRecommendation]
    next_page_token: str
    def __init__(self, recommendations: _Optional[_Iterable[_Union[ScalingRecommendation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class MarkScalingRecommendationAppliedRequest(_message.Message):
    __slots__ = ("recommendation_id",)
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    recommendation_id: str
    def __init__(self, recommendation_id: _Optional[str] = ...) -> None: ...

class RateScalingRecommendationRequest(_message.Message):
    __slots__ = ("recommendation_id", "feedback_score")
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_SCORE_FIELD_NUMBER: _ClassVar[int]
    recommendation_id: str
    feedback_score: int
    def __init__(self, recommendation_id: _Optional[str] = ..., feedback_score: _Optional[int] = ...) -> None: ...
