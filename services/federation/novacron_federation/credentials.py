"""What opens a provider. None of it prints itself. No I/O."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict, dataclass

from .provider import ProviderType


@dataclass(frozen=True, slots=True, repr=False)
class OnPremiseCredentials:
    """A user of another NovaCron, where that one signs in, and the CA that vouches for it."""

    username: str
    password: str
    tenant: str
    auth_endpoint: str
    ca_pem: str


# One day a union: each provider type has its own.
Credentials = OnPremiseCredentials

_OF_TYPE = {ProviderType.ON_PREMISE: OnPremiseCredentials}


def written(credentials: Credentials) -> bytes:
    """What is sealed; the same credentials are always the same bytes."""
    return json.dumps(asdict(credentials), sort_keys=True).encode()


def read(provider_type: ProviderType, text: bytes) -> Credentials:
    """The credentials of a provider of this type."""
    return _OF_TYPE[provider_type](**json.loads(text))


def same(left: Credentials, right: Credentials) -> bool:
    """Compared in constant time: repeating a create must not tell how much of a guess was right."""
    return hmac.compare_digest(written(left), written(right))
