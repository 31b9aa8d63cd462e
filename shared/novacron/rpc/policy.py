"""What the protos say of each method: who may call it, for how long, whether again. Read from the descriptors.

The contract stands once, in the proto; client and server both read it here.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor

from ..api.options import v1 as options_v1

DEFAULT_TIMEOUT_SECONDS = 5.0
# Watches and heartbeats: streams that last as long as both sides live. They are no load, and their end is no failure.
_LONG_LIVED_SECONDS = 3600.0
_ACCESS: Any = options_v1.access
_CALL: Any = options_v1.call


class Priority(enum.IntEnum):
    """The order in which load is shed: low first."""

    LOW = 1
    NORMAL = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Fallback:
    """What a caller may be given while the target is not there."""

    cached_seconds: float = 0.0  # the last good answer, no older than this
    another_service: bool = False
    default_value: str = ""  # ProtoJSON


@dataclass(frozen=True, slots=True)
class MethodPolicy:
    """One method's contract."""

    path: str  # /package.Service/Method
    idempotent: bool = False
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    breaker_class: str = ""
    priority: Priority = Priority.NORMAL
    declared: bool = False  # has an access option; without one nobody may call it
    permission: str = ""
    callers: frozenset[str] = frozenset()
    public: bool = False
    authenticated: bool = False
    fallback: Fallback | None = None
    operational: bool = False  # health, reflection, channelz: not NovaCron's protos, not counted as load

    @property
    def long_lived(self) -> bool:
        """Whether a call of it may last for hours."""
        return self.timeout_seconds >= _LONG_LIVED_SECONDS


# gRPC's own services have no options of ours. Reflection tells no more than the published protos do.
_OPERATIONAL = {
    "grpc.health.v1.Health": MethodPolicy(
        "", True, declared=True, public=True, operational=True, priority=Priority.HIGH
    ),
    "grpc.reflection.v1.ServerReflection": MethodPolicy("", declared=True, public=True, operational=True),
    "grpc.reflection.v1alpha.ServerReflection": MethodPolicy("", declared=True, public=True, operational=True),
    "grpc.channelz.v1.Channelz": MethodPolicy("", True, declared=True, permission="service:debug", operational=True),
}


def descriptor_of(path: str) -> MethodDescriptor:
    """:raises KeyError: no method of this path is known here."""
    service, _, name = path.lstrip("/").partition("/")
    return descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]


@lru_cache(maxsize=4096)
def policy_of(path: str) -> MethodPolicy:
    """The contract of ``/package.Service/Method``. An unknown method has one that lets nobody in."""
    service = path.lstrip("/").partition("/")[0]
    if service in _OPERATIONAL:
        return _OPERATIONAL[service]
    try:
        method = descriptor_of(path)
    except KeyError:
        return MethodPolicy(path)
    options = method.GetOptions()
    level = options.idempotency_level
    access = options.Extensions[_ACCESS]
    call = options.Extensions[_CALL]
    return MethodPolicy(
        path=path,
        idempotent=level != descriptor_pb2.MethodOptions.IDEMPOTENCY_UNKNOWN,
        timeout_seconds=call.timeout.ToTimedelta().total_seconds() or DEFAULT_TIMEOUT_SECONDS,
        breaker_class=call.breaker_class or service,
        priority=Priority(call.priority) if call.priority else Priority.NORMAL,
        declared=options.HasExtension(_ACCESS),
        permission=access.permission,
        callers=frozenset(access.callers),
        public=access.public,
        authenticated=access.authenticated,
        fallback=_fallback(method, call.fallback) if call.HasField("fallback") else None,
    )


def _fallback(method: MethodDescriptor, declared: Any) -> Fallback | None:
    """None for streams: neither can an answer in parts be kept, nor a request that was read be asked elsewhere."""
    if method.client_streaming or method.server_streaming:
        return None
    return Fallback(
        declared.cached_value.ToTimedelta().total_seconds(), declared.another_service, declared.default_value
    )


def undeclared(service: str) -> list[str]:
    """Methods of a service that say nothing about who may call them."""
    methods = descriptor_pool.Default().FindServiceByName(service).methods
    return [method.full_name for method in methods if not policy_of(f"/{service}/{method.name}").declared]
