"""What a scheduling policy may say, by its type, and what the placement policies of a tenant say together about one VM."""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from novacron.errors import FieldViolation, InvalidArgument

Word = Annotated[str, Field(min_length=1, max_length=253)]
Labels = Annotated[dict[Word, Annotated[str, Field(max_length=253)]], Field(max_length=64)]
Share = Annotated[float, Field(gt=0, le=1)]


class PolicyType(enum.StrEnum):
    PLACEMENT = "placement"
    SCALING = "scaling"
    MIGRATION = "migration"
    COST_OPTIMIZATION = "cost_optimization"


class Document(BaseModel):
    """Says what its fields say, and nothing that nobody would read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Document):
    """The document of a type that has nothing to say there."""


class PlacementRules(Document):
    strategy: Literal["spread", "binpack"] | None = None
    spread_over: Literal["availability_zone", "region"] | None = None
    groups: tuple[Word, ...] = ()  # the VMs that it is for; none: all of the tenant's
    preempts: Literal["lower_priority"] | None = None  # who gives way where there is no room for these VMs


class PlacementConstraints(Document):
    node_labels: Labels = {}
    regions: tuple[Word, ...] = ()
    availability_zones: tuple[Word, ...] = ()

    def allow(self, labels: Mapping[str, str], region: str, zone: str) -> bool:
        return (
            all(labels.get(key) == value for key, value in self.node_labels.items())
            and (not self.regions or region in self.regions)
            and (not self.availability_zones or zone in self.availability_zones)
        )


class PlacementPreferences(Document):
    node_labels: Labels = {}


class AffinityRule(Document):
    kind: Literal["affinity", "anti_affinity"]
    group: Annotated[str, Field(max_length=253)] = ""  # the VMs to be with or away from; none: all of the tenant's
    over: Literal["node", "availability_zone"] = "node"
    required: bool = False


class ScalingRules(Document):
    target_cpu: Share = 0.7
    target_memory: Share = 0.8


class Size(Document):
    cpu_cores: Annotated[int, Field(ge=1, le=1048576)] | None = None
    memory_mib: Annotated[int, Field(ge=1, le=1099511627776)] | None = None


class ScalingBounds(Document):
    minimum: Size = Size()
    maximum: Size = Size()


class MigrationRules(Document):
    trigger: Literal["hotspot", "consolidation"]
    threshold: Share = 0.8
    max_concurrent: Annotated[int, Field(ge=1, le=1000)] = 1


class CostRules(Document):
    objective: Literal["cheapest", "balanced"] = "balanced"


class CostConstraints(Document):
    max_monthly_cost: Annotated[float, Field(ge=0)] | None = None


_DOCUMENTS: dict[PolicyType, dict[str, type[Document]]] = {
    PolicyType.PLACEMENT: {
        "rules": PlacementRules,
        "constraints": PlacementConstraints,
        "preferences": PlacementPreferences,
    },
    PolicyType.SCALING: {"rules": ScalingRules, "resource_requirements": ScalingBounds},
    PolicyType.MIGRATION: {"rules": MigrationRules},
    PolicyType.COST_OPTIMIZATION: {"rules": CostRules, "constraints": CostConstraints},
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it is stored."""

    policy_id: UUID
    tenant_id: UUID
    name: str
    policy_type: PolicyType
    description: str = ""
    priority: int = 0
    rules: dict[str, Any] = field(default_factory=dict)
    constraints: dict[str, Any] = field(default_factory=dict)
    preferences: dict[str, Any] = field(default_factory=dict)
    anti_affinity_rules: tuple[dict[str, Any], ...] = ()
    resource_requirements: dict[str, Any] = field(default_factory=dict)
    enabled: bool = True
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def check(self) -> None:
        """:raises InvalidArgument: no policy of this type says that; each bad field is named."""
        if not self.name:
            raise InvalidArgument.at("policy.name", "a policy needs a name of 1 to 253 characters")
        known = _DOCUMENTS[self.policy_type]
        violations: list[FieldViolation] = []
        for name in ("rules", "constraints", "preferences", "resource_requirements"):
            violations += _wrong(f"policy.{name}", known.get(name, Nothing), getattr(self, name))
        model: type[Document] = AffinityRule if self.policy_type is PolicyType.PLACEMENT else Nothing
        for number, rule in enumerate(self.anti_affinity_rules):
            violations += _wrong(f"policy.anti_affinity_rules[{number}]", model, rule)
        if violations:
            text = "; ".join(f"{one.field}: {one.description}" for one in violations)
            raise InvalidArgument(text, violations=violations)


@dataclass(frozen=True, slots=True)
class Guideline:
    """One placement policy, as the choice reads it."""

    name: str
    rules: PlacementRules
    constraints: PlacementConstraints
    preferences: PlacementPreferences
    affinity: tuple[AffinityRule, ...]

    @classmethod
    def read(cls, name: str, rules: Any, constraints: Any, preferences: Any, affinity: Iterable[Any]) -> Guideline:
        return cls(
            name,
            PlacementRules.model_validate(rules),
            PlacementConstraints.model_validate(constraints),
            PlacementPreferences.model_validate(preferences),
            tuple(AffinityRule.model_validate(rule) for rule in affinity),
        )


# Group of VMs -> how many of them are on a node or in a zone; the group '' is all of the tenant's.
Neighbours = Mapping[str, Mapping[str, int]]


# Without slots: what is asked of it for each of ten thousand nodes is worked out once.
@dataclass(frozen=True)
class Directive:
    """What a tenant's placement policies say about one VM; the highest is the first. Empty: they say nothing."""

    guidelines: tuple[Guideline, ...] = ()
    groups: tuple[str, ...] = ()  # the VM's own
    by_node: Neighbours = field(default_factory=dict)
    by_zone: Neighbours = field(default_factory=dict)
    by_region: Neighbours = field(default_factory=dict)

    @cached_property
    def strategy(self) -> str:
        return next((one.rules.strategy for one in self.guidelines if one.rules.strategy), "spread")

    @cached_property
    def spread_over(self) -> str:
        return next((one.rules.spread_over for one in self.guidelines if one.rules.spread_over), "")

    @cached_property
    def preempting(self) -> str:
        """The highest policy by which VMs of lower priority give way; empty: none does."""
        return next((one.name for one in self.guidelines if one.rules.preempts), "")

    @cached_property
    def affinity(self) -> tuple[AffinityRule, ...]:
        return tuple(rule for one in self.guidelines for rule in one.affinity)

    @cached_property
    def looks_at_neighbours(self) -> bool:
        return bool(self.affinity or self.spread_over)

    @cached_property
    def looks_at_nodes(self) -> bool:
        """Whether it matters on which nodes the neighbours are, and not only in which zones."""
        return any(rule.over == "node" for rule in self.affinity)

    @cached_property
    def binds_neighbours(self) -> bool:
        """Whether two VMs at once could break a rule that must hold: they have to see each other."""
        return any(rule.required for rule in self.affinity)

    @cached_property
    def preferred(self) -> dict[str, str]:
        """The labels that a node should have; the higher policy's where two want one label."""
        return {key: value for one in reversed(self.guidelines) for key, value in one.preferences.node_labels.items()}

    def forbidding(self, labels: Mapping[str, str], region: str, zone: str) -> str:
        """The first policy whose constraints such a node does not meet; empty: it meets all."""
        return next((one.name for one in self.guidelines if not one.constraints.allow(labels, region, zone)), "")

    def keeps(self, rule: AffinityRule, node: str, zone: str) -> bool:
        """Whether a VM there would be in agreement with the rule. Who has nobody to be with yet may be anywhere."""
        counts = (self.by_node if rule.over == "node" else self.by_zone).get(rule.group, {})
        there = counts.get(node if rule.over == "node" else zone, 0)
        if rule.kind == "anti_affinity":
            return not there
        return bool(there) or not any(counts.values())

    def spread(self, region: str, zone: str) -> float:
        """1 where the fewest of the VM's own are, its groups' or its tenant's, and less with each one more: 1/2, 1/3, ..."""
        here = self._own[zone if self.spread_over == "availability_zone" else region]
        return 1.0 / (1 + here - min(self._own.values(), default=here))

    @cached_property
    def _own(self) -> Counter[str]:
        counts = self.by_zone if self.spread_over == "availability_zone" else self.by_region
        total: Counter[str] = Counter()
        for group in self.groups or ("",):
            for place, count in counts.get(group, {}).items():
                total[place] += count
        return total


SILENT = Directive()


def directive(guidelines: Iterable[Guideline], groups: tuple[str, ...]) -> Directive:
    """What these policies, the highest first, say about a VM of these groups."""
    own = set(groups)
    return Directive(tuple(one for one in guidelines if not one.rules.groups or own & set(one.rules.groups)), groups)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Where some of a tenant's VMs are, of the same groups."""

    node_id: str
    availability_zone: str
    region: str
    groups: Sequence[str]
    count: int


def among(said: Directive, neighbours: Iterable[Neighbour], places: Collection[tuple[str, str]]) -> Directive:
    """The directive for a VM among these; ``places`` are all regions and zones with nodes."""
    by_node, by_zone, by_region = (defaultdict[str, Counter[str]](Counter) for _ in range(3))
    for one in neighbours:
        for group in ("", *one.groups):
            by_node[group][one.node_id] += one.count
            by_zone[group][one.availability_zone] += one.count
            by_region[group][one.region] += one.count
    regions, zones = {region for region, _ in places}, {zone for _, zone in places}
    for group in ("", *said.groups):  # a place with nobody in it is one to spread to
        by_zone[group].update(dict.fromkeys(zones, 0))
        by_region[group].update(dict.fromkeys(regions, 0))
    return replace(said, by_node=by_node, by_zone=by_zone, by_region=by_region)


def _wrong(path: str, model: type[Document], said: dict[str, Any]) -> list[FieldViolation]:
    try:
        model.model_validate(said)
    except ValidationError as error:
        return [FieldViolation(".".join([path, *map(str, one["loc"])]), _words(one, model)) for one in error.errors()]
    return []


def _words(error: Any, model: type[Document]) -> str:
    if error["type"] == "extra_forbidden":
        known = ", ".join(model.model_fields) or "nothing: leave it out"
        return f"no such field; policies of this type know {known}"
    return str(error["msg"])
