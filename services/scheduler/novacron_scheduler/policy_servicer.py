"""The gRPC edge of policies: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from google.protobuf.json_format import Error as JsonError
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from novacron.api.scheduler import v1 as pb
from novacron.errors import InvalidArgument
from novacron.ids import new_id
from novacron.rpc import current

from .policies import Policies
from .policy import Policy, PolicyType


class PolicyServicer(pb.PolicyServiceServicer):
    """How tenants want their VMs scheduled."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    async def CreateSchedulingPolicy(
        self, request: pb.CreateSchedulingPolicyRequest, context: Any
    ) -> pb.SchedulingPolicy:
        caller = current()
        if not request.policy.policy_type:
            raise InvalidArgument.at("policy.policy_type", "say what it is about: placement, scaling, ...")
        tenant = request.policy.tenant_id or str(caller.user.tenant_id)
        return _message(await self._policies.create(_policy(request.policy, tenant), caller.tenant_filter))

    async def GetSchedulingPolicy(self, request: pb.GetSchedulingPolicyRequest, context: Any) -> pb.SchedulingPolicy:
        return _message(await self._policies.get(UUID(request.policy_id), current().tenant_filter))

    async def ListSchedulingPolicies(
        self, request: pb.ListSchedulingPoliciesRequest, context: Any
    ) -> pb.ListSchedulingPoliciesResponse:
        tenant = current().tenant_filter
        found, following = await self._policies.page(request.page_size, request.page_token, tenant)
        return pb.ListSchedulingPoliciesResponse(policies=map(_message, found), next_page_token=following)

    async def UpdateSchedulingPolicy(
        self, request: pb.UpdateSchedulingPolicyRequest, context: Any
    ) -> pb.SchedulingPolicy:
        caller = current()
        if not request.policy.policy_id:
            raise InvalidArgument.at("policy.policy_id", "say which policy: `novacron policy list` shows the ids")
        policy = _policy(request.policy, str(caller.user.tenant_id))
        return _message(await self._policies.update(policy, set(request.update_mask.paths), caller.tenant_filter))

    async def DeleteSchedulingPolicy(
        self, request: pb.DeleteSchedulingPolicyRequest, context: Any
    ) -> pb.DeleteSchedulingPolicyResponse:
        await self._policies.delete(UUID(request.policy_id), current().tenant_filter)
        return pb.DeleteSchedulingPolicyResponse()


def _policy(said: pb.SchedulingPolicy, tenant_id: str) -> Policy:
    kind = pb.PolicyType.Name(said.policy_type or pb.POLICY_TYPE_PLACEMENT).removeprefix("POLICY_TYPE_").lower()
    return Policy(
        policy_id=UUID(said.policy_id) if said.policy_id else new_id(),
        tenant_id=UUID(tenant_id),
        name=said.name,
        policy_type=PolicyType(kind),
        description=said.description,
        priority=said.priority,
        anti_affinity_rules=tuple(_plain(rule) for rule in said.anti_affinity_rules),
        enabled=said.enabled if said.HasField("enabled") else True,
        rules=_plain(said.rules),
        constraints=_plain(said.constraints),
        preferences=_plain(said.preferences),
        resource_requirements=_plain(said.resource_requirements),
    )


def _plain(document: Struct) -> dict[str, Any]:
    """Whole numbers as such: a Struct has only floats."""
    try:
        said: dict[str, Any] = _whole(MessageToDict(document))
    except (JsonError, ValueError):
        raise InvalidArgument.at(
            "policy", "a document holds a number that is none, or a value without a kind"
        ) from None
    return said


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _message(made: Policy) -> pb.SchedulingPolicy:
    message = pb.SchedulingPolicy(
        policy_id=str(made.policy_id),
        tenant_id=str(made.tenant_id),
        name=made.name,
        description=made.description,
        policy_type=f"POLICY_TYPE_{made.policy_type.name}",
        priority=made.priority,
        anti_affinity_rules=[ParseDict(rule, Struct()) for rule in made.anti_affinity_rules],
        enabled=made.enabled,
        rules=ParseDict(made.rules, Struct()),
        constraints=ParseDict(made.constraints, Struct()),
        preferences=ParseDict(made.preferences, Struct()),
        resource_requirements=ParseDict(made.resource_requirements, Struct()),
    )
    if made.created_at and made.updated_at:
        message.created_at.FromDatetime(made.created_at)
        message.updated_at.FromDatetime(made.updated_at)
    return message
