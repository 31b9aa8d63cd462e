"""What a table says of a saga."""

import pytest

from novacron.api.saga.v1 import Saga, SagaState
from novacron_cli.saga_shown import state_of

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("state", "due_ago", "told"),
    [
        (SagaState.SAGA_STATE_RUNNING, -5, "running"),
        (SagaState.SAGA_STATE_RUNNING, 3, "running"),
        (SagaState.SAGA_STATE_RUNNING, 60, "running: no live worker has version 3"),
        (SagaState.SAGA_STATE_COMPENSATING, 60, "compensating: no live worker has version 3"),
        (SagaState.SAGA_STATE_STUCK, 60, "stuck"),
        (SagaState.SAGA_STATE_SUCCEEDED, 60, "succeeded"),
    ],
)
def test_a_saga_that_nobody_takes_up_says_so(state, due_ago, told):
    saga = Saga(state=state, version=3)
    saga.due_at.FromSeconds(int(NOW - due_ago))
    assert state_of(saga, NOW) == told
