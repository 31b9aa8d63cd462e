"""ListVms: pages by key, tokens that nobody can forge, filters that mean what they say."""

import base64

import pytest

from novacron.api.vm.v1 import CreateTemplateRequest, ListTemplatesRequest, ListVmsRequest, StopVmRequest, VmSpec
from novacron.errors import InvalidArgument


async def listed(house, user=None, **request):
    """Names of all VMs, page by page."""
    names, token = [], ""
    while True:
        page = await house.vms(user).ListVms(ListVmsRequest(**request, page_token=token))
        names += [vm.name for vm in page.vms]
        if not (token := page.next_page_token):
            return names


@pytest.fixture
async def seven(house):
    """Seven VMs: a to g, odd ones of env=prod; the last is stopped."""
    made = [
        await house.create(name=name, tags={"env": "prod" if number % 2 == 0 else "test", "odd key": name})
        for number, name in enumerate("abcdefg")
    ]
    await house.vms().StopVm(StopVmRequest(vm_id=made[-1].vm_id))
    return made


async def test_pages_hold_every_vm_once_and_in_order_though_vms_come_and_go(house, seven):
    assert await listed(house, page_size=3) == list("abcdefg")
    first = await house.vms().ListVms(ListVmsRequest(page_size=3))
    await house.delete(seven[1].vm_id)
    await house.create(name="h")
    second = await house.vms().ListVms(ListVmsRequest(page_size=100, page_token=first.next_page_token))
    assert [vm.name for vm in second.vms] == list("defgh")
    assert await listed(house) == list("acdefgh")
    assert await listed(house, show_deleted=True) == list("abcdefgh")


async def test_a_page_token_is_of_its_list_and_nobody_can_make_one(house, seven):
    token = (await house.vms().ListVms(ListVmsRequest(page_size=2))).next_page_token
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[-1] ^= 1
    forged = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    for user, request in (
        (None, {"page_token": forged}),
        (None, {"page_token": "x"}),
        (None, {"page_token": "ä"}),
        (None, {"page_token": token, "filter": "name = a"}),
        (None, {"page_token": token, "show_deleted": True}),
        (house.someone(), {"page_token": token}),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await house.vms(user).ListVms(ListVmsRequest(**request))
        assert refused.value.message == (
            "page_token: not a token of this list: send the same filter and order as for the page before"
        )


async def test_filters_choose_by_state_node_tenant_name_and_tags(house, seven):
    async def names(text, user=None):
        return "".join(await listed(house, user, filter=text, page_size=2))

    assert await names("state = running") == "abcdef"
    assert await names("state = VM_STATE_STOPPED") == "g"
    assert await names("state != running") == "g"
    assert await names('tags.env = "prod"') == "aceg"
    assert await names('tags.env = prod AND state = running AND name != "a"') == "ce"
    assert await names(f"node_id = {house.host.node_id}") == "abcdefg"
    assert await names(f"tenant_id = {house.user.tenant_id}") == "abcdefg"
    assert await names("name = a*") == "a"
    assert await names("""name = "'; DROP TABLE vms; --" """) == ""
    stranger, admin = house.someone(), house.someone("vm:*", "tenant:any")
    assert await names(f"tenant_id = {house.user.tenant_id}", stranger) == ""
    assert await names(f"tenant_id = {house.user.tenant_id}", admin) == "abcdefg"
    assert await names(f"tenant_id = {stranger.tenant_id}", admin) == ""


async def test_a_bad_filter_is_told_with_what_there_is(house):
    fields = "fields are name, node_id, state, tenant_id, tags.KEY"
    for text, says in (
        ("colour = red", f"filter: no field 'colour'; {fields}"),
        ("state", f"filter: a filter is `field = value`, joined by AND; {fields}"),
        ("state = running OR state = stopped", f"filter: expected AND before 'OR'; {fields}"),
        ("state : running", f"filter: no operator ':'; {fields}"),
        ("tags = x", f"filter: no field 'tags'; {fields}"),
        (
            "state = asleep",
            "filter: state is compared by = or != with one of creating, running, stopped, paused, suspended, "
            "migrating, backing_up, restoring, error, deleted",
        ),
        ("state < running", "filter: state is compared by = or != with one of creating, running"),
        ("name = \0", "a text holds the character NUL"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await house.vms().ListVms(ListVmsRequest(filter=text))
        assert refused.value.message.startswith(says), refused.value.message


async def test_a_page_size_is_within_bounds(house):
    for size in (-1, 1001):
        with pytest.raises(InvalidArgument) as refused:
            await house.vms().ListVms(ListVmsRequest(page_size=size))
        assert refused.value.message == ("page_size: must be greater than or equal to 0 and less than or equal to 1000")


async def test_templates_are_paged_too_and_show_the_tenants_own_and_public_ones(house):
    spec = VmSpec(cpu_cores=1, memory_mib=128, storage_gib=1, base_image="novacron-guest")
    other = house.someone()
    for user, name, public in ((None, "one", False), (other, "two", True), (other, "three", False)):
        await house.templates(user).CreateTemplate(CreateTemplateRequest(name=name, spec=spec, is_public=public))
    first = await house.templates().ListTemplates(ListTemplatesRequest(page_size=1))
    assert [one.name for one in first.templates] == ["one"]
    rest = await house.templates().ListTemplates(ListTemplatesRequest(page_token=first.next_page_token))
    assert [one.name for one in rest.templates] == ["two"]
    assert not rest.next_page_token
