"""``novacron policy`` against the scheduler's own servicer."""

import json

import pytest

from novacron.api.scheduler.v1 import add_PolicyServiceServicer_to_server
from novacron.paging import PageTokens
from novacron_scheduler.__main__ import MIGRATIONS
from novacron_scheduler.policies import Policies
from novacron_scheduler.policy_servicer import PolicyServicer
from novacron_scheduler.store import PolicyStore

APART = {
    "name": "apart",
    "policy_type": "POLICY_TYPE_PLACEMENT",
    "rules": {"groups": ["db"]},
    "anti_affinity_rules": [{"kind": "anti_affinity", "group": "db", "required": True}],
}


@pytest.fixture
async def policy(novacron, logged_in, servers, new_database):
    """``await policy("list")``"""
    database = await new_database(*MIGRATIONS)
    servicer = PolicyServicer(Policies(database, PolicyStore(), PageTokens(b"k" * 32)))
    server = await servers.start("scheduler", [(add_PolicyServiceServicer_to_server, servicer)])

    async def run(*arguments, typed=None):
        return await novacron("--endpoint", f"scheduler=127.0.0.1:{server.port}", "policy", *arguments, typed=typed)

    return run


async def test_a_policy_is_created_changed_shown_and_deleted(policy):
    made = await policy("create", "-", "-o", "json", typed=json.dumps(APART))
    assert made.code == 0, made.err
    policy_id = made.json["policy_id"]
    assert made.json["anti_affinity_rules"] == APART["anti_affinity_rules"]
    changed = await policy("update", policy_id, "-", typed='{"enabled": false}')
    assert changed.code == 0, changed.err
    row = (await policy("list")).out.splitlines()[1]
    assert row.split()[:4] == ["apart", "placement", "0", "no"]
    assert '{"groups": ["db"]}' in (await policy("show", policy_id)).out
    assert (await policy("delete", policy_id)).code == 0
    assert (await policy("show", policy_id)).code == 3


async def test_what_is_no_policy_is_refused_with_the_field(policy):
    refused = await policy("create", "-", typed=json.dumps(APART | {"rules": {"strategy": "fastest"}}))
    assert "policy.rules.strategy" in refused.err
    for typed, told in (("{", "is not JSON"), ('{"colour": 1}', "this is no policy")):
        result = await policy("create", "-", typed=typed)
        assert result.code == 2
        assert told in " ".join(result.err.replace("│", " ").split())
