"""The saga log's SQL: one statement for each thing that happens."""

from __future__ import annotations

BEGIN = """
WITH made AS (
    INSERT INTO saga (saga_id, name, version, tenant_id, params, owner, epoch, lease_until, due_at, deadline, traceparent)
    VALUES (%(saga_id)s, %(name)s, %(version)s, %(tenant_id)s, %(params)s, %(owner)s, 1,
            now() + %(lease)s * interval '1 second', now() + %(lease)s * interval '1 second',
            now() + %(deadline)s * interval '1 second', %(traceparent)s)
    ON CONFLICT (saga_id) DO NOTHING
    RETURNING saga_id
), intent AS (
    INSERT INTO saga_step (saga_id, step, operation, attempt, epoch)
    SELECT made.saga_id, i.step, 'action', 1, 1 FROM made, unnest(%(steps)s::text[]) AS i (step)
)
SELECT count(*) FROM made
"""

# The fence decides; every other part hangs on it. A saga that turned back never goes forward again, not even by a commit of
# its own worker that was given up and repeated, and that the server gets to only now. An intent to go forward is not written
# once a cancel has been asked for. A lease with most of its time left stays: a row whose indexed columns do not change is
# updated in place, without a new entry in every index. The states stand in a CASE, which no index answers: the row is found by
# its key however little the planner knows, and never among the dead entries of all that was ever running.
_COMMIT = """
WITH fence AS (
    UPDATE saga SET
        state = g.state,
        lease_until = CASE WHEN g.state NOT IN ('running', 'compensating') THEN NULL
                           WHEN lease_until BETWEEN now() + %(renewed)s * interval '1 second'
                                                AND now() + %(lease)s * interval '1 second' THEN lease_until
                           ELSE now() + %(lease)s * interval '1 second' END,
        due_at = CASE WHEN due_at BETWEEN now() + %(renewed)s * interval '1 second'
                                      AND now() + %(lease)s * interval '1 second' THEN due_at
                      ELSE now() + %(lease)s * interval '1 second' END,
        owner = CASE WHEN g.state IN ('running', 'compensating') THEN owner END,
        takeovers = 0,
        error = coalesce(g.error, saga.error),
        resume_state = g.resume_state,
        updated_at = now(),
        finished_at = CASE WHEN g.state NOT IN ('running', 'compensating') THEN clock_timestamp() END
    FROM {sagas}
    WHERE saga.saga_id = g.saga_id AND owner = %(owner)s AND saga.epoch = g.epoch
          AND CASE saga.state WHEN 'running' THEN true
                              WHEN 'compensating' THEN g.state NOT IN ('running', 'succeeded')
                              ELSE false END
    RETURNING saga.saga_id, saga.epoch, g.bound,
              CASE WHEN cancel_requested_at IS NOT NULL THEN coalesce(cancel_reason, '') END AS cancel_reason,
              deadline < now() AS overdue
), done AS (
    UPDATE saga_step SET outcome = d.outcome, output = d.output, error = d.error, finished_at = clock_timestamp()
    FROM fence JOIN {done} USING (saga_id)
    WHERE saga_step.saga_id = fence.saga_id AND saga_step.step = d.step AND saga_step.operation = d.operation
          AND saga_step.attempt = d.attempt AND saga_step.outcome = 'started'
    RETURNING saga_step.saga_id
), intent AS (
    INSERT INTO saga_step (saga_id, step, operation, attempt, epoch)
    SELECT fence.saga_id, i.step, i.operation, i.attempt, fence.epoch
    FROM fence JOIN {intents} USING (saga_id)
    WHERE i.step IS NOT NULL AND (fence.cancel_reason IS NULL OR i.operation = 'compensation' OR fence.bound)
    ON CONFLICT DO NOTHING
)
SELECT saga_id, cancel_reason, overdue, (SELECT count(*) FROM done WHERE done.saga_id = fence.saga_id) FROM fence
"""

# One saga, one outcome, at most one intent: plain values, at three quarters of the cost.
COMMIT_ONE = _COMMIT.format(
    sagas="""(SELECT %(saga_id)s::uuid AS saga_id, %(epoch)s::bigint AS epoch, %(state)s::text AS state,
        %(resume_state)s::text AS resume_state, %(error)s::jsonb AS error, %(bound)s::boolean AS bound) AS g""",
    done="""(SELECT %(saga_id)s::uuid AS saga_id, %(done_step)s::text AS step, %(done_operation)s::text AS operation,
        %(done_attempt)s::integer AS attempt, %(outcome)s::text AS outcome, %(output)s::jsonb AS output,
        %(done_error)s::jsonb AS error) AS d""",
    intents="""(SELECT %(saga_id)s::uuid AS saga_id, %(step)s::text AS step, %(operation)s::text AS operation,
        %(attempt)s::integer AS attempt) AS i""",
)

# Any number of each: a document for the sagas, their outcomes and their intents.
COMMIT_MANY = _COMMIT.format(
    sagas="""jsonb_to_recordset(%(sagas)s::jsonb)
        AS g (saga_id uuid, epoch bigint, state text, resume_state text, error jsonb, bound boolean)""",
    done="""jsonb_to_recordset(%(done)s::jsonb) AS d (saga_id uuid, step text, operation text, attempt integer,
        outcome text, output jsonb, error jsonb)""",
    intents="""jsonb_to_recordset(%(intents)s::jsonb)
        AS i (saga_id uuid, step text, operation text, attempt integer)""",
)

ROW = """saga_id, name, version, state, tenant_id, params, epoch,
    CASE WHEN cancel_requested_at IS NOT NULL THEN coalesce(cancel_reason, '') END, deadline < now(),
    error, traceparent, forgiven_epoch"""

# The lease and, in the same statement, the backoff: a saga that ends its workers is taken up ever more seldom.
CLAIM = f"""
UPDATE saga SET
    owner = %(owner)s,
    epoch = epoch + 1,
    lease_until = now() + %(lease)s * interval '1 second',
    due_at = now() + (%(lease)s + least(300, power(2, least(takeovers, 16)) - 1)) * interval '1 second',
    takeovers = takeovers + 1
WHERE saga_id IN (
    SELECT saga_id FROM saga
    WHERE state IN ('running', 'compensating') AND due_at <= now()
          AND (name, version) IN (SELECT * FROM unnest(%(names)s::text[], %(versions)s::int[]))
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
RETURNING {ROW}
"""  # noqa: S608 - our own column list

# Those that ended while this was on its way have not been lost to anyone: they are named too.
RENEW = """
WITH mine AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(epochs)s::bigint[]) AS m (id, of_epoch)
), renewed AS (
    UPDATE saga SET
        lease_until = now() + %(lease)s * interval '1 second',
        due_at = greatest(due_at, now() + %(lease)s * interval '1 second')
    FROM mine
    WHERE saga_id = mine.id AND epoch = mine.of_epoch AND owner = %(owner)s
          AND CASE WHEN state IN ('running', 'compensating') THEN true ELSE false END
    RETURNING saga_id
)
SELECT saga_id FROM renewed
UNION ALL
SELECT saga_id FROM saga JOIN mine ON saga_id = mine.id
WHERE epoch = mine.of_epoch AND state NOT IN ('running', 'compensating')
"""

RELEASE = """
UPDATE saga SET lease_until = now(), due_at = now(), owner = NULL
WHERE owner = %s AND state IN ('running', 'compensating')
"""

ATTEMPTS = """
SELECT saga_id, step, operation, attempt, outcome, output, error, epoch, started_at, finished_at
FROM saga_step WHERE saga_id = ANY (%s)
ORDER BY finished_at NULLS LAST, started_at, attempt
"""

READ = f"SELECT {ROW} FROM saga WHERE saga_id = %s"  # noqa: S608 - our own column list

# A saga for whoever sweeps next: no owner, due at once.
ENQUEUE = """
INSERT INTO saga (saga_id, name, version, tenant_id, params, due_at, deadline, traceparent)
VALUES (%s, %s, %s, %s, %s, now(), now() + %s * interval '1 second', %s)
ON CONFLICT (saga_id) DO NOTHING
"""

CANCEL = """
UPDATE saga SET cancel_requested_at = coalesce(cancel_requested_at, now()), cancel_reason = coalesce(cancel_reason, %s)
WHERE saga_id = %s AND state = 'running'
"""

LOCK = f"""
SELECT {ROW}, resume_state FROM saga WHERE saga_id = %s AND (%s::uuid IS NULL OR tenant_id = %s) FOR UPDATE
"""  # noqa: S608 - our own column list

# The next owner's epoch is greater than the one forgiven, so its attempts count from one. What goes forward has no error any
# more; what goes back keeps why.
RESUME = """
UPDATE saga SET state = %(state)s, resume_state = NULL, error = CASE WHEN %(state)s = 'running' THEN NULL ELSE error END,
    forgiven_epoch = epoch, due_at = now(), takeovers = 0,
    deadline = greatest(deadline, now() + interval '10 minutes'), finished_at = NULL, updated_at = now()
WHERE saga_id = %(saga_id)s
"""

DONE_BY_HAND = """
INSERT INTO saga_step (saga_id, step, operation, attempt, outcome, epoch, finished_at)
SELECT %s, %s, %s, 1 + coalesce((SELECT max(attempt) FROM saga_step WHERE saga_id = %s AND step = %s AND operation = %s), 0),
       'ok', %s, clock_timestamp()
"""

NOTE = "INSERT INTO saga_intervention (saga_id, action, step, initiated_by, reason) VALUES (%s, %s, %s, %s, %s)"

LAST_INTERVENTION = """
SELECT action, step, initiated_by, reason FROM saga_intervention WHERE saga_id = %s ORDER BY sequence DESC LIMIT 1
"""

INTERVENTIONS = """
SELECT action, coalesce(step, ''), initiated_by, reason, created_at FROM saga_intervention
WHERE saga_id = %s ORDER BY sequence
"""
