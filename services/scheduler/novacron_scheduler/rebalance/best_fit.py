"""Good moves at once: the hottest gain first, or the smallest node emptied first into the tightest room that takes its VMs."""

from __future__ import annotations

from ..resources import Resources
from .policy import Kind
from .problem import Moves, Problem
from .snapshot import Load


def solve(problem: Problem) -> Moves:
    """Allowed moves, each of which gains more than it costs; none when none does."""
    return _cool(problem) if problem.policy.kind is Kind.HOTSPOT else _empty(problem)


def _cool(problem: Problem) -> Moves:
    moves: dict[int, int] = {}
    room = list(problem.room)
    for _ in range(problem.policy.most_moves):
        loads, best = problem.loads_after(moves), (1e-9, -1, -1)
        for vm, targets in problem.targets.items():
            if vm in moves or any(vm in vms and vms & moves.keys() for vms in problem.rivals):
                continue
            source = problem.source[vm]
            left = _apart(loads[source], problem.share(vm, source), -1)
            cooled = problem.heat(loads[source]) - problem.heat(left) - problem.policy.cost_of_a_move
            for host in targets:
                if cooled > best[0] and room[host].covers(problem.held[vm].demand.footprint):
                    heated = problem.heat(_apart(loads[host], problem.share(vm, host), 1)) - problem.heat(loads[host])
                    best = max(best, (cooled - heated, vm, host))
        if best[1] < 0:
            break
        _, vm, host = best
        moves[vm] = host
        room[host] = room[host].minus(problem.held[vm].demand.footprint)
    return moves


def _apart(load: Load, share: Load, sign: int) -> Load:
    return Load(load.cpu_cores + sign * share.cpu_cores, load.memory_mib + sign * share.memory_mib)


def _empty(problem: Problem) -> Moves:
    moves: dict[int, int] = {}
    room, receiving = list(problem.room), set[int]()
    emptied = set[int]()
    for host in sorted(range(len(problem.hosts)), key=lambda place: len(problem.vms_of[place])):
        vms = problem.vms_of[host]
        if not vms or host in receiving or len(moves) + len(vms) > problem.policy.most_moves:
            continue
        tried = _placed(problem, vms, room, emptied)
        if tried is None or problem.faults(moves | tried[0]):
            continue
        found, room = tried
        moves.update(found)
        receiving.update(found.values())
        emptied.add(host)
    return moves if problem.gain(moves) > 0 else {}


def _placed(
    problem: Problem, vms: list[int], room: list[Resources], emptied: set[int]
) -> tuple[dict[int, int], list[Resources]] | None:
    """A place for every VM of a host, the largest first; None when one finds none."""
    found, left = {}, list(room)
    for vm in sorted(vms, key=lambda one: problem.held[one].demand.footprint, reverse=True):
        footprint = problem.held[vm].demand.footprint
        fitting = [host for host in problem.targets.get(vm, ()) if host not in emptied and left[host].covers(footprint)]
        if not fitting:
            return None
        host = min(fitting, key=lambda place: (left[place].minus(footprint), place))
        found[vm] = host
        left[host] = left[host].minus(footprint)
    return found, left
