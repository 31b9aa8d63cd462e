"""What a check of a provider finds, and says in words."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from novacron.api.federation.v1 import (
    PROVIDER_HEALTH_DEGRADED,
    PROVIDER_HEALTH_HEALTHY,
    PROVIDER_HEALTH_UNHEALTHY,
    PROVIDER_HEALTH_UNKNOWN,
    CheckProviderHealthRequest,
    DeleteCloudProviderRequest,
    GetCloudProviderRequest,
)
from novacron.errors import DataLoss, DeadlineExceeded, Internal, NotFound, Overloaded
from novacron.testing.patience import eventually

WHY = "is that its address, does it run, and is it the given CA that vouches for it?"


async def check(stub, **named):
    return await stub.CheckProviderHealth(CheckProviderHealthRequest(provider="east"), **named)


async def get(stub):
    return await stub.GetCloudProvider(GetCloudProviderRequest(provider="east"))


@pytest.fixture
def checked(federation, as_user, wanted):
    """``await checked(...)``: registers the other NovaCron like this and returns what a check of it says."""

    async def of(one=federation, **fields):
        stub = as_user(one)
        await stub.CreateCloudProvider(wanted(**fields))
        return await check(stub)

    return of


def answering(error):
    async def answer():
        raise error

    return answer


async def test_another_novacron_that_signs_us_in_and_lists_vms_is_healthy(checked, other, federation, as_user):
    found = await checked()
    assert (found.health_status, found.health_message) == (PROVIDER_HEALTH_HEALTHY, "")
    assert datetime.now(UTC) - found.last_health_check.ToDatetime(UTC) < timedelta(minutes=1)
    assert other.vms.page_sizes == [1]
    assert await get(as_user(federation)) == found


async def test_refused_credentials_are_unhealthy(checked):
    found = await checked(secrets={"password": "wrong"})
    assert found.health_status == PROVIDER_HEALTH_UNHEALTHY
    assert found.health_message == "the login was refused: check username, password and tenant"


async def test_a_user_without_the_permission_there_is_told_which_it_lacks(checked, other, servers):
    other.auth.token = servers.users.add("node:read").token
    found = await checked()
    assert found.health_status == PROVIDER_HEALTH_UNHEALTHY
    assert found.health_message == "this user may not list VMs there: give it the permission vm:read"


async def test_endpoints_of_two_installations_are_found_out(checked, other):
    other.auth.token = "a token that its vm service does not know"
    found = await checked()
    assert found.health_message == (
        "its vm service does not know the token of its auth service: do both endpoints belong to one NovaCron?"
    )


async def test_a_provider_that_is_not_there_is_unhealthy_and_named(checked, other):
    await other.servers[0].stop()
    found = await checked()
    assert found.health_status == PROVIDER_HEALTH_UNHEALTHY
    assert found.health_message == f"{other.auth_endpoint} does not answer: {WHY}"


async def test_a_vm_service_that_is_not_there_is_unhealthy_and_named(checked, other):
    await other.servers[1].stop()
    found = await checked()
    assert found.health_message == f"{other.endpoint} does not answer: {WHY}"


async def test_a_certificate_of_another_ca_is_unhealthy(checked, other, tmp_path):
    from novacron_local.certificates import DevelopmentCA

    found = await checked(secrets={"ca_pem": DevelopmentCA(tmp_path, "testing").certificate_file.read_text()})
    assert found.health_status == PROVIDER_HEALTH_UNHEALTHY
    assert found.health_message == (
        f"the certificate of {other.auth_endpoint} is not signed by the given CA, or is for another name"
    )
    assert other.auth.logins == 0


async def test_swapped_endpoints_are_found_out(checked, other):
    found = await checked(endpoint=other.auth_endpoint, secrets={"auth_endpoint": other.endpoint})
    assert found.health_message == f"{other.endpoint} is no auth service of a NovaCron: is that its address?"


async def test_a_slow_answer_is_degraded(replica, checked, other):
    other.vms.before = lambda: asyncio.sleep(0.3)
    found = await checked(await replica(slow=0.2))
    assert found.health_status == PROVIDER_HEALTH_DEGRADED
    assert found.health_message.startswith("answered in 0.")
    assert found.health_message.endswith("; more than 0.2 s is slow")


async def test_a_provider_that_sheds_load_is_degraded(checked, other):
    other.vms.before = answering(Overloaded("full", retry_after_seconds=1))
    found = await checked()
    assert (found.health_status, found.health_message) == (
        PROVIDER_HEALTH_DEGRADED,
        f"{other.endpoint} is up, but sheds load",
    )


async def test_a_provider_that_never_answers_is_unhealthy_after_its_time(replica, checked, other):
    other.auth.before = asyncio.Event().wait
    found = await checked(await replica(timeout=0.5))
    assert found.health_status == PROVIDER_HEALTH_UNHEALTHY
    assert found.health_message == f"{other.auth_endpoint} did not answer within 0.5 s"


async def test_a_hurried_caller_does_not_make_a_provider_unhealthy(federation, as_user, wanted, other):
    other.auth.before = asyncio.Event().wait
    stub = as_user(federation)
    await stub.CreateCloudProvider(wanted())
    with pytest.raises(DeadlineExceeded):
        await check(stub, timeout=0.5)
    other.auth.before = None
    assert (await get(stub)).health_status == PROVIDER_HEALTH_UNKNOWN


@pytest.mark.parametrize("token", ["", "two\nlines", "tøken"])
async def test_an_answer_without_a_token_is_unhealthy(checked, other, token):
    other.auth.token = token
    found = await checked()
    assert found.health_status == PROVIDER_HEALTH_UNHEALTHY
    assert found.health_message == f"{other.auth_endpoint} answered UNKNOWN"


async def test_what_the_other_side_says_is_never_repeated(checked, other):
    other.vms.before = answering(Internal("we keep your canary-password in our logs"))
    found = await checked()
    assert found.health_message == f"{other.endpoint} answered INTERNAL"


async def test_failures_do_not_keep_federation_from_seeing_a_provider_come_back(checked, other, federation, as_user):
    other.vms.before = answering(Internal("broken"))
    await checked()
    stub = as_user(federation)
    for _ in range(12):
        await check(stub)
    other.vms.before = None
    assert (await check(stub)).health_status == PROVIDER_HEALTH_HEALTHY


async def test_credentials_under_a_lost_key_are_unhealthy_and_not_overwritten(replica, federation, as_user, wanted):
    request = wanted()
    await as_user(federation).CreateCloudProvider(request)
    stranger = as_user(await replica(keys=(bytes(32),)))
    found = await check(stranger)
    assert found.health_status == PROVIDER_HEALTH_UNHEALTHY
    assert found.health_message.startswith("its credentials cannot be opened: a value is sealed under the key ")
    assert found.health_message.endswith("which NOVACRON_KEY_FILE lacks: put that key back")
    with pytest.raises(DataLoss, match="put that key back"):
        await stranger.CreateCloudProvider(request)
    assert (await check(as_user(federation))).health_status == PROVIDER_HEALTH_HEALTHY


async def test_a_provider_deleted_while_it_is_asked_is_not_found_and_stays_deleted(
    federation, as_user, wanted, other, database
):
    stub, request, asked, go_on = as_user(federation), wanted(), asyncio.Event(), asyncio.Event()

    async def hold():
        asked.set()
        await go_on.wait()

    other.auth.before = hold
    await stub.CreateCloudProvider(request)
    checking = asyncio.create_task(check(stub))
    await asked.wait()
    await stub.DeleteCloudProvider(DeleteCloudProviderRequest(provider_id=request.provider_id))
    await stub.CreateCloudProvider(request)  # another provider under the same id: not the one that was asked
    go_on.set()
    with pytest.raises(NotFound):
        await checking
    assert (await get(stub)).health_status == PROVIDER_HEALTH_UNKNOWN


async def test_the_background_checks_a_new_provider_at_once_and_again_after_its_interval(
    replica, as_user, wanted, other
):
    federation = await replica(every=0.2)
    stub = as_user(federation)
    await stub.CreateCloudProvider(wanted())
    await federation.checker.start()

    async def is_(health):
        return (await get(stub)).health_status == health

    await eventually(lambda: is_(PROVIDER_HEALTH_HEALTHY))
    other.vms.before = answering(Internal("broken"))
    await eventually(lambda: is_(PROVIDER_HEALTH_UNHEALTHY))
    await federation.checker.stop()


async def test_replicas_ask_each_provider_once_and_a_disabled_one_never(replica, as_user, wanted, other, database):
    replicas = [await replica(every=3600) for _ in range(3)]
    stub = as_user(replicas[0])
    for number in range(6):
        await stub.CreateCloudProvider(wanted(name=f"p{number}"))
    async with database.connection() as connection:
        await connection.execute("UPDATE cloud_providers SET enabled = false WHERE name = 'p0'")
    for _ in range(2):
        await asyncio.gather(*(one.checker.turn() for one in replicas))
    assert other.auth.logins == 5


async def test_one_provider_in_trouble_does_not_keep_the_others_from_being_checked(
    replica, as_user, wanted, other, database
):
    federation = await replica(every=3600)
    stub = as_user(federation)
    await stub.CreateCloudProvider(wanted(name="broken"))
    await stub.CreateCloudProvider(wanted(name="east"))
    async with database.connection() as connection:
        await connection.execute("UPDATE cloud_providers SET credentials_encrypted = 'v1.x.y' WHERE name = 'broken'")
    await federation.checker.turn()
    assert (await get(stub)).health_status == PROVIDER_HEALTH_HEALTHY
