"""Schedulers that tell one another of the nodes that they changed."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis.asyncio as redis_client

from novacron.api.scheduler.v1 import Taint
from novacron.paging import PageTokens
from novacron.testing.patience import eventually
from novacron.testing.toxics import HalfOpen
from novacron_scheduler import messages
from novacron_scheduler.inventory.live import Inventory
from novacron_scheduler.inventory.news import News
from novacron_scheduler.nodes import Nodes
from novacron_scheduler.reservation import Demand
from novacron_scheduler.reservations import Reservations
from novacron_scheduler.resources import Ratios, Resources
from novacron_scheduler.store import DecisionStore, NodeStore, ReservationStore
from novacron_scheduler.store.reservations import Left

WHOLE = Resources(8, 16384, 500)


async def until(condition, **patience):
    async def holds():
        return condition()

    await eventually(holds, **patience)


def demand(need=None):
    return Demand(uuid4(), uuid4(), need or Resources(1, 64, 1))


@asynccontextmanager
async def another(scheduler, redis, name, **settings):
    """One more scheduler's memory, which reads the database once and is told the rest."""
    inventory = Inventory(scheduler.database, **({"fresh_seconds": 3600} | settings))
    await inventory.fresh()
    news = News(redis, inventory, name)
    await news.start()
    try:
        yield inventory
    finally:
        await news.stop()


@pytest.fixture
async def pair(scheduler, redis):
    await scheduler.beat("n1")
    async with another(scheduler, redis, "a") as one, another(scheduler, redis, "b") as other:
        await until(lambda: one.told and other.told)
        yield one, other


async def test_what_one_claims_and_gives_back_the_other_sees_without_reading(scheduler, pair):
    one, other = pair
    reservations = Reservations(scheduler.database, ReservationStore(), DecisionStore(), PageTokens(b"k" * 32), one)
    assert other.rank(demand(WHOLE)).fitting == 1
    taken = demand(WHOLE)
    await reservations.reserve(taken, messages.RESERVED)
    await until(lambda: other.rank(demand()).fitting == 0)
    await reservations.release(taken.vm_id, messages.RELEASED)
    await until(lambda: other.rank(demand(WHOLE)).fitting == 1)


async def test_what_the_filters_see_is_read_anew_before_the_next_choice_here_and_there(scheduler, pair):
    one, other = pair
    nodes = Nodes(scheduler.database, NodeStore(), PageTokens(b"k" * 32), Ratios(), 3600, one)
    await nodes.drain("n1", messages.NODE, undo=False)
    await one.fresh()
    assert one.rank(demand()).removed_by_filter == {"maintenance": 1}

    async def seen():
        await other.fresh()
        return other.rank(demand()).removed_by_filter == {"maintenance": 1}

    await eventually(seen)


async def test_what_is_new_of_a_node_by_its_heartbeat_is_told_and_what_is_not_new_is_not(scheduler, pair, redis):
    one, other = pair
    nodes = Nodes(scheduler.database, NodeStore(), PageTokens(b"k" * 32), Ratios(), 3600, one)

    async def beat(name, **said):
        await nodes.heartbeat(messages.heartbeat(scheduler.heartbeat(name, **said)), name)

    async def sees(fitting):
        async def seen():
            await other.fresh()
            return other.rank(demand()).fitting == fitting

        await eventually(seen)

    await beat("n1", taints=[Taint(key="dedicated", value="db")])
    await sees(0)
    await beat("n2")
    await sees(1)
    async with redis.pubsub(ignore_subscribe_messages=True) as listening:
        await listening.subscribe("novacron:scheduler:nodes")
        await listening.get_message(timeout=0.2)
        await beat("n2")
        ((node_id,),) = await scheduler.rows("SELECT id FROM nodes WHERE name = 'n2'")
        one.learn(Left(node_id, WHOLE, WHOLE))
        heard = await listening.get_message(timeout=5)
    assert list(json.loads(heard["data"])["nodes"]) == [str(node_id)]


async def test_a_crowd_of_changes_is_a_few_words(pair, redis, scheduler):
    one, other = pair
    (node_id,) = [row[0] for row in await scheduler.rows("SELECT id FROM nodes")]
    heard = []
    async with redis.pubsub() as listening:
        await listening.subscribe("novacron:scheduler:nodes")
        for cpu in range(1, 9):
            one.learn(Left(node_id, WHOLE, Resources(cpu)))
        await until(lambda: other.rank(demand()).fitting == 0)
        while message := await listening.get_message(timeout=0.2):
            heard += [message] if message["type"] == "message" else []
    assert len(heard) == 1


async def test_who_is_told_reads_more_seldom_and_as_often_as_ever_once_nobody_tells(scheduler, valkey, fault_proxy):
    await scheduler.beat("n1")
    wire = await fault_proxy(urlsplit(valkey.url()).port)
    url = valkey.url().replace(f":{urlsplit(valkey.url()).port}", f":{wire.port}")
    redis = redis_client.Redis.from_url(url, socket_connect_timeout=1.0)
    async with another(scheduler, redis, "b", fresh_seconds=0.05) as inventory:
        await until(lambda: inventory.told)
        wire.add(HalfOpen())
        await until(lambda: not inventory.told, within=20)
        await scheduler.reserve(uuid4(), resources=messages.resources(WHOLE))
        async with asyncio.timeout(10):
            while inventory.rank(demand()).fitting:
                await inventory.fresh()
                await asyncio.sleep(0.01)
    await redis.aclose()


async def test_without_redis_nothing_is_told_and_nothing_waits(scheduler):
    await scheduler.beat("n1")
    async with another(scheduler, None, "a") as inventory:
        assert not inventory.told
        assert inventory.rank(demand()).fitting == 1
