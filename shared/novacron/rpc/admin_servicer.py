"""The gRPC edge of what every server lets its operators see and do: its breakers, and what else limits its calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .. import logs
from ..api.admin import v1
from ..errors import FailedPrecondition, NotFound
from . import breaker_messages
from .breaker import CircuitBreaker, State
from .channel import Channel
from .guard import Breakers
from .identity import current
from .server import Server

log = logs.logger(__name__)

_STATES = {
    v1.BREAKER_ACTION_OPEN: State.FORCED_OPEN,
    v1.BREAKER_ACTION_CLOSE: State.CLOSED,
    v1.BREAKER_ACTION_DISABLE: State.DISABLED,
    v1.BREAKER_ACTION_METRICS_ONLY: State.METRICS_ONLY,
}
_LOCKED_OUT = (
    "a process that may not ask auth could not find out who may close this breaker again: stop the process instead"
)


@dataclass(frozen=True, slots=True)
class _Set:
    """Who set a breaker by hand, and why."""

    by: str
    reason: str


class AdminServicer(v1.AdminServiceServicer):
    """Serves ``AdminService`` for one process: its channels, its server."""

    def __init__(self, service: str, instance: str, channels: Callable[[], Iterable[Channel]], server: Server) -> None:
        self._service = service
        self._instance = instance
        self._channels = channels
        self._server = server
        self._set: dict[tuple[str, str], _Set] = {}

    async def ListBreakers(self, request: v1.ListBreakersRequest, context: Any) -> v1.ListBreakersResponse:
        channels = [one for one in self._channels() if request.target in ("", one.name)]
        channels.sort(key=lambda channel: channel.name)
        return v1.ListBreakersResponse(
            service=self._service,
            instance=self._instance,
            breakers=[
                self._breaker(channel.breakers, breaker_class)
                for channel in channels
                for breaker_class in sorted(channel.breakers.all())
            ],
            targets=[_target(channel) for channel in channels],
            server=_load(self._server),
        )

    async def SetBreaker(self, request: v1.SetBreakerRequest, context: Any) -> v1.SetBreakerResponse:
        if request.action == v1.BREAKER_ACTION_OPEN and request.target == "auth":
            raise FailedPrecondition(_LOCKED_OUT)
        by = str(current().user.user_id)
        done = []
        for breakers, breaker_class in self._wanted(request.target, request.breaker_class):
            breaker = _act(breakers, breaker_class, request.action, f"by an operator: {request.reason}")
            self._set[breakers.target, breaker_class] = _Set(by, request.reason)
            done.append(self._breaker(breakers, breaker_class))
            # Who opens or silences a breaker changes what all tenants get: the log keeps it, whatever its level of detail.
            log.warning(
                "circuit breaker set by an operator",
                breaker=breaker.name,
                action=v1.BreakerAction.Name(request.action),
                state=breaker.state,
                by=by,
                reason=request.reason,
            )
        return v1.SetBreakerResponse(instance=self._instance, breakers=done)

    def _wanted(self, target: str, breaker_class: str) -> list[tuple[Breakers, str]]:
        """:raises NotFound: this process has not called it yet, so there is no breaker."""
        found = [
            (channel.breakers, one)
            for channel in self._channels()
            if channel.name == target
            for one in sorted(channel.breakers.all())
            if breaker_class in ("", one)
        ]
        if not found:
            raise NotFound.named("breaker", f"{target}/{breaker_class}" if breaker_class else target)
        return found

    def _breaker(self, breakers: Breakers, breaker_class: str) -> v1.Breaker:
        breaker = breakers.of(breaker_class)
        set_by = self._set.get((breakers.target, breaker_class), _Set("", ""))
        now = time.monotonic()
        calls, failure_rate, slow_rate = breaker.rates(now)
        message = v1.Breaker(
            target=breakers.target,
            breaker_class=breaker_class,
            state=breaker_messages.state(breaker.state),
            calls=calls,
            failure_rate=failure_rate,
            slow_rate=slow_rate,
            in_flight=breaker.in_flight,
            rejected=breaker.rejected,
            opened=breaker.opened,
            set_by=set_by.by,
            set_reason=set_by.reason,
            settings=breaker_messages.all_settings(breaker.configuration),
        )
        message.since.FromDatetime(datetime.now(UTC) - timedelta(seconds=now - breaker.since))
        if breaker.state is State.OPEN and (wait := breaker.retry_after(now)) is not None:
            message.retry_after.FromTimedelta(timedelta(seconds=wait))
        return message


def serve(server: Server, service: str, instance: str, channels: Callable[[], Iterable[Channel]]) -> None:
    """Let operators see and set the breakers of these channels on this server's users' port."""
    server.add(v1.add_AdminServiceServicer_to_server, AdminServicer(service, instance, channels, server))


def _act(breakers: Breakers, breaker_class: str, action: int, why: str) -> CircuitBreaker:
    if action == v1.BREAKER_ACTION_RESET:
        return breakers.reset(breaker_class, why)
    return breakers.force(breaker_class, _STATES[action], why)  # type: ignore[index]


def _target(channel: Channel) -> v1.Target:
    return v1.Target(
        target=channel.name,
        retry_budget_left=channel.retry.budget.left,
        retries_refused=channel.retry.budget.refused,
        bulkhead_in_flight=channel.bulkhead.in_flight,
        bulkhead_limit=channel.bulkhead.limit,
        bulkhead_queue=channel.bulkhead.waiting,
        bulkhead_refused=channel.bulkhead.refused,
    )


def _load(server: Server) -> v1.ServerLoad:
    shedder = server.load
    message = v1.ServerLoad(in_flight=shedder.in_flight, limit=shedder.limit, shed=shedder.shed)
    message.queue_delay.FromTimedelta(timedelta(seconds=shedder.delay.last))
    return message
