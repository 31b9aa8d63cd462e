"""The best moves that a time limit finds, by HiGHS (Huangfu and Hall 2018): one binary variable for each VM and each target."""

from __future__ import annotations

import highspy

from ..resources import DIMENSIONS
from .policy import Kind
from .problem import Moves, Problem
from .snapshot import Load


def solve(problem: Problem) -> Moves | None:
    """The best moves, or the best found when the time was over; None when none was. Blocks for as long as the policy allows:
    call it in a thread."""
    if not problem.targets:
        return {}
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    model.setOptionValue("random_seed", 1)
    model.setOptionValue("mip_rel_gap", 0.0)
    model.setOptionValue("time_limit", problem.policy.time_limit_seconds)
    goes = {(vm, host): model.addBinary() for vm, hosts in problem.targets.items() for host in hosts}
    _allow(model, problem, goes)
    gained = _cooled(model, problem, goes) if problem.policy.kind is Kind.HOTSPOT else _emptied(model, problem, goes)
    model.maximize(gained - problem.policy.cost_of_a_move * model.qsum(goes.values()))
    if model.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return {vm: host for (vm, host), variable in goes.items() if model.val(variable) > 0.5}


Goes = dict[tuple[int, int], highspy.highs.highs_var]


def _allow(model: highspy.Highs, problem: Problem, goes: Goes) -> None:
    """What :meth:`Problem.faults` says, as constraints."""
    model.addConstr(model.qsum(goes.values()) <= problem.policy.most_moves)
    for vm, hosts in problem.targets.items():
        model.addConstr(model.qsum(goes[vm, host] for host in hosts) <= 1)
    for vms in problem.rivals:
        model.addConstr(model.qsum(goes[vm, host] for vm in sorted(vms) for host in problem.targets[vm]) <= 1)
    for place, room in enumerate(problem.room):
        arriving = [vm for vm, host in goes if host == place]
        for at in range(len(DIMENSIONS)):
            needs = {vm: problem.held[vm].demand.footprint[at] for vm in arriving}
            if sum(needs.values()) > room[at]:
                model.addConstr(model.qsum(need * goes[vm, place] for vm, need in needs.items() if need) <= room[at])


def _cooled(model: highspy.Highs, problem: Problem, goes: Goes) -> highspy.highs.highs_linear_expression:
    """Minus the heat that is left on the hosts that moves touch."""
    heat = []
    touched = {host for _, host in goes} | {problem.source[vm] for vm, _ in goes}
    for place in sorted(touched):
        for at in range(len(Load._fields)):
            leaving = [-problem.share(vm, place)[at] * goes[vm, to] for vm, to in goes if problem.source[vm] == place]
            arriving = [problem.share(vm, place)[at] * goes[vm, to] for vm, to in goes if to == place]
            above = model.addVariable(lb=0)
            change = model.qsum([*leaving, *arriving])
            model.addConstr(above - change >= problem.loads[place][at] - problem.policy.hot_share)
            heat.append(-1 * above)
    return model.qsum(heat)


def _emptied(model: highspy.Highs, problem: Problem, goes: Goes) -> highspy.highs.highs_linear_expression:
    """The number of hosts that all their VMs leave and none goes to."""
    empty = {}
    for place, vms in enumerate(problem.vms_of):
        if vms and all(vm in problem.targets for vm in vms):
            empty[place] = model.addBinary()
            for vm in vms:
                model.addConstr(model.qsum(goes[vm, host] for host in problem.targets[vm]) >= empty[place])
    for (_, host), variable in goes.items():
        if host in empty:
            model.addConstr(variable + empty[host] <= 1)
    return model.qsum(empty.values())
