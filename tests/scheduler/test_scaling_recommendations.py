"""Recommendations through the service: made of what monitoring measured, kept, listed and rated."""

from datetime import timedelta
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration

from novacron.api.monitoring.v1 import (
    AGGREGATE_MAX,
    AGGREGATE_MIN,
    MetricsServiceServicer,
    Point,
    QueryVmMetricsResponse,
    add_MetricsServiceServicer_to_server,
)
from novacron.api.scheduler.v1 import (
    GenerateScalingRecommendationRequest,
    GetScalingRecommendationRequest,
    ListScalingRecommendationsRequest,
    MarkScalingRecommendationAppliedRequest,
    RateScalingRecommendationRequest,
    ScalingServiceStub,
    add_ScalingServiceServicer_to_server,
)
from novacron.clock import SystemClock
from novacron.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from novacron.paging import PageTokens
from novacron_scheduler.clients import MonitoringClient
from novacron_scheduler.reservations import Reservations
from novacron_scheduler.scaling_recommendations import ScalingRecommendations
from novacron_scheduler.scaling_servicer import ScalingServicer
from novacron_scheduler.store import DecisionStore, ReservationStore
from novacron_scheduler.store.scaling import ScalingStore

MIB = 1024 * 1024


class Measured(MetricsServiceServicer):
    """Monitoring, with a VM that was as busy as ``percent`` says for so many ``hours``; of memory 1 GiB is left."""

    def __init__(self):
        self.hours, self.percent, self.questions = 20 * 24, lambda hour: 60.0 if 8 <= hour % 24 < 18 else 5.0, []

    async def QueryVmMetrics(self, request, context):
        self.questions.append((request.metric, request.aggregate))
        if not self.hours:
            raise NotFound.named("vm", request.vm_id)
        end = request.end_time.seconds // 3600
        points = []
        for hour in range(end - self.hours, end):
            value = self.percent(hour) if request.metric == "cpu_usage_percent" else 1024.0 * MIB
            points.append(Point(value=value, time={"seconds": hour * 3600}))
        return QueryVmMetricsResponse(points=points)


@pytest.fixture
def measured():
    return Measured()


@pytest.fixture
async def advising(scheduler, servers, measured):
    """``advising(*permissions, tenant_id=...)``: the service as a user, beside the scheduler of the same database."""
    tokens = PageTokens(b"k" * 32)
    monitoring = await servers.start("monitoring", [(add_MetricsServiceServicer_to_server, measured)])
    client = MonitoringClient(servers.as_service(monitoring, "scheduler"))
    reservations = Reservations(scheduler.database, ReservationStore(), DecisionStore(), tokens)
    made = ScalingRecommendations(scheduler.database, ScalingStore(), tokens, reservations, client, SystemClock())
    server = await servers.start("scheduler", [(add_ScalingServiceServicer_to_server, ScalingServicer(made))])

    def as_user(*permissions, tenant_id=""):
        user = scheduler.user(*(permissions or ("*:*",)), tenant_id=tenant_id)
        return ScalingServiceStub(servers.as_user(server, user))

    as_user.servers, as_user.server = servers, server
    return as_user


@pytest.fixture
async def vm_id(scheduler, resources):
    await scheduler.beat("n1")
    vm_id = str(uuid4())
    await scheduler.reserve(vm_id, resources=resources(8, 8192))
    return vm_id


def ask(vm_id, recommendation_id=None, **more):
    return GenerateScalingRecommendationRequest(
        recommendation_id=recommendation_id or str(uuid4()), vm_id=vm_id, **more
    )


async def test_a_recommendation_is_made_of_peaks_kept_and_the_same_again(advising, vm_id, measured, resources):
    scaling = advising()
    request = ask(vm_id)
    made = await scaling.GenerateScalingRecommendation(request)
    assert made.current_resources == resources(8, 8192)
    assert made.recommended_resources == resources(6, 8192), "60 % of 8 vCPUs are 80 % of 6; the memory is in use"
    assert measured.questions == [("cpu_usage_percent", AGGREGATE_MAX), ("memory_available_bytes", AGGREGATE_MIN)]
    assert made.confidence > 0.8
    assert made.cost_impact == "-29.20"
    assert made.reason.startswith("8 vCPU -> 6: 98% of the next 24 h is forecast to need no more than 4.8")
    measured.percent = lambda hour: 90.0
    assert await scaling.GenerateScalingRecommendation(request) == made
    got = await scaling.GetScalingRecommendation(
        GetScalingRecommendationRequest(recommendation_id=made.recommendation_id)
    )
    assert got == made


async def test_what_is_not_known_yet_is_refused_in_words(advising, vm_id, measured):
    scaling, week = advising(), Duration()
    week.FromTimedelta(timedelta(days=7))
    measured.hours = 3
    with pytest.raises(FailedPrecondition, match="not enough history: 3 h of 72 h; ask again when there is more"):
        await scaling.GenerateScalingRecommendation(ask(vm_id))
    measured.hours = 0
    with pytest.raises(FailedPrecondition, match="not enough history: 0 h of 15 d"):
        await scaling.GenerateScalingRecommendation(ask(vm_id, horizon=week))


async def test_a_bad_request_says_what_is_wrong(advising, vm_id):
    scaling = advising()
    with pytest.raises(NotFound, match="reservation"):
        await scaling.GenerateScalingRecommendation(ask(str(uuid4())))
    with pytest.raises(InvalidArgument, match="quantile"):
        await scaling.GenerateScalingRecommendation(ask(vm_id, quantile=1.5))
    with pytest.raises(InvalidArgument, match="feedback_score"):
        await scaling.RateScalingRecommendation(
            RateScalingRecommendationRequest(recommendation_id=str(uuid4()), feedback_score=6)
        )
    with pytest.raises(InvalidArgument, match="page_token"):
        await scaling.ListScalingRecommendations(ListScalingRecommendationsRequest(page_token="x"))
    with pytest.raises(PermissionDenied):
        await advising("vm:read").GenerateScalingRecommendation(ask(vm_id))


async def test_an_id_is_one_recommendations_for_ever(advising, vm_id, scheduler, resources):
    scaling, taken, other = advising(), str(uuid4()), str(uuid4())
    await scheduler.beat("n2")
    await scheduler.reserve(other, resources=resources(8, 8192))
    await scaling.GenerateScalingRecommendation(ask(vm_id, taken))
    with pytest.raises(AlreadyExists, match="choose a new id"):
        await scaling.GenerateScalingRecommendation(ask(other, taken))


async def test_the_newest_come_first_a_page_at_a_time(advising, vm_id):
    scaling = advising()
    made = [(await scaling.GenerateScalingRecommendation(ask(vm_id))).recommendation_id for _ in range(3)]
    found, token = [], ""
    while True:
        request = ListScalingRecommendationsRequest(page_size=2, page_token=token, vm_id=vm_id)
        page = await scaling.ListScalingRecommendations(request)
        found += [one.recommendation_id for one in page.recommendations]
        token = page.next_page_token
        if not token:
            break
    assert found == made[::-1]


async def test_the_last_word_of_its_reader_counts(advising, vm_id):
    scaling = advising()
    made = await scaling.GenerateScalingRecommendation(ask(vm_id))
    assert made.feedback_score == 0
    for score in (2, 5):
        rated = await scaling.RateScalingRecommendation(
            RateScalingRecommendationRequest(recommendation_id=made.recommendation_id, feedback_score=score)
        )
        assert rated.feedback_score == score


async def test_what_was_applied_says_since_when_and_the_first_time_counts(advising, vm_id, tenant):
    scaling = advising()
    made = await scaling.GenerateScalingRecommendation(ask(vm_id))
    assert not made.HasField("applied_at")
    mark = MarkScalingRecommendationAppliedRequest(recommendation_id=made.recommendation_id)
    vm = ScalingServiceStub(advising.servers.as_service(advising.server, "vm"))
    applied = await vm.MarkScalingRecommendationApplied(mark)
    assert applied.HasField("applied_at")
    assert await vm.MarkScalingRecommendationApplied(mark) == applied
    get = GetScalingRecommendationRequest(recommendation_id=made.recommendation_id)
    assert await vm.GetScalingRecommendation(get) == applied
    with pytest.raises(NotFound, match="recommendation"):
        await vm.MarkScalingRecommendationApplied(
            MarkScalingRecommendationAppliedRequest(recommendation_id=str(uuid4()))
        )
    with pytest.raises(PermissionDenied):
        await scaling.MarkScalingRecommendationApplied(mark)


async def test_another_tenant_sees_none_of_it(advising, vm_id, tenant):
    own, other = advising("metrics:read", tenant_id=tenant), advising("metrics:read", tenant_id=str(uuid4()))
    made = await own.GenerateScalingRecommendation(ask(vm_id))
    told = made.recommendation_id
    assert not (await other.ListScalingRecommendations(ListScalingRecommendationsRequest())).recommendations
    for call, request in (
        (other.GetScalingRecommendation, GetScalingRecommendationRequest(recommendation_id=told)),
        (other.RateScalingRecommendation, RateScalingRecommendationRequest(recommendation_id=told, feedback_score=1)),
        (other.GenerateScalingRecommendation, ask(vm_id, told)),
    ):
        with pytest.raises(NotFound):
            await call(request)
