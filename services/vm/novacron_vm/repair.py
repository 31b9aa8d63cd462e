"""What may be mended, and when: pure rules over a VM and the sagas that work on it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from novacron.errors import FailedPrecondition

from .vm import Vm, VmState


class RepairAction(enum.StrEnum):
    """What is done about a contradiction."""

    RELEASE_RESERVATION = "release-reservation"
    DELETE_MONITORING = "delete-monitoring"
    RESTORE_MONITORING = "restore-monitoring"
    DESTROY_DOMAIN = "destroy-domain"


@dataclass(frozen=True, slots=True)
class Order:
    """A repair that someone asked for, and why."""

    action: RepairAction
    vm_id: UUID
    initiated_by: UUID
    reason: str
    node_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """An order as it is kept, with what came of it; empty: that is not known yet."""

    repair_id: UUID
    action: str
    vm_id: UUID
    node_id: UUID | None
    initiated_by: UUID
    reason: str
    outcome: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a VM stands while it is kept still: the VM, if there ever was one, and the unfinished sagas that name it."""

    vm_id: UUID
    vm: Vm | None
    at_work: tuple[str, ...] = ()

    def must_be_gone(self) -> None:
        """:raises FailedPrecondition: the VM lives, or a saga works on it."""
        self._must_be_idle()
        if self.vm is not None and not _is_gone(self.vm):
            raise FailedPrecondition(_kept(self.vm))

    def must_not_be_on(self, node_id: UUID) -> None:
        """:raises FailedPrecondition: the VM lives there, or nobody can say where, or a saga works on it."""
        self._must_be_idle()
        vm = self.vm
        if vm is not None and not _is_gone(vm) and vm.node_id in (None, node_id):
            raise FailedPrecondition(_kept(vm))

    def must_be_known(self) -> None:
        """:raises FailedPrecondition: nobody here ever heard of such a VM, so nobody can say that it is not needed."""
        if self.vm is None:
            raise FailedPrecondition(
                f"no VM {self.vm_id} was ever known here: if the vm service's database was restored from a backup, this may be"
                " a VM made since, with its data. Look at its console on the host; then say that it shall go nevertheless"
            )

    def running(self) -> tuple[Vm, UUID]:
        """The VM and its node. :raises FailedPrecondition: it does not run, or a saga works on it."""
        self._must_be_idle()
        if self.vm is None:
            raise FailedPrecondition(f"there is no VM {self.vm_id}: nothing of it can be monitored")
        if self.vm.state is not VmState.RUNNING or self.vm.node_id is None:
            raise FailedPrecondition(f"VM {self.vm.name} is {self.vm.state}: only a running VM is monitored")
        return self.vm, self.vm.node_id

    def _must_be_idle(self) -> None:
        if self.at_work:
            raise FailedPrecondition(
                f"{', '.join(self.at_work)} works on VM {self.vm_id}: wait until it has ended; a stuck one first needs"
                " `novacron saga retry`, skip, compensate or resolve"
            )


def _is_gone(vm: Vm) -> bool:
    """Deleted, or a create that was undone. A VM in error that once came to a node may have data there."""
    return vm.state is VmState.DELETED or (vm.state is VmState.ERROR and vm.node_id is None)


def _kept(vm: Vm) -> str:
    return f"VM {vm.name} is {vm.state}: what it has is not taken from it; `novacron vm delete {vm.id}` gives all of it back"
