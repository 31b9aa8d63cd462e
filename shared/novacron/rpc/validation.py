"""The protos' ``buf.validate`` rules, enforced for every message before a handler sees it."""

from __future__ import annotations

from typing import Any

import protovalidate

from ..errors import FieldViolation, InvalidArgument
from .call import ServerCall, ServerProceed


def _path(violation: Any) -> str:
    parts: list[str] = []
    for element in violation.proto.field.elements if violation.proto.field else ():
        name = element.field_name
        subscript = element.subscript
        if subscript is not None:
            key = subscript.value
            name += f'["{key}"]' if isinstance(key, str) else f"[{key}]"
        parts.append(name)
    return ".".join(parts)


def check(message: Any, prefix: str = "") -> None:
    """Check one message; ``prefix`` is where it stands in the request.

    :raises InvalidArgument: with the path and the rule of every field that breaks one.
    """
    found = protovalidate.collect_violations(message)
    if not found:
        return
    violations = []
    for one in found:
        path = ".".join(part for part in (prefix, _path(one)) if part)
        violations.append(FieldViolation(path, one.proto.message or one.proto.rule_id))
    text = "; ".join(f"{one.field}: {one.description}" if one.field else one.description for one in violations[:5])
    raise InvalidArgument(text, violations=violations)


async def server_stage(call: ServerCall, proceed: ServerProceed) -> Any:
    """Check each request message. Stands inside identity: who may not call learns nothing of the rules."""
    if not call.policy.operational:
        call.inspections.append(check)
    return await proceed(call)
