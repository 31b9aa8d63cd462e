"""The nodes and the VMs of the scheduler's benchmark: the same ones for the same numbers, in every process.

No two nodes need be alike: regions, zones, labels, taints, hypervisors, GPUs, and some that take nothing. A VM asks for what
some node has, so that each finds a place while there is room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from uuid import UUID

from novacron.api.scheduler.v1 import ReserveResourcesRequest, Taint
from novacron.api.types.v1 import HypervisorType
from novacron.api.types.v1 import Resources as Amounts
from novacron.db import Database
from novacron.ids import derived_id
from novacron.paging import PageTokens
from novacron_scheduler import messages
from novacron_scheduler.node import Description, Heartbeat, NodeType
from novacron_scheduler.nodes import Nodes
from novacron_scheduler.policies import Policies
from novacron_scheduler.policy import Policy, PolicyType
from novacron_scheduler.quota import Limits
from novacron_scheduler.quotas import Quotas
from novacron_scheduler.resources import Ratios, Resources
from novacron_scheduler.store import NodeStore, PolicyStore, QuotaStore

TENANTS = 20
_HYPERVISORS = {"kvm": HypervisorType.HYPERVISOR_TYPE_KVM, "xen": HypervisorType.HYPERVISOR_TYPE_XEN}
_LONGEST_LEASE = 3600.0


def tenant(number: int) -> UUID:
    return derived_id("bench-tenant", number % TENANTS)


def beat(number: int) -> Heartbeat:
    """What the agent of this node says."""
    chance = Random(number)
    region = chance.choice(("eu", "us"))
    gpus = 8 if chance.random() < 0.05 else 0
    kind = NodeType.GPU if gpus else NodeType.STORAGE if chance.random() < 0.03 else NodeType.COMPUTE
    size = chance.choice((1, 1, 1, 2))
    labels = {
        "disk": chance.choice(("ssd", "hdd")),
        "tier": chance.choice(("gold", "silver", "bronze")),
        "rack": f"r{number // 20}",
    }
    said = Description(
        hostname=f"n{number}.example",
        ip_address="192.0.2.1",
        agent_address="192.0.2.1:7470",
        node_type=kind,
        region=region,
        availability_zone=f"{region}-{chance.randint(1, 3)}",
        hypervisor_types=("kvm",) if chance.random() < 0.85 else ("kvm", "xen"),
        labels=labels,
        taints=(("dedicated", "db"),) if chance.random() < 0.1 else (),
        gpu_type="a100" if gpus else "",
        description="",
    )
    capacity = Resources(64 * size, 262_144 * size, 4_000 * size, 10_000 * size, gpus)
    return Heartbeat(f"n{number}", "default", 1, said, capacity, Resources(2, 4096, 50))


def takes_nothing(number: int) -> str:
    """Why a node is out: ``drained``, ``silent``, or nothing of both."""
    return {7: "drained", 13: "silent"}.get(number % 50, "")


async def furnish(database: Database, nodes: int) -> None:
    """Register the nodes, and give every tenth tenant a quota, and every tenth a policy."""
    tokens = PageTokens(b"k" * 32)
    lasting = Nodes(database, NodeStore(), tokens, Ratios(), _LONGEST_LEASE)
    passing = Nodes(database, NodeStore(), tokens, Ratios(), 0.001)

    async def register(numbers: Iterator[int]) -> None:
        for number in numbers:
            said = beat(number)
            await (passing if takes_nothing(number) == "silent" else lasting).heartbeat(said, said.name)
            if takes_nothing(number) == "drained":
                await lasting.drain(said.name, messages.NODE, undo=False)

    left = iter(range(nodes))
    await asyncio.gather(*(register(left) for _ in range(16)))
    for number in range(0, TENANTS, 10):
        await Quotas(database, QuotaStore(), tokens).set(tenant(number), Limits(10**6, 10**6, 10**9, 10**9, 10**4), ())
        policy = Policy(
            policy_id=derived_id("bench-policy", number),
            tenant_id=tenant(number + 1),
            name="apart",
            policy_type=PolicyType.PLACEMENT,
            priority=1,
            rules={"spread_over": "availability_zone"},
            preferences={"node_labels": {"disk": "ssd"}},
        )
        await Policies(database, PolicyStore(), tokens).create(policy, None)


def requests(nodes: int, seed: int) -> Iterator[ReserveResourcesRequest]:
    """VMs without end, each with the conditions that a user might set: about half of all filters have something to say."""
    chance = Random(seed)
    numbers = [n for n in range(nodes) if not takes_nothing(n) and beat(n).description.node_type.runs_vms]
    while True:
        node = beat(chance.choice(numbers)).description
        wanted = Amounts(
            cpu_cores=(cores := chance.choice((1, 2, 2, 4, 8))),
            memory_mib=cores * chance.choice((2048, 4096)),
            storage_gib=chance.choice((10, 20, 50, 100)),
            network_bandwidth_mbps=chance.choice((0, 100)),
        )
        if node.gpu_type and chance.random() < 0.25:
            wanted.gpu_count, wanted.gpu_type = 1, node.gpu_type
        request = ReserveResourcesRequest(
            vm_id=str(UUID(int=chance.getrandbits(128), version=4)),
            tenant_id=str(tenant(chance.randrange(TENANTS))),
            resources=wanted,
            tolerations=[Taint(key=key, value=value) for key, value in node.taints],
        )
        if chance.random() < 0.6:
            request.hypervisor_type = _HYPERVISORS[chance.choice(node.hypervisor_types)]
        if chance.random() < 0.5:
            request.region = node.region
        if chance.random() < 0.25:
            request.availability_zone = node.availability_zone
        for label, share in (("disk", 0.4), ("tier", 0.2)):
            if chance.random() < share:
                request.node_labels[label] = node.labels[label]
        yield request
