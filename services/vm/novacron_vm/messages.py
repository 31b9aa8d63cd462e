"""proto <-> domain, for VMs and templates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from novacron.api.types.v1 import (
    ALLOCATION_TYPE_BEST_EFFORT,
    ALLOCATION_TYPE_BURSTABLE,
    ALLOCATION_TYPE_GUARANTEED,
    HYPERVISOR_TYPE_CONTAINER,
    HYPERVISOR_TYPE_HYPER_V,
    HYPERVISOR_TYPE_KVM,
    HYPERVISOR_TYPE_VMWARE,
    HYPERVISOR_TYPE_XEN,
)
from novacron.api.types.v1 import AllocationType as ProtoAllocationType
from novacron.api.types.v1 import (
    HypervisorType as ProtoHypervisorType,
)
from novacron.api.vm.v1 import Template as ProtoTemplate
from novacron.api.vm.v1 import Vm as ProtoVm
from novacron.api.vm.v1 import VmEvent
from novacron.api.vm.v1 import VmSpec as ProtoSpec
from novacron.api.vm.v1 import VmState as ProtoState
from novacron.errors import InvalidArgument
from novacron.paging import Comparison, Filter, parse_filter
from novacron.timestamps import to_timestamp

from .template import Template
from .vm import AllocationType, HypervisorType, Transition, Vm, VmSpec, VmState

HYPERVISOR_TO_PROTO: dict[HypervisorType, ProtoHypervisorType] = {
    HypervisorType.KVM: HYPERVISOR_TYPE_KVM,
    HypervisorType.XEN: HYPERVISOR_TYPE_XEN,
    HypervisorType.VMWARE: HYPERVISOR_TYPE_VMWARE,
    HypervisorType.HYPER_V: HYPERVISOR_TYPE_HYPER_V,
    HypervisorType.CONTAINER: HYPERVISOR_TYPE_CONTAINER,
}
_HYPERVISOR_FROM_PROTO = {number: kind for kind, number in HYPERVISOR_TO_PROTO.items()}
ALLOCATION_TYPE_TO_PROTO: dict[AllocationType, ProtoAllocationType] = {
    AllocationType.GUARANTEED: ALLOCATION_TYPE_GUARANTEED,
    AllocationType.BURSTABLE: ALLOCATION_TYPE_BURSTABLE,
    AllocationType.BEST_EFFORT: ALLOCATION_TYPE_BEST_EFFORT,
}
_ALLOCATION_TYPE_FROM_PROTO = {number: kind for kind, number in ALLOCATION_TYPE_TO_PROTO.items()}


def state_to_proto(state: VmState | None) -> ProtoState:
    name = state.name if state is not None else "UNSPECIFIED"
    return cast(ProtoState, ProtoState.Value(f"VM_STATE_{name}"))


def wanted(text: str) -> Filter:
    """The filter of a list. A state is told from those that there are: any other word would silently match nothing.

    :raises InvalidArgument: at ``filter``, with what there is.
    """
    parsed = parse_filter(text, ("name", "node_id", "state", "tenant_id"), ("tags",))
    return Filter(tuple(_state_asked(one) if one.field == "state" else one for one in parsed.comparisons))


def _state_asked(one: Comparison) -> Comparison:
    value = one.value.lower().removeprefix("vm_state_")
    if value not in list(VmState) or one.operator not in ("=", "!="):
        raise InvalidArgument.at("filter", f"state is compared by = or != with one of {', '.join(VmState)}")
    return replace(one, value=value)


def asked_spec(spec: ProtoSpec) -> dict[str, Any]:
    """What a request sets of a spec, by field; what it leaves out is the template's to say."""
    asked: dict[str, Any] = {}
    for name in ("cpu_cores", "memory_mib", "storage_gib", "base_image", "user_data"):
        if value := getattr(spec, name):
            asked[name] = value
    if spec.hypervisor_type:
        if spec.hypervisor_type not in _HYPERVISOR_FROM_PROTO:  # proto3 lets any number through
            raise InvalidArgument.at("spec.hypervisor_type", f"{spec.hypervisor_type} is none of HypervisorType")
        asked["hypervisor_type"] = _HYPERVISOR_FROM_PROTO[spec.hypervisor_type]
    if spec.ssh_authorized_keys:
        asked["ssh_authorized_keys"] = tuple(spec.ssh_authorized_keys)
    if spec.node_labels:
        asked["node_labels"] = dict(spec.node_labels)
    if spec.groups:
        asked["groups"] = tuple(spec.groups)
    if spec.allocation_type:
        if spec.allocation_type not in _ALLOCATION_TYPE_FROM_PROTO:
            raise InvalidArgument.at("spec.allocation_type", f"{spec.allocation_type} is none of AllocationType")
        asked["allocation_type"] = _ALLOCATION_TYPE_FROM_PROTO[spec.allocation_type]
    if spec.HasField("priority"):  # a template's may be set back to 0
        asked["priority"] = spec.priority
    return asked


def spec_to_proto(spec: VmSpec) -> ProtoSpec:
    return ProtoSpec(
        cpu_cores=spec.cpu_cores,
        memory_mib=spec.memory_mib,
        storage_gib=spec.storage_gib,
        base_image=spec.base_image,
        hypervisor_type=HYPERVISOR_TO_PROTO[spec.hypervisor_type],
        user_data=spec.user_data,
        ssh_authorized_keys=spec.ssh_authorized_keys,
        node_labels=spec.node_labels,
        groups=spec.groups,
        allocation_type=ALLOCATION_TYPE_TO_PROTO[spec.allocation_type],
        priority=spec.priority,
    )


def vm_to_proto(vm: Vm) -> ProtoVm:
    return ProtoVm(
        vm_id=str(vm.id),
        name=vm.name,
        display_name=vm.display_name,
        description=vm.description,
        state=state_to_proto(vm.state),
        hypervisor_type=HYPERVISOR_TO_PROTO[vm.spec.hypervisor_type],
        node_id=_text(vm.node_id),
        owner_id=str(vm.owner_id),
        tenant_id=str(vm.tenant_id),
        template_id=_text(vm.template_id),
        spec=spec_to_proto(vm.spec),
        tags=vm.tags,
        ip_address=vm.ip_address,
        error=vm.error,
        saga_id=_text(vm.saga_id),
        operation=vm.operation or "",
        etag=f'"{vm.version}"',
        created_at=to_timestamp(vm.created_at),
        updated_at=to_timestamp(vm.updated_at),
        deleted_at=to_timestamp(vm.deleted_at),
        displaced_at=to_timestamp(vm.displaced_at),
    )


def event_to_proto(transition: Transition, vm: Vm, resume_token: str) -> VmEvent:
    return VmEvent(
        resume_token=resume_token,
        from_state=state_to_proto(transition.from_state),
        to_state=state_to_proto(transition.to_state),
        reason=transition.reason,
        time=to_timestamp(transition.created_at),
        vm=vm_to_proto(vm),
    )


def template_to_proto(template: Template) -> ProtoTemplate:
    return ProtoTemplate(
        template_id=str(template.id),
        name=template.name,
        version=template.version,
        description=template.description,
        spec=spec_to_proto(template.spec),
        is_public=template.is_public,
        tags=template.tags,
        owner_id=str(template.owner_id),
        tenant_id=str(template.tenant_id),
        created_at=to_timestamp(template.created_at),
    )


def _text(value: UUID | None) -> str:
    return "" if value is None else str(value)
