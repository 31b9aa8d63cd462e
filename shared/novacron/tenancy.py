"""Whose rows the work under way may see: one tenant's, or everybody's.

The chain sets it for each request out of who calls, before the request is looked at; tasks that a request begins inherit it.
The database is told with each statement, and refuses what the statement's own WHERE forgot: see ``db/row_security.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

# In place of a tenant's id. What is neither sees nothing: policies ask for one of the two.
EVERY_TENANT = "*"

# The service's own work, which answers to no caller, begins without a restriction; a user's request never runs without its own.
_sees: ContextVar[str] = ContextVar("novacron_tenancy", default=EVERY_TENANT)


def sees() -> str:
    """The id of the one tenant that is seen here, or :data:`EVERY_TENANT`."""
    return _sees.get()


def restrict(tenant_id: UUID | None) -> None:
    """From here on this task, and what it begins, sees this tenant alone; None: every one."""
    _sees.set(EVERY_TENANT if tenant_id is None else str(tenant_id))


@contextmanager
def every_tenant() -> Iterator[None]:
    """Within this block the service asks for itself, whoever called: nothing of what it reads is told to a tenant as it is.

    Each use says why the platform's view is needed to answer one tenant's request.
    """
    token = _sees.set(EVERY_TENANT)
    try:
        yield
    finally:
        _sees.reset(token)


def detached() -> None:
    """From here on this task answers to no caller. For the saga's worker, which goes on when its request has ended."""
    _sees.set(EVERY_TENANT)
