"""One-time codes and recovery codes, shown and used up: the database decides that each works once."""

from __future__ import annotations

from uuid import UUID, uuid4

from novacron.db import Connection
from novacron.sealing import KeyRing, Sealer

from ..sessions.second_factor import Factor
from . import totp
from .credential import App
from .recovery_code import Hashing, new_code
from .store import MfaStore

# No code is used up by it: every step that was ever taken is later.
_NO_STEP = -1


class Codes:
    """Checks the codes that users show."""

    def __init__(self, store: MfaStore, sealer: Sealer, ring: KeyRing) -> None:
        self._store = store
        self._sealer = sealer
        self._hashing = Hashing(ring)
        # Nobody has it: what a user without an app costs.
        self._decoy = App(uuid4(), "", 0, True)
        self._decoy_secret = self.seal(self._decoy.mfa_credential_id, totp.new_secret())

    async def check(
        self, connection: Connection, user_id: UUID | None, code: str, *, matched: bool, window: int
    ) -> Factor:
        """Whether a login may go on; the same statements for everybody."""
        needed, app = await self._store.at_login(connection, user_id)
        step = self._step(app, code, window)
        by_app, by_recovery_code = await self._store.spend_either(
            connection,
            (app.mfa_credential_id if app and matched and step is not None else None, step or _NO_STEP),
            (user_id if needed and matched else None, self._hashing.possible(user_id or UUID(int=0), code)),
        )
        if not needed:
            return Factor.NOT_NEEDED
        if by_app:
            return Factor.PASSED
        return Factor.RECOVERED if by_recovery_code else Factor.REFUSED

    async def spend(self, connection: Connection, app: App, code: str, window: int) -> bool:
        """Use up a code of the app; False: it is not the app's now, or was used."""
        step = self._step(app, code, window)
        return step is not None and await self._store.spend_step(connection, app.mfa_credential_id, step)

    async def spend_recovery_code(self, connection: Connection, user_id: UUID, code: str) -> bool:
        return await self._store.spend_recovery_code(connection, user_id, self._hashing.possible(user_id, code))

    async def new_recovery_codes(self, connection: Connection, user_id: UUID, number: int) -> list[str]:
        """Recovery codes in place of those that there were."""
        made = [new_code() for _ in range(number)]
        await self._store.replace_recovery_codes(
            connection, user_id, [self._hashing.stored(user_id, one) for one in made]
        )
        return made

    def seal(self, credential_id: UUID, secret: bytes) -> str:
        """An app's secret as it is stored, bound to its row."""
        return self._sealer.seal(secret, "mfa_credentials", "secret_sealed", credential_id)

    def _step(self, app: App | None, code: str, window: int) -> int | None:
        held = app or self._decoy
        secret = self._sealer.open(
            held.secret_sealed or self._decoy_secret, "mfa_credentials", "secret_sealed", held.mfa_credential_id
        )
        found = totp.matching_step(secret, code, held.step, window)
        return found if app else None
