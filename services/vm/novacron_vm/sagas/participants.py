"""Whom the VM's sagas work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from novacron.saga import Context

from ..agents import Agents
from ..clients import MonitoringClient, SchedulerClient
from ..drain_store import DrainStore
from ..preemption_store import PreemptionStore
from ..store import VmStore


@dataclass(frozen=True, slots=True)
class Participants:
    """Given to the coordinator once, and to every step by its context."""

    scheduler: SchedulerClient
    agents: Agents
    monitoring: MonitoringClient
    vms: VmStore
    drains: DrainStore
    preemptions: PreemptionStore = field(default_factory=PreemptionStore)


def of(context: Context[Any]) -> Participants:
    participants: Participants = context.services
    return participants
