"""Any order of everything that may happen, against a model that counts on its fingers."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from novacron.db import Database
from novacron.errors import AlreadyExists, FailedPrecondition, NoCapacity, NotFound
from novacron.paging import PageTokens
from novacron_scheduler import messages
from novacron_scheduler.node import Description, Heartbeat, NodeType
from novacron_scheduler.nodes import Nodes
from novacron_scheduler.overcommit import Overcommit
from novacron_scheduler.reservation import AllocationType, Demand
from novacron_scheduler.reservations import Reservations
from novacron_scheduler.resources import Ratios, Resources
from novacron_scheduler.store import DecisionStore, NodeStore, ReservationStore

NAMES = st.sampled_from(["n1", "n2", "n3"])
AMOUNTS = st.builds(Resources, st.integers(1, 6), st.integers(1, 6), st.integers(0, 6), st.just(0), st.integers(0, 1))
CAPACITIES = st.builds(
    Resources, st.integers(1, 8), st.integers(1, 8), st.integers(0, 8), st.just(0), st.integers(0, 2)
)
TENANT = uuid4()
# Two burstable vCPUs share one of the host, and four best-effort ones take the place of a burstable one.
SHARED = Overcommit(Ratios(cpu_cores=2.0), Ratios(cpu_cores=4.0))


@dataclass(frozen=True)
class Asked:
    """What a VM wants, and what that counts for."""

    need: Resources
    kind: AllocationType

    @property
    def footprint(self):
        cpu = self.need.cpu_cores
        counts = {"guaranteed": 2 * cpu, "burstable": cpu, "best_effort": -(-cpu // 4)}
        return self.need._replace(cpu_cores=counts[self.kind])

    def demand(self, vm_id):
        return Demand(vm_id, TENANT, self.need, allocation_type=self.kind, weights=SHARED.weights(self.kind))


ASKED = st.builds(Asked, AMOUNTS, st.sampled_from(AllocationType))


@dataclass
class Modelled:
    """A node as it must be."""

    incarnation: int
    capacity: Resources
    ready: bool = True
    drained: bool = False
    held: dict[UUID, Asked] = field(default_factory=dict)

    @property
    def allocated(self):
        footprints = [asked.footprint for asked in self.held.values()]
        return Resources(*(sum(amounts) for amounts in zip(Resources(), *footprints, strict=True)))

    def fits(self, asked):
        allocatable = self.capacity._replace(cpu_cores=2 * self.capacity.cpu_cores)
        room = allocatable.minus(self.allocated)
        open_ = self.ready and not self.drained
        return open_ and room.covers(asked.footprint) and self.capacity.covers(asked.need)


class Machine(RuleBasedStateMachine):
    """Commands on a real database; what they answer and leave is what the model says."""

    url = ""
    vms = Bundle("vms")

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = Database(self.url, max_connections=8)
        self.reservations = Reservations(self.database, ReservationStore(), DecisionStore(), PageTokens(b"k" * 32))
        self.nodes = Nodes(self.database, NodeStore(), PageTokens(b"k"), SHARED.allocation, 3600)
        self.model: dict[str, Modelled] = {}
        self.runner.run(self.database.open())
        self.sql("TRUNCATE clusters, nodes, resource_allocations, scheduling_decisions CASCADE")

    def teardown(self):
        self.runner.run(self.database.close())
        self.runner.close()

    def sql(self, query):
        async def execute():
            async with self.database.connection() as connection:
                cursor = await connection.execute(query)
                return await cursor.fetchall() if cursor.description else []

        return self.runner.run(execute())

    def holder(self, vm_id):
        return next((node for node in self.model.values() if vm_id in node.held), None)

    @rule(name=NAMES, capacity=CAPACITIES, incarnation=st.integers(1, 3))
    def heartbeat(self, name, capacity, incarnation):
        said = Description("h", "192.0.2.1", "192.0.2.1:1", NodeType.COMPUTE, "", "", ("kvm",), {}, (), "", "")
        beat = Heartbeat(name, "default", incarnation, said, capacity)
        known = self.model.get(name)
        try:
            self.runner.run(self.nodes.heartbeat(beat, name))
        except FailedPrecondition:
            assert known is not None
            assert incarnation < known.incarnation
            return
        assert known is None or incarnation >= known.incarnation
        known = self.model.setdefault(name, Modelled(incarnation, capacity))
        known.incarnation, known.capacity, known.ready = incarnation, capacity, True

    @rule(name=NAMES, undo=st.booleans())
    def drain(self, name, undo):
        try:
            self.runner.run(self.nodes.drain(name, messages.NODE, undo=undo))
        except NotFound:
            assert name not in self.model
            return
        self.model[name].drained = not undo

    @rule(name=NAMES)
    def fall_silent(self, name):
        self.sql(f"UPDATE nodes SET lease_until = now() - interval '1 s' WHERE name = '{name}'")
        if name in self.model:
            self.model[name].ready = False

    @rule(target=vms, asked=ASKED)
    def reserve(self, asked):
        vm_id = uuid4()
        self.ask(vm_id, asked)
        return vm_id

    @rule(vm_id=vms, asked=ASKED)
    def reserve_again(self, vm_id, asked):
        self.ask(vm_id, asked)

    def ask(self, vm_id, asked):
        holder = self.holder(vm_id)
        possible = [name for name, node in self.model.items() if node.fits(asked)]
        try:
            made = self.runner.run(self.reservations.reserve(asked.demand(vm_id), messages.RESERVED))
        except NoCapacity:
            assert holder is None
            assert not possible
        except AlreadyExists:
            assert holder is not None
            assert holder.held[vm_id] != asked
        else:
            if holder is not None:
                assert self.model[made.node.name] is holder
                assert holder.held[vm_id] == asked
            else:
                assert made.node.name in possible
                self.model[made.node.name].held[vm_id] = asked

    @rule(crowd=st.lists(ASKED, min_size=2, max_size=6))
    def reserve_at_once(self, crowd):
        demands = [asked.demand(uuid4()) for asked in crowd]

        async def all_of_them():
            calls = (self.reservations.reserve(demand, messages.RESERVED) for demand in demands)
            return await asyncio.gather(*calls, return_exceptions=True)

        refused = []
        for asked, demand, answer in zip(crowd, demands, self.runner.run(all_of_them()), strict=True):
            if isinstance(answer, NoCapacity):
                refused.append(asked)
            else:
                self.model[answer.node.name].held[demand.vm_id] = asked
        # Nothing was given back meanwhile: whoever was refused fits nowhere now either.
        assert not [asked for asked in refused for node in self.model.values() if node.fits(asked)]

    @rule(vm_id=vms)
    def confirm(self, vm_id):
        try:
            self.runner.run(self.reservations.confirm(vm_id, messages.RESERVED))
        except NotFound:
            assert self.holder(vm_id) is None
        else:
            assert self.holder(vm_id) is not None

    @rule(vm_id=vms, times=st.integers(1, 3))
    def release(self, vm_id, times):
        async def all_of_them():
            calls = (self.reservations.release(vm_id, messages.RELEASED) for _ in range(times))
            return [answer.released for answer in await asyncio.gather(*calls)]

        holder = self.holder(vm_id)
        assert sum(self.runner.run(all_of_them())) == (holder is not None)
        if holder is not None:
            del holder.held[vm_id]

    @invariant()
    def what_is_counted_is_what_is_held(self):
        counted = self.sql(
            "SELECT name, allocated_cpu_cores, allocated_memory_mb, allocated_storage_gb,"
            " allocated_network_bandwidth_mbps, allocated_gpu_count FROM nodes"
        )
        assert {name: amounts for name, *amounts in counted} == {
            name: list(node.allocated) for name, node in self.model.items()
        }
        held = self.sql("SELECT vm_id FROM resource_allocations WHERE status = 'active'")
        assert {vm for (vm,) in held} == {vm for node in self.model.values() for vm in node.held}


def test_in_any_order_nodes_count_what_vms_hold_and_a_refusal_means_that_nothing_fits(new_database_url, migrations):
    class OnThisDatabase(Machine):
        url = new_database_url(*migrations)

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
