"""``novacron quota`` against the scheduler's own servicer."""

from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import add_QuotaServiceServicer_to_server
from novacron.paging import PageTokens
from novacron_scheduler.__main__ import MIGRATIONS
from novacron_scheduler.quota_servicer import QuotaServicer
from novacron_scheduler.quotas import Quotas
from novacron_scheduler.store import QuotaStore

TENANT = str(uuid4())


@pytest.fixture
async def quota(novacron, logged_in, servers, new_database):
    """``await quota("show", ...)``"""
    database = await new_database(*MIGRATIONS)
    servicer = QuotaServicer(Quotas(database, QuotaStore(), PageTokens(b"k" * 32)))
    server = await servers.start("scheduler", [(add_QuotaServiceServicer_to_server, servicer)])

    async def run(*arguments):
        return await novacron("--endpoint", f"scheduler=127.0.0.1:{server.port}", "quota", *arguments)

    return run


async def test_limits_are_set_one_by_one_shown_and_ended(quota):
    made = await quota("set", TENANT, "--vms", "20", "--memory", "256G")
    assert made.code == 0, made.err
    assert [line.split(maxsplit=1) for line in made.out.splitlines()] == [
        ["tenant:", TENANT],
        ["vms:", "0 of 20"],
        ["cpu:", "0 of unlimited"],
        ["memory:", "0 B of 256 GiB"],
        ["disk:", "0 B of unlimited"],
        ["gpu:", "0 of unlimited"],
    ]
    assert "0 of 4" in (await quota("set", TENANT, "--gpu", "4", "--vms", "unlimited")).out
    shown = (await quota("show", TENANT, "-o", "json")).json
    assert shown["limits"] == {"memory_mib": str(256 * 1024), "gpu_count": "4"}
    assert (await quota("list")).out.splitlines()[1].startswith(TENANT)


async def test_a_limit_that_is_none_is_wrong_usage(quota):
    for arguments, told in ((("--vms", "many"), "neither a number nor unlimited"), ((), "name at least one limit")):
        result = await quota("set", TENANT, *arguments)
        assert result.code == 2
        assert told in " ".join(result.err.replace("│", " ").split())
