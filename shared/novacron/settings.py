"""What every service reads from its environment: one frozen object, made once in ``__main__``.

Every field is set by ``NOVACRON_<FIELD>`` in upper case. A service's own settings subclass :class:`ServiceSettings`
and add to it; nothing else in NovaCron reads the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, PostgresDsn, RedisDsn, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound="ProcessSettings")

Environment = Literal["development", "staging", "production", "testing"]


class SettingsError(Exception):
    """The environment does not describe a process that can run; the message names every variable at fault."""


class ProcessSettings(BaseSettings):
    """What any NovaCron process needs: who it is, where it listens, whom it trusts."""

    model_config = SettingsConfigDict(env_prefix="NOVACRON_", frozen=True, extra="ignore")

    environment: Environment = "development"
    instance: str = Field(default="", description="Name of this replica in logs and the registry; host:pid if empty.")

    listen: str = Field(default="127.0.0.1:0", description="host:port for users: TLS, bearer token or API key.")
    mesh_listen: str = Field(default="127.0.0.1:0", description="host:port for other services: mTLS.")
    processes: int = Field(
        default=1, ge=1, le=64, description="Processes that serve the same ports; above 1 both ports have to be given."
    )
    advertise_host: str = Field(
        default="", description="Where others reach this process; the listen addresses' host if empty."
    )
    tls_ca: Path | None = Field(default=None, description="PEM of the CA that signs every service's certificate.")
    tls_cert: Path | None = Field(default=None, description="PEM chain with this service's spiffe:// URI SAN.")
    tls_key: Path | None = Field(default=None, description="PEM private key of tls_cert.")

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_listen: str = Field(
        default="",
        description="host:port of /metrics and /healthz, plain HTTP; empty: off. Further processes: ten ports on each.",
    )
    otlp_endpoint: str = Field(default="", description="http(s)://host:port of an OTLP gRPC collector; empty: off.")
    otlp_metrics_seconds: float = Field(default=15.0, gt=0, description="How often numbers go to the collector.")
    trace_sample_ratio: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Which part of the traces that begin here is kept; others are as they came.",
    )

    drain_seconds: float = Field(default=5.0, ge=0, description="Grace for calls in flight when told to stop.")
    max_message_mib: int = Field(default=8, ge=1, le=64)

    auth_address: str = "127.0.0.1:7461"
    vm_address: str = "127.0.0.1:7462"
    scheduler_address: str = "127.0.0.1:7463"
    federation_address: str = "127.0.0.1:7464"
    monitoring_address: str = "127.0.0.1:7465"
    registry_address: str = "127.0.0.1:7466"


class ServiceSettings(ProcessSettings):
    """A process that owns a database."""

    database_url: PostgresDsn = Field(description="postgresql://role:password@host:port/database")
    redis_url: RedisDsn | None = Field(default=None, description="redis://host:port/0; without it: no L2, only L1.")
    database_min_connections: int = Field(default=1, ge=0)
    database_max_connections: int = Field(default=16, ge=1)
    database_max_lifetime_seconds: int = Field(default=3600, ge=1)
    database_max_idle_seconds: int = Field(default=600, ge=1)


def load(kind: type[S]) -> S:
    """Read ``kind`` from the environment.

    :raises SettingsError: with one line per variable that is missing or wrong.
    """
    try:
        return kind()
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            field = ".".join(str(part) for part in problem["loc"])
            lines.append(f"NOVACRON_{field.upper()}: {problem['msg']}")
        raise SettingsError("bad settings:\n  " + "\n  ".join(sorted(lines))) from None
