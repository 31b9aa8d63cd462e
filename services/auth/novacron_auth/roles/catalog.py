"""Every permission that something asks for: what roles and keys can be made of."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from google.protobuf import descriptor_pool

from novacron import api
from novacron.rpc.policy import policy_of

# No method declares these: they are asked for inside of one, or by gRPC's own services.
ASKED_INSIDE = frozenset(
    (
        "api-key:create",  # for another user
        "api-key:read",
        "api-key:revoke",
        "service:debug",  # channelz
        "session:read",  # another user's
        "session:revoke",
        "template:publish",  # for all tenants
        "tenant:any",  # past the own tenant
    )
)


@cache
def permissions() -> tuple[str, ...]:
    """All of them by name, whichever service asks."""
    asked = {policy_of(path).permission for path in _methods()} - {""}
    return tuple(sorted(asked | ASKED_INSIDE))


def _methods() -> list[str]:
    pool, found = descriptor_pool.Default(), []
    for package in pkgutil.walk_packages(api.__path__, f"{api.__name__}."):
        module = import_module(package.name)
        for service in getattr(getattr(module, "DESCRIPTOR", None), "services_by_name", {}):
            full_name = f"{module.DESCRIPTOR.package}.{service}"
            methods = pool.FindServiceByName(full_name).methods
            found += [f"/{full_name}/{method.name}" for method in methods]
    return found
