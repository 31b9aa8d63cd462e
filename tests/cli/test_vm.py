"""The other `novacron vm` commands."""

import asyncio
import json

import yaml

from novacron.api.vm.v1 import VM_STATE_RUNNING, VM_STATE_STOPPED
from novacron.errors import Unavailable


async def test_a_list_is_a_table_for_people(novacron, logged_in):
    logged_in.vms.add("web-1")
    logged_in.vms.add("db-1", VM_STATE_STOPPED)
    result = await novacron("vm", "list")
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "web-1", "db-1"]
    assert "host-1" in lines[1]
    assert all(line == line.rstrip() for line in lines)


async def test_a_list_is_an_array_with_the_protos_names_for_programs(novacron, logged_in):
    vm = logged_in.vms.add("web-1", display_name="Größe ☃")
    for output, parse in (("json", json.loads), ("yaml", yaml.safe_load)):
        (found,) = parse((await novacron("vm", "list", "--output", output)).out)
        assert found["vm_id"] == vm.vm_id
        assert found["state"] == "VM_STATE_RUNNING"
        assert found["display_name"] == "Größe ☃"
        assert found["spec"]["memory_mib"] == "2048"
        assert found["error"] == ""  # a field is there whether or not it says something


async def test_an_empty_list_is_headings_or_an_empty_array(novacron, logged_in):
    assert (await novacron("vm", "list")).out.startswith("NAME")
    assert (await novacron("vm", "list", "-o", "json")).json == []


async def test_a_list_reads_every_page_unless_it_is_limited(novacron, logged_in):
    for number in range(1100):
        logged_in.vms.add(f"vm-{number}")
    assert len((await novacron("vm", "list", "-o", "json")).json) == 1100
    result = await novacron("vm", "list", "-o", "json", "--limit", "7")
    assert len(result.json) == 7
    assert "--limit" in result.err


async def test_the_filters_of_a_list_become_one_expression(novacron, logged_in):
    command = ("vm", "list", "--state", "running", "--node", "host-1", "--tag", "env=prod", "--filter", "name != db*")
    assert (await novacron(*command)).code == 0
    node_id = logged_in.nodes.node.node_id
    expected = f'state = "running" AND node_id = "{node_id}" AND tags.env = "prod" AND name != db*'
    assert logged_in.vms.requests[-1].filter == expected


async def test_a_vm_is_named_by_its_name_or_its_id(novacron, logged_in):
    vm = logged_in.vms.add("web-1")
    by_name, by_id = await novacron("vm", "show", "web-1"), await novacron("vm", "show", vm.vm_id)
    assert by_name.out == by_id.out
    fields = dict(line.split(":", 1) for line in by_name.out.splitlines())
    assert fields["state"].strip() == "running"
    assert fields["memory"].strip() == "2 GiB"
    assert "error" not in fields


async def test_an_unknown_name_is_not_found(novacron, logged_in):
    for name in ("web-1", "01890a5d-ac96-774b-bcce-b302099a8057"):
        result = await novacron("vm", "show", name)
        assert (result.code, result.out) == (3, "")
        assert f"vm {name} not found" in result.err
        assert "novacron vm list" in result.err


async def test_a_name_that_two_tenants_have_is_refused_with_both_ids(novacron, logged_in):
    first, second = logged_in.vms.add("web-1"), logged_in.vms.add("web-1")
    result = await novacron("vm", "delete", "web-1")
    assert result.code == 2
    assert first.vm_id in result.err
    assert second.vm_id in result.err
    assert [first.state, second.state] == [VM_STATE_RUNNING] * 2


async def test_start_stop_reboot_and_delete_wait_for_their_sagas(novacron, logged_in):
    logged_in.vms.add("web-1")
    for command, state in (("stop", "STOPPED"), ("start", "RUNNING"), ("reboot", "RUNNING"), ("delete", "DELETED")):
        result = await novacron("vm", command, "web-1", "-o", "json")
        assert result.code == 0, result.err
        assert result.json["state"] == f"VM_STATE_{state}"
        assert result.json["saga_id"] == ""
        assert "power: ok" in result.err


async def test_a_resize_asks_for_what_was_said_and_says_what_came_of_it(novacron, logged_in):
    logged_in.vms.add("web-1", VM_STATE_STOPPED)
    result = await novacron("vm", "resize", "web-1", "--cpu", "4", "--memory", "8G", "--restart", "-o", "json")
    assert result.code == 0, result.err
    asked = logged_in.vms.requests[-1]
    assert (asked.cpu_cores, asked.memory_mib, asked.restart, bool(asked.request_id)) == (4, 8192, True, True)
    assert result.json["state"] == "VM_STATE_STOPPED"
    assert "power: ok" in result.err
    nothing = await novacron("vm", "resize", "web-1")
    assert nothing.code == 2
    assert "nothing is asked for" in nothing.err


async def test_what_needs_no_saga_is_done_at_once(novacron, logged_in):
    logged_in.vms.add("web-1")
    result = await novacron("vm", "start", "web-1", "-o", "json")
    assert result.json["state"] == "VM_STATE_RUNNING"


async def test_the_grace_of_a_stop_is_passed_on_and_zero_is_not_nothing(novacron, logged_in):
    logged_in.vms.add("web-1")
    await novacron("vm", "stop", "web-1", "--grace", "0", "--no-wait")
    await novacron("vm", "reboot", "web-1", "--no-wait")
    stop, reboot = (one for one in logged_in.vms.requests if hasattr(one, "grace_seconds"))
    assert stop.HasField("grace_seconds")
    assert stop.grace_seconds == 0
    assert not reboot.HasField("grace_seconds")
    assert reboot.request_id


async def test_an_operation_that_was_undone_fails_although_the_vm_is_where_it_was(novacron, logged_in):
    logged_in.vms.add("web-1", tags={"fails": "yes"})
    result = await novacron("vm", "reboot", "web-1")
    assert (result.code, result.out) == (7, "")
    assert "reboot-vm of web-1 failed: power: the host says no" in result.err


async def test_a_watch_shows_every_transition_and_goes_on_after_a_break(novacron, logged_in):
    vm = logged_in.vms.add("web-1")
    logged_in.vms.breaks = [Unavailable("the server is draining")]
    process = await novacron.start("vm", "watch", "web-1", "-o", "json")
    async with asyncio.timeout(30):
        first = json.loads(await process.stdout.readline())
        assert (await novacron("vm", "delete", "web-1")).code == 0
        second = json.loads(await process.stdout.readline())
        await process.communicate()
    assert process.returncode == 0
    assert (first["to_state"], second["to_state"]) == ("VM_STATE_RUNNING", "VM_STATE_DELETED")
    assert second["vm"]["vm_id"] == vm.vm_id


async def test_a_watch_for_people_is_a_line_a_transition(novacron, logged_in):
    logged_in.vms.add("web-1")
    await novacron("vm", "delete", "web-1")
    result = await novacron("vm", "watch", "web-1")
    assert result.code == 3  # to a name, what is deleted is gone
    vm_id = next(iter(logged_in.vms.vms))
    lines = (await novacron("vm", "watch", vm_id)).out.splitlines()
    assert [line[21:] for line in lines] == ["running", "running -> deleted  delete-vm"]


async def test_the_console_is_shown_byte_for_byte(novacron, logged_in):
    logged_in.vms.add("web-1")
    logged_in.vms.console = b"\x1b[1mbooting\r\n\xff\xfe and on and on\r\n"
    process = await novacron.start("vm", "console", "web-1")
    out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, logged_in.vms.console, b"")


async def test_a_followed_console_goes_on_until_ctrl_c(novacron, logged_in, interrupt):
    logged_in.vms.add("web-1")
    logged_in.vms.console = b"booting\r\n"
    process = await novacron.start("vm", "console", "web-1", "-f")
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"booting\r\n"
        logged_in.vms.console += b"login:\r\n"
        assert await process.stdout.readline() == b"login:\r\n"
    result = await interrupt(process)
    assert result.code == 130
    assert "Traceback" not in result.err


async def test_what_users_wrote_cannot_steer_the_terminal(novacron, logged_in):
    logged_in.vms.add("web-1", display_name="\x1b]0;owned\x07", error="line\x1b[2Jtwo")
    result = await novacron("vm", "show", "web-1")
    assert "\x1b" not in result.out
    assert "\\x1b[2J" in result.out


async def test_neither_can_the_reason_of_a_failure(novacron, logged_in):
    logged_in.vms.add("web-1", error="\x1b[2Jboo", tags={"fails": "yes"})
    logged_in.sagas.anonymous = True
    result = await novacron("vm", "stop", "web-1")
    assert result.code == 7
    assert "\x1b" not in result.err
    assert "\\x1b[2Jboo" in result.err


async def test_a_start_for_which_there_is_no_room_has_the_exit_code_of_that(novacron, logged_in):
    vm = logged_in.vms.add("batch-1", VM_STATE_STOPPED, tags={"fails": "yes"})
    vm.displaced_at.GetCurrentTime()
    result = await novacron("vm", "start", "batch-1")
    assert result.code == 5
    assert "failed: reserve: no node takes it" in result.err


async def test_one_that_gave_way_is_told_from_one_that_is_stopped_and_why_tells_who_made_it(novacron, logged_in):
    vm = logged_in.vms.add("batch-1", VM_STATE_STOPPED)
    vm.displaced_at.GetCurrentTime()
    assert "stopped, gave way" in (await novacron("vm", "list")).out
    assert "gave way" in (await novacron("vm", "show", "batch-1")).out
    told = await novacron("vm", "why", "batch-1")
    assert "host-1: preempts batch-1 (priority 0), as the policy urgent lets priority 10 do" in told.out
    assert "host-1 2.50" in told.out
