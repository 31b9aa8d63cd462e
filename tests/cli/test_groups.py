"""`template`, `node`, `provider`, `service`, `saga` and `metrics`."""

from novacron.api.monitoring.v1 import AGGREGATE_MAX

from .vm_service import BROKEN, CREATE, STUCK


async def test_a_template_is_created_listed_shown_and_deleted_by_name(novacron, logged_in):
    size = ("--cpu", "1", "--memory", "512M", "--disk", "10G", "--image", "debian-12")
    made = await novacron("template", "create", "small", *size, "--tag", "tier=web", "-o", "json")
    assert made.json["spec"]["memory_mib"] == "512"
    listed = (await novacron("template", "list")).out.splitlines()
    assert listed[1].split()[:2] == ["small", "1.0.0"]
    assert "tier=web" in (await novacron("template", "show", "small")).out
    deleted = await novacron("template", "delete", "small")
    assert (deleted.code, deleted.out) == (0, "")
    missing = await novacron("template", "show", "small")
    assert missing.code == 3
    assert "novacron template list" in missing.err


async def test_a_template_without_its_size_is_wrong_usage(novacron, logged_in):
    result = await novacron("template", "create", "small")
    assert result.code == 2
    assert "--cpu" in result.err


async def test_nodes_are_listed_with_what_is_taken(novacron, logged_in):
    row = (await novacron("node", "list")).out.splitlines()[1]
    assert row.startswith("host-1  ready")
    assert "2 of 16" in row
    assert "2 GiB of 64 GiB" in row
    assert (await novacron("node", "show", "host-9")).code == 3


async def test_a_providers_password_is_read_and_never_shown(novacron, logged_in):
    (novacron.directory / "ca.pem").write_text("PEM")
    ends = ("--vm-endpoint", "nc.example:7402", "--auth-endpoint", "nc.example:7401", "--remote-ca", "ca.pem")
    who = ("--username", "federation", "--password-file", "-", "--region", "eu-central")
    made = await novacron("provider", "create", "berlin", *ends, *who, typed="opensesame\n")
    assert made.code == 0, made.err
    assert "opensesame" not in made.out + made.err
    credentials = logged_in.providers.requests[0].on_premise
    assert (credentials.password, credentials.ca_pem) == ("opensesame", "PEM")
    assert (await novacron("provider", "list", "-o", "json")).json[0]["provider_type"] == "PROVIDER_TYPE_ON_PREMISE"


async def test_a_provider_that_does_not_answer_its_check_is_exit_code_6(novacron, logged_in):
    ends = ("--vm-endpoint", "nc.example:7402", "--auth-endpoint", "nc.example:7401", "--username", "u")
    await novacron("provider", "create", "berlin", *ends, "--password-file", "-", typed="p")
    result = await novacron("provider", "check", "berlin")
    assert result.code == 6
    assert "it does not answer" in result.out


async def test_services_are_listed_and_shown_with_their_instances(novacron, logged_in):
    assert (await novacron("service", "list")).out.splitlines()[1].startswith("vm")
    shown = (await novacron("service", "show", "vm")).out
    assert "vm-1" in shown
    assert "127.0.0.1:7402" in shown
    assert (await novacron("service", "show", "nosuch")).code == 3


async def test_a_saga_is_shown_with_its_timeline_and_trace(novacron, logged_in):
    saga_id = "01890a5d-ac96-774b-bcce-b302099a8057"
    logged_in.sagas.begin(saga_id, "create-vm", BROKEN, lambda saga: None)
    logged_in.sagas.run_through(saga_id)
    result = await novacron("saga", "show", saga_id)
    assert result.code == 0, result.err
    assert "trace id:" in result.out
    assert "4bf92f3577b34da6a3ce929d0e0e4736" in result.out
    timeline = [line.split() for line in result.out.splitlines()[-6:]]
    assert timeline[0] == ["STEP", "OPERATION", "ATTEMPT", "OUTCOME", "BEGAN", "TOOK", "EPOCH", "ERROR"]
    assert timeline[1] == ["reserve", "action", "1", "ok", "+0.00", "s", "0.50", "s", "1"]
    assert timeline[3][:4] == ["provision", "action", "2", "refused"]
    assert timeline[5][:4] == ["reserve", "compensation", "1", "ok"]


async def test_sagas_are_listed_by_state_and_name(novacron, logged_in):
    sagas = logged_in.sagas
    for saga_id, script in (
        ("01890a5d-ac96-774b-bcce-000000000001", CREATE),
        ("01890a5d-ac96-774b-bcce-000000000002", STUCK),
    ):
        sagas.begin(saga_id, "create-vm", script, lambda saga: None)
        sagas.run_through(saga_id)
    stuck = (await novacron("saga", "list", "--state", "stuck", "--name", "create-vm", "-o", "json")).json
    assert [saga["saga_id"][-1] for saga in stuck] == ["2"]
    assert len((await novacron("saga", "list")).out.splitlines()) == 3


async def test_metrics_of_a_vm_are_its_newest_sample(novacron, logged_in):
    logged_in.vms.add("web-1")
    rows = dict(line.split(maxsplit=1) for line in (await novacron("metrics", "show", "web-1")).out.splitlines())
    assert rows["cpu_usage_percent"] == "12.5 %"
    assert rows["memory_usage_bytes"] == "128 MiB"
    assert "disk_read_bytes" not in rows  # not measured is not nought


async def test_one_metric_over_time_is_a_row_a_step(novacron, logged_in):
    logged_in.vms.add("web-1")
    options = ("--metric", "cpu_usage_percent", "--since", "15m", "--step", "1m30s", "--aggregate", "max")
    lines = (await novacron("metrics", "show", "web-1", *options)).out.splitlines()
    assert lines[0].split() == ["TIME", "CPU_USAGE_PERCENT"]
    assert [line[-5:] for line in lines[1:]] == ["0.5 %", "1.5 %", "2.5 %"]
    request = logged_in.metrics.requests[0]
    assert (request.aggregate, request.step.seconds) == (AGGREGATE_MAX, 90)
    answer = (await novacron("metrics", "show", "web-1", *options, "-o", "json")).json
    assert answer["unit"] == "percent"
    assert answer["points"][0]["value"] == 0.5
