"""One saga in one worker: begin what the plan says, commit what came of it, until the plan says it is over.

The order is the guarantee: an intent is committed before its call is made, and a result is acted upon only after it is
committed. So a crash at any instant leaves in the log every call that may have been made.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

from .. import logs, telemetry
from ..ending import end
from ..errors import LeaseLost, NovacronError
from ..rpc import deadline
from ..rpc.observe import retrying
from . import failpoint, metrics
from .definition import Context, Saga, adapter, encode
from .entry import Committed
from .key import SagaKey, set_current_key
from .log import Effect, Log
from .outcome import failed
from .plan import Decision, decide
from .record import Attempt, AttemptOutcome, Record, SagaState

log = logs.logger(__name__)
# How long a commit is repeated while the database is away; the lease ends it sooner where it is shorter.
_COMMIT_PAUSE_SECONDS = 0.2


class Execution:
    """Carries one saga on from a record that this worker owns."""

    def __init__(
        self, saga: Saga[Any], record: Record, owner: str, saga_log: Log, rng: random.Random, services: Any = None
    ) -> None:
        self.saga = saga
        self.record = record
        self._owner = owner
        self._log = saga_log
        self._rng = rng
        self._services = services
        self._under_way: dict[tuple[str, str, int], asyncio.Task[Attempt]] = {}

    async def run(self, decision: Decision | None = None) -> Record:
        """Go on until the saga is over; ``decision`` is the one whose intents are in the log already.

        :raises LeaseLost: another worker has it. Cancelled: whatever was under way is in the log as begun.
        """
        try:
            if decision is None:
                decision = await self._take_over()
            while not decision.over:
                decision = await self._step(decision)
            return replace(self.record, state=decision.state, error=decision.error or self.record.error)
        finally:
            await end(self._under_way.values())

    async def _take_over(self) -> Decision:
        abandoned = self.record.abandoned()
        for one in abandoned:
            self.record = self.record.with_outcome(one)
        return await self._commit(abandoned, decide(self.saga, self.record))

    async def _step(self, decision: Decision) -> Decision:
        if len(decision.intents) == 1 and not self._under_way:
            done: tuple[Attempt, ...] = (await self._attempt(decision.intents[0]),)
            # What follows is this saga's own work again, under no step's key.
            set_current_key(None)
        else:
            done = await self._first_ended(decision.intents)
        for one in done:
            self.record = self.record.with_outcome(one)
        return await self._commit(done, decide(self.saga, self.record))

    async def _first_ended(self, intents: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        """Steps side by side: a task each; those that have ended when the first has."""
        for intent in intents:
            if intent.id not in self._under_way:
                self._under_way[intent.id] = asyncio.ensure_future(self._attempt(intent))
        await asyncio.wait(self._under_way.values(), return_when=asyncio.FIRST_COMPLETED)
        ended = [task.result() for task in self._under_way.values() if task.done()]
        for one in ended:
            del self._under_way[one.id]
        return tuple(ended)

    async def _commit(self, done: tuple[Attempt, ...], decision: Decision) -> Decision:
        """Write outcomes and decision. What the commit reads back may turn the saga round: then decide, and write, again."""
        while True:
            intents = tuple(
                one for one in decision.intents if one.id not in {known.id for known in self.record.attempts}
            )
            name = f"{self.record.name}/{decision.state}"
            await failpoint.reach("commit.before", name)
            committed, in_doubt = await self._write(done, decision, intents)
            await failpoint.reach("commit.after", name)
            for one in done:
                metrics.attempted(self.record.name, one)
            turned = committed.cancel_reason is not None and not decision.bound
            # The statement wrote no intent to go forward once a cancel had been asked for.
            written = tuple(one for one in intents if one.operation == "compensation" or not turned)
            if in_doubt and written != intents:
                # A try whose answer was lost may have come before the cancel: then they are written, and must be made.
                written = await self._in_log(intents)
            self.record = self.record.committed(
                written,
                decision.state,
                decision.error or self.record.error,
                cancel_reason=committed.cancel_reason,
                overdue=committed.overdue,
            )
            if decision.over or written == intents:
                return decision
            done, decision = (), decide(self.saga, self.record)

    async def _write(
        self, done: tuple[Attempt, ...], decision: Decision, intents: tuple[Attempt, ...]
    ) -> tuple[Committed, bool]:
        """What the commit read back, and whether an earlier try of it may have been made as well."""
        effect = self._effect(done, decision)
        in_doubt = False
        while True:
            try:
                return await self._log.commit(self._owner, self.record, decision, done, intents, effect), in_doubt
            except LeaseLost:
                raise
            except NovacronError as error:
                if not error.retryable:
                    raise  # what the database will never take: the next attempt counts, and attempts are bounded
                # The database is away or the race was lost: the same commit again does no harm, and without a lease it
                # does nothing.
                in_doubt = True
                await self._database_is_away(error)

    async def _in_log(self, intents: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        """Those that the log knows of."""
        while True:
            try:
                record = await self._log.read(self.record.saga_id)
            except NovacronError as error:
                await self._database_is_away(error)
                continue
            known = {one.id for one in record.attempts} if record is not None else set()
            return tuple(one for one in intents if one.id in known)

    async def _database_is_away(self, error: NovacronError) -> None:
        log.warning("saga log not reached", saga=str(self.record.saga_id), reason=error.reason)
        await asyncio.sleep(_COMMIT_PAUSE_SECONDS)

    def _effect(self, done: tuple[Attempt, ...], decision: Decision) -> Effect | None:
        """The owner's own changes that belong into this commit."""
        effects: list[Effect] = []
        for one in done:
            step = self.saga.step(one.step)
            if one.operation == "action" and one.outcome is AttemptOutcome.OK and step.local is not None:
                effects.append(_bind(step.local, self._context(), self._context().results.get(step.output)))  # type: ignore[arg-type]
        end = {SagaState.COMPENSATED: self.saga.on_compensated, SagaState.STUCK: self.saga.on_stuck}.get(decision.state)
        if end is not None:
            effects.append(_bind(end, self._context(), decision.error))
        if not effects:
            return None

        async def all_of_them(connection: Any) -> None:
            for effect in effects:
                await effect(connection)

        return all_of_them

    def _context(self) -> Context[Any]:
        return context_of(self.saga, self.record, self._services)

    async def _attempt(self, intent: Attempt) -> Attempt:
        """Make one attempt; its end is in the returned outcome. Only cancellation gets out."""
        step = self.saga.step(intent.step)
        deadline.detached()
        set_current_key(SagaKey(self.record.saga_id, intent.step, intent.operation))
        before = self.record.of(intent.step, intent.operation)
        failures = [one for one in before if one.id != intent.id]
        if failures:
            asked = failures[-1].error.retry_after_seconds if failures[-1].error else None
            await asyncio.sleep(asked or step.policy(intent.operation).pause(len(failures), self._rng))
        # The log is the retry layer of this request tree once it has recorded a failure.
        retrying(len(failures))
        function = step.action if intent.operation == "action" else step.compensation
        if function is None:
            return intent.ended(AttemptOutcome.OK)
        name = f"{self.record.name}/{intent.step}/{intent.operation}"
        try:
            with (
                metrics.timed(self.record.name, intent),
                telemetry.span(f"saga {name}", self.record.traceparent, novacron_saga_id=str(self.record.saga_id)),
            ):
                await failpoint.reach("send", name)
                with deadline.within(step.timeout_seconds):
                    async with asyncio.timeout(step.timeout_seconds):
                        result = await function(self._context())
                await failpoint.reach("reply", name)
            output = None
            if intent.operation == "action" and step.output is not None:
                output = encode(step.output, result, f"saga {self.record.name}, step {intent.step}: output")
            return intent.ended(AttemptOutcome.OK, output)
        except asyncio.CancelledError:
            raise
        except Exception as exception:
            outcome, error = failed(intent, exception)
            log.info(
                "saga step failed", saga=str(self.record.saga_id), step=name, outcome=str(outcome), error=error.message
            )
            return intent.ended(outcome, error=error)


def context_of(saga: Saga[Any], record: Record, services: Any) -> Context[Any]:
    """What a step or a local effect of this saga knows now."""
    results: dict[type, Any] = {}
    for one in record.attempts:
        step = saga.step(one.step)
        if one.operation == "action" and one.outcome is AttemptOutcome.OK and step.output is not None:
            results[step.output] = adapter(step.output).validate_python(one.output)
    return Context(record.saga_id, record.tenant_id, saga.decode(record.params), results, services, record.error)


def _bind(local: Any, context: Context[Any], last: Any) -> Effect:
    async def effect(connection: Any) -> None:
        await local(connection, context, last)

    return effect
