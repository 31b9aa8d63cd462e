"""Security keys and passkeys: how one is registered, and how a session shows one."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from novacron.ids import new_id

from ..caller import Caller
from ..configuration.configurations import Configurations
from ..sessions.second_factor import Factor
from ..users.user import User
from ..users.user_passwords import UserPasswords
from . import relying_party
from .credential import MfaCredential
from .guard import Guard
from .key_store import KeyStore
from .proofs import Proofs
from .relying_party import TIMEOUT_SECONDS, NewKey, RelyingParty, Untrusted
from .second_factors import SecondFactors
from .store import MfaStore

_CHALLENGE_BYTES = 32
_LIFETIME = timedelta(seconds=TIMEOUT_SECONDS)
_MOST_KEYS = 20
_OFF = (
    "this installation takes no security keys: its operator sets NOVACRON_WEBAUTHN_RP_ID and NOVACRON_WEBAUTHN_ORIGINS"
    " for auth"
)
_NOT_ASKED = "answers no registration of yours that is under way, or was made for another site: begin again"


class SecurityKeys:
    """What may be done with security keys. A challenge is answered once, whatever comes of it."""

    def __init__(
        self,
        database: Database,
        guard: Guard,
        proofs: Proofs,
        factors: SecondFactors,
        keys: KeyStore,
        relying_party: RelyingParty | None,
        *,
        passwords: UserPasswords,
        configurations: Configurations,
        bus: InvalidationBus,
    ) -> None:
        self._database = database
        self._guard = guard
        self._proofs = proofs
        self._factors = factors
        self._keys = keys
        self._relying_party = relying_party
        self._passwords = passwords
        self._configurations = configurations
        self._bus = bus
        self._store = MfaStore()

    async def begin_registration(self, caller: Caller, password: str) -> tuple[str, datetime]:
        """Options for the browser, and until when they hold.

        :raises FailedPrecondition: no keys are taken here, or no more, or this session has not shown the factor that there is.
        :raises InvalidArgument: at ``password``, which counts as a guess.
        """
        party = self._require_party()
        await self._passwords.require_own(caller, password, "mfa.enroll")
        issuer = (await self._configurations.current()).mfa_config.issuer
        async with self._database.transaction() as connection:
            user = await self._guard.hold(connection, caller.user_id, None)
            held = await self._may_add(connection, caller, user)
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        expires_at = await self._keys.challenge(user.user_id, challenge, _LIFETIME)
        return party.registration_options(challenge, issuer, user.user_id, user.username, held), expires_at

    async def finish_registration(self, caller: Caller, name: str, text: str) -> tuple[MfaCredential, list[str]]:
        """The key, in effect; with recovery codes where it is the user's first factor.

        :raises InvalidArgument: at ``credential``: it answers nothing of the caller's, or is not to be trusted.
        :raises AlreadyExists: the key is registered.
        :raises FailedPrecondition: as :meth:`begin_registration`.
        """
        party = self._require_party()
        new = await self._registered(party, caller.user_id, text)
        credential_id = new_id()
        async with self._database.transaction() as connection:
            user = await self._guard.hold(connection, caller.user_id, None)
            await self._may_add(connection, caller, user)
            if not await self._keys.add(connection, credential_id, (user.tenant_id, user.user_id), name, new):
                raise AlreadyExists("this security key is registered already: take another one")
            made = await self._factors.turned_on(connection, caller, user, "a security key")
            await self._store.show_at_session(connection, caller.session_id)
            held = await self._store.credential(connection, credential_id)
            told = {"mfa_credential_id": str(credential_id), "type": held.type.value}
            await self._guard.write(connection, caller, "mfa.enable", user, told)
        await self._bus.publish(f"user:{caller.user_id}")
        return held, made

    async def begin_assertion(self) -> tuple[str, datetime]:
        """Options for the browser of anybody, and until when they hold. :raises FailedPrecondition: no keys are taken here."""
        party, challenge = self._require_party(), secrets.token_bytes(_CHALLENGE_BYTES)
        expires_at = await self._keys.challenge(None, challenge, _LIFETIME)
        return party.assertion_options(challenge), expires_at

    async def verify(self, caller: Caller, text: str) -> None:
        """Give the session that asks what second factors give.

        :raises InvalidArgument: at ``webauthn_assertion``, which counts as a guess.
        """
        self._require_party()

        async def find(_: Connection, user: User) -> UUID:
            return user.user_id

        async def prove(connection: Connection, user_id: UUID) -> Factor:
            return await self._proofs.by_key(connection, user_id, text)

        async def effect(connection: Connection, user: User, _: UUID) -> None:
            await self._store.show_at_session(connection, caller.session_id)
            await self._guard.write(connection, caller, "mfa.verify", user, {})

        await self._guard.by_proof(caller, "mfa.verify", "webauthn_assertion", find=find, prove=prove, effect=effect)
        await self._bus.publish(f"user:{caller.user_id}")

    async def _registered(self, party: RelyingParty, user_id: UUID, text: str) -> NewKey:
        try:
            answer = relying_party.registration(text)
            if not await self._keys.take_registration(user_id, answer.challenge):
                raise Untrusted("nothing is under way")
            return party.registered(answer)
        except Untrusted as error:
            raise InvalidArgument.at("credential", _NOT_ASKED) from error

    async def _may_add(self, connection: Connection, caller: Caller, user: User) -> list[bytes]:
        await self._guard.require_shown(connection, caller, user)
        held = await self._keys.held(connection, user.user_id)
        if len(held) >= _MOST_KEYS:
            raise FailedPrecondition(f"{_MOST_KEYS} security keys are all that there may be: remove one")
        return held

    def _require_party(self) -> RelyingParty:
        if self._relying_party is None:
            raise FailedPrecondition(_OFF)
        return self._relying_party
