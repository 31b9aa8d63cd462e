"""`novacron audit` over a whole stack: what it sees through mTLS and real permissions, and what --fix brings back."""

from __future__ import annotations

import psycopg

from novacron_local.layout import DATABASES

from .stack import Stack

SMALL = ("--cpu", "1", "--memory", "128M", "--disk", "1G", "--image", "novacron-guest")


async def test_what_a_service_lost_is_found_and_mended_by_the_command(stack: Stack):
    vm = (await stack.done("vm", "create", "audited", *SMALL, "-o", "json")).json["vm_id"]
    sound = await stack.done("audit")
    assert "1 domains, 1 reservations, 1 monitored" in sound.err
    url = stack.database_url(DATABASES["monitoring"])
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("DELETE FROM vm_monitoring")
    broken = await stack.run("audit", "-o", "json")
    assert broken.code == 1
    assert [(one["invariant"], one["subject_id"]) for one in broken.json] == [("vm-without-monitoring", vm)]
    mended = await stack.done("audit", "--fix", "--yes", "--reason", "restored without its newest rows", "-o", "json")
    assert [one["outcome"] for one in mended.json] == ["mended"]
    (kept,) = (await stack.done("audit", "--history", "-o", "json")).json
    assert (kept["action"], kept["vm_id"], kept["outcome"]) == ("restore-monitoring", vm, "done")
    assert "restored without its newest rows" in kept["reason"]
    await stack.done("audit")
