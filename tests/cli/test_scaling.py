"""``novacron scaling`` against the scheduler's own servicer."""

from uuid import uuid4

import numpy as np
import pytest

from novacron.api.scheduler.v1 import add_ScalingServiceServicer_to_server
from novacron.clock import SystemClock
from novacron.paging import PageTokens
from novacron_scheduler.__main__ import MIGRATIONS
from novacron_scheduler.clients import MonitoringClient
from novacron_scheduler.reservations import Reservations
from novacron_scheduler.resources import Resources
from novacron_scheduler.scaling.history import HOUR, History
from novacron_scheduler.scaling.recommendation import recommend
from novacron_scheduler.scaling_recommendations import ScalingRecommendations
from novacron_scheduler.scaling_servicer import ScalingServicer
from novacron_scheduler.store import DecisionStore, ReservationStore
from novacron_scheduler.store.scaling import ScalingStore

VM, MADE = uuid4(), uuid4()


@pytest.fixture
async def scaling(novacron, logged_in, servers, new_database):
    """``await scaling("show", ...)``, with one recommendation there already."""
    database, tokens, store = await new_database(*MIGRATIONS), PageTokens(b"k" * 32), ScalingStore()
    reservations = Reservations(database, ReservationStore(), DecisionStore(), tokens)
    nobody = MonitoringClient(servers.as_service(await servers.start("monitoring", []), "scheduler"))
    made = ScalingRecommendations(database, store, tokens, reservations, nobody, SystemClock())
    server = await servers.start("scheduler", [(add_ScalingServiceServicer_to_server, ScalingServicer(made))])
    advised = recommend(
        Resources(8, 8192), History(np.full(24 * 14, 2.4), HOUR), History(np.full(24 * 14, 3000.0), HOUR)
    )
    async with database.connection() as connection:
        await store.keep(connection, MADE, VM, uuid4(), advised)

    async def run(*arguments):
        return await novacron("--endpoint", f"scheduler=127.0.0.1:{server.port}", "scaling", *arguments)

    return run


async def test_a_recommendation_is_shown_listed_and_rated(scaling):
    shown = await scaling("show", str(MADE))
    assert shown.code == 0, shown.err
    lines = dict(line.split(":", 1) for line in shown.out.splitlines() if ":" in line)
    assert lines["cpu"].strip() == "8 -> 3"
    assert lines["memory"].strip() == "8 GiB -> 3.5 GiB"
    assert lines["horizon"].strip() == "24 h"
    assert "It saves 82.86 a month" in " ".join(shown.out.split())
    assert str(VM) in (await scaling("list", "--vm", str(VM))).out
    assert (await scaling("list", "--vm", str(uuid4()), "-o", "json")).json == []
    assert "4 of 5" in (await scaling("feedback", str(MADE), "4")).out


async def test_a_recommendation_is_applied_to_its_vm_by_a_resize(scaling, logged_in):
    vm = logged_in.vms.add("web-1")
    del logged_in.vms.vms[vm.vm_id]
    vm.vm_id = str(VM)
    logged_in.vms.vms[vm.vm_id] = vm
    applied = await scaling("apply", str(MADE), "--restart", "--no-wait", "-o", "json")
    assert applied.code == 0, applied.err
    order = logged_in.vms.requests[-1]
    assert (order.vm_id, order.recommendation_id, order.restart) == (str(VM), str(MADE), True)
    assert (order.cpu_cores, order.memory_mib) == (0, 0), "the recommendation says the size"
    missing = await scaling("apply", str(uuid4()))
    assert missing.code == 3


async def test_what_cannot_be_asked_is_refused(scaling):
    assert (await scaling("feedback", str(MADE), "9")).code == 2
    assert (await scaling("generate", str(VM), "--quantile", "2")).code == 2
    missing = await scaling("generate", str(VM))
    assert missing.code == 3, missing.err
    assert "reservation" in missing.err
