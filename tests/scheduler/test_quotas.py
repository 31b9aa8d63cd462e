"""What a tenant's VMs may hold together: set by administrators, kept by every claim."""

from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import (
    ConfirmReservationRequest,
    GetQuotaRequest,
    GetSchedulingDecisionRequest,
    ListQuotasRequest,
    QuotaLimits,
    QuotaUse,
    ReleaseReservationRequest,
    SetQuotaRequest,
)
from novacron.errors import InvalidArgument, NotFound, PermissionDenied, QuotaExceeded
from novacron_scheduler.leaks import Leaks
from novacron_scheduler.messages import RELEASED


async def limit(scheduler, tenant, *, mask=(), **limits):
    request = SetQuotaRequest(tenant_id=tenant, limits=QuotaLimits(**limits))
    request.update_mask.paths.extend(mask)
    return await scheduler.quotas().SetQuota(request)


async def used(scheduler, tenant):
    return (await scheduler.quotas().GetQuota(GetQuotaRequest(tenant_id=tenant))).used


async def test_a_tenant_without_a_quota_has_no_limits_and_its_use_is_counted(scheduler, tenant, resources):
    await scheduler.beat("n1")
    await scheduler.reserve(resources=resources(3, 2048, 20))
    await scheduler.reserve(tenant_id=str(uuid4()))
    stub = scheduler.quotas("reservation:read", tenant_id=tenant)
    quota = await stub.GetQuota(GetQuotaRequest())
    assert (quota.tenant_id, quota.limits) == (tenant, QuotaLimits())
    assert quota.used == QuotaUse(vms=1, cpu_cores=3, memory_mib=2048, storage_gib=20)
    assert not (await stub.ListQuotas(ListQuotasRequest())).quotas


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"vms": 1}, "1 VMs asked, 1 of 1 used"),
        ({"cpu_cores": 5}, "3 vCPU asked, 3 of 5 used"),
        ({"memory_mib": 4095}, "2048 MiB memory asked, 2048 of 4095 used"),
        ({"storage_gib": 20}, "20 GiB storage asked, 20 of 20 used"),
        ({"gpu_count": 1}, "1 GPUs asked, 1 of 1 used"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_a_claim_beyond_a_limit_is_refused_by_name_with_used_and_limit(
    scheduler, tenant, resources, limits, told
):
    await scheduler.beat("n1", capacity=resources(64, 10**6, 1000, gpu_count=8))
    asked = resources(3, 2048, 20, gpu_count=1)
    await scheduler.reserve(resources=asked)
    await limit(scheduler, tenant, **limits)
    vm_id = uuid4()
    with pytest.raises(QuotaExceeded) as caught:
        await scheduler.reserve(vm_id, resources=asked)
    assert caught.value.message == (
        f"the tenant's quota does not allow it: {told}: ask for less, delete VMs, or have an administrator raise the quota"
    )
    dimension, most = next(iter(limits.items()))
    assert (caught.value.metadata["dimension"], caught.value.metadata["limit"]) == (dimension, str(most))
    assert caught.value.metadata["used"] in told
    await scheduler.check_sums()
    reader = scheduler.reservations_as(scheduler.user("reservation:read", tenant_id=tenant))
    decision = await reader.GetSchedulingDecision(GetSchedulingDecisionRequest(vm_id=str(vm_id)))
    assert (decision.explanation, decision.selected_node_id) == (caught.value.message, "")
    # Another tenant has what there is.
    await scheduler.reserve(tenant_id=str(uuid4()), resources=asked)


async def test_every_dimension_that_is_exceeded_is_told(scheduler, tenant):
    await scheduler.beat("n1")
    await limit(scheduler, tenant, vms=0, cpu_cores=0, memory_mib=10**6)
    with pytest.raises(QuotaExceeded, match=r"1 VMs asked, 0 of 0 used; 1 vCPU asked, 0 of 0 used: ask"):
        await scheduler.reserve()


async def test_what_is_given_back_may_be_taken_again_and_counts_once(scheduler, tenant):
    await scheduler.beat("n1")
    await limit(scheduler, tenant, vms=2)
    first, second = uuid4(), uuid4()
    made = await scheduler.reserve(first)
    assert await scheduler.reserve(first) == made
    leaked = await scheduler.reserve(second)
    with pytest.raises(QuotaExceeded):
        await scheduler.reserve()
    assert [await scheduler.release(first) for _ in range(3)] == [True, False, False]
    assert (await used(scheduler, tenant)).vms == 1
    await Leaks(scheduler.database, 900).release(second, leaked.node.node_id, leaked.decision_id, RELEASED)
    assert await used(scheduler, tenant) == QuotaUse()
    await scheduler.reserve()


async def test_a_vm_that_moves_counts_once_at_the_larger_of_its_places(scheduler, tenant, resources):
    await scheduler.beat("n1")
    await scheduler.beat("n2")
    vm_id, move_id = str(uuid4()), str(uuid4())
    await scheduler.reserve(vm_id, resources=resources(2, 2048, 10))
    await limit(scheduler, tenant, vms=1, cpu_cores=4, memory_mib=2048)
    await scheduler.reserve(vm_id, move_id=move_id, resources=resources(4, 1024, 10))
    assert await used(scheduler, tenant) == QuotaUse(vms=1, cpu_cores=4, memory_mib=2048, storage_gib=10)
    await scheduler.reservations.ConfirmReservation(ConfirmReservationRequest(vm_id=vm_id, move_id=move_id))
    assert await used(scheduler, tenant) == QuotaUse(vms=1, cpu_cores=4, memory_mib=1024, storage_gib=10)
    await scheduler.release(vm_id)
    assert await used(scheduler, tenant) == QuotaUse()
    await scheduler.check_sums()


async def test_a_move_beyond_the_quota_is_refused_and_one_that_is_undone_counts_no_more(scheduler, tenant, resources):
    await scheduler.beat("n1")
    await scheduler.beat("n2")
    vm_id, move_id = str(uuid4()), str(uuid4())
    await scheduler.reserve(vm_id, resources=resources(2))
    await limit(scheduler, tenant, cpu_cores=4)
    with pytest.raises(QuotaExceeded, match="3 vCPU asked, 2 of 4 used"):
        await scheduler.reserve(vm_id, move_id=move_id, resources=resources(5))
    await scheduler.reserve(vm_id, move_id=move_id, resources=resources(3))
    assert (await used(scheduler, tenant)).cpu_cores == 3
    await scheduler.reservations.ReleaseReservation(ReleaseReservationRequest(vm_id=vm_id, move_id=move_id))
    assert (await used(scheduler, tenant)).cpu_cores == 2


async def test_a_limit_below_the_use_takes_nothing_away_and_lets_vms_move(scheduler, tenant):
    await scheduler.beat("n1")
    await scheduler.beat("n2")
    vm_id = str(uuid4())
    await scheduler.reserve(vm_id)
    quota = await limit(scheduler, tenant, vms=0)
    assert (quota.limits.vms, quota.used.vms) == (0, 1)
    with pytest.raises(QuotaExceeded):
        await scheduler.reserve()
    await scheduler.reserve(vm_id, move_id=str(uuid4()))


async def test_a_mask_sets_the_named_limits_and_the_last_one_that_ends_ends_the_quota(scheduler, tenant):
    await scheduler.beat("n1")
    await limit(scheduler, tenant, vms=3, cpu_cores=8)
    quota = await limit(scheduler, tenant, cpu_cores=9, mask=["cpu_cores", "gpu_count"])
    assert quota.limits == QuotaLimits(vms=3, cpu_cores=9)
    assert await limit(scheduler, tenant, vms=3, cpu_cores=9) == quota
    with pytest.raises(InvalidArgument, match="update_mask: colour is no limit: name one of vms, cpu_cores"):
        await limit(scheduler, tenant, mask=["colour"])
    await limit(scheduler, tenant)
    assert not (await scheduler.quotas().ListQuotas(ListQuotasRequest())).quotas
    for _ in range(4):
        await scheduler.reserve()
    assert (await limit(scheduler, tenant, vms=3)).used.vms == 4


async def test_quotas_are_paged_and_a_tenant_sees_its_own_alone(scheduler, tenant):
    tenants = sorted([tenant, *(str(uuid4()) for _ in range(4))])
    for number, one in enumerate(tenants):
        await limit(scheduler, one, vms=number)
    page = await scheduler.quotas().ListQuotas(ListQuotasRequest(page_size=3))
    rest = await scheduler.quotas().ListQuotas(ListQuotasRequest(page_size=3, page_token=page.next_page_token))
    assert [one.tenant_id for one in [*page.quotas, *rest.quotas]] == tenants
    assert not rest.next_page_token
    own = scheduler.quotas("reservation:read", tenant_id=tenant)
    assert [one.tenant_id for one in (await own.ListQuotas(ListQuotasRequest())).quotas] == [tenant]


async def test_another_tenants_quota_is_not_found_and_nobody_raises_their_own_without_the_permission(scheduler, tenant):
    other = next(one for one in (str(uuid4()) for _ in range(2)) if one != tenant)
    reader = scheduler.quotas("reservation:read", tenant_id=tenant)
    with pytest.raises(NotFound, match=f"tenant {other} not found"):
        await reader.GetQuota(GetQuotaRequest(tenant_id=other))
    with pytest.raises(PermissionDenied):
        await reader.SetQuota(SetQuotaRequest(tenant_id=tenant))
    bound = scheduler.quotas("tenant:update", tenant_id=tenant)
    with pytest.raises(NotFound, match=f"tenant {other} not found"):
        await bound.SetQuota(SetQuotaRequest(tenant_id=other))
