"""`novacron vm create`: the saga's steps while it waits, and what a failure says."""

import asyncio
from uuid import uuid4

from novacron.api.vm.v1 import VM_STATE_DELETED
from novacron.errors import Unavailable

SIZE = ("--cpu", "2", "--memory", "2G", "--disk", "20G")


async def test_a_create_shows_every_step_on_stderr_and_the_vm_on_stdout(novacron, logged_in):
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "debian-12", "--tag", "env=prod")
    assert result.code == 0, result.err
    positions = [result.err.index(f"{step}: ok (0.50 s)") for step in ("reserve", "provision", "monitor", "activate")]
    assert positions == sorted(positions)
    heading, row = result.out.splitlines()
    assert heading.split() == ["NAME", "STATE", "NODE", "ADDRESS", "CPU", "MEMORY", "DISK", "AGE", "ID"]
    assert row.startswith("web-1 ")
    for cell in ("running", "host-1", "10.0.0.7", "2 GiB", "20 GiB"):
        assert cell in row
    request = logged_in.vms.requests[0]
    assert (request.spec.cpu_cores, request.spec.memory_mib, request.spec.storage_gib) == (2, 2048, 20)
    assert request.return_immediately
    assert dict(request.tags) == {"env": "prod"}


async def test_groups_are_asked_for_by_name(novacron, logged_in):
    group = ("--group", "web", "--group", "front")
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "debian-12", *group, "-o", "json")
    assert result.json["spec"]["groups"] == ["web", "front"]
    assert list(logged_in.vms.requests[0].spec.groups) == ["web", "front"]


async def test_a_priority_is_asked_for_and_an_absent_one_is_the_templates(novacron, logged_in):
    create = ("vm", "create", "web-1", *SIZE, "--image", "debian-12")
    assert (await novacron(*create, "--priority", "-5", "-o", "json")).json["spec"]["priority"] == -5
    await novacron(*create, "--priority", "0", "--no-wait")
    await novacron(*create, "--no-wait")
    assert [one.spec.HasField("priority") for one in logged_in.vms.requests] == [True, True, False]
    assert (await novacron(*create, "--priority", "1001")).code == 2


async def test_for_programs_a_create_is_one_object(novacron, logged_in):
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "debian-12", "-o", "json")
    assert result.json["state"] == "VM_STATE_RUNNING"
    assert result.json["ip_address"] == "10.0.0.7"


async def test_no_wait_answers_while_the_saga_has_not_begun_a_step(novacron, logged_in):
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "debian-12", "--no-wait", "-o", "json")
    assert result.json["state"] == "VM_STATE_CREATING"
    assert result.err == ""


async def test_the_same_id_again_attaches_to_the_first_create(novacron, logged_in):
    command = ("vm", "create", "web-1", *SIZE, "--image", "debian-12", "--id", str(uuid4()), "-o", "json")
    first, second = await novacron(*command), await novacron(*command)
    assert first.json == second.json
    assert len(logged_in.vms.vms) == 1


async def test_a_failed_step_is_told_with_its_undoing_and_the_way_to_read_more(novacron, logged_in):
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "broken")
    assert (result.code, result.out) == (7, "")
    assert "provision: the agent did not answer" in result.err
    assert "provision, attempt 2: the host has no image nosuch" in result.err
    assert "undo provision: ok" in result.err
    assert "undo reserve: ok" in result.err
    assert "nothing is left behind" in result.err
    assert "novacron vm delete web-1" in result.err
    assert f"novacron saga show {logged_in.vms.requests[0].vm_id}" in result.err


async def test_a_full_cluster_has_its_own_exit_code_and_advice(novacron, logged_in):
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "full")
    assert (result.code, result.out) == (5, "")
    assert "no node fits" in result.err
    assert "novacron node list" in result.err


async def test_a_stuck_saga_does_not_claim_that_nothing_is_left_behind(novacron, logged_in):
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "stuck")
    assert result.code == 7
    assert "stuck" in result.err
    assert "nothing is left" not in result.err


async def test_who_may_not_read_sagas_sees_the_vms_transitions_instead(novacron, installation):
    installation.auth.passwords["", "bob"] = ("bob's own", ("vm:*",))
    await novacron("login", "bob", "--password-file", "-", typed="bob's own")
    installation.vms.silent = True
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "debian-12", "-o", "json")
    assert result.code == 0, result.err
    assert result.json["state"] == "VM_STATE_RUNNING"
    assert "running: created" in result.err
    result = await novacron("vm", "create", "web-2", *SIZE, "--image", "full")
    assert result.code == 5
    assert "no node fits" in result.err


async def test_a_service_that_goes_away_during_the_wait_is_waited_for(novacron, logged_in):
    logged_in.sagas.refusals = [Unavailable("the server is draining")] * 11  # enough for a breaker to open
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "debian-12", "-o", "json")
    assert result.code == 0, result.err
    assert result.json["state"] == "VM_STATE_RUNNING"


async def test_a_vm_that_was_deleted_while_it_was_created_is_no_success(novacron, logged_in):
    vms = logged_in.vms
    vms._created = lambda saga: vms._moved(vms.vms[saga.saga_id], 0, VM_STATE_DELETED, "deleted")
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "broken")
    assert result.code == 7


async def test_ctrl_c_says_that_the_create_goes_on(novacron, logged_in, interrupt):
    logged_in.sagas.answering.clear()
    process = await novacron.start("vm", "create", "web-1", *SIZE, "--image", "debian-12")
    async with asyncio.timeout(30):
        await logged_in.sagas.asked.wait()
    result = await interrupt(process)
    assert result.code == 130
    assert "novacron vm watch web-1" in result.err
    assert "Traceback" not in result.err


async def test_bad_fields_are_told_one_by_one_with_their_paths(novacron, logged_in):
    long = "k" * 200
    result = await novacron("vm", "create", "Web_1", *SIZE, "--image", "x", "--id", "seven", "--tag", f"{long}=v")
    assert (result.code, result.out) == (2, "")
    for field in ("vm_id: ", "name: ", f'tags["{long}"]: '):
        assert f"\n  {field}" in result.err
    assert logged_in.vms.vms == {}


async def test_a_taken_name_is_told_as_the_service_tells_it(novacron, logged_in):
    logged_in.vms.add("web-1")
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "debian-12")
    assert result.code == 1
    assert "exists already" in result.err


async def test_with_a_template_only_what_differs_is_sent(novacron, logged_in):
    for arguments in (("web-1",), ("web-2", "--memory", "4G")):
        result = await novacron("vm", "create", *arguments, "--template", "small", "--no-wait")
        assert result.code == 0, result.err
    plain, larger = logged_in.vms.requests
    assert plain.template == "small"
    assert not plain.HasField("spec")
    assert (larger.spec.memory_mib, larger.spec.cpu_cores) == (4096, 0)


async def test_user_data_and_keys_come_from_files(novacron, logged_in):
    (novacron.directory / "keys").write_text("# mine\nssh-ed25519 AAAA me\n\nssh-ed25519 BBBB you\n")
    files = ("--ssh-key", "keys", "--user-data", "-")
    data = "#cloud-config\n"
    await novacron("vm", "create", "web-1", *SIZE, "--image", "debian-12", *files, "--no-wait", typed=data)
    spec = logged_in.vms.requests[0].spec
    assert list(spec.ssh_authorized_keys) == ["ssh-ed25519 AAAA me", "ssh-ed25519 BBBB you"]
    assert spec.user_data == data
    result = await novacron("vm", "create", "web-2", *SIZE, "--image", "x", "--ssh-key", "nosuch")
    assert result.code == 2
    assert "cannot read nosuch" in result.err


async def test_the_request_of_a_lost_answer_names_the_id_to_repeat(novacron, logged_in):
    logged_in.vms.breaks = [Unavailable("the stream was reset")] * 5
    result = await novacron("vm", "create", "web-1", *SIZE, "--image", "debian-12", "--id", (chosen := str(uuid4())))
    assert result.code == 6
    assert f"--id {chosen}" in result.err
