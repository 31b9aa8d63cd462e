"""ID tokens: whether one may be trusted, and whom it means (OpenID Connect Core 1.0, 3.1.3.7). No I/O."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import import_key

from .provider import ExternalUser, Refused

# What providers sign with: never `none`, and no HMAC, for which a public key could pass as the secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
# How far the clocks of the provider and of this machine may be apart.
_LEEWAY_SECONDS = 30
_LONGEST_SUBJECT = 255


def key_id(token: str) -> str | None:
    """The key that a token says to be signed by; None: it does not say.

    :raises Refused: it is no token, or signed in a way that is not taken.
    """
    try:
        text = token.split(".")[0]
        header = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        algorithm, kid = header.get("alg"), header.get("kid")
    except (ValueError, AttributeError):
        raise Refused("the ID token is no token") from None
    if algorithm not in ALGORITHMS:
        raise Refused("the ID token is not signed in a way that is taken")
    return kid if isinstance(kid, str) else None


def key_of(jwks: Mapping[str, Any], kid: str | None) -> Mapping[str, Any] | None:
    """The key of this id in a JWK set; without an id the only one that there is."""
    keys = [one for one in jwks.get("keys", ()) if isinstance(one, Mapping) and one.get("use", "sig") == "sig"]
    if kid is None:
        return keys[0] if len(keys) == 1 else None
    return next((one for one in keys if one.get("kid") == kid), None)


def verified(
    token: str, key: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str | None, access_token: str | None
) -> ExternalUser:
    """Whom the token means. ``nonce`` None: none was sent, as in the device flow.

    :raises Refused: anything about it is in doubt.
    """
    try:
        decoded = jwt.decode(token, import_key(dict(key)), algorithms=list(ALGORITHMS))
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
            {"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        claims.validate(leeway=_LEEWAY_SECONDS)
    except Exception as error:
        # Whatever a hostile token makes the library raise: it is a refusal.
        raise Refused(f"the ID token is not to be trusted: {_said(error)}") from error
    return _user(claims)


def _user(claims: Mapping[str, Any]) -> ExternalUser:
    subject, methods = claims.get("sub"), claims.get("amr") or ()
    if not isinstance(subject, str) or not 1 <= len(subject) <= _LONGEST_SUBJECT or "\0" in subject:
        raise Refused("the ID token names no subject that can be kept")
    names = {name: value for name in ("preferred_username", "email") if isinstance(value := claims.get(name), str)}
    email = names.get("email", "")
    return ExternalUser(subject, names.get("preferred_username") or email, email, "mfa" in methods)


def _said(error: Exception) -> str:
    # The library's words quote what the token said, which is a stranger's.
    claim = getattr(error, "claim", None)
    return f"{type(error).__name__}{f' ({claim})' if isinstance(claim, str) else ''}"
