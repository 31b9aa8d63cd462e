"""The gRPC edge of the rings of keys: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.auth.v1 import (
    ListSecretKeysRequest,
    ListSecretKeysResponse,
    ListSigningKeysRequest,
    ListSigningKeysResponse,
    RevokeSigningKeyRequest,
    RotateSecretKeysRequest,
    RotateSigningKeysRequest,
    SecretKey,
    SigningKey,
    SigningKeyServiceServicer,
)

from ..caller import Caller
from . import messages
from .secret_keys import SecretKeys
from .signing_keys import SigningKeys


class SigningKeyServicer(SigningKeyServiceServicer):
    """Answers for ``novacron.api.auth.v1.SigningKeyService``."""

    def __init__(self, signing_keys: SigningKeys, secret_keys: SecretKeys) -> None:
        self._signing_keys = signing_keys
        self._secret_keys = secret_keys

    async def ListSigningKeys(self, request: ListSigningKeysRequest, context: Any) -> ListSigningKeysResponse:
        return messages.ring(*await self._signing_keys.everything())

    async def RotateSigningKeys(self, request: RotateSigningKeysRequest, context: Any) -> SigningKey:
        turn = self._signing_keys.replace_all if request.emergency else self._signing_keys.rotate
        return messages.signing_key(await turn(Caller.of(context), messages.asked(request.primary_key_id)))

    async def RevokeSigningKey(self, request: RevokeSigningKeyRequest, context: Any) -> SigningKey:
        revoked = await self._signing_keys.revoke(Caller.of(context), UUID(request.signing_key_id))
        return messages.signing_key(revoked)

    async def ListSecretKeys(self, request: ListSecretKeysRequest, context: Any) -> ListSecretKeysResponse:
        found = await self._secret_keys.everything(Caller.of(context), messages.asked(request.tenant_id))
        return ListSecretKeysResponse(secret_keys=[messages.secret_key(key) for key in found])

    async def RotateSecretKeys(self, request: RotateSecretKeysRequest, context: Any) -> SecretKey:
        tenant_id, former = messages.asked(request.tenant_id), messages.asked(request.primary_key_id)
        return messages.secret_key(await self._secret_keys.rotate(Caller.of(context), tenant_id, former))
