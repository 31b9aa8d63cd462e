"""Every process that has breakers, asked at once: each of a service's processes knows its own alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from novacron.api.admin.v1 import Breaker, ListBreakersResponse, Target
from novacron.api.registry.v1 import ListServicesRequest
from novacron.errors import NotFound, NovacronError
from novacron_cli import finding
from novacron_cli.connection import Connection
from novacron_cli.failure import ExitCode, Refusal, describe
from novacron_cli.output import say
from novacron_cli.profile import SERVICES


@dataclass(frozen=True, slots=True)
class Row:
    """A breaker, whose it is, and what else stands between the two."""

    service: str
    instance: str
    breaker: Breaker
    target: Target


def checked(services: Sequence[str]) -> tuple[str, ...]:
    """The services that were named, or all. :raises Refusal: one of them is none."""
    for service in services:
        if service not in SERVICES:
            raise Refusal(f"there is no service {service}", ExitCode.USAGE, f"the services are {', '.join(SERVICES)}")
    return tuple(services) or SERVICES


@asynccontextmanager
async def processes(connection: Connection, services: Sequence[str]) -> AsyncIterator[list[tuple[str, Connection]]]:
    """``(service, the way to one of its processes)`` for each process that the registry knows.

    One process of a service, or none that is known, is asked where the profile says. Of several behind one address the kernel
    chooses one; the answer says which.
    """
    opened: list[Connection] = []
    found: list[tuple[str, Connection]] = []
    known = await _endpoints(connection)
    for service in services:
        several = known.get(service, [])
        if len(several) < 2:
            found.append((service, connection))
            continue
        for endpoint in several:
            endpoints = {**connection.profile.endpoints, service: endpoint}
            opened.append(Connection(replace(connection.profile, endpoints=endpoints)))
            found.append((service, opened[-1]))
    try:
        yield found
    finally:
        for one in opened:
            await one.close()


async def everywhere(
    connection: Connection, services: Sequence[str], ask: Callable[[Any], Awaitable[Any]], *, missing_ok: bool = False
) -> list[Any]:
    """What each process answers to ``ask(its admin stub)``. One that does not answer is told of, and the others count.

    :raises NovacronError: none has answered: the first one's error.
    """
    async with processes(connection, services) as ways:
        answers = await asyncio.gather(*(ask(way.admin(service)) for service, way in ways), return_exceptions=True)
    good, errors = [], []
    for (service, _), answer in zip(ways, answers, strict=True):
        if not isinstance(answer, BaseException):
            good.append(answer)
        elif not isinstance(answer, NovacronError | Refusal):
            raise answer
        else:
            errors.append(answer)
            if not (missing_ok and isinstance(answer, NotFound)) and len(ways) > 1:
                text = describe(answer) if isinstance(answer, NovacronError) else answer.message
                say(f"novacron: {service}: {text}")
    if errors and not good:
        # Of several reasons the one that says something of a process that is there.
        raise next((one for one in errors if isinstance(one, NotFound)), errors[0])
    return good


def rows(answers: Sequence[ListBreakersResponse]) -> list[Row]:
    """By service, process, target and class."""
    found = []
    for answer in answers:
        targets = {one.target: one for one in answer.targets}
        for breaker in answer.breakers:
            found.append(Row(answer.service, answer.instance, breaker, targets.get(breaker.target, Target())))
    return sorted(found, key=lambda row: (row.service, row.instance, row.breaker.target, row.breaker.breaker_class))


async def _endpoints(connection: Connection) -> dict[str, list[str]]:
    """Where the processes of each service listen for users; nothing where the registry is away or tells this user nothing."""
    try:
        services = await finding.everything(connection.registry.ListServices, ListServicesRequest(), "services")
    except (NovacronError, Refusal):
        return {}
    found: dict[str, set[str]] = {}
    for service in services:
        found.setdefault(service.service_name, set()).update(
            one.endpoint for one in service.instances if one.endpoint and one.status_message != "lease lapsed"
        )
    return {name: sorted(endpoints) for name, endpoints in found.items()}
