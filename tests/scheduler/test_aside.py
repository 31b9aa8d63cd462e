"""A look at thousands of nodes keeps nobody else waiting."""

import asyncio
import threading

from novacron_scheduler.aside import aside


async def test_others_go_on_during_a_look_at_many_nodes():
    heard = threading.Event()
    looking = asyncio.create_task(aside(range(10_000), heard.wait, timeout=10))
    await asyncio.sleep(0)
    assert not looking.done()
    heard.set()
    assert await looking


async def test_a_look_at_few_nodes_is_worth_no_thread():
    assert await aside(range(10), threading.get_ident) == threading.get_ident()
