"""Policies of tenants: kept as validated data, and followed by the choice of a node."""

import asyncio
from uuid import uuid4

import pytest
from google.protobuf.json_format import ParseDict

from novacron.api.scheduler.v1 import (
    CreateSchedulingPolicyRequest,
    DeleteSchedulingPolicyRequest,
    ExplainPlacementRequest,
    GetSchedulingPolicyRequest,
    ListSchedulingPoliciesRequest,
    SchedulingPolicy,
    UpdateSchedulingPolicyRequest,
)
from novacron.errors import AlreadyExists, InvalidArgument, NoCapacity, NotFound, PermissionDenied


async def create(scheduler, tenant, name="p", kind="PLACEMENT", **said):
    policy = ParseDict({"name": name, "policy_type": f"POLICY_TYPE_{kind}", **said}, SchedulingPolicy())
    return await scheduler.policies(tenant_id=tenant).CreateSchedulingPolicy(
        CreateSchedulingPolicyRequest(policy=policy)
    )


async def landed(scheduler, count=1, **changes):
    return [(await scheduler.reserve(**changes)).node.name for _ in range(count)]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("PLACEMENT", {"rules": {"strategy": "binpack"}, "constraints": {"regions": ["eu"]}}),
        ("SCALING", {"rules": {"target_cpu": 0.6}, "resource_requirements": {"maximum": {"cpu_cores": 8}}}),
        ("MIGRATION", {"rules": {"trigger": "hotspot", "max_concurrent": 3}}),
        ("COST_OPTIMIZATION", {"rules": {"objective": "cheapest"}, "constraints": {"max_monthly_cost": 100.5}}),
    ],
)
async def test_a_policy_of_each_type_is_kept_shown_changed_and_deleted(scheduler, tenant, kind, said):
    made = await create(scheduler, tenant, kind=kind, priority=5, policy_id=str(uuid4()), **said)
    assert (made.tenant_id, made.enabled, made.priority) == (tenant, True, 5)
    stub = scheduler.policies(tenant_id=tenant)
    assert await create(scheduler, tenant, kind=kind, priority=5, policy_id=made.policy_id, **said) == made
    assert list((await stub.ListSchedulingPolicies(ListSchedulingPoliciesRequest())).policies) == [made]
    change = UpdateSchedulingPolicyRequest(policy=SchedulingPolicy(policy_id=made.policy_id, priority=9, enabled=False))
    change.update_mask.paths.extend(["priority", "enabled"])
    changed = await stub.UpdateSchedulingPolicy(change)
    assert (changed.priority, changed.enabled, changed.name, changed.rules) == (9, False, "p", made.rules)
    await stub.DeleteSchedulingPolicy(DeleteSchedulingPolicyRequest(policy_id=made.policy_id))
    with pytest.raises(NotFound, match=f"policy {made.policy_id} not found"):
        await stub.GetSchedulingPolicy(GetSchedulingPolicyRequest(policy_id=made.policy_id))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"rules": {"strategy": "fastest"}}, r"policy\.rules\.strategy: Input should be 'spread' or 'binpack'"),
        (
            {"rules": {"colour": "red"}},
            r"rules\.colour: no such field; policies of this type know strategy, spread_over",
        ),
        (
            {"constraints": {"node_labels": {"a": 1}}},
            r"policy\.constraints\.node_labels\.a: Input should be a valid string",
        ),
        (
            {"anti_affinity_rules": [{"kind": "hate"}]},
            r"policy\.anti_affinity_rules\[0\]\.kind: Input should be 'affinity'",
        ),
        ({"resource_requirements": {"maximum": {}}}, r"resource_requirements\.maximum: .* know nothing: leave it out"),
        ({"kind": "MIGRATION", "rules": {}}, r"policy\.rules\.trigger: Field required"),
        (
            {"kind": "SCALING", "rules": {"target_cpu": 70}},
            r"rules\.target_cpu: Input should be less than or equal to 1",
        ),
        ({"kind": "UNSPECIFIED"}, r"policy\.policy_type: say what it is about"),
        ({"name": ""}, r"policy\.name: a policy needs a name"),
    ],
)
async def test_what_no_policy_of_its_type_says_is_refused_with_the_field(scheduler, tenant, said, told):
    with pytest.raises(InvalidArgument, match=told):
        await create(scheduler, tenant, **said)


async def test_a_number_that_is_none_is_refused(scheduler, tenant):
    policy = SchedulingPolicy(name="p", policy_type="POLICY_TYPE_SCALING")
    policy.rules["target_cpu"] = float("nan")
    with pytest.raises(InvalidArgument, match="a number that is none"):
        await scheduler.policies(tenant_id=tenant).CreateSchedulingPolicy(CreateSchedulingPolicyRequest(policy=policy))


async def test_names_are_one_tenants_and_other_tenants_policies_are_not_found(scheduler, tenant):
    made = await create(scheduler, tenant)
    with pytest.raises(AlreadyExists, match="policy p exists in this tenant"):
        await create(scheduler, tenant)
    await create(scheduler, other := str(uuid4()))
    stranger = scheduler.policies(tenant_id=other)
    with pytest.raises(NotFound):
        await stranger.GetSchedulingPolicy(GetSchedulingPolicyRequest(policy_id=made.policy_id))
    with pytest.raises(NotFound):
        await stranger.DeleteSchedulingPolicy(DeleteSchedulingPolicyRequest(policy_id=made.policy_id))
    with pytest.raises(NotFound):
        await create(scheduler, other, name="q", tenant_id=tenant)
    reader = scheduler.policies("reservation:read", tenant_id=tenant)
    with pytest.raises(PermissionDenied):
        await reader.DeleteSchedulingPolicy(DeleteSchedulingPolicyRequest(policy_id=made.policy_id))
    change = UpdateSchedulingPolicyRequest(policy=made)
    change.update_mask.paths.append("policy_type")
    with pytest.raises(InvalidArgument, match="update_mask: policy_type never changes"):
        await scheduler.policies(tenant_id=tenant).UpdateSchedulingPolicy(change)


async def test_binpack_fills_a_node_before_the_next_and_the_other_tenants_vms_spread(scheduler, tenant):
    for name in ("n1", "n2", "n3"):
        await scheduler.beat(name)
    await create(scheduler, tenant, rules={"strategy": "binpack"})
    assert len(set(await landed(scheduler, 8))) == 1
    assert len(set(await landed(scheduler, 2, tenant_id=str(uuid4())))) == 2


async def test_the_policy_of_the_highest_priority_decides_and_a_disabled_one_does_not_count(scheduler, tenant):
    await scheduler.beat("n1")
    await scheduler.beat("n2")
    await create(scheduler, tenant, "low", priority=1, rules={"strategy": "spread"})
    await create(scheduler, tenant, "high", priority=2, rules={"strategy": "binpack"})
    await create(scheduler, tenant, "off", priority=3, rules={"strategy": "spread"}, enabled=False)
    assert len(set(await landed(scheduler, 4))) == 1


async def test_constraints_hold_and_a_refusal_names_the_policy(scheduler, tenant, resources):
    await scheduler.beat("n1", region="us")
    await scheduler.beat("n2", region="eu", labels={"disk": "ssd"}, capacity=resources(2, 2048, 100))
    await create(scheduler, tenant, "at-home", constraints={"regions": ["eu"], "node_labels": {"disk": "ssd"}})
    assert await landed(scheduler, 2) == ["n2", "n2"]
    with pytest.raises(NoCapacity) as refused:
        await scheduler.reserve()
    assert refused.value.message == (
        "no node takes 1 vCPU, 1024 MiB memory, 10 GiB storage (2 nodes: 1 against the policy at-home, 1 short of room);"
        " the closest, n2, lacks 1 vCPU (free: 0 of 2) and 1024 MiB memory (free: 0 of 2048):"
        " it would fit without the policy at-home (n1)"
    )


async def test_preferred_labels_are_taken_where_there_is_room_and_done_without_where_not(scheduler, tenant, resources):
    await scheduler.beat("n1", labels={"disk": "ssd"}, capacity=resources(2, 4096, 100))
    await scheduler.beat("n2")
    await create(scheduler, tenant, preferences={"node_labels": {"disk": "ssd"}})
    assert await landed(scheduler, 3) == ["n1", "n1", "n2"]


async def test_vms_spread_over_zones_before_nodes(scheduler, tenant, resources):
    await scheduler.beat("n1", availability_zone="a", capacity=resources(64, 65536, 900))
    await scheduler.beat("n2", availability_zone="a", capacity=resources(64, 65536, 900))
    await scheduler.beat("n3", availability_zone="b", capacity=resources(4, 8192, 100))
    await create(scheduler, tenant, rules={"spread_over": "availability_zone"})
    zones = ["a" if name in ("n1", "n2") else "b" for name in await landed(scheduler, 6)]
    assert sorted(zones) == ["a", "a", "a", "b", "b", "b"]


async def test_a_group_keeps_apart_and_another_keeps_to_it(scheduler, tenant):
    for name in ("n1", "n2", "n3"):
        await scheduler.beat(name)
    apart = [{"kind": "anti_affinity", "group": "db", "required": True}]
    await create(scheduler, tenant, "apart", rules={"groups": ["db"]}, anti_affinity_rules=apart)
    near = [{"kind": "affinity", "group": "db", "required": True}]
    await create(scheduler, tenant, "near", rules={"groups": ["app"]}, anti_affinity_rules=near)
    first = await landed(scheduler, 1, groups=["db"])
    assert set(await landed(scheduler, 3, groups=["app"])) == set(first)
    assert len(set(first + await landed(scheduler, 2, groups=["db"]))) == 3
    with pytest.raises(NoCapacity, match="3 against the rules between VMs of the policy apart"):
        await scheduler.reserve(groups=["db"])
    request = ExplainPlacementRequest(resources=scheduler.demand().resources, groups=["db"])
    told = await scheduler.placements(tenant_id=tenant).ExplainPlacement(request)
    assert dict(told.removed_by_filter) == {"affinity": 3}
    await scheduler.reserve(groups=["web"])


async def test_a_rule_that_need_not_hold_is_kept_while_it_can_be(scheduler, tenant):
    await scheduler.beat("n1")
    await scheduler.beat("n2")
    await create(scheduler, tenant, anti_affinity_rules=[{"kind": "anti_affinity", "group": "db"}])
    assert len(set(await landed(scheduler, 2, groups=["db"]))) == 2
    assert await landed(scheduler, 1, groups=["db"])


async def test_vms_of_a_group_that_come_at_once_never_share_a_node(start_scheduler, tenant):
    one = await start_scheduler()
    other = await start_scheduler(one.database)
    for number in range(6):
        await one.beat(f"n{number}")
    apart = [{"kind": "anti_affinity", "group": "db", "required": True}]
    await create(one, tenant, rules={"groups": ["db"]}, anti_affinity_rules=apart)
    calls = ((one, other)[number % 2].reserve(groups=["db"]) for number in range(16))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    names = [answer.node.name for answer in answers if not isinstance(answer, BaseException)]
    assert sorted(names) == [f"n{number}" for number in range(6)]
    assert all(isinstance(answer, NoCapacity) for answer in answers if isinstance(answer, BaseException))
