"""One log line per event, with the request's and the trace's id on it.

JSON in production, colours on a terminal. Values under names that smell of secrets are struck out before they are written.
structlog is imported by whoever configures it or writes the first line: it brings all of Rich with it, and a command shall not
wait for that.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, cast

from . import telemetry

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from .settings import ProcessSettings

_SECRET_NAMES = ("password", "secret", "token", "authorization", "credential", "api_key", "private_key")
_discarded = False


def _strike_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in event:
        if name != "page_token" and any(part in name.lower() for part in _SECRET_NAMES):
            event[name] = "***"
    return event


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if telemetry.tracer() is None:
        return event
    if headers := telemetry.passed_on():
        _, event["trace_id"], event["span_id"], _ = headers[0][1].split("-")
        return event
    from opentelemetry import trace

    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = f"{span.trace_id:032x}"
        event["span_id"] = f"{span.span_id:016x}"
    return event


def configure(settings: ProcessSettings, service: str) -> None:
    """Set up structlog, and route the standard library's loggers through it. Once per process."""
    import structlog

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        _strike_secrets,
    ]
    console = settings.log_format == "console"
    # A traceback without local variables: among them are passwords and keys.
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(default=str)
    )
    last = [] if console else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in ("psycopg.pool", "grpc", "opentelemetry"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.contextvars.bind_contextvars(service=service)


def discard() -> None:
    """Write no line from now on: stdout and stderr of a command are for what it has to say."""
    global _discarded
    _discarded = True


def stamp(**facts: Any) -> None:
    """Put these on every line that is written while the current task goes on."""
    import structlog

    structlog.contextvars.bind_contextvars(**facts)


def logger(name: str) -> BoundLogger:
    """The logger of a module: ``log = logs.logger(__name__)``."""
    return cast("BoundLogger", _Logger(name))


class _Logger:
    """Becomes structlog's when it is first written to."""

    __slots__ = ("_name", "_real")

    def __init__(self, name: str) -> None:
        self._name = name
        self._real: Any = None

    def __getattr__(self, attribute: str) -> Any:
        if _discarded:
            return _nothing
        if self._real is None:
            import structlog

            self._real = structlog.stdlib.get_logger(self._name)
        return getattr(self._real, attribute)


def _nothing(*_: Any, **__: Any) -> None:
    return None
