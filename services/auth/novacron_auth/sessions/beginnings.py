"""How a session begins, however its user proved who it is: by password, or through an identity provider."""

from __future__ import annotations

from dataclasses import dataclass, field

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.ids import new_id

from ..configuration.configuration import AuthenticationConfiguration
from ..users.account import Account, Attempt, Credentials
from .event_store import EventStore
from .refresh_token import RefreshTokens, token_hash
from .risk import EventType, Finding, assess, score
from .second_factor import Factor
from .session import AuthenticationMethod, Session
from .store import SessionStore


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that stands once its transaction does."""

    session: Session
    refresh_token: str = field(repr=False)
    surplus: int  # older sessions of the user that ended for it


class Beginnings:
    """Begins sessions inside the transaction of the login that they are of."""

    def __init__(self, database: Database, refresh_tokens: RefreshTokens, bus: InvalidationBus) -> None:
        self._refresh_tokens = refresh_tokens
        self._bus = bus
        self._sessions = SessionStore(database)
        self._events = EventStore(database)

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
    ) -> Begun:
        """A session of an account that was let in, with what was noticed about it; ends the oldest when there are too many."""
        policy, refresh_token = held.session_management, self._refresh_tokens.first()
        findings = assess(
            credentials,
            location=attempt.location,
            last=await self._sessions.last_seen(connection, account.user_id),
            now=account.last_login,
            fastest_kmh=policy.impossible_travel_kmh,
        )
        if factor is Factor.RECOVERED:
            findings.append(Finding(EventType.RECOVERY_CODE_USED, 0.2, "a recovery code stood in for the app"))
        session = await self._sessions.add(
            connection,
            new_id(),
            account,
            policy.session_ttl,
            token_hash=token_hash(refresh_token),
            origin=attempt.origin,
            device=attempt.device,
            location=attempt.location,
            method=method,
            second_factor=factor is not Factor.NOT_NEEDED,
            risk=score(findings),
        )
        await self._events.add(
            connection,
            account.tenant_id,
            account.user_id,
            findings,
            origin=attempt.origin,
            session_id=session.session_id,
        )
        return Begun(session, refresh_token, await self._end_surplus(connection, session, policy.max_sessions_per_user))

    async def tell(self, begun: Begun) -> None:
        """After the commit: every service hears of sessions that ended for this one."""
        if begun.surplus:
            await self._bus.publish(f"user:{begun.session.account.user_id}")

    async def _end_surplus(self, connection: Connection, session: Session, most: int) -> int:
        user_id = session.account.user_id
        return await self._sessions.revoke_all(connection, user_id, "too many sessions", keep=most) if most else 0
