"""The gRPC edge of second factors: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.auth.v1 import (
    ConfirmTotpRequest,
    ConfirmTotpResponse,
    DeleteMfaCredentialRequest,
    DeleteMfaCredentialResponse,
    EnrollTotpRequest,
    EnrollTotpResponse,
    GenerateRecoveryCodesRequest,
    GenerateRecoveryCodesResponse,
    ListMfaCredentialsRequest,
    ListMfaCredentialsResponse,
    MfaServiceServicer,
    ResetMfaRequest,
    ResetMfaResponse,
)

from ..caller import Caller
from . import messages
from .second_factors import SecondFactors


class MfaServicer(MfaServiceServicer):
    """Answers for ``novacron.api.auth.v1.MfaService``."""

    def __init__(self, second_factors: SecondFactors) -> None:
        self._second_factors = second_factors

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
        made = await self._second_factors.new_recovery_codes(Caller.of(context), request.one_time_code)
        return GenerateRecoveryCodesResponse(recovery_codes=made)

    async def ListMfaCredentials(self, request: ListMfaCredentialsRequest, context: Any) -> ListMfaCredentialsResponse:
        whose = messages.asked_user(request.user_id)
        return messages.factors(await self._second_factors.factors(Caller.of(context), whose))

    async def DeleteMfaCredential(
        self, request: DeleteMfaCredentialRequest, context: Any
    ) -> DeleteMfaCredentialResponse:
        await self._second_factors.remove(
            Caller.of(context), UUID(request.mfa_credential_id), request.password, request.one_time_code
        )
        return DeleteMfaCredentialResponse()

    async def ResetMfa(self, request: ResetMfaRequest, context: Any) -> ResetMfaResponse:
        removed = await self._second_factors.reset(Caller.of(context), UUID(request.user_id))
        return ResetMfaResponse(removed_credentials=removed)
