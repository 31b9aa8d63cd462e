"""What a caller is given when the target is not there: where the method's contract declares it, and nowhere else.

A cached value is the last good answer to the same request under the same credentials. A saga is given nothing: it acts on what
it reads, and it can wait. A method that decides on permissions declares no fallback, so doubt stays a refusal.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format, message_factory

from .. import logs
from ..errors import NovacronError, Unavailable
from ..saga.key import current_key
from . import breaker_metrics
from .call import ClientCall, ClientProceed
from .policy import descriptor_of

if TYPE_CHECKING:
    from .channel import Channel
    from .guard import Breakers

log = logs.logger(__name__)
_MOST_KEPT = 256
_CREDENTIALS = frozenset({"authorization", "x-api-key"})


class FallbackStage:
    """Stands above the retries: what they could not get either is answered here, or fails as it would have."""

    def __init__(
        self,
        breakers: Breakers,
        other: Callable[[str], Channel] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._breakers = breakers
        self._other = other
        self._clock = clock
        self._kept: OrderedDict[tuple[Any, ...], tuple[float, Any]] = OrderedDict()

    async def client_stage(self, call: ClientCall, proceed: ClientProceed) -> Any:
        declared = call.policy.fallback
        if declared is None or current_key() is not None:
            return await proceed(call)
        key = _key(call) if declared.cached_seconds else ()
        try:
            response = await proceed(call)
        except Unavailable as error:
            if not self._breakers.configuration(call.policy.breaker_class).fallback_enabled:
                raise
            response, kind = await self._instead(call, key, error)
            breaker_metrics.fell_back(call.path, kind)
            log.info("answered by its fallback", method=call.path, kind=kind, reason=error.reason)
            return response
        if declared.cached_seconds:
            self._keep(key, response)
        return response

    async def _instead(self, call: ClientCall, key: tuple[Any, ...], error: Unavailable) -> tuple[Any, str]:
        """:raises Unavailable: the error itself: nothing of what is declared can be had."""
        declared = call.policy.fallback
        assert declared is not None
        kept = self._kept.get(key) if declared.cached_seconds else None
        if kept is not None and self._clock() - kept[0] <= declared.cached_seconds:
            return _copy(kept[1]), "cached_value"
        service, answers = self._breakers.fallbacks(call.policy.breaker_class)
        if declared.another_service and service and self._other is not None:
            try:
                return await _ask(self._other(service), call), "another_service"
            except NovacronError as elsewhere:
                log.info("the fallback's service has no answer either", service=service, reason=elsewhere.reason)
        if declared.default_value:
            return _default(call, declared.default_value, answers), "default_value"
        raise error

    def _keep(self, key: tuple[Any, ...], response: Any) -> None:
        self._kept[key] = (self._clock(), _copy(response))
        self._kept.move_to_end(key)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)


def _key(call: ClientCall) -> tuple[Any, ...]:
    """One caller's answer is nobody else's: credentials are part of what was asked."""
    credentials = tuple(pair for pair in call.metadata if pair[0] in _CREDENTIALS)
    return call.path, call.request.SerializeToString(deterministic=True), credentials


def _copy(message: Any) -> Any:
    """Callers may change what they are given."""
    copied = type(message)()
    copied.CopyFrom(message)
    return copied


def _response_class(call: ClientCall) -> Any:
    return message_factory.GetMessageClass(descriptor_of(call.path).output_type)


async def _ask(channel: Channel, call: ClientCall) -> Any:
    method = channel.unary_unary(
        call.path,
        request_serializer=type(call.request).SerializeToString,
        response_deserializer=_response_class(call).FromString,
    )
    return await method(call.request, timeout=call.timeout)


def _default(call: ClientCall, declared: str, configured: Mapping[str, Any]) -> Any:
    """The configured answer, if it is one of this method; else the declared one."""
    response = _response_class(call)
    name = call.path.lstrip("/").replace("/", ".")
    if name in configured:
        try:
            return json_format.Parse(json.dumps(configured[name]), response())
        except json_format.ParseError as error:
            log.warning("the configured fallback is no answer of its method", method=name, error=str(error))
    return json_format.Parse(declared, response())
