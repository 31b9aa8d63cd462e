"""What ``drivers/driver.py`` promises, held to every driver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from novacron.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Unavailable
from novacron_agent.drivers.driver import DomainSpec, Driver, PowerState
from novacron_agent.drivers.naming import mac_address
from novacron_agent.drivers.transfer import FileBegins, Piece

SpecOf = Callable[..., DomainSpec]
Eventually = Callable[..., Awaitable[Any]]


async def console_of(driver: Driver, spec_id: object) -> str:
    return (await driver.console(spec_id, offset=0, limit=1 << 20)).decode(errors="replace")  # type: ignore[arg-type]


async def speaks(driver: Driver, spec: DomainSpec, eventually: Eventually) -> str:
    """The console of a new VM, in which its guest has said its name and the address that the driver knows too."""
    log: str = await eventually(lambda: console_of(driver, spec.vm_id), lambda text: "NovaCron guest" in text)
    assert f"NovaCron guest {spec.name} is up at " in log
    known = await eventually(lambda: driver.get(spec.vm_id), lambda domain: domain.ip_address is not None)
    assert known.ip_address in await console_of(driver, spec.vm_id)
    return log


one_more_boot = pytest.mark.one_more_boot


@one_more_boot  # a reboot asks both of its boots
@pytest.mark.parametrize("image", ["novacron-guest", "novacron-guest-direct"])
async def test_a_created_vm_runs_and_its_guest_says_so_on_the_console(
    driver: Driver, image: str, spec_of: SpecOf, eventually: Eventually
) -> None:
    spec = spec_of("web-1", base_image=image)

    created = await driver.create(spec)

    assert created.vm_id == spec.vm_id
    assert (created.name, created.vcpus, created.memory_mib, created.disk_gib) == ("web-1", 1, 128, 1)
    assert created.base_image == image
    assert created.power_state is PowerState.RUNNING
    assert created.mac_address == mac_address(spec.vm_id)
    await speaks(driver, spec, eventually)


async def test_creating_the_same_vm_again_returns_the_one_there_is(driver: Driver, spec_of: SpecOf) -> None:
    spec = spec_of(user_data="#cloud-config\n{}\n", labels={"tier": "web"})
    first = await driver.create(spec)

    again = await driver.create(replace(spec))

    assert replace(again, ip_address=None) == replace(first, ip_address=None)
    assert [domain.vm_id for domain in await driver.list()] == [spec.vm_id]


async def test_creates_of_one_vm_that_race_make_one_domain(driver: Driver, spec_of: SpecOf) -> None:
    spec = spec_of()

    answers = await asyncio.gather(*(driver.create(spec) for _ in range(4)))

    assert len({answer.created_at for answer in answers}) == 1
    assert len(await driver.list()) == 1


async def test_the_same_id_with_another_spec_is_refused_and_changes_nothing(driver: Driver, spec_of: SpecOf) -> None:
    spec = spec_of()
    before = await driver.create(spec)

    for change in ({"memory_mib": 256}, {"name": "other"}, {"user_data": "#!/bin/sh\n"}, {"labels": {"tier": "db"}}):
        with pytest.raises(AlreadyExists, match="another specification"):
            await driver.create(replace(spec, **change))  # type: ignore[arg-type]

    assert replace(await driver.get(spec.vm_id), ip_address=before.ip_address) == before


async def test_an_image_that_the_host_lacks_is_not_found_and_the_message_says_which_it_has(
    driver: Driver, spec_of: SpecOf
) -> None:
    with pytest.raises(NotFound, match=r'base image "debian-99" not found.*novacron-guest, novacron-guest-direct'):
        await driver.create(spec_of(base_image="debian-99"))

    assert await driver.list() == []


@pytest.mark.parametrize("field", ["vcpus", "memory_mib", "disk_gib"])
async def test_a_domain_larger_than_the_host_is_refused_by_the_field_at_fault(
    driver: Driver, field: str, spec_of: SpecOf
) -> None:
    for value in (0, 1 << 30):
        with pytest.raises(InvalidArgument) as refused:
            await driver.create(spec_of(**{field: value}))
        assert refused.value.violations[0].field == f"spec.{field}"

    assert await driver.list() == []


async def test_deleting_twice_says_the_second_time_that_nothing_was_there(driver: Driver, spec_of: SpecOf) -> None:
    spec = spec_of()
    await driver.create(spec)

    assert await driver.delete(spec.vm_id) is True
    assert await driver.delete(spec.vm_id) is False

    with pytest.raises(NotFound):
        await driver.get(spec.vm_id)
    with pytest.raises(NotFound):
        await driver.console(spec.vm_id, offset=0, limit=10)


async def test_what_is_not_there_is_not_found_by_every_operation(driver: Driver, spec_of: SpecOf) -> None:
    nobody = uuid4()
    for operation in (
        driver.get(nobody),
        driver.start(nobody),
        driver.stop(nobody, grace_seconds=0),
        driver.reboot(nobody, grace_seconds=0),
        driver.resize(spec_of(vm_id=nobody)),
        driver.console(nobody, offset=0, limit=1),
    ):
        with pytest.raises(NotFound, match=str(nobody)):
            await operation


@one_more_boot  # a graceful reboot is one too
async def test_a_graceful_stop_lets_the_guest_power_itself_off(
    driver: Driver, spec_of: SpecOf, eventually: Eventually
) -> None:
    spec = spec_of()
    await driver.create(spec)
    await eventually(lambda: console_of(driver, spec.vm_id), lambda text: "is up at" in text)

    stopped = await driver.stop(spec.vm_id, grace_seconds=120)

    assert stopped.power_state is PowerState.STOPPED
    assert stopped.ip_address is None
    assert "Power down" in await console_of(driver, spec.vm_id)
    assert (await driver.stop(spec.vm_id, grace_seconds=120)).power_state is PowerState.STOPPED


@one_more_boot  # a resize does both, and a whole stack to a guest that is up
async def test_a_stop_without_grace_pulls_the_plug_and_a_start_boots_again(
    driver: Driver, spec_of: SpecOf, eventually: Eventually
) -> None:
    spec = spec_of()
    await driver.create(spec)

    stopped = await driver.stop(spec.vm_id, grace_seconds=0)
    assert stopped.power_state is PowerState.STOPPED
    assert "Power down" not in await console_of(driver, spec.vm_id)
    before = len(await console_of(driver, spec.vm_id))

    started = await driver.start(spec.vm_id)
    assert started.power_state is PowerState.RUNNING
    assert (await driver.start(spec.vm_id)).power_state is PowerState.RUNNING
    log = await eventually(lambda: console_of(driver, spec.vm_id), lambda text: "is up at" in text[before:])
    assert "NovaCron guest web-1 is up at" in log[before:]


async def test_a_reboot_leaves_it_running_and_keeps_the_console_log(
    driver: Driver, spec_of: SpecOf, eventually: Eventually
) -> None:
    spec = spec_of("web-1")
    created = await driver.create(spec)
    assert (created.name, created.power_state) == ("web-1", PowerState.RUNNING)
    first = await speaks(driver, spec, eventually)

    assert (await driver.reboot(spec.vm_id, grace_seconds=120)).power_state is PowerState.RUNNING

    both = await eventually(lambda: console_of(driver, spec.vm_id), lambda text: text.count("is up at") == 2)
    assert both.startswith(first)


async def test_a_vm_that_is_off_cannot_be_rebooted(driver: Driver, spec_of: SpecOf) -> None:
    spec = spec_of()
    await driver.create(spec)
    await driver.stop(spec.vm_id, grace_seconds=0)

    with pytest.raises(FailedPrecondition, match="not running"):
        await driver.reboot(spec.vm_id, grace_seconds=0)


async def test_a_vm_that_is_off_is_resized_and_boots_from_its_disk_at_its_new_size(
    driver: Driver, spec_of: SpecOf, eventually: Eventually
) -> None:
    spec = spec_of(user_data="#cloud-config\n{}\n")
    made = await driver.create(spec)
    await driver.stop(spec.vm_id, grace_seconds=0)
    before = await console_of(driver, spec.vm_id)
    larger = spec.sized(2, 192)

    resized = await driver.resize(larger)

    assert (resized.vcpus, resized.memory_mib, resized.power_state) == (2, 192, PowerState.STOPPED)
    assert (resized.created_at, resized.mac_address) == (made.created_at, made.mac_address)
    await driver.start(spec.vm_id)
    after = await eventually(lambda: console_of(driver, spec.vm_id), lambda text: "is up at" in text[len(before) :])
    assert after.startswith(before)
    assert (await driver.resize(larger)).power_state is PowerState.RUNNING, "it has that size already"
    assert (await driver.create(larger)).vcpus == 2, "and is that domain from now on"
    await driver.stop(spec.vm_id, grace_seconds=0)
    assert (await driver.resize(spec)).memory_mib == 128


async def test_a_resize_of_what_runs_or_differs_in_more_than_its_size_or_is_too_large_changes_nothing(
    driver: Driver, spec_of: SpecOf
) -> None:
    spec = spec_of()
    await driver.create(spec)
    with pytest.raises(FailedPrecondition, match="stop it before it is resized"):
        await driver.resize(spec.sized(2, 128))
    await driver.stop(spec.vm_id, grace_seconds=0)
    with pytest.raises(AlreadyExists, match="only its size can be changed"):
        await driver.resize(replace(spec, vcpus=2, user_data="#!/bin/sh\n"))
    with pytest.raises(InvalidArgument, match="this host has"):
        await driver.resize(spec.sized(1 << 20, 128))

    assert ((await driver.get(spec.vm_id)).vcpus, (await driver.get(spec.vm_id)).memory_mib) == (1, 128)


async def test_running_domains_have_figures_and_stopped_ones_have_none(
    driver: Driver, spec_of: SpecOf, eventually: Eventually
) -> None:
    busy, idle = spec_of("busy"), spec_of("idle")
    await driver.create(busy)
    await driver.create(idle)
    await driver.stop(idle.vm_id, grace_seconds=0)

    async def sample() -> object:
        return await driver.stats()

    samples = await eventually(sample, lambda found: found and found[0].cpu_usage_percent is not None)  # type: ignore

    assert [figures.vm_id for figures in samples] == [busy.vm_id]  # type: ignore[attr-defined]
    figures = samples[0]  # type: ignore[index]
    assert 0 <= figures.cpu_usage_percent <= 100
    assert figures.memory_usage_bytes > 0
    assert figures.disk_usage_bytes > 0
    assert figures.time.tzinfo is not None


@one_more_boot
async def test_the_console_can_be_read_in_pieces(driver: Driver, spec_of: SpecOf, eventually: Eventually) -> None:
    spec = spec_of()
    await driver.create(spec)
    await eventually(lambda: console_of(driver, spec.vm_id), lambda text: "is up at" in text)
    await driver.stop(spec.vm_id, grace_seconds=0)
    whole = await driver.console(spec.vm_id, offset=0, limit=1 << 20)

    pieces = b""
    while piece := await driver.console(spec.vm_id, offset=len(pieces), limit=37):
        assert len(piece) <= 37
        pieces += piece

    assert pieces == whole
    assert await driver.console(spec.vm_id, offset=len(whole) + 10, limit=37) == b""


async def test_a_create_whose_caller_goes_away_is_carried_out_before_the_delete_that_follows(
    driver: Driver, spec_of: SpecOf
) -> None:
    spec = spec_of()
    create = asyncio.create_task(driver.create(spec))
    await asyncio.sleep(0)
    create.cancel()

    assert await driver.delete(spec.vm_id) is True

    assert await driver.list() == []


async def test_a_restarted_agent_finds_what_it_left(
    make_driver: Callable[[], Driver], driver: Driver, spec_of: SpecOf
) -> None:
    running, off = spec_of("running"), spec_of("off")
    await driver.create(running)
    await driver.create(off)
    await driver.stop(off.vm_id, grace_seconds=0)
    await driver.close()

    await driver.open()

    states = {domain.name: domain.power_state for domain in await driver.list()}
    assert states == {"running": PowerState.RUNNING, "off": PowerState.STOPPED}


async def test_the_host_names_its_images_its_size_and_itself(driver: Driver) -> None:
    capacity = await driver.capacity()

    assert min(capacity.vcpus, capacity.memory_mib, capacity.disk_gib) > 0
    assert set(await driver.images()) >= {"novacron-guest", "novacron-guest-direct"}
    assert driver.hypervisor_type == "kvm"
    assert driver.description


async def exported(driver: Driver, vm_id: Any, known: Any = frozenset()) -> list[Piece]:
    return [piece async for piece in driver.export(vm_id, known)]


async def sent(pieces: list[Piece]) -> AsyncIterator[Piece]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    ("image", "has_the_image"),
    [
        pytest.param("novacron-guest", False, id="bases brought along"),
        pytest.param("novacron-guest-direct", True, id="known bases", marks=one_more_boot),
    ],
)
async def test_a_vm_that_was_sent_over_is_the_same_vm_and_runs(
    driver: Driver, image: str, has_the_image: bool, spec_of: SpecOf, eventually: Eventually
) -> None:
    spec = spec_of("web-1", base_image=image)
    made = await driver.create(spec)
    await driver.stop(spec.vm_id, grace_seconds=0)
    known = frozenset(await driver.base_digests(image)) if has_the_image else frozenset()
    pieces = await exported(driver, spec.vm_id, known)
    before = await console_of(driver, spec.vm_id)
    await driver.delete(spec.vm_id)

    arrived = await driver.receive(spec, sent(pieces))

    assert arrived.power_state is PowerState.STOPPED
    assert replace(arrived, power_state=made.power_state, ip_address=made.ip_address) == made
    assert await console_of(driver, spec.vm_id) == before
    assert await driver.receive(spec, sent([])) == arrived, "and it comes once"
    if image == "novacron-guest-direct":  # the other's disk names another base file now
        assert await exported(driver, spec.vm_id, known) == pieces
    await driver.start(spec.vm_id)
    await eventually(lambda: console_of(driver, spec.vm_id), lambda text: "is up at" in text[len(before) :])


async def test_a_copy_that_was_damaged_or_broke_off_leaves_nothing(driver: Driver, spec_of: SpecOf) -> None:
    spec = spec_of()
    await driver.create(spec)
    await driver.stop(spec.vm_id, grace_seconds=0)
    pieces = await exported(driver, spec.vm_id)
    await driver.delete(spec.vm_id)
    first = next(number for number, piece in enumerate(pieces) if isinstance(piece, bytes))
    changed = bytes([pieces[first][0] ^ 1]) + pieces[first][1:]  # type: ignore[index,operator]

    for damaged, says in (
        ([*pieces[:first], changed, *pieces[first + 1 :]], "is not what its host sent"),
        (pieces[: first + 1], "broke off"),
        ([*pieces[: first + 1], FileBegins("disk", 1)], "broke off"),
    ):
        with pytest.raises(Unavailable, match=says):
            await driver.receive(spec, sent(damaged))
        assert await driver.list() == []
    assert (await driver.receive(spec, sent(pieces))).vm_id == spec.vm_id


async def test_a_running_vm_is_not_sent_and_another_spec_is_not_received(driver: Driver, spec_of: SpecOf) -> None:
    spec = spec_of()
    await driver.create(spec)
    with pytest.raises(FailedPrecondition, match="stop it before it is moved"):
        await exported(driver, spec.vm_id)
    with pytest.raises(NotFound):
        await exported(driver, uuid4())
    with pytest.raises(AlreadyExists, match="another specification"):
        await driver.receive(replace(spec, memory_mib=256), sent([]))
