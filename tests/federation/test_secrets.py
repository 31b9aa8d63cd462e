"""Credentials stand nowhere but in their envelope."""

import base64
import json
from uuid import UUID

import pytest

from novacron.api.federation.v1 import (
    CheckProviderHealthRequest,
    GetCloudProviderRequest,
    ListCloudProvidersRequest,
)
from novacron.errors import AlreadyExists, DataLoss
from novacron.sealing import KeyRing, Sealer

from .conftest import KEY, PASSWORD, TENANT, USERNAME

CANARIES = [USERNAME, PASSWORD, TENANT]


def traces(text):
    """Which canaries a text holds, as they are or encoded."""
    lowered = text.lower()
    return [
        one
        for one in CANARIES
        if one.lower() in lowered
        or one.encode().hex() in lowered
        # Whatever stands before it, one of three alignments of base64 shows.
        or any(base64.b64encode(b"x" * shift + one.encode())[4:-4].decode() in text for shift in range(3))
    ]


async def dump(database):
    """Every row of every table, as text."""
    rows = []
    async with database.connection() as connection:
        tables = await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in await tables.fetchall():
            found = await connection.execute(f'SELECT to_jsonb(t)::text FROM "{name}" t'.encode())
            rows += [row[0] for row in await found.fetchall()]
    return "\n".join(rows)


def test_the_search_finds_what_it_looks_for():
    for text in (PASSWORD, PASSWORD.encode().hex(), base64.b64encode(json.dumps({"p": PASSWORD}).encode()).decode()):
        assert traces(text) == [PASSWORD]


async def test_no_row_no_log_and_no_answer_holds_a_credential(federation, as_user, wanted, other, database, capfd):
    stub, request = as_user(federation), wanted()
    answers = [await stub.CreateCloudProvider(request)]
    answers.append(await stub.CreateCloudProvider(request))
    answers.append(await stub.CheckProviderHealth(CheckProviderHealthRequest(provider="east")))
    # The other side refuses, and repeats what it was sent.
    refused = wanted(name="west", secrets={"tenant": TENANT + "x"})
    answers.append(await stub.CreateCloudProvider(refused))
    answers.append(await stub.CheckProviderHealth(CheckProviderHealthRequest(provider="west")))
    answers.append(await stub.GetCloudProvider(GetCloudProviderRequest(provider="east")))
    answers.append(await stub.ListCloudProviders(ListCloudProvidersRequest()))
    with pytest.raises(AlreadyExists) as caught:
        await stub.CreateCloudProvider(wanted(provider_id=request.provider_id, secrets={"password": PASSWORD + "x"}))
    assert other.auth.logins == 2
    assert traces("\n".join(str(one) for one in [*answers, caught.value.message, caught.value.metadata])) == []
    rows = await dump(database)
    assert "east" in rows
    assert traces(rows) == []
    written = capfd.readouterr()
    # The other NovaCron runs in this process too, and its careless refusal is a line of its own log.
    ours = [line for line in (written.out + written.err).splitlines() if "AuthService/Login" not in line]
    assert any("provider created" in line for line in ours)
    assert traces("\n".join(ours)) == []


async def test_an_envelope_moved_to_another_row_does_not_open(federation, as_user, wanted, database):
    stub = as_user(federation)
    east, west = wanted(), wanted(name="west", secrets={"password": "another"})
    for one in (east, west):
        await stub.CreateCloudProvider(one)
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE cloud_providers SET credentials_encrypted ="
            " (SELECT credentials_encrypted FROM cloud_providers WHERE name = 'east') WHERE name = 'west'"
        )
    found = await stub.CheckProviderHealth(CheckProviderHealthRequest(provider="west"))
    assert found.health_message.startswith("its credentials cannot be opened: a sealed value was changed, or belongs")
    with pytest.raises(DataLoss, match="belongs to another row"):
        await stub.CreateCloudProvider(west)


async def test_a_key_is_replaced_without_touching_a_row(federation, replica, as_user, wanted):
    request, fresh = wanted(), bytes(reversed(KEY))
    made = await as_user(federation).CreateCloudProvider(request)
    rotated = await replica(keys=(fresh, KEY))
    assert await as_user(rotated).CreateCloudProvider(request) == made
    newer = await as_user(rotated).CreateCloudProvider(wanted(name="west"))
    stored = await rotated.store.by_id(UUID(newer.provider_id))
    assert Sealer(KeyRing((fresh,))).current(stored.credentials_encrypted)
