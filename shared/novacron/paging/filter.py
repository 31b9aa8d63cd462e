"""A subset of AIP-160: comparisons joined by AND, over the fields that a list names.

``state = running AND tags.env = "prod" AND name != "db*"``. Equality on strings takes ``*`` at either end as a wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from psycopg import sql

from ..errors import InvalidArgument

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<op>!=|<=|>=|=|<|>|:)|(?P<word>[^\s"=<>!:()]+)|(?P<other>.))"""
)
_OPERATORS = {"=", "!=", "<", "<=", ">", ">="}


@dataclass(frozen=True, slots=True)
class Comparison:
    """``field operator value``; for a map field ``key`` is what follows its dot."""

    field: str
    key: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Filter:
    """All comparisons must hold."""

    comparisons: tuple[Comparison, ...] = ()

    def where(self, columns: dict[str, str]) -> tuple[sql.Composed, list[object]]:
        """As SQL: a condition with placeholders, and their values. ``columns`` maps each field to its column or expression
        (trusted text of ours); a map field's column is jsonb."""
        parts: list[sql.Composable] = []
        values: list[object] = []
        for one in self.comparisons:
            column: sql.Composable = sql.SQL(columns[one.field])
            if one.key:
                column = sql.SQL("({} ->> {})").format(column, sql.Literal(one.key))
            operator, value = one.operator, one.value
            if operator in ("=", "!=") and (value.startswith("*") or value.endswith("*")):
                escaped = re.sub(r"([%_\\])", r"\\\1", value.strip("*"))
                value = ("%" if value.startswith("*") else "") + escaped + ("%" if value.endswith("*") else "")
                operator = "LIKE" if operator == "=" else "NOT LIKE"
            parts.append(sql.SQL("({})::text " + operator + " %s").format(column))
            values.append(value)
        return sql.SQL(" AND ").join(parts) if parts else sql.SQL("true").format(), values


def parse_filter(text: str, fields: Collection[str], maps: Collection[str] = ()) -> Filter:
    """:raises InvalidArgument: at ``filter``, saying what is wrong and which fields there are."""
    tokens = [(match.lastgroup or "", match[match.lastgroup or 0]) for match in _TOKEN.finditer(text.rstrip())]
    comparisons: list[Comparison] = []
    position = 0
    while position < len(tokens):
        if comparisons:
            if tokens[position] != ("word", "AND"):
                raise _bad(f"expected AND before {tokens[position][1]!r}", fields, maps)
            position += 1
        triple = tokens[position : position + 3]
        if len(triple) < 3 or triple[0][0] != "word" or triple[1][0] != "op" or triple[2][0] not in ("word", "text"):
            raise _bad("a filter is `field = value`, joined by AND", fields, maps)
        comparisons.append(_comparison(triple[0][1], triple[1][1], triple[2][1], fields, maps))
        position += 3
    return Filter(tuple(comparisons))


def _comparison(name: str, operator: str, value: str, fields: Collection[str], maps: Collection[str]) -> Comparison:
    if operator not in _OPERATORS:
        raise _bad(f"no operator {operator!r}", fields, maps)
    if value.startswith('"'):
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    head, dot, key = name.partition(".")
    if dot and head in maps and key:
        return Comparison(head, key, operator, value)
    if name not in fields:
        raise _bad(f"no field {name!r}", fields, maps)
    return Comparison(name, "", operator, value)


def _bad(what: str, fields: Collection[str], maps: Collection[str]) -> InvalidArgument:
    known = ", ".join([*sorted(fields), *(f"{name}.KEY" for name in sorted(maps))])
    return InvalidArgument.at("filter", f"{what}; fields are {known}")
