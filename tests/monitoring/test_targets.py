"""Beginning and ending to keep a VM's samples."""

import asyncio
from uuid import uuid4

import pytest

from novacron.api.monitoring.v1 import (
    CreateVmMonitoringRequest,
    DeleteVmMonitoringRequest,
    GetVmMonitoringRequest,
    ListVmMonitoringRequest,
)
from novacron.errors import AlreadyExists, InvalidArgument, NotFound, PermissionDenied, StepCompensated
from novacron.saga.key import SagaKey, set_current_key


def wanted(**fields):
    ids = {name: str(uuid4()) for name in ("vm_id", "tenant_id", "node_id")}
    return CreateVmMonitoringRequest(**{**ids, **fields})


async def test_the_same_request_again_returns_the_same(monitoring):
    request = wanted(interval={"seconds": 30})
    first = await monitoring.vm().CreateVmMonitoring(request)
    assert (first.vm_id, first.tenant_id, first.node_id) == (request.vm_id, request.tenant_id, request.node_id)
    assert first.interval.seconds == 30
    assert await monitoring.vm().CreateVmMonitoring(request) == first
    assert await monitoring.vm().GetVmMonitoring(GetVmMonitoringRequest(vm_id=request.vm_id)) == first


async def test_a_vm_is_sampled_every_ten_seconds_unless_said_otherwise(monitoring):
    assert (await monitoring.vm().CreateVmMonitoring(wanted())).interval.seconds == 10


@pytest.mark.parametrize("field", ["tenant_id", "node_id", "interval"])
async def test_the_same_vm_with_other_contents_is_refused_and_changes_nothing(monitoring, field):
    request = wanted()
    first = await monitoring.vm().CreateVmMonitoring(request)
    other = wanted(vm_id=request.vm_id, tenant_id=request.tenant_id, node_id=request.node_id)
    if field == "interval":
        other.interval.seconds = 60
    else:
        setattr(other, field, str(uuid4()))
    with pytest.raises(AlreadyExists) as caught:
        await monitoring.vm().CreateVmMonitoring(other)
    assert caught.value.message == (
        f"vm {request.vm_id} is already monitored with another {field}: "
        "call DeleteVmMonitoring first, or repeat the request as it was"
    )
    assert await monitoring.vm().GetVmMonitoring(GetVmMonitoringRequest(vm_id=request.vm_id)) == first


async def test_of_many_creates_at_once_one_wins_and_the_others_agree_or_are_refused(monitoring):
    vm_id = str(uuid4())
    requests = [wanted(vm_id=vm_id) for _ in range(4)] * 4
    results = await asyncio.gather(
        *(monitoring.vm().CreateVmMonitoring(one) for one in requests), return_exceptions=True
    )
    made = [one for one in results if not isinstance(one, Exception)]
    assert len(made) == 4
    assert all(one == made[0] for one in made)
    assert all(isinstance(one, AlreadyExists) for one in results if isinstance(one, Exception))


async def test_deleting_ends_it_and_deleting_what_never_was_is_no_error(monitoring):
    target = await monitoring.monitored()
    request = DeleteVmMonitoringRequest(vm_id=target.vm_id)
    assert (await monitoring.vm().DeleteVmMonitoring(request)).deleted
    with pytest.raises(NotFound, match=f"vm monitoring {target.vm_id} not found"):
        await monitoring.vm().GetVmMonitoring(GetVmMonitoringRequest(vm_id=target.vm_id))
    assert not (await monitoring.vm().DeleteVmMonitoring(request)).deleted
    assert not (await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=str(uuid4())))).deleted


async def test_a_create_that_arrives_after_its_compensation_is_refused(monitoring):
    request, saga_id = wanted(), uuid4()
    set_current_key(SagaKey(saga_id, "monitor", "compensation"))
    gone = await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=request.vm_id))
    assert not gone.deleted
    set_current_key(SagaKey(saga_id, "monitor", "action"))
    with pytest.raises(StepCompensated):
        await monitoring.vm().CreateVmMonitoring(request)
    assert await monitoring.rows("SELECT vm_id FROM vm_monitoring") == []


async def test_a_step_that_is_repeated_gets_its_first_answer_even_when_the_row_is_gone(monitoring):
    request, key = wanted(), SagaKey(uuid4(), "monitor", "action")
    set_current_key(key)
    first = await monitoring.vm().CreateVmMonitoring(request)
    set_current_key(None)
    await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=request.vm_id))
    set_current_key(key)
    assert await monitoring.vm().CreateVmMonitoring(request) == first
    assert await monitoring.rows("SELECT vm_id FROM vm_monitoring") == []


async def test_a_compensation_that_is_repeated_gets_its_first_answer(monitoring):
    request, saga_id = wanted(), uuid4()
    set_current_key(SagaKey(saga_id, "monitor", "action"))
    await monitoring.vm().CreateVmMonitoring(request)
    set_current_key(SagaKey(saga_id, "monitor", "compensation"))
    for _ in range(2):
        assert (await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=request.vm_id))).deleted


async def test_a_refused_create_leaves_its_key_free_for_another_try(monitoring):
    target, key = await monitoring.monitored(), SagaKey(uuid4(), "monitor", "action")
    set_current_key(key)
    request = wanted(vm_id=target.vm_id)
    with pytest.raises(AlreadyExists):
        await monitoring.vm().CreateVmMonitoring(request)
    set_current_key(None)
    await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=target.vm_id))
    set_current_key(key)
    assert (await monitoring.vm().CreateVmMonitoring(request)).tenant_id == request.tenant_id


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"vm_id": "vm-1"}, "vm_id: must be a valid UUID"),
        ({"vm_id": "x" * 10_000}, "vm_id: must be a valid UUID"),
        ({"tenant_id": ""}, "tenant_id: value is empty, which is not a valid UUID"),
        ({"node_id": "node-1"}, "node_id: must be a valid UUID"),
        (
            {"interval": {"nanos": 999_999_999}},
            "interval: must be greater than or equal to 1s and less than or equal to 3600s",
        ),
        (
            {"interval": {"seconds": -10}},
            "interval: must be greater than or equal to 1s and less than or equal to 3600s",
        ),
    ],
)
async def test_bad_input_is_told_by_its_field_and_changes_nothing(monitoring, fields, says):
    with pytest.raises(InvalidArgument) as caught:
        await monitoring.vm().CreateVmMonitoring(wanted(**fields))
    assert caught.value.message == says
    assert [one.field for one in caught.value.violations] == list(fields)
    assert await monitoring.rows("SELECT vm_id FROM vm_monitoring") == []


async def test_users_begin_and_end_nothing(monitoring):
    everything = monitoring.user(monitoring.servers.users.add("*:*"))
    with pytest.raises(PermissionDenied):
        await everything.CreateVmMonitoring(wanted())
    with pytest.raises(PermissionDenied):
        await everything.DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=str(uuid4())))


async def test_a_user_sees_the_monitoring_of_the_own_tenant_and_no_difference_between_foreign_and_missing(monitoring):
    target = await monitoring.monitored()
    owner = monitoring.user(monitoring.reader(target.tenant_id))
    assert await owner.GetVmMonitoring(GetVmMonitoringRequest(vm_id=target.vm_id)) == target
    foreign, missing = [], str(uuid4())
    for vm_id in (target.vm_id, missing):
        with pytest.raises(NotFound) as caught:
            await monitoring.user(monitoring.reader()).GetVmMonitoring(GetVmMonitoringRequest(vm_id=vm_id))
        foreign.append(repr((caught.value.message, caught.value.metadata)).replace(vm_id, "<id>"))
    assert foreign[0] == foreign[1]


async def test_a_list_has_every_target_once_by_vm_and_none_that_ended(monitoring):
    made = [await monitoring.monitored() for _ in range(6)]
    await monitoring.vm().DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=made.pop().vm_id))
    admin = monitoring.user(monitoring.servers.users.add("metrics:read", "tenant:any"))
    found, token, pages = [], "", 0
    while token or not pages:
        answer = await admin.ListVmMonitoring(ListVmMonitoringRequest(page_size=2, page_token=token))
        found += answer.monitorings
        token, pages = answer.next_page_token, pages + 1
    assert found == sorted(made, key=lambda one: one.vm_id)
    assert pages == 3


async def test_a_tenant_lists_its_own_targets_and_cannot_go_on_with_anothers_token(monitoring):
    tenant = uuid4()
    mine = [await monitoring.monitored(tenant_id=tenant) for _ in range(2)]
    await monitoring.monitored()
    own = monitoring.user(monitoring.reader(tenant))
    stranger = monitoring.user(monitoring.reader())
    found = (await own.ListVmMonitoring(ListVmMonitoringRequest())).monitorings
    assert list(found) == sorted(mine, key=lambda one: one.vm_id)
    assert not (await stranger.ListVmMonitoring(ListVmMonitoringRequest())).monitorings
    token = (await own.ListVmMonitoring(ListVmMonitoringRequest(page_size=1))).next_page_token
    for bad in (token, "forged"):
        with pytest.raises(InvalidArgument, match="page_token: not a token of this list"):
            await stranger.ListVmMonitoring(ListVmMonitoringRequest(page_token=bad))
