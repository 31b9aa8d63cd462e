"""A login that is refused tells nothing by how long it took, or by what it cost."""

import sys

import psycopg
import pytest

from novacron.api.auth.v1 import LoginRequest
from novacron.errors import Unauthenticated

from .login_times import accounts, compared, forgiven, mann_whitney, sample, table


@pytest.fixture
async def logins(auth, password):
    return await accounts(auth, password)


def tell(capsys, text):
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")


@pytest.fixture
def statements(monkeypatch):
    """Those that have been sent."""
    sent = []
    execute = psycopg.AsyncCursor.execute

    async def counted(self, query, *args, **kwargs):
        sent.append(query if isinstance(query, str) else str(query))
        return await execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", counted)
    return sent


async def test_every_refusal_sends_the_same_statements(auth, logins, statements):
    sent = {}
    for kind, asked in logins.items():
        tries = []
        for _ in range(4):  # the first reads what is kept in memory
            await forgiven(auth)
            await auth.configuration.current()
            await auth.keyring.signer()
            statements.clear()
            with pytest.raises(Unauthenticated):
                await auth.as_user().Login(LoginRequest(**asked))
            tries.append(tuple(statements))
        sent[kind] = min(tries[1:], key=len)  # what the service does beside logins only adds to them
    assert len(set(sent.values())) == 1, {kind: len(one) for kind, one in sent.items()}


async def test_a_refusal_takes_as_long_whatever_the_cause(auth, logins, capsys):
    rows = compared(await sample(auth, logins, 12))
    tell(capsys, table(rows, 12))
    # So few tell of a hash left out, and of nothing finer: the long run does.
    assert all(0.5 < row.median_ratio < 2 for row in rows)


@pytest.mark.faults_all
async def test_nobody_can_tell_refusals_apart_by_five_hundred_of_each(auth, logins, capsys):
    rows = compared(await sample(auth, logins, 500))
    tell(capsys, table(rows, 500))
    assert not [row.kind for row in rows if row.apart]


def test_the_comparison_itself_tells_two_distributions_apart():
    assert mann_whitney([float(one) for one in range(100)], [one + 0.5 for one in range(100)]) > 0.9
    assert mann_whitney([float(one) for one in range(100)], [one + 30.0 for one in range(100)]) < 0.001
