"""The processes that make up NovaCron, and what each is told."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from novacron.settings import ProcessSettings, ServiceSettings, load
from novacron_local.layout import DATABASES, SERVICES, DataDirectory
from novacron_local.processes import ProcessSpec, Tier
from novacron_local.reset import delete_data
from novacron_local.stack import StackConfig
from novacron_local.table import novacron


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    config = StackConfig(DataDirectory(tmp_path_factory.mktemp("stack") / "data"), 7400, "simulated", agents=2)
    config.data.make()
    yield config
    delete_data(config.data)


@pytest.fixture(scope="module")
def specs(config) -> dict[str, ProcessSpec]:
    return {spec.name: spec for phase in novacron(config).phases for spec in phase.specs}


def settings_of(kind, spec: ProcessSpec, monkeypatch):
    for name, value in spec.environment.items():
        monkeypatch.setenv(name, value)
    return load(kind)


def test_every_process_is_there_once_and_the_servers_come_first(config, specs):
    assert list(specs) == ["postgres", "valkey", *SERVICES, "agent", "agent-2"]
    assert [spec.name for spec in novacron(config).phases[0].specs] == ["postgres", "valkey"]


def test_no_two_processes_want_one_port(specs):
    ports = [port for spec in specs.values() for port in spec.ports.values()]
    assert len(ports) == len(set(ports))


def test_the_ports_are_the_documented_ones(specs):
    assert {name: spec.ports for name, spec in specs.items()} == {
        "postgres": {"database": 7432},
        "valkey": {"cache": 7479},
        "auth": {"users": 7401, "mesh": 7461, "metrics": 7433},
        "vm": {"users": 7402, "mesh": 7462, "metrics": 7434},
        "scheduler": {"users": 7403, "mesh": 7463, "metrics": 7435},
        "federation": {"users": 7404, "mesh": 7464, "metrics": 7436},
        "monitoring": {"users": 7405, "mesh": 7465, "metrics": 7437},
        "registry": {"users": 7406, "mesh": 7466, "metrics": 7438},
        "agent": {"mesh": 7467, "metrics": 7468},
        "agent-2": {"mesh": 7500, "metrics": 7900},
    }


def test_no_port_is_wanted_twice_with_the_most_agents():
    ports = StackConfig(DataDirectory(Path("/nowhere")), 7400).ports
    every = [ports.postgres, ports.valkey]
    every += [port for number in range(1, 401) for port in (ports.agent(number), ports.agent_metrics(number))]
    every += [
        port for service in SERVICES for port in (ports.public(service), ports.mesh(service), ports.metrics(service))
    ]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_read_its_settings_and_has_a_database_of_its_own(specs, service, monkeypatch):
    settings = settings_of(ServiceSettings, specs[service], monkeypatch)
    assert settings.environment == "development"
    assert settings.instance == f"{service}-1"
    assert settings.database_url.path == f"/{DATABASES[service]}"
    assert settings.database_url.hosts()[0]["username"] == DATABASES[service]
    assert settings.tls_cert.name == f"{service}.pem"
    key = base64.b64decode(Path(specs[service].environment["NOVACRON_KEY_FILE"]).read_text())
    assert len(key) == 32


def test_an_agent_is_told_its_node_and_where_to_keep_things(specs, config, monkeypatch):
    first, second = specs["agent"], specs["agent-2"]
    settings = settings_of(ProcessSettings, first, monkeypatch)
    assert settings.mesh_listen == first.environment["NOVACRON_AGENT_ADVERTISE"] == "127.0.0.1:7467"
    assert settings.tls_cert.name == f"agent-{first.environment['NOVACRON_NODE_NAME']}.pem"
    assert first.environment["NOVACRON_NODE_NAME"] != second.environment["NOVACRON_NODE_NAME"]
    assert first.environment["NOVACRON_STATE_DIRECTORY"] != second.environment["NOVACRON_STATE_DIRECTORY"]
    assert first.environment["NOVACRON_DRIVER"] == "simulated"
    assert "NOVACRON_DATABASE_URL" not in first.environment


def test_what_the_user_sets_reaches_the_services_unless_the_stack_decides_it(config, monkeypatch):
    monkeypatch.setenv("NOVACRON_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("NOVACRON_TLS_CA", "/elsewhere")
    vm = next(spec for spec in novacron(config).phases[1].specs if spec.name == "vm")
    assert vm.environment["NOVACRON_LOG_LEVEL"] == "DEBUG"
    assert vm.environment["NOVACRON_TLS_CA"] == str(config.data.certificates / "ca.pem")


def test_only_auth_is_told_the_first_administrators_password(specs, config):
    told = [name for name, spec in specs.items() if "NOVACRON_BOOTSTRAP_ADMIN_PASSWORD_FILE" in spec.environment]
    assert told == ["auth"]
    assert len(config.data.admin_password.read_text().strip()) == 24


def test_secrets_are_made_once_and_for_their_owner_alone(config, specs):
    secrets = [config.data.admin_password, *config.data.keys.iterdir(), *config.data.certificates.glob("*.key")]
    assert len(secrets) > 10
    before = {path: path.read_bytes() for path in secrets}
    novacron(config)
    assert {path: path.read_bytes() for path in secrets} == before
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_the_client_profile_says_where_users_connect_and_whom_to_trust(config, specs):
    profile = json.loads(config.data.client.read_text())
    assert profile["endpoints"] == {name: specs[name].addresses["users"] for name in SERVICES}
    assert Path(profile["ca_file"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert profile["admin_user"] == "admin"
    assert Path(profile["admin_password_file"]) == config.data.admin_password


def test_the_tiers_stop_agents_before_services_before_servers(specs):
    assert specs["agent"].tier > specs["vm"].tier > specs["valkey"].tier > specs["postgres"].tier
    assert specs["postgres"].tier is Tier.DATABASE
