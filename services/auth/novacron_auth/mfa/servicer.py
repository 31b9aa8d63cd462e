"""The gRPC edge of second factors: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.auth.v1 import (
    BeginWebauthnAssertionRequest,
    BeginWebauthnAssertionResponse,
    BeginWebauthnRegistrationRequest,
    BeginWebauthnRegistrationResponse,
    ConfirmTotpRequest,
    ConfirmTotpResponse,
    DeleteMfaCredentialRequest,
    DeleteMfaCredentialResponse,
    EnrollTotpRequest,
    EnrollTotpResponse,
    FinishWebauthnRegistrationRequest,
    FinishWebauthnRegistrationResponse,
    GenerateRecoveryCodesRequest,
    GenerateRecoveryCodesResponse,
    ListMfaCredentialsRequest,
    ListMfaCredentialsResponse,
    MfaServiceServicer,
    ResetMfaRequest,
    ResetMfaResponse,
    VerifyWebauthnAssertionRequest,
    VerifyWebauthnAssertionResponse,
)

from ..caller import Caller
from ..users.account import Shown
from . import messages
from .second_factors import SecondFactors
from .security_keys import SecurityKeys


class MfaServicer(MfaServiceServicer):
    """Answers for ``novacron.api.auth.v1.MfaService``."""

    def __init__(self, second_factors: SecondFactors, security_keys: SecurityKeys) -> None:
        self._second_factors = second_factors
        self._security_keys = security_keys

    async def EnrollTotp(self, request: EnrollTotpRequest, context: Any) -> EnrollTotpResponse:
        begun = await self._second_factors.enroll(Caller.of(context), request.name, request.password)
        return messages.enrolment(begun)

    async def ConfirmTotp(self, request: ConfirmTotpRequest, context: Any) -> ConfirmTotpResponse:
        credential_id = UUID(request.mfa_credential_id)
        return messages.confirmed(
            *await self._second_factors.confirm(Caller.of(context), credential_id, request.one_time_code)
        )

    async def GenerateRecoveryCodes(
        self, request: GenerateRecoveryCodesRequest, context: Any
    ) -> GenerateRecoveryCodesResponse:
        shown = Shown(request.one_time_code, request.webauthn_assertion)
        made = await self._second_factors.new_recovery_codes(Caller.of(context), shown)
        return GenerateRecoveryCodesResponse(recovery_codes=made)

    async def BeginWebauthnRegistration(
        self, request: BeginWebauthnRegistrationRequest, context: Any
    ) -> BeginWebauthnRegistrationResponse:
        begun = await self._security_keys.begin_registration(Caller.of(context), request.password)
        return messages.registration_options(*begun)

    async def FinishWebauthnRegistration(
        self, request: FinishWebauthnRegistrationRequest, context: Any
    ) -> FinishWebauthnRegistrationResponse:
        caller = Caller.of(context)
        return messages.registered(
            *await self._security_keys.finish_registration(caller, request.name, request.credential)
        )

    async def BeginWebauthnAssertion(
        self, request: BeginWebauthnAssertionRequest, context: Any
    ) -> BeginWebauthnAssertionResponse:
        return messages.assertion_options(*await self._security_keys.begin_assertion())

    async def VerifyWebauthnAssertion(
        self, request: VerifyWebauthnAssertionRequest, context: Any
    ) -> VerifyWebauthnAssertionResponse:
        await self._security_keys.verify(Caller.of(context), request.webauthn_assertion)
        return VerifyWebauthnAssertionResponse()

    async def ListMfaCredentials(self, request: ListMfaCredentialsRequest, context: Any) -> ListMfaCredentialsResponse:
        whose = messages.asked_user(request.user_id)
        return messages.factors(await self._second_factors.factors(Caller.of(context), whose))

    async def DeleteMfaCredential(
        self, request: DeleteMfaCredentialRequest, context: Any
    ) -> DeleteMfaCredentialResponse:
        shown = Shown(request.one_time_code, request.webauthn_assertion)
        await self._second_factors.remove(Caller.of(context), UUID(request.mfa_credential_id), request.password, shown)
        return DeleteMfaCredentialResponse()

    async def ResetMfa(self, request: ResetMfaRequest, context: Any) -> ResetMfaResponse:
        removed = await self._second_factors.reset(Caller.of(context), UUID(request.user_id))
        return ResetMfaResponse(removed_credentials=removed)
