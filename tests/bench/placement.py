"""OpenStack Placement on the same PostgreSQL, as Nova claims with it: ask for candidates, then put the allocations of one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx
import psycopg

from novacron.embedded.process import free_port

from .peer import peer

_HEADERS = {"X-Auth-Token": "admin:admin", "OpenStack-API-Version": "placement 1.39"}
# Nova tries so many hosts before it gives a VM up.
_ATTEMPTS = 3
# The classes of resources that every Placement has, by their numbers.
_CLASSES = {"VCPU": 0, "MEMORY_MB": 1, "DISK_GB": 2}


@dataclass(frozen=True)
class Provider:
    """A node, as Placement knows one: amounts by resource class, and its traits."""

    total: dict[str, int]
    traits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """How one VM fared, and how often it was told that others were faster."""

    made: bool
    conflicts: int


class Placement:
    """Placements that share one database. Through it nodes are made and sums are read, which the API would take minutes for."""

    def __init__(self, pids: Sequence[int], clients: Sequence[httpx.AsyncClient], database_url: str) -> None:
        self.pids = pids
        self._clients = clients
        self._database_url = database_url

    def furnish(self, providers: Sequence[Provider]) -> None:
        """These nodes and no others, and nothing allocated."""
        with psycopg.connect(self._database_url) as connection, connection.cursor() as cursor:
            cursor.execute("TRUNCATE resource_providers, inventories, allocations, consumers, resource_provider_traits")
            traits = sorted({trait for provider in providers for trait in provider.traits})
            cursor.executemany(
                "INSERT INTO traits (name) VALUES (%s) ON CONFLICT DO NOTHING", [(one,) for one in traits]
            )
            numbers = dict(cursor.execute("SELECT name, id FROM traits").fetchall())
            cursor.executemany(
                "INSERT INTO resource_providers (id, uuid, name, generation, root_provider_id) VALUES (%s, %s, %s, 1, %s)",
                [(number, str(uuid4()), f"n{number}", number) for number, _ in enumerate(providers, 1)],
            )
            cursor.executemany(
                "INSERT INTO inventories (resource_provider_id, resource_class_id, total, reserved, min_unit, max_unit,"
                " step_size, allocation_ratio) VALUES (%s, %s, %s, 0, 1, %s, 1, 1.0)",
                [
                    (number, _CLASSES[name], amount, amount)
                    for number, provider in enumerate(providers, 1)
                    for name, amount in provider.total.items()
                ],
            )
            cursor.executemany(
                "INSERT INTO resource_provider_traits (trait_id, resource_provider_id) VALUES (%s, %s)",
                [(numbers[trait], n) for n, provider in enumerate(providers, 1) for trait in provider.traits],
            )

    async def claim(self, number: int, amounts: dict[str, int], required: Sequence[str] = ()) -> Claim:
        """A place for one VM through one of the servers; who is told of a conflict asks for candidates anew."""
        client = self._clients[number % len(self._clients)]
        wanted = {"limit": "10", "resources": ",".join(f"{name}:{amount}" for name, amount in amounts.items())}
        if required:
            wanted["required"] = ",".join(required)
        conflicts = 0
        for _ in range(_ATTEMPTS):
            found = (await client.get("/allocation_candidates", params=wanted)).raise_for_status().json()
            if not found["allocation_requests"]:
                return Claim(False, conflicts)
            chosen = found["allocation_requests"][0]
            body = {
                **chosen,
                "project_id": "p",
                "user_id": "u",
                "consumer_generation": None,
                "consumer_type": "INSTANCE",
            }
            answer = await client.put(f"/allocations/{uuid4()}", json=body)
            if answer.status_code == 204:
                return Claim(True, conflicts)
            if answer.status_code != 409:
                answer.raise_for_status()
            conflicts += 1
        return Claim(False, conflicts)

    def overcommitted(self) -> int:
        """How much of all dimensions is given out beyond what there is."""
        with psycopg.connect(self._database_url) as connection:
            row = connection.execute(
                "SELECT coalesce(sum(greatest(used - total, 0)), 0) FROM inventories JOIN (SELECT resource_provider_id,"
                " resource_class_id, sum(used) AS used FROM allocations GROUP BY 1, 2) held"
                " USING (resource_provider_id, resource_class_id)"
            ).fetchone()
        return int(row[0]) if row else 0

    def release_all(self) -> None:
        with psycopg.connect(self._database_url) as connection:
            connection.execute("TRUNCATE allocations, consumers")


@asynccontextmanager
async def placement(database_url: str, servers: int = 1) -> AsyncIterator[Placement]:
    """So many servers of it, each a process, for the length of the block."""
    async with AsyncExitStack() as stack:
        pids, clients = [], []
        for number in range(servers):
            port = free_port()
            arguments = (database_url, str(port), "false" if number else "true")
            pids.append((await stack.enter_async_context(peer("placement_server.py", *arguments, of="placement"))).pid)
            url = f"http://127.0.0.1:{port}"
            limits = httpx.Limits(max_connections=64)
            clients.append(
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=url, headers=_HEADERS, timeout=120, limits=limits)
                )
            )
        yield Placement(pids, clients, database_url)
