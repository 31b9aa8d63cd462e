"""What an audit log can be asked for: conditions whose values make sense for their field. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from uuid import UUID

from novacron.errors import InvalidArgument
from novacron.paging import Comparison, parse_filter

_FIELDS = ("user_id", "action", "success", "ip_address", "created_at")
_ORDERED = ("created_at",)
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Condition:
    """``field operator value``, as the database takes it; ``key`` is a name within ``metadata``."""

    field: str
    operator: str
    value: object
    key: str = ""


def conditions(text: str) -> tuple[Condition, ...]:
    """All of which must hold. :raises InvalidArgument: at ``filter``, saying what it takes."""
    return tuple(_condition(one) for one in parse_filter(text, _FIELDS, ("metadata",)).comparisons)


def _condition(one: Comparison) -> Condition:
    if one.operator not in ("=", "!=") and one.field not in _ORDERED:
        raise _bad(one, "takes = and != only")
    if one.field in ("action", "metadata"):
        return _text(one)
    # Whoever asks for all but one user means those that are nobody's too.
    operator = {"=": "=", "!=": "IS DISTINCT FROM"}.get(one.operator, one.operator)
    return Condition(one.field, operator, _value(one))


def _text(one: Comparison) -> Condition:
    operator, value = {"=": "=", "!=": "IS DISTINCT FROM"}[one.operator], one.value
    if value.startswith("*") or value.endswith("*"):
        escaped = re.sub(r"([%_\\])", r"\\\1", value.strip("*"))
        value = ("%" if value.startswith("*") else "") + escaped + ("%" if value.endswith("*") else "")
        operator = "LIKE" if one.operator == "=" else "NOT LIKE"
    return Condition(one.field, operator, value, one.key)


def _value(one: Comparison) -> object:
    try:
        if one.field == "user_id":
            return UUID(one.value)
        if one.field == "success":
            return _TRUTH[one.value]
        if one.field == "ip_address":
            address = ip_network(one.value)
            return address.network_address if address.num_addresses == 1 else _not_an_address(one)
        at = datetime.fromisoformat(one.value)
    except (ValueError, KeyError):
        raise _bad(one, _TAKES[one.field]) from None
    if at.tzinfo is None:
        raise _bad(one, _TAKES[one.field])
    return at.astimezone(UTC)


_TAKES = {
    "user_id": "takes a user's id",
    "success": "takes true or false",
    "ip_address": "takes an address such as 192.0.2.7",
    "created_at": 'takes a time with its zone, such as "2026-01-01T00:00:00Z"',
}


def _not_an_address(one: Comparison) -> object:
    raise _bad(one, _TAKES["ip_address"])


def _bad(one: Comparison, takes: str) -> InvalidArgument:
    return InvalidArgument.at("filter", f"{one.field} {takes}, not {one.operator} {one.value!r}")
