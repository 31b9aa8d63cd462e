"""What authentication is set to: the seed's AuthenticationConfiguration, its defaults and its bounds. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from novacron.errors import FieldViolation, InvalidArgument


@dataclass(frozen=True, slots=True)
class JwtConfiguration:
    issuer: str = "novacron"
    audience: str = "novacron"
    algorithm: str = "EdDSA"
    access_token_ttl: timedelta = timedelta(minutes=5)
    key_rotation_interval: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TokenValidationConfig:
    """Fixed by the release: every service verifies by the same code. Told, so that nobody has to read it."""

    clock_skew: timedelta = timedelta(seconds=5)
    cache_ttl: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    min_length: int = 8
    advised_length: int = 15
    max_length: int = 1024
    refuse_common: bool = True
    history: int = 0


@dataclass(frozen=True, slots=True)
class AccountLockoutPolicy:
    max_failed_attempts: int = 5
    lockout_duration: timedelta = timedelta(minutes=15)
    max_failed_attempts_per_address: int = 300


@dataclass(frozen=True, slots=True)
class SessionManagementConfig:
    session_ttl: timedelta = timedelta(days=1)
    idle_timeout: timedelta = timedelta(hours=12)
    max_sessions_per_user: int = 100
    refresh_grace: timedelta = timedelta(seconds=10)
    history_retention: timedelta = timedelta(days=90)
    impossible_travel_kmh: float = 1000.0


@dataclass(frozen=True, slots=True)
class MfaConfiguration:
    issuer: str = "NovaCron"
    totp_window: int = 1
    recovery_codes: int = 10


@dataclass(frozen=True, slots=True)
class AuthenticationAuditConfig:
    retention: timedelta = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class AuthenticationRateLimitConfig:
    api_key_requests_per_minute: int = 1000
    api_key_ttl: timedelta = timedelta(days=90)
    api_keys_per_user: int = 50


@dataclass(frozen=True, slots=True)
class AuthenticationConfiguration:
    """What holds now."""

    jwt_config: JwtConfiguration = field(default_factory=JwtConfiguration)
    token_validation: TokenValidationConfig = field(default_factory=TokenValidationConfig)
    password_policy: PasswordPolicy = field(default_factory=PasswordPolicy)
    account_lockout_policy: AccountLockoutPolicy = field(default_factory=AccountLockoutPolicy)
    session_management: SessionManagementConfig = field(default_factory=SessionManagementConfig)
    mfa_config: MfaConfiguration = field(default_factory=MfaConfiguration)
    mfa_required_roles: tuple[str, ...] = ()
    audit_config: AuthenticationAuditConfig = field(default_factory=AuthenticationAuditConfig)
    rate_limiting: AuthenticationRateLimitConfig = field(default_factory=AuthenticationRateLimitConfig)
    auth_config_id: UUID | None = None
    environment: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0


GROUPS = (
    "jwt_config",
    "token_validation",
    "password_policy",
    "account_lockout_policy",
    "session_management",
    "mfa_config",
    "audit_config",
    "rate_limiting",
)

_SECOND, _MINUTE, _HOUR, _DAY = 1, 60, 3600, 86_400
# The least and the most of each number that can be set; durations in seconds.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "jwt_config.access_token_ttl": (30, _HOUR),
    "jwt_config.key_rotation_interval": (0, 400 * _DAY),
    "password_policy.min_length": (8, 64),
    "password_policy.advised_length": (8, 128),
    "password_policy.max_length": (64, 1024),
    "password_policy.history": (0, 24),
    "account_lockout_policy.max_failed_attempts": (2, 100),
    "account_lockout_policy.lockout_duration": (_SECOND, _DAY),
    "account_lockout_policy.max_failed_attempts_per_address": (5, 100_000),
    "session_management.session_ttl": (_MINUTE, 30 * _DAY),
    "session_management.idle_timeout": (5 * _MINUTE, 30 * _DAY),
    "session_management.max_sessions_per_user": (0, 10_000),
    "session_management.refresh_grace": (0, 60),
    "session_management.history_retention": (_DAY, 400 * _DAY),
    "session_management.impossible_travel_kmh": (100, 10_000),
    "mfa_config.totp_window": (0, 2),
    "mfa_config.recovery_codes": (5, 20),
    "audit_config.retention": (30 * _DAY, 3660 * _DAY),
    "rate_limiting.api_key_requests_per_minute": (1, 1_000_000),
    "rate_limiting.api_key_ttl": (0, 3660 * _DAY),
    "rate_limiting.api_keys_per_user": (1, 1000),
}
# What can be set, beside the numbers.
SETTABLE = frozenset((*BOUNDS, "password_policy.refuse_common", "mfa_config.issuer", "mfa_required_roles"))

# A setting as JSON keeps it: durations are seconds.
Plain = bool | int | float | str | list[str]


def paths_of(group: str) -> list[str]:
    """Every path of a group of settings; of a setting without a group, itself."""
    if group not in GROUPS:
        return [group]
    return [f"{group}.{one.name}" for one in fields(getattr(AuthenticationConfiguration(), group))]


def with_settings(
    configuration: AuthenticationConfiguration, settings: Mapping[str, Plain]
) -> AuthenticationConfiguration:
    """``configuration`` with these settings, by path, in place of its own.

    :raises InvalidArgument: with a violation for each setting that is not there to be set, out of its bounds, or in
        contradiction to another.
    """
    violations: list[FieldViolation] = []
    for path, value in settings.items():
        if problem := _problem(path, value):
            violations.append(FieldViolation(path, problem))
            continue
        group, _, name = path.rpartition(".")
        if not group:
            configuration = replace(configuration, **{name: tuple(value)})  # type: ignore[arg-type]
            continue
        held: Any = getattr(configuration, group)
        kind = timedelta if isinstance(getattr(held, name), timedelta) else type(getattr(held, name))
        made = timedelta(seconds=value) if kind is timedelta else kind(value)  # type: ignore[arg-type]
        configuration = replace(configuration, **{group: replace(held, **{name: made})})
    violations += _contradictions(configuration)
    if violations:
        said = "; ".join(f"{one.field}: {one.description}" for one in violations)
        raise InvalidArgument(said, violations=violations)
    return configuration


def _problem(path: str, value: Plain) -> str | None:
    if path not in SETTABLE:
        return "is not there to be set"
    if path not in BOUNDS:
        return None
    least, most = BOUNDS[path]
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        return None
    return f"is from {least:g} to {most:g}{' s' if path.endswith(_DURATIONS) else ''}"


_DURATIONS = ("_ttl", "_interval", "_duration", "_timeout", "_grace", "retention")


def _contradictions(configuration: AuthenticationConfiguration) -> list[FieldViolation]:
    policy, sessions = configuration.password_policy, configuration.session_management
    found = []
    if not policy.min_length <= policy.advised_length <= policy.max_length:
        found.append(
            FieldViolation("password_policy.advised_length", "is from min_length to max_length: change them together")
        )
    if sessions.idle_timeout > sessions.session_ttl:
        found.append(FieldViolation("session_management.idle_timeout", "is at most session_ttl"))
    if configuration.jwt_config.access_token_ttl > sessions.session_ttl:
        found.append(FieldViolation("jwt_config.access_token_ttl", "is at most session_management.session_ttl"))
    return found
