"""Talking to identity providers: discovery, keys, codes for tokens. Their answers are a stranger's word until verified."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from novacron.clock import Clock, SystemClock
from novacron.errors import Unavailable
from novacron.settings import SettingsError

from . import id_token
from .metadata import PATH, Metadata
from .provider import ExternalUser, IdentityProvider, Refused

_TIMEOUT_SECONDS = 6.0
_LARGEST_ANSWER = 512 * 1024
# Endpoints and keys are read anew after this; a key that is not known yet sooner.
_FRESH_SECONDS = 600.0
_REFETCH_SECONDS = 5.0
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Malformed(Exception):
    """A provider answered, but not what it should."""


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What the token endpoint said: tokens, or an error by its code (RFC 6749, 5.2)."""

    id_token: str = field(default="", repr=False)
    access_token: str | None = field(default=None, repr=False)
    error: str = ""


@dataclass(slots=True)
class _Kept:
    """What was read of a provider, and when."""

    value: Any
    read_at: float


class ProviderClient:
    """One for all providers. Documents and keys are kept per issuer, and asked for at most every few seconds."""

    def __init__(
        self, ca_file: Path | None = None, clock: Clock | None = None, *, refetch_seconds: float = _REFETCH_SECONDS
    ) -> None:
        self._ca_file = ca_file
        self._clock = clock or SystemClock()
        self._context: ssl.SSLContext | None = None
        self._metadata: dict[str, _Kept] = {}
        self._keys: dict[str, _Kept] = {}
        self.refetch_seconds = refetch_seconds

    async def metadata(self, issuer: str) -> Metadata:
        """:raises Unavailable: the provider does not answer. :raises Malformed: what it answers is of no use; says why."""
        kept = self._metadata.get(issuer)
        if kept is None or self._clock.monotonic() - kept.read_at >= _FRESH_SECONDS:
            status, document = await self._json("GET", issuer.rstrip("/") + PATH)
            try:
                if status != httpx.codes.OK:
                    raise ValueError(f"its discovery document is answered with {status}")
                made = Metadata.of(issuer, document)
            except ValueError as error:
                raise Malformed(str(error)) from None
            kept = self._metadata[issuer] = _Kept(made, self._clock.monotonic())
        found: Metadata = kept.value
        return found

    async def exchange(
        self, provider: IdentityProvider, client_secret: str, grant_type: str, **parameters: str
    ) -> TokenAnswer:
        """Tokens for a code, or why not. :raises Refused: it answers with neither."""
        metadata = await self.metadata(provider.issuer)
        body = prepare_token_request(grant_type, **parameters)
        status, answer = await self._post(metadata, metadata.token_endpoint, provider.client_id, client_secret, body)
        if not isinstance(answer, dict):
            raise Refused("the token endpoint answers with no object")
        if status != httpx.codes.OK:
            return TokenAnswer(error=str(answer.get("error") or status)[:64])
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise Refused("the token endpoint gives no ID token")
        return TokenAnswer(token, access if isinstance(access, str) else None)

    async def authorize_device(self, provider: IdentityProvider, client_secret: str) -> dict[str, Any]:
        """The answer of the device authorization endpoint (RFC 8628, 3.2). :raises Malformed: it is none."""
        metadata = await self.metadata(provider.issuer)
        body = str(httpx.QueryParams({"scope": " ".join(provider.scopes)}))
        url = metadata.device_authorization_endpoint
        status, answer = await self._post(metadata, url, provider.client_id, client_secret, body)
        if status != httpx.codes.OK or not isinstance(answer, dict):
            raise Malformed(f"its device authorization endpoint answers with {status}")
        for name in ("device_code", "user_code", "verification_uri"):
            if not isinstance(answer.get(name), str) or not answer[name]:
                raise Malformed(f"its device authorization endpoint gives no {name}")
        return answer

    async def user(self, provider: IdentityProvider, answer: TokenAnswer, nonce: str | None) -> ExternalUser:
        """Whom the ID token means; of a key that is not known the keys are read anew, once.

        :raises Refused: anything about the token is in doubt.
        """
        kid = id_token.key_id(answer.id_token)
        key = id_token.key_of(await self._jwks(provider.issuer), kid)
        if key is None:
            key = id_token.key_of(await self._jwks(provider.issuer, older_than=self.refetch_seconds), kid)
        if key is None:
            raise Refused("the ID token is signed by a key that the provider does not publish")
        return id_token.verified(
            answer.id_token,
            key,
            issuer=provider.issuer,
            client_id=provider.client_id,
            nonce=nonce,
            access_token=answer.access_token,
        )

    async def _jwks(self, issuer: str, older_than: float = _FRESH_SECONDS) -> dict[str, Any]:
        kept = self._keys.get(issuer)
        if kept is None or self._clock.monotonic() - kept.read_at >= older_than:
            status, document = await self._json("GET", (await self.metadata(issuer)).jwks_uri)
            if status != httpx.codes.OK or not isinstance(document, dict):
                raise Refused(f"the provider's keys are answered with {status}")
            kept = self._keys[issuer] = _Kept(document, self._clock.monotonic())
        found: dict[str, Any] = kept.value
        return found

    async def _post(
        self, metadata: Metadata, url: str, client_id: str, client_secret: str, body: str
    ) -> tuple[int, Any]:
        proof = ClientAuth(client_id, client_secret, metadata.auth_method(client_secret))
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        url, headers, body = proof.prepare("POST", url, headers, body)
        return await self._json("POST", url, headers=headers, content=body)

    async def _json(self, method: str, url: str, **more: Any) -> tuple[int, Any]:
        """Status and document; None where it is no JSON. No redirect is followed: a secret goes where it was meant to."""
        answer = bytearray()
        try:
            async with (
                asyncio.timeout(_TIMEOUT_SECONDS),
                httpx.AsyncClient(verify=self._trusted(), timeout=_TIMEOUT_SECONDS) as client,
                client.stream(method, url, **more) as response,
            ):
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > _LARGEST_ANSWER:
                        raise Unavailable("the identity provider's answer has no end: ask its administrator")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError, OSError) as error:
            raise Unavailable("the identity provider does not answer: try again later") from error
        try:
            return response.status_code, json.loads(bytes(answer))
        except ValueError:
            return response.status_code, None

    def _trusted(self) -> ssl.SSLContext:
        if self._context is None:
            context = ssl.create_default_context()
            if self._ca_file is not None:
                try:
                    context.load_verify_locations(self._ca_file)
                except OSError as error:
                    raise SettingsError(
                        f"NOVACRON_IDENTITY_PROVIDER_CA_FILE: cannot read {self._ca_file}: {error.strerror}"
                    ) from None
            self._context = context
        return self._context
