"""What a refused login tells its caller, what the log keeps of it for those who may know, and the fields of a bad request."""

import pytest

from novacron.errors import Unauthenticated
from novacron.rpc.status import to_status


async def refused(login):
    """Everything that a refused login tells: the error, with its details."""
    with pytest.raises(Unauthenticated) as caught:
        await login
    return to_status(caught.value)


async def causes(auth):
    """Why the logins so far were refused, by the log."""
    rows = await auth.execute(
        "SELECT error_message FROM auth_audit_log WHERE action = 'login' AND NOT success ORDER BY created_at, sequence"
    )
    return [row[0] for row in rows]


def bad_field(caught):
    return [one.field for one in caught.value.violations]
