"""The best fit in one statement of SQL, by pgbench: what PostgreSQL alone does when nobody asks why, for whom, or again.

No filters but three, no scores, no policies, no quotas, no reasons kept, and nothing between the client and the database.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

import psycopg

from novacron.embedded.postgres import EmbeddedPostgres

_STATEMENT = Path(__file__).parent / "peers" / "best_fit.sql"
_TABLES = """
CREATE TABLE fit_nodes (
    id integer PRIMARY KEY, ready boolean NOT NULL, region integer NOT NULL, disk integer NOT NULL,
    free_cpu bigint NOT NULL, free_memory bigint NOT NULL, free_storage bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE fit_allocations (
    vm_id uuid PRIMARY KEY, node_id integer NOT NULL REFERENCES fit_nodes, cpu bigint NOT NULL, memory bigint NOT NULL,
    storage bigint NOT NULL, allocated_at timestamptz NOT NULL DEFAULT now()
);
"""


class BestFit:
    """Nodes in a database of their own, and pgbench on them."""

    def __init__(self, server: EmbeddedPostgres, nodes: int) -> None:
        self._server = server
        self._nodes = nodes
        self._program = Path(server.command()[0]).with_name("pgbench")
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE best_fit")
        with psycopg.connect(server.url("best_fit")) as connection:
            connection.execute(_TABLES)

    async def claims_per_second(self, claims: int, in_flight: int) -> float:
        """About so many claims in all; everything is given back first."""
        with psycopg.connect(self._server.url("best_fit"), autocommit=True) as connection:
            connection.execute("TRUNCATE fit_allocations, fit_nodes")
            connection.execute(
                "INSERT INTO fit_nodes SELECT n, n %% 50 <> 7, n %% 2, n / 2 %% 2, 128, 524288, 8000"
                " FROM generate_series(1, %s) n",
                (self._nodes,),
            )
            connection.execute("VACUUM ANALYZE fit_nodes")
        each = str(claims // in_flight)
        command = [str(self._program), "-n", "-M", "prepared", "-c", str(in_flight), "-j", "1", "-t", each]
        done = await asyncio.to_thread(
            subprocess.run,
            [*command, "-f", str(_STATEMENT), self._server.url("best_fit")],
            capture_output=True,
            text=True,
            check=True,
        )
        with psycopg.connect(self._server.url("best_fit")) as connection:
            made = connection.execute("SELECT count(*) FROM fit_allocations").fetchone()
        told = re.search(r"number of transactions actually processed: (\d+)", done.stdout)
        rate = re.search(r"tps = ([\d.]+)", done.stdout)
        assert told is not None, done.stdout
        assert rate is not None, done.stdout
        # A transaction that found no node claimed nothing.
        return float(rate[1]) * (made[0] if made else 0) / int(told[1])
