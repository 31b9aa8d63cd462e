"""Between the protos of second factors and what they mean here."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from novacron.api.auth.v1 import (
    BeginWebauthnAssertionResponse,
    BeginWebauthnRegistrationResponse,
    ConfirmTotpResponse,
    EnrollTotpResponse,
    FinishWebauthnRegistrationResponse,
    ListMfaCredentialsResponse,
)
from novacron.api.auth.v1 import MfaCredential as Message
from novacron.timestamps import to_timestamp

from .credential import Enrolment, Factors, MfaCredential


def asked_user(user_id: str) -> UUID | None:
    return UUID(user_id) if user_id else None


def enrolment(begun: Enrolment) -> EnrollTotpResponse:
    return EnrollTotpResponse(mfa_credential_id=str(begun.mfa_credential_id), secret=begun.secret, uri=begun.uri)


def confirmed(held: MfaCredential, recovery_codes: list[str]) -> ConfirmTotpResponse:
    return ConfirmTotpResponse(mfa_credential=credential(held), recovery_codes=recovery_codes)


def registration_options(options: str, expires_at: datetime) -> BeginWebauthnRegistrationResponse:
    return BeginWebauthnRegistrationResponse(options=options, expires_at=to_timestamp(expires_at))


def assertion_options(options: str, expires_at: datetime) -> BeginWebauthnAssertionResponse:
    return BeginWebauthnAssertionResponse(options=options, expires_at=to_timestamp(expires_at))


def registered(held: MfaCredential, recovery_codes: list[str]) -> FinishWebauthnRegistrationResponse:
    return FinishWebauthnRegistrationResponse(mfa_credential=credential(held), recovery_codes=recovery_codes)


def factors(held: Factors) -> ListMfaCredentialsResponse:
    return ListMfaCredentialsResponse(
        mfa_credentials=[credential(one) for one in held.credentials],
        recovery_codes_left=held.recovery_codes_left,
        required=held.required,
    )


def credential(held: MfaCredential) -> Message:
    return Message(
        mfa_credential_id=str(held.mfa_credential_id),
        type=f"MFA_TYPE_{held.type.name}",
        name=held.name,
        confirmed_at=to_timestamp(held.confirmed_at),
        last_used_at=to_timestamp(held.last_used_at),
        created_at=to_timestamp(held.created_at),
    )
