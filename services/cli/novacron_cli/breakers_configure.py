"""``novacron breakers configure|configurations``: numbers that last, and hold in every process of a service."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import LimitOption
from novacron_cli.output import Columns, Output, OutputOption, say, write_list, write_one
from novacron_cli.words import ago, when, word

app = typer.Typer()
_PANEL = "Lasting, in every process"


class ConfiguredState(enum.StrEnum):
    """What may be configured of a state."""

    CLOSED = "closed"
    FORCED_OPEN = "forced_open"
    DISABLED = "disabled"
    METRICS_ONLY = "metrics_only"


class Recovery(enum.StrEnum):
    """How an open breaker finds back."""

    EXPONENTIAL_BACKOFF = "exponential_backoff"
    LINEAR_BACKOFF = "linear_backoff"
    FIXED_INTERVAL = "fixed_interval"
    GRADUAL = "gradual"
    MANUAL = "manual"


class Criterion(enum.StrEnum):
    """What counts as a failure."""

    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    OVERLOAD = "overload"
    SERVER_ERROR = "server_error"
    SLOW_CALL = "slow_call"


def _number(text: str) -> Any:
    return typer.Option(metavar="N", help=text, show_default=False)


_EPILOG = (
    'Example:  novacron breakers configure vm scheduler --failure-rate 0.2 --success-threshold 5 --reason "fail early"'
)


@app.command(rich_help_panel=_PANEL, epilog=_EPILOG)
@told
async def configure(
    context: typer.Context,
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="The service that calls.")],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="The service that is called; agent: every node's agent.")
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why. It stays with the configuration.")] = "",
    breaker_class: Annotated[
        str, typer.Option("--class", metavar="CLASS", help="Only this class of methods. Default: all of the target.")
    ] = "",
    failure_threshold: Annotated[int | None, _number("Never opens on fewer failures.")] = None,
    failure_rate: Annotated[float | None, _number("Opens at this part of failures: 0.5 is half.")] = None,
    minimum_request_threshold: Annotated[int | None, _number("Never opens before so many calls.")] = None,
    monitoring_window_seconds: Annotated[float | None, _number("The window goes back so far,")] = None,
    monitoring_window_calls: Annotated[int | None, _number("or so many calls, whichever is less.")] = None,
    timeout_threshold_ms: Annotated[int | None, _number("Slower than this is slow.")] = None,
    slow_rate: Annotated[float | None, _number("Opens at this part of slow calls.")] = None,
    fair_timeout_ms: Annotated[
        int | None, _number("Attempts given less time than this are not held against it.")
    ] = None,
    timeout_duration_seconds: Annotated[float | None, _number("Stays open so long at first,")] = None,
    longest_open_seconds: Annotated[float | None, _number("and at most so long.")] = None,
    success_threshold: Annotated[int | None, _number("Good probes that close it.")] = None,
    half_open_permits: Annotated[int | None, _number("Probes at once.")] = None,
    permit_seconds: Annotated[float | None, _number("The longest wait for a probe.")] = None,
    max_retry_attempts: Annotated[int | None, _number("Attempts of a call, the first among them.")] = None,
    failure_criteria: Annotated[
        list[Criterion] | None,
        typer.Option("--failure-criterion", help="What counts as a failure; may be repeated. Default: all."),
    ] = None,
    recovery_strategy: Annotated[
        Recovery | None, typer.Option(help="How it finds back; manual: an operator closes it.")
    ] = None,
    state: Annotated[
        ConfiguredState | None, typer.Option(help="Hold it in this state; closed: outcomes decide again.")
    ] = None,
    fallback: Annotated[
        bool | None, typer.Option("--fallback/--no-fallback", help="Use the fallbacks that methods declare, or do not.")
    ] = None,
    fallback_service: Annotated[
        str | None, typer.Option(metavar="SERVICE", help="Ask this one instead, where the method allows it.")
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Forget all that was configured: the services' own numbers hold again.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Change a service's breakers to a target, in every process of it within seconds, and for good.

    What is not named stays as it was configured, or the service's own. No breaker loses what it has seen. While the registry is
    away the last that was known holds.
    """
    named = {
        "failure_threshold": failure_threshold,
        "failure_rate": failure_rate,
        "minimum_request_threshold": minimum_request_threshold,
        "monitoring_window_seconds": monitoring_window_seconds,
        "monitoring_window_calls": monitoring_window_calls,
        "timeout_threshold_ms": timeout_threshold_ms,
        "slow_rate": slow_rate,
        "fair_timeout_ms": fair_timeout_ms,
        "timeout_duration_seconds": timeout_duration_seconds,
        "longest_open_seconds": longest_open_seconds,
        "success_threshold": success_threshold,
        "half_open_permits": half_open_permits,
        "permit_seconds": permit_seconds,
        "max_retry_attempts": max_retry_attempts,
        "failure_criteria": [f"FAILURE_CRITERION_{one.upper()}" for one in failure_criteria or ()] or None,
        "recovery_strategy": f"RECOVERY_STRATEGY_{recovery_strategy.upper()}" if recovery_strategy else None,
        "fallback_enabled": fallback,
    }
    whole = {
        "current_state": f"BREAKER_STATE_{state.upper()}" if state else None,
        "fallback_service_name": fallback_service,
        "reason": reason or None,
    }
    settings = {name: value for name, value in named.items() if value is not None}
    others = {name: value for name, value in whole.items() if value is not None}
    if clear and (settings or set(others) - {"reason"}):
        raise typer.BadParameter("--clear forgets all of it: name no numbers beside it")
    if not clear and not settings and not set(others) - {"reason"}:
        raise typer.BadParameter("say what to configure, such as --failure-rate 0.2, or --clear; --help names all")
    await _configure(context, (service, target, breaker_class), (settings, others), clear, output)


async def _configure(
    context: typer.Context, key: tuple[str, str, str], wanted: tuple[Any, Any], clear: bool, output: Output
) -> None:
    from google.protobuf import json_format

    from novacron.api.registry import v1
    from novacron_cli import finding

    service, target, breaker_class = key
    settings, others = wanted
    async with connect(context) as connection:
        stub = connection.circuit_breakers
        listed = v1.ListCircuitBreakerConfigurationsRequest(service_name=service)
        known = await finding.everything(stub.ListCircuitBreakerConfigurations, listed, "configurations")
        there = [one for one in known if (one.target_service_name, one.breaker_class) == (target, breaker_class)]
        if clear:
            for one in there:
                await stub.DeleteCircuitBreakerConfiguration(
                    v1.DeleteCircuitBreakerConfigurationRequest(circuit_breaker_id=one.circuit_breaker_id)
                )
            say(f"{service} to {target}: {'its own numbers hold again' if there else 'nothing was configured'}")
            return
        found = v1.CircuitBreakerConfiguration(
            service_name=service, target_service_name=target, breaker_class=breaker_class
        )
        if there:
            found.CopyFrom(there[0])
        if "failure_criteria" in settings:
            del found.settings.failure_criteria[:]
        json_format.ParseDict({"settings": settings, **others}, found)
        if there:
            request = v1.UpdateCircuitBreakerConfigurationRequest(configuration=found)
            done = await stub.UpdateCircuitBreakerConfiguration(request)
        else:
            created = v1.CreateCircuitBreakerConfigurationRequest(configuration=found)
            done = await stub.CreateCircuitBreakerConfiguration(created)
        say(f"every process of {service} takes it over within seconds: `novacron breakers show {service} {target}`")
        write_one(done, _FIELDS, output)


@app.command(rich_help_panel=_PANEL)
@told
async def configurations(
    context: typer.Context,
    service: Annotated[str, typer.Option(metavar="SERVICE", help="Only this caller's.")] = "",
    limit: LimitOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List what is configured. What is not in it, the services decide for themselves."""
    from novacron.api.registry.v1 import ListCircuitBreakerConfigurationsRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        request = ListCircuitBreakerConfigurationsRequest(service_name=service)
        listing = connection.circuit_breakers.ListCircuitBreakerConfigurations
        write_list(await finding.everything(listing, request, "configurations", limit), _COLUMNS, output)


def numbers(settings: Any) -> str:
    """``failure_rate=0.2 success_threshold=1``: what a BreakerSettings sets."""
    from novacron.api.types.v1 import FailureCriterion, RecoveryStrategy

    shown = []
    for field, value in settings.ListFields():
        if field.name == "failure_criteria":
            text = ",".join(word(FailureCriterion, one) for one in value)
        elif field.name == "recovery_strategy":
            text = word(RecoveryStrategy, value)
        else:
            text = str(value).lower() if isinstance(value, bool) else f"{value:g}"
        shown.append(f"{field.name}={text}")
    return " ".join(shown)


def _state(configuration: Any) -> str:
    from novacron.api.types.v1 import BreakerState

    return word(BreakerState, configuration.current_state)


_COLUMNS: Columns = {
    "service": lambda one: one.service_name,
    "target": lambda one: one.target_service_name,
    "class": lambda one: one.breaker_class or "all",
    "state": _state,
    "numbers": lambda one: numbers(one.settings),
    "changed": lambda one: f"{ago(one.updated_at)} ago" if one.updated_at.seconds else "",
    "reason": lambda one: one.reason,
}
_FIELDS: Columns = {
    "service": lambda one: one.service_name,
    "target": lambda one: one.target_service_name,
    "class": lambda one: one.breaker_class or "all",
    "id": lambda one: one.circuit_breaker_id,
    "state": _state,
    "numbers": lambda one: numbers(one.settings),
    "fallback service": lambda one: one.fallback_service_name,
    "reason": lambda one: one.reason,
    "changed": lambda one: when(one.updated_at),
    "changed by": lambda one: one.updated_by,
}
