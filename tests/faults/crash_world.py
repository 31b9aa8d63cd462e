"""The small world in which processes are killed: a saga like create-vm, its participants, and journals of all that happened.

Two databases: the owner's, with the saga log and the VMs, and the participants', with what exists and the barrier. Both keep
journals that no code under test reads or writes: every change of the log with its writer, every effect in its order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from google.protobuf.struct_pb2 import Struct

from novacron.db import Connection, Database
from novacron.errors import FailedPrecondition
from novacron.saga import Context, Kind, RetryPolicy, Saga, Step, barrier, current_key, failpoint

OWNER_SCHEMA = """
CREATE TABLE vm (vm_id uuid PRIMARY KEY, state text NOT NULL DEFAULT 'creating', changes int NOT NULL DEFAULT 0);

-- Each change of the log: whose session made it, at which epoch the saga then was.
CREATE TABLE history (
    sequence bigint GENERATED ALWAYS AS IDENTITY, saga_id uuid, what text, state text, epoch bigint,
    writer text DEFAULT current_setting('application_name'), written_in xid8 DEFAULT pg_current_xact_id()
);
CREATE FUNCTION journal_saga() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO history (saga_id, what, state, epoch) VALUES (NEW.saga_id, 'saga', NEW.state, NEW.epoch);
    RETURN NULL;
END $$;
CREATE TRIGGER journal AFTER INSERT OR UPDATE ON saga FOR EACH ROW EXECUTE FUNCTION journal_saga();
CREATE FUNCTION journal_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO history (saga_id, what, state, epoch)
    VALUES (NEW.saga_id, NEW.step || '/' || NEW.operation, NEW.outcome, (SELECT epoch FROM saga WHERE saga_id = NEW.saga_id));
    RETURN NULL;
END $$;
CREATE TRIGGER journal AFTER INSERT OR UPDATE ON saga_step FOR EACH ROW EXECUTE FUNCTION journal_step();

-- A deferred trigger runs inside COMMIT. It waits there for whoever holds the advisory lock of this session's choice.
CREATE FUNCTION wait_in_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('crash.gate', true), '') <> '' THEN
        PERFORM pg_advisory_xact_lock_shared(current_setting('crash.gate')::bigint);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER gate AFTER INSERT OR UPDATE ON saga DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait_in_commit();
"""
PARTICIPANTS_SCHEMA = """
CREATE TABLE held (saga_id uuid, step text, PRIMARY KEY (saga_id, step));
CREATE TABLE effect (sequence bigint GENERATED ALWAYS AS IDENTITY, saga_id uuid, step text, operation text);
"""
_QUICK = RetryPolicy(attempts=8, first_seconds=0.01, most_seconds=0.05)


@dataclass(frozen=True)
class Wanted:
    """Parameters. ``fails``: the third step is refused, and the saga turns back."""

    fails: bool = False


@dataclass(frozen=True)
class Node:
    name: str


@dataclass(frozen=True)
class Participants:
    database: Database


async def _carry_out(context: Context[Wanted], statement: str) -> None:
    """One call to a participant: the barrier, its effect and the journal in one transaction of the participant's."""
    key = current_key()
    assert key is not None
    at = f"{key.step}/{key.operation}"

    async with context.services.database.transaction() as connection:

        async def effect() -> Struct:
            await connection.execute(statement, (key.saga_id, key.step))
            await connection.execute(
                "INSERT INTO effect (saga_id, step, operation) VALUES (%s, %s, %s)",
                (key.saga_id, key.step, key.operation),
            )
            await failpoint.reach("effect", at)
            return Struct()

        await barrier.once(connection, Struct, effect)


def _does(name: str) -> Callable[[Context[Wanted]], Awaitable[Any]]:
    async def action(context: Context[Wanted]) -> Any:
        if name == "monitor" and context.params.fails:
            raise FailedPrecondition("no more targets: refused, and nothing was done")
        await _carry_out(context, "INSERT INTO held VALUES (%s, %s)")
        return Node("node-1") if name == "reserve" else None

    return action


async def _undo(context: Context[Wanted]) -> None:
    await _carry_out(context, "DELETE FROM held WHERE saga_id = %s AND step = %s")


async def _becomes(connection: Connection, vm_id: UUID, state: str) -> None:
    await connection.execute("UPDATE vm SET state = %s, changes = changes + 1 WHERE vm_id = %s", (state, vm_id))
    await failpoint.reach("local", state)


async def _running(connection: Connection, context: Context[Wanted], _: Any) -> None:
    assert context.result(Node).name == "node-1"
    await _becomes(connection, context.saga_id, "running")


async def _error(connection: Connection, context: Context[Wanted], _: Any) -> None:
    await _becomes(connection, context.saga_id, "error")


STEPS = ("reserve", "provision", "monitor", "activate")
SAGA = Saga(
    name="create-vm",
    version=1,
    params=Wanted,
    steps=(
        Step(
            "reserve", Kind.COMPENSATABLE, _does("reserve"), _undo, output=Node, retry=_QUICK, compensation_retry=_QUICK
        ),
        Step("provision", Kind.COMPENSATABLE, _does("provision"), _undo, retry=_QUICK, compensation_retry=_QUICK),
        Step("monitor", Kind.COMPENSATABLE, _does("monitor"), _undo, retry=_QUICK, compensation_retry=_QUICK),
        Step("activate", Kind.RETRIABLE, _does("activate"), local=_running, retry=_QUICK),
    ),
    on_compensated=_error,
)
