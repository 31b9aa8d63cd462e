"""The table of processes that make up NovaCron on one machine, with each one's whole environment."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping

from novacron.embedded.account import write_private
from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.valkey import EmbeddedValkey

from . import credentials
from .certificates import DevelopmentCA, Identity
from .databases import ServiceDatabase, create_databases
from .layout import DATABASES, SERVICES, DataDirectory
from .probes import GrpcHealth, InThread
from .processes import ProcessSpec, Tier
from .stack import Phase, Plan, StackConfig

ADMIN = "admin"


def novacron(config: StackConfig) -> Plan:
    """PostgreSQL and Valkey, then their contents, then every service and agent at once.

    Blocking: it makes the database cluster, the CA and every secret that is not there yet.
    """
    data = config.data
    postgres = EmbeddedPostgres(data.postgres, config.ports.postgres)
    valkey = EmbeddedValkey(data.valkey, config.ports.valkey)
    postgres.prepare()
    valkey.prepare()
    databases = {
        service: ServiceDatabase(name, credentials.password(data.keys / f"{service}.password"))
        for service, name in DATABASES.items()
    }
    nodes = node_names(config.agents)
    issue_all(data, nodes)
    credentials.password(data.admin_password)
    _write_client_profile(config)

    services = [_service(config, name, postgres, valkey, databases[name]) for name in SERVICES]
    agents = [_agent(config, number, node) for number, node in enumerate(nodes, start=1)]

    def maintain() -> None:
        issue_all(data, nodes)

    return Plan(
        phases=(
            Phase(
                (_postgres(config, postgres), _valkey(config, valkey)),
                then=lambda: create_databases(postgres.url(), databases),
            ),
            Phase((*services, *agents)),
        ),
        maintain=maintain,
        notes=_notes(data, postgres, valkey),
    )


def node_names(count: int) -> list[str]:
    """What the agents' nodes are called: this host's name, numbered from the second on."""
    host = "".join(c if c.isalnum() or c == "-" else "-" for c in socket.gethostname().lower()).strip("-") or "node"
    return [host if number == 1 else f"{host}-{number}" for number in range(1, count + 1)]


def issue_all(data: DataDirectory, nodes: list[str]) -> dict[str, Identity]:
    """Every certificate of the stack, issued or renewed where it has to be."""
    ca = DevelopmentCA(data.certificates)
    return {name: ca.identity(name) for name in (*SERVICES, "operator", *(f"agent/{node}" for node in nodes))}


def _postgres(config: StackConfig, postgres: EmbeddedPostgres) -> ProcessSpec:
    def before_start() -> None:
        postgres.stop_running()  # only a server that lost its supervisor can be there
        postgres.prepare()
        postgres.clear_stale_lock()

    return ProcessSpec(
        name="postgres",
        command=tuple(postgres.command()),
        environment=postgres.environment,
        tier=Tier.DATABASE,
        probe=InThread(postgres.is_ready),
        log=config.data.log("postgres"),
        ports={"database": postgres.port},
        account=postgres.account,
        before_start=before_start,
        stop_signal=signal.SIGINT,
        stop_grace=30.0,
        death_signal=signal.SIGQUIT,
    )


def _valkey(config: StackConfig, valkey: EmbeddedValkey) -> ProcessSpec:
    return ProcessSpec(
        name="valkey",
        command=tuple(valkey.command()),
        environment=valkey.environment,
        tier=Tier.CACHE,
        probe=InThread(valkey.is_ready),
        log=config.data.log("valkey"),
        ports={"cache": valkey.port},
        account=valkey.account,
        before_start=valkey.prepare,
    )


def _service(
    config: StackConfig, name: str, postgres: EmbeddedPostgres, valkey: EmbeddedValkey, database: ServiceDatabase
) -> ProcessSpec:
    ports = {
        "users": config.ports.public(name),
        "mesh": config.ports.mesh(name),
        "metrics": config.ports.metrics(name),
    }
    environment = {
        "LISTEN": f"127.0.0.1:{ports['users']}",
        "MESH_LISTEN": f"127.0.0.1:{ports['mesh']}",
        "DATABASE_URL": postgres.url(database.name, database.name, database.password),
        "REDIS_URL": valkey.url(),
        "KEY_FILE": str(credentials.key(config.data.keys / f"{name}.key")),
    }
    if name == "auth":
        environment["BOOTSTRAP_ADMIN_PASSWORD_FILE"] = str(config.data.admin_password)
    if name == "scheduler":  # on a laptop with two cores a third small guest is no reason to refuse
        environment["CPU_ALLOCATION_RATIO"] = os.environ.get("NOVACRON_CPU_ALLOCATION_RATIO", "4")
    return _python(config, name, f"novacron_{name}", name, Tier.SERVICE, ports, environment)


def _agent(config: StackConfig, number: int, node: str) -> ProcessSpec:
    name = "agent" if number == 1 else f"agent-{number}"
    ports = {"mesh": config.ports.agent(number), "metrics": config.ports.agent_metrics(number)}
    environment = {
        "MESH_LISTEN": f"127.0.0.1:{ports['mesh']}",
        "NODE_NAME": node,
        "AGENT_ADVERTISE": f"127.0.0.1:{ports['mesh']}",
        "DRIVER": config.driver,
        "STATE_DIRECTORY": str(config.data.agent(number)),
        "IMAGE_DIRECTORY": str(config.data.images),
    }
    return _python(config, name, "novacron_agent", f"agent/{node}", Tier.AGENT, ports, environment)


def _python(
    config: StackConfig,
    name: str,
    module: str,
    identity_name: str,
    tier: Tier,
    ports: Mapping[str, int],
    environment: Mapping[str, str],
) -> ProcessSpec:
    """A process of ours. What the user has set for it in the environment stays, unless the stack decides it."""
    ca = DevelopmentCA(config.data.certificates)
    identity = ca.identity(identity_name)
    settings = {
        "ENVIRONMENT": "development",
        "INSTANCE": f"{name}-1" if tier is Tier.SERVICE else name,
        "METRICS_LISTEN": f"127.0.0.1:{ports['metrics']}",
        "TLS_CA": str(identity.ca),
        "TLS_CERT": str(identity.certificate),
        "TLS_KEY": str(identity.key),
        **{f"{service.upper()}_ADDRESS": f"127.0.0.1:{config.ports.mesh(service)}" for service in SERVICES},
        **environment,
    }
    return ProcessSpec(
        name=name,
        command=(sys.executable, "-P", "-m", module),  # -P: nothing is imported from wherever the user stands
        environment={
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            **{f"NOVACRON_{field}": value for field, value in settings.items()},
        },
        tier=tier,
        probe=GrpcHealth(f"127.0.0.1:{ports['mesh']}", ca.identity("operator")),
        log=config.data.log(name),
        ports=ports,
    )


def _write_client_profile(config: StackConfig) -> None:
    profile = {
        "ca_file": str(config.data.certificates / "ca.pem"),
        "endpoints": {service: f"127.0.0.1:{config.ports.public(service)}" for service in SERVICES},
        "admin_user": ADMIN,
        "admin_password_file": str(config.data.admin_password),
    }
    write_private(config.data.client, json.dumps(profile, indent=1) + "\n")


def _notes(data: DataDirectory, postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> tuple[str, ...]:
    """What is not where one would look for it."""
    moved = [server.directory for server in (postgres, valkey) if server.directory.is_symlink()]
    account = postgres.account.name if postgres.account else ""
    return tuple(
        f"{path.name}'s files are in {path.resolve()}: the account {account} cannot reach {data.path}" for path in moved
    )
