"""A proposal: the moves, in an order that gains most first, each with its reason and its gain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from . import best_fit, highs
from .policy import Kind, Policy
from .problem import Moves, Problem
from .snapshot import Load, Snapshot


@dataclass(frozen=True, slots=True)
class Move:
    """One VM to another node."""

    vm_id: UUID
    source_node_id: UUID
    target_node_id: UUID
    gain: float  # when the moves before it are made: shares of a node cooled or nodes emptied, less its cost
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """Moves that may be made in any order, all or some: none lifts a node above its limit."""

    kind: Kind
    moves: tuple[Move, ...]
    gain: float
    solver: str  # "highs" or "best-fit"
    explanation: str


def propose(snapshot: Snapshot, policy: Policy, solver: Callable[[Problem], Moves | None] = highs.solve) -> Proposal:
    """The better of what the solver finds in its time and what best fit finds at once; no moves when none is worth its cost.

    :raises InvalidArgument: the snapshot or the policy is none.
    """
    problem = Problem.of(snapshot, policy)
    name, moves = "best-fit", best_fit.solve(problem)
    found = solver(problem)
    # A solver works with tolerances: what it says is measured like anything else before it is believed.
    if found is not None and not problem.faults(found) and problem.gain(problem.useful(found)) >= problem.gain(moves):
        name, moves = "highs", problem.useful(found)
    ordered = _ordered(problem, moves)
    return Proposal(policy.kind, tuple(ordered), sum(move.gain for move in ordered), name, _explained(problem, moves))


def _ordered(problem: Problem, moves: Moves) -> list[Move]:
    if problem.policy.kind is Kind.CONSOLIDATION:
        return _emptying(problem, moves)
    made: dict[int, int] = {}
    told, waiting = [], dict(moves)
    while waiting:
        before = problem.gain(made)
        gain, vm = max((problem.gain({**made, vm: host}) - before, vm) for vm, host in waiting.items())
        loads = problem.loads_after(made)
        made[vm] = waiting.pop(vm)
        told.append(_move(problem, vm, made[vm], gain, _cooling(problem, vm, loads, problem.loads_after(made))))
    return told


def _cooling(problem: Problem, vm: int, before: list[Load], after: list[Load]) -> str:
    source = problem.source[vm]
    name, load = problem.hosts[source].offer.name, problem.held[vm].load
    at = max(range(len(Load._fields)), key=lambda one: before[source][one])
    what = ("CPU", "memory")[at]
    used = (f"{load.cpu_cores:.1f} cores", f"{load.memory_mib:.0f} MiB")[at]
    return f"{name} is at {before[source][at]:.0%} of its {what}; without this VM's {used} it is at {after[source][at]:.0%}"


def _emptying(problem: Problem, moves: Moves) -> list[Move]:
    told = []
    for host in problem.emptied(moves):
        vms = problem.vms_of[host]
        reason = f"{problem.hosts[host].offer.name} is empty once its {len(vms)} VMs have left"
        gain = 1 / len(vms) - problem.policy.cost_of_a_move
        told += [_move(problem, vm, moves[vm], gain, reason) for vm in vms]
    return told


def _move(problem: Problem, vm: int, host: int, gain: float, reason: str) -> Move:
    held, target = problem.held[vm], problem.hosts[host].offer
    return Move(held.demand.vm_id, held.node_id, target.node_id, gain, f"{reason}; {target.name} has room for it")


def _explained(problem: Problem, moves: Moves) -> str:
    if problem.policy.kind is Kind.CONSOLIDATION:
        count = len(problem.emptied(moves))
        return (
            f"{count} of {len(problem.hosts)} nodes would be emptied by {len(moves)} moves"
            if count
            else "no node can be emptied"
        )
    hot = sum(problem.heat(load) > 0 for load in problem.loads)
    if not hot:
        return f"no node is above {problem.policy.hot_share:.0%} of what it has"
    still = sum(problem.heat(load) > 1e-9 for load in problem.loads_after(moves))
    return f"{hot} nodes are above {problem.policy.hot_share:.0%} of what they have; after {len(moves)} moves {still} would be"
