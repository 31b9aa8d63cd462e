"""How a session begins, however its user proved who it is: by password, or through an identity provider."""

from __future__ import annotations

from dataclasses import dataclass, field

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.ids import new_id

from ..configuration.configuration import AuthenticationConfiguration
from ..users.account import Account, Attempt, Credentials
from .refresh_token import RefreshTokens, token_hash
from .risk import EventType, Finding, assess
from .second_factor import Factor
from .session import AuthenticationMethod, Session
from .store import SessionStore


@dataclass(frozen=True, slots=True)
class Beginning:
    """A session that stands once its transaction does."""

    session: Session
    refresh_token: str = field(repr=False)


class Beginnings:
    """Begins sessions inside the transaction of the login that they are of."""

    def __init__(self, database: Database, refresh_tokens: RefreshTokens, bus: InvalidationBus) -> None:
        self._refresh_tokens = refresh_tokens
        self._bus = bus
        self._sessions = SessionStore(database)

    async def begin(
        self,
        connection: Connection,
        credentials: Credentials,
        attempt: Attempt,
        account: Account,
        held: AuthenticationConfiguration,
        *,
        method: AuthenticationMethod,
        factor: Factor,
    ) -> Beginning:
        """A session of an account that was let in, with what was noticed about it; ends the oldest when there are too many."""
        policy, refresh_token = held.session_management, self._refresh_tokens.first()
        last = await self._sessions.last_seen(connection, account.user_id) if attempt.location else None
        findings = assess(
            credentials,
            location=attempt.location,
            last=last,
            now=account.last_login,
            fastest_kmh=policy.impossible_travel_kmh,
        )
        if factor is Factor.RECOVERED:
            findings.append(Finding(EventType.RECOVERY_CODE_USED, 0.2, "a recovery code stood in for the app"))
        session = await self._sessions.begin(
            connection,
            new_id(),
            account,
            policy,
            token_hash=token_hash(refresh_token),
            origin=attempt.origin,
            findings=findings,
            device=attempt.device,
            location=attempt.location,
            method=method,
            second_factor=factor is not Factor.NOT_NEEDED,
            second_factor_roles=held.mfa_required_roles,
        )
        return Beginning(session, refresh_token)

    async def tell(self, begun: Beginning) -> None:
        """After the commit: every service hears of sessions that ended for this one."""
        if begun.session.begun and begun.session.begun.surplus:
            await self._bus.publish(f"user:{begun.session.account.user_id}")
