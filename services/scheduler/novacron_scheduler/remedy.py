"""What would have to change for a refused VM to fit: the fewest conditions, and of those the least. Pure.

A remedy is checked, not guessed: with its changes made, and nothing else, the filters let the node pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .placement import FILTERS, Offer
from .reservation import Demand
from .resources import UNITS, Resources

KEPT_REMEDIES = 3
# A status travels in headers, which are short: a few labels tell enough.
_MOST_LABELS = 3
# What a caller can change comes before what takes an operator. What is not here nobody can change.
_CHANGES: dict[str, Callable[[Offer, Demand], str]] = {
    "resources": lambda offer, demand: f"with {less(offer.lacking(demand))} less",
    "node": lambda offer, _: f"on {offer.name}",
    "availability_zone": lambda offer, _: f"in the zone {offer.availability_zone or '(none)'}",
    "region": lambda offer, _: f"in the region {offer.region or '(none)'}",
    "labels": lambda offer, demand: f"without the label {_unmet(offer, demand)}",
    "taints": lambda offer, demand: f"tolerating {_untolerated(offer, demand)}",
    "gpu_type": lambda offer, _: f"with GPUs of the type {offer.gpu_type or '(any)'}",
    "hypervisor_type": lambda offer, _: f"with the hypervisor {' or '.join(offer.hypervisor_types)}",
    "policy": lambda offer, demand: f"without the policy {_forbidding(offer, demand)}",
    "affinity": lambda _, demand: "with another rule between VMs",
    "maintenance": lambda offer, _: f"with node {offer.name} out of maintenance",
    "not_ready": lambda offer, _: f"with node {offer.name} heard again",
}
_NAMES_THE_NODE = ("node", "maintenance", "not_ready")
_ORDER = list(_CHANGES)


@dataclass(frozen=True, slots=True)
class Remedy:
    """Changes that together let one node take the VM."""

    filters: tuple[str, ...]  # whose objection they meet
    node: str
    less: Resources  # how much less has to be asked for
    words: str


def remedies(demand: Demand, offers: Sequence[Offer]) -> tuple[Remedy, ...]:
    """The smallest changes, one for each set of conditions: of all nodes those that object least often, and of those the
    one that lacks least. Empty: no change of what can be changed helps."""
    fewest = len(FILTERS)
    found: dict[tuple[str, ...], tuple[float, str, Offer]] = {}
    for offer in offers:
        objections = _objections(offer, demand, fewest)
        if objections is None:
            continue
        if len(objections) < fewest:
            fewest, found = len(objections), {}
        ranked = (_share(offer, demand), offer.name, offer)
        if objections not in found or ranked[:2] < found[objections][:2]:
            found[objections] = ranked
    ordered = sorted(found, key=lambda names: [_ORDER.index(name) for name in names])
    return tuple(_remedy(names, found[names][2], demand) for names in ordered[:KEPT_REMEDIES])


def less(lacking: Resources) -> str:
    """As a person reads it: ``2 vCPU and 512 MiB memory``."""
    return " and ".join(f"{lack} {UNITS[name]}" for name, lack in lacking._asdict().items() if lack)


def _objections(offer: Offer, demand: Demand, most: int) -> tuple[str, ...] | None:
    """The filters that object, the easiest to meet first; None: more than ``most``, or one that nothing meets."""
    objecting: list[str] = []
    for name, passes in FILTERS.items():
        # A node in maintenance is not ready either: one change is the answer to both.
        if passes(offer, demand) or (name == "not_ready" and "maintenance" in objecting):
            continue
        objecting.append(name)
        if (
            len(objecting) > most
            or name not in _CHANGES
            or (name == "resources" and not _something_left(offer, demand))
        ):
            return None
    return tuple(sorted(objecting, key=_ORDER.index))


def _something_left(offer: Offer, demand: Demand) -> bool:
    """Whether less would still be some of everything that was asked for: a VM without memory is no smaller VM."""
    kept = demand.need.minus(offer.lacking(demand))
    return all(left > 0 for left, asked in zip(kept, demand.need, strict=True) if asked)


def _share(offer: Offer, demand: Demand) -> float:
    """How much of what is asked is missing, summed over the dimensions."""
    lacking = offer.lacking(demand)
    return sum(lack / asked for lack, asked in zip(lacking, demand.need, strict=True) if asked)


def _remedy(names: tuple[str, ...], offer: Offer, demand: Demand) -> Remedy:
    words = " and ".join(_CHANGES[name](offer, demand) for name in names)
    named = any(name in _NAMES_THE_NODE for name in names)
    return Remedy(names, offer.name, offer.lacking(demand), words if named else f"{words} ({offer.name})")


def _unmet(offer: Offer, demand: Demand) -> str:
    unmet = [f"{key}={value}" for key, value in sorted(demand.node_labels.items()) if offer.labels.get(key) != value]
    return ", ".join(unmet[:_MOST_LABELS]) + (", ..." if len(unmet) > _MOST_LABELS else "")


def _forbidding(offer: Offer, demand: Demand) -> str:
    return demand.directive.forbidding(offer.labels, offer.region, offer.availability_zone)


def _untolerated(offer: Offer, demand: Demand) -> str:
    return ", ".join(f"{key}={value}" for key, value in offer.taints if (key, value) not in demand.tolerations)
