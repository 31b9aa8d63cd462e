"""Protos to what the scheduler thinks in, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from novacron.api.scheduler import v1 as pb
from novacron.api.types import v1 as types
from novacron.errors import InvalidArgument
from novacron.ids import new_id

from .answer import Answer
from .node import DEFAULT_CLUSTER, Cluster, Description, Heartbeat, Lease, Node, NodeStatus, NodeType, Taint
from .overcommit import Overcommit
from .reservation import AllocationType, Decision, Demand, Reservation, Scored
from .resources import Resources

_LONGEST_LABEL = 253


def heartbeat(request: pb.HeartbeatNodeRequest) -> Heartbeat:
    said = Description(
        hostname=request.hostname,
        ip_address=request.ip_address,
        agent_address=request.agent_address,
        node_type=_node_type(request.node_type),
        region=request.region,
        availability_zone=request.availability_zone,
        hypervisor_types=tuple(sorted({_hypervisor(kind) for kind in request.hypervisor_types})),
        labels=_labels("labels", request.labels),
        taints=_taints(request.taints),
        gpu_type=request.capacity.gpu_type,
        description=request.description,
    )
    return Heartbeat(
        name=request.name,
        cluster=request.cluster or DEFAULT_CLUSTER,
        incarnation=request.incarnation,
        description=said,
        capacity=amounts(request.capacity),
        reserved=amounts(request.reserved),
        epoch=request.epoch,
    )


def demand(request: pb.ReserveResourcesRequest, overcommit: Overcommit) -> Demand:
    kind = _allocation_type(request.allocation_type)
    return Demand(
        vm_id=UUID(request.vm_id),
        tenant_id=UUID(request.tenant_id),
        need=amounts(request.resources),
        gpu_type=request.resources.gpu_type,
        allocation_type=kind,
        weights=overcommit.weights(kind),
        hypervisor_type=_hypervisor(request.hypervisor_type) if request.hypervisor_type else "",
        region=request.region,
        availability_zone=request.availability_zone,
        node_labels=_labels("node_labels", request.node_labels),
        tolerations=_taints(request.tolerations),
        node=request.node,
        move_id=optional_id(request.move_id),
        groups=tuple(sorted(request.groups)),
        priority=request.priority,
        waits=request.waits,
        name=request.name,
    )


def hypothetical(request: pb.ExplainPlacementRequest, tenant_id: UUID, overcommit: Overcommit) -> Demand:
    """A VM that is only asked about, as the vm service would ask for it."""
    said = {field.name: value for field, value in request.ListFields()}
    known = {"vm_id": str(new_id()), "tenant_id": str(tenant_id), "waits": True}
    return demand(pb.ReserveResourcesRequest(**said | known), overcommit)


def optional_id(text: str) -> UUID | None:
    return UUID(text) if text else None


def node(made: Node) -> pb.Node:
    said = made.description
    message = pb.Node(
        node_id=str(made.node_id),
        name=made.name,
        hostname=said.hostname,
        ip_address=said.ip_address,
        agent_address=said.agent_address,
        node_type=f"NODE_TYPE_{said.node_type.name}",
        cluster_id=str(made.cluster_id),
        region=said.region,
        availability_zone=said.availability_zone,
        capacity=_resources(made.capacity, said.gpu_type),
        allocatable=_resources(made.allocatable, said.gpu_type),
        allocated=_resources(made.allocated, said.gpu_type if made.allocated.gpu_count else ""),
        labels=said.labels,
        taints=[pb.Taint(key=key, value=value) for key, value in said.taints],
        hypervisor_types=[_hypervisor_value(name) for name in said.hypervisor_types],
        status=_status(made.status),
        description=said.description,
        epoch=made.epoch,
        recent_failures=made.recent_failures,
    )
    message.last_heartbeat.FromDatetime(made.last_heartbeat)
    if made.lost_at is not None:
        message.lost_at.FromDatetime(made.lost_at)
    return message


def beaten(lease: Lease, node_id: UUID) -> pb.HeartbeatNodeResponse:
    message = pb.HeartbeatNodeResponse(node_id=str(node_id), status=_status(lease.status), epoch=lease.epoch)
    message.lease.FromMilliseconds(int(lease.seconds * 1000))
    return message


def cluster(made: Cluster) -> pb.Cluster:
    return pb.Cluster(
        cluster_id=str(made.cluster_id), name=made.name, description=made.description, node_count=made.node_count
    )


def reservation(made: Reservation, *, with_host: bool = True) -> pb.Reservation:
    """``with_host`` is for those who may see nodes: a tenant reads where its VM is, and nothing of what else is there."""
    settled = pb.RESERVATION_STATE_CONFIRMED if made.confirmed_at else pb.RESERVATION_STATE_RESERVED
    state = pb.RESERVATION_STATE_MOVING if made.moving else settled
    message = pb.Reservation(
        vm_id=str(made.vm_id),
        tenant_id=str(made.tenant_id),
        node=node(made.node) if with_host else pb.Node(node_id=str(made.node.node_id), name=made.node.name),
        resources=_resources(made.resources, made.gpu_type),
        footprint=_resources(made.footprint, made.gpu_type),
        allocation_type=f"ALLOCATION_TYPE_{made.allocation_type.name}",
        state=state,
        decision_id=str(made.decision_id),
        move_id=str(made.move_id) if made.move_id else "",
        priority=made.priority,
        yielding=map(str, made.yielding),
        yields_to=str(made.yields_to) if made.yields_to else "",
    )
    message.allocated_at.FromDatetime(made.allocated_at)
    return message


def candidate(made: Scored) -> pb.Candidate:
    return pb.Candidate(node_id=str(made.node_id), name=made.name, score=made.score, factors=made.factors)


def resources(amounts: Resources) -> types.Resources:
    return types.Resources(**amounts._asdict())


def decision(made: Decision) -> pb.SchedulingDecision:
    message = pb.SchedulingDecision(
        decision_id=str(made.decision_id),
        vm_id=str(made.vm_id),
        requested_resources=_resources(made.requested_resources, made.gpu_type),
        candidates=map(candidate, made.candidates),
        removed_by_filter=made.removed_by_filter,
        selected_node_id=str(made.selected.node_id) if made.selected else "",
        decision_algorithm=made.decision_algorithm,
        decision_score=made.selected.score if made.selected else 0.0,
        explanation=made.explanation,
    )
    if made.decision_time is not None:
        message.decision_time.FromDatetime(made.decision_time)
    return message


NODE: Answer[Node, pb.Node] = Answer(pb.Node, node)
FAILED: Answer[int, pb.ReportNodeFailureResponse] = Answer(
    pb.ReportNodeFailureResponse, lambda count: pb.ReportNodeFailureResponse(recent_failures=count)
)
RESERVED: Answer[Reservation, pb.Reservation] = Answer(pb.Reservation, reservation)
RELEASED: Answer[bool, pb.ReleaseReservationResponse] = Answer(
    pb.ReleaseReservationResponse, lambda released: pb.ReleaseReservationResponse(released=released)
)


def amounts(message: types.Resources) -> Resources:
    return Resources(*(getattr(message, name) for name in Resources._fields))


def _resources(amounts: Resources, gpu_type: str) -> types.Resources:
    return types.Resources(**amounts._asdict(), gpu_type=gpu_type)


def _node_type(value: pb.NodeType) -> NodeType:
    return NodeType(pb.NodeType.Name(value or pb.NODE_TYPE_COMPUTE).removeprefix("NODE_TYPE_").lower())


def _allocation_type(value: types.AllocationType) -> AllocationType:
    name = types.AllocationType.Name(value or types.ALLOCATION_TYPE_BURSTABLE)
    return AllocationType(name.removeprefix("ALLOCATION_TYPE_").lower())


def _hypervisor(value: types.HypervisorType) -> str:
    """As the seed's enum writes it: ``kvm``, ``hyper-v``."""
    return types.HypervisorType.Name(value).removeprefix("HYPERVISOR_TYPE_").lower().replace("_", "-")


def _hypervisor_value(name: str) -> str:
    return "HYPERVISOR_TYPE_" + name.upper().replace("-", "_")


def _status(status: NodeStatus) -> str:
    return f"NODE_STATUS_{status.name}"


def _labels(field: str, labels: Mapping[str, str]) -> dict[str, str]:
    for key, value in labels.items():
        if not 1 <= len(key) <= _LONGEST_LABEL or len(value) > _LONGEST_LABEL:
            raise InvalidArgument.at(
                f'{field}["{key[:_LONGEST_LABEL]}"]',
                f"a label's key and value have at most {_LONGEST_LABEL} characters",
            )
    return dict(labels)


def _taints(taints: Iterable[pb.Taint]) -> tuple[Taint, ...]:
    return tuple(sorted((taint.key, taint.value) for taint in taints))
