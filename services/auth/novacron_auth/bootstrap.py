"""The first tenant and the first user, so that somebody can log in and make the others."""

from __future__ import annotations

from pathlib import Path

from novacron import logs
from novacron.db import Database
from novacron.ids import new_id
from novacron.settings import SettingsError

from .audit.entry import Event
from .audit.log import AuditLog
from .tenants.store import TenantStore
from .users.account import DEFAULT_TENANT, Role
from .users.passwords import Passwords
from .users.store import UserStore
from .users.user import NewUser

log = logs.logger(__name__)
ADMIN = "admin"
_LEAST_LENGTH, _MOST_LENGTH = 8, 1024
_VARIABLE = "NOVACRON_BOOTSTRAP_ADMIN_PASSWORD_FILE"


class Bootstrap:
    """Makes whoever makes the others."""

    def __init__(
        self, database: Database, users: UserStore, tenants: TenantStore, passwords: Passwords, audit: AuditLog
    ) -> None:
        self._database = database
        self._users = users
        self._tenants = tenants
        self._passwords = passwords
        self._audit = audit

    async def ensure_first_user(self, password_file: Path | None) -> None:
        """Make the tenant ``default`` and its user ``admin`` unless there is a user, however many replicas start at once.

        :raises SettingsError: there is no user, and the password file cannot be read or holds no password.
        """
        async with self._database.connection() as connection:
            if await self._users.any_user(connection):
                return
        if password_file is None:
            log.warning(f"nobody can log in: set {_VARIABLE} and start again")
            return
        password_hash = await self._passwords.hash(_password(password_file))
        async with self._database.transaction() as connection:
            # The tenant's row is the lock: the next replica waits for it, then finds the user.
            tenant_id = await self._tenants.hold_tenant(connection, new_id(), DEFAULT_TENANT)
            if await self._users.any_user(connection):
                return
            admin = NewUser(new_id(), tenant_id, ADMIN, f"{ADMIN}@localhost", Role.ADMIN)
            await self._users.add(connection, admin, password_hash)
            event = Event(tenant_id, "user.bootstrap", True, user_id=admin.user_id, metadata={"role": admin.role})
            await self._audit.append(connection, event)
        log.info("made the first user", username=ADMIN, tenant=DEFAULT_TENANT)


def _password(path: Path) -> str:
    try:
        password = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{_VARIABLE}: cannot read {path}: {reason}") from None
    if not _LEAST_LENGTH <= len(password) <= _MOST_LENGTH:
        raise SettingsError(f"{_VARIABLE}: {path} holds no password of {_LEAST_LENGTH} to {_MOST_LENGTH} characters")
    return password
