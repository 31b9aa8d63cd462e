"""A provider's discovery document (OpenID Connect Discovery 1.0), as far as logins need it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .provider import is_https

PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where a provider's endpoints are. An empty one is not there."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    device_authorization_endpoint: str
    token_auth_methods: tuple[str, ...]
    tells_issuer: bool  # RFC 9207: every answer of the authorization endpoint names its issuer

    @classmethod
    def of(cls, issuer: str, document: Any) -> Metadata:
        """:raises ValueError: it is another issuer's, or misses what a login needs; says what."""
        if not isinstance(document, Mapping):
            raise ValueError("its discovery document is no object")
        if document.get("issuer") != issuer:
            raise ValueError("its discovery document is of another issuer: spell the issuer as the provider does")
        found = {}
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "device_authorization_endpoint"):
            url = document.get(name) or ""
            if not url and name == "device_authorization_endpoint":
                found[name] = ""
            elif isinstance(url, str) and is_https(url):
                found[name] = url
            else:
                raise ValueError(f"its discovery document has no https URL as {name}")
        methods = document.get("token_endpoint_auth_methods_supported")
        return cls(
            issuer=issuer,
            token_auth_methods=tuple(methods) if isinstance(methods, list) else ("client_secret_basic",),
            tells_issuer=document.get("authorization_response_iss_parameter_supported") is True,
            **found,
        )

    def auth_method(self, client_secret: str) -> str:
        """How a client shows its secret at the token endpoint; a public client has none."""
        if not client_secret:
            return "none"
        basic = "client_secret_basic"
        return basic if basic in self.token_auth_methods else "client_secret_post"
