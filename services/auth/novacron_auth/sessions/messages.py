"""Between the protos of sessions and what they mean here."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from novacron.api.auth.v1 import (
    GeoLocation,
    RefreshSessionResponse,
)
from novacron.api.auth.v1 import SecurityEvent as EventMessage
from novacron.api.auth.v1 import UserSession as Message
from novacron.timestamps import to_timestamp

from ..roles.grants import Grants
from .session import AccessToken, SecurityEvent, Session, UserSession


def session(
    held: UserSession,
    *,
    current: UUID | None = None,
    events: Iterable[SecurityEvent] = (),
    grants: Grants | None = None,
) -> Message:
    where = held.geo_location
    return Message(
        session_id=str(held.session_id),
        user_id=str(held.user_id),
        tenant_id=str(held.tenant_id),
        created_at=to_timestamp(held.created_at),
        last_accessed_at=to_timestamp(held.last_accessed_at),
        expires_at=to_timestamp(held.expires_at),
        authentication_method=f"AUTHENTICATION_METHOD_{held.authentication_method.name}",
        authentication_timestamp=to_timestamp(held.authentication_timestamp),
        ip_address=str(held.ip_address or ""),
        user_agent=held.user_agent or "",
        roles=grants.roles if grants else (),
        permissions=sorted(grants.permissions) if grants else (),
        scopes=held.scopes,
        risk_score=held.risk_score,
        security_events=[event(one) for one in events],
        status=f"SESSION_STATUS_{held.status.name}",
        device_fingerprint=held.device_fingerprint or "",
        geo_location=GeoLocation(
            latitude=where.latitude, longitude=where.longitude, country=where.country, city=where.city
        )
        if where
        else None,
        revoked_at=to_timestamp(held.revoked_at),
        revoked_reason=held.revoked_reason or "",
        current=held.session_id == current,
    )


def event(held: SecurityEvent) -> EventMessage:
    return EventMessage(
        security_event_id=str(held.security_event_id),
        event_type=f"SECURITY_EVENT_TYPE_{held.event_type.name}",
        risk=held.risk,
        description=held.description,
        user_id=str(held.user_id),
        session_id=str(held.session_id or ""),
        ip_address=str(held.ip_address or ""),
        created_at=to_timestamp(held.created_at),
    )


def refreshed(held: Session, token: AccessToken, refresh_token: str) -> RefreshSessionResponse:
    return RefreshSessionResponse(
        access_token=token.text,
        expires_at=to_timestamp(token.expires_at),
        refresh_token=refresh_token,
        session_expires_at=to_timestamp(held.expires_at),
    )
