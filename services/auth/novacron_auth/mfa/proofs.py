"""What users show as their second factor, judged and used up: a code, or the answer of a security key."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Connection

from ..sessions.second_factor import Factor
from ..users.account import Shown
from . import relying_party
from .codes import Codes
from .key_store import KeyStore
from .relying_party import RelyingParty, Untrusted
from .store import MfaStore


class Proofs:
    """Judges by both kinds. An instance of this is a login's :class:`~..sessions.second_factor.SecondFactor`."""

    def __init__(self, codes: Codes, keys: KeyStore, relying_party: RelyingParty | None) -> None:
        self._codes = codes
        self._keys = keys
        self._relying_party = relying_party
        self._store = MfaStore()

    async def check(
        self, connection: Connection, user_id: UUID | None, shown: Shown, *, matched: bool, window: int
    ) -> Factor:
        """Whether a login may go on; what it costs hangs on what was shown, never on whose it is."""
        factor = await self._codes.check(connection, user_id, shown.one_time_code, matched=matched, window=window)
        if not shown.assertion:
            return factor
        by_key = await self.by_key(connection, user_id, shown.assertion, matched=matched)
        return by_key if factor is Factor.REFUSED else factor

    async def by_key(self, connection: Connection, user_id: UUID | None, text: str, *, matched: bool = True) -> Factor:
        """PASSED, REFUSED or COPIED; the challenge is used up in any case, the counter only where it ``matched``.

        The user's row is held: of two answers at once the second finds the counter of the first.
        """
        if self._relying_party is None:
            return Factor.REFUSED
        try:
            answer = relying_party.assertion(text)
        except Untrusted:
            return Factor.REFUSED
        asked = await self._keys.take(connection, answer.challenge)
        key = await self._keys.key(connection, user_id, answer.credential_id)
        try:
            counter = self._relying_party.counter(answer, key.public_key if key else None)
        except Untrusted:
            return Factor.REFUSED
        ours = user_id is not None and answer.user_handle in (None, user_id.bytes)
        if key is None or not (asked and ours and matched):
            return Factor.REFUSED
        return Factor.PASSED if await self._keys.spend(connection, key, counter) else Factor.COPIED

    async def of_user(
        self, connection: Connection, user_id: UUID, shown: Shown, window: int, *, or_recovery_code: bool = False
    ) -> Factor:
        """What a user shows in a session: the assertion where there is one, else the code."""
        if shown.assertion:
            return await self.by_key(connection, user_id, shown.assertion)
        app = await self._store.app(connection, user_id)
        if app and app.confirmed and await self._codes.spend(connection, app, shown.one_time_code, window):
            return Factor.PASSED
        if or_recovery_code and await self._codes.spend_recovery_code(connection, user_id, shown.one_time_code):
            return Factor.RECOVERED
        return Factor.REFUSED
