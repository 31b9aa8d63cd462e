"""Whether this process can judge SAML responses: it takes an XML library that not every installation wants."""

from __future__ import annotations

from importlib.util import find_spec

from novacron.errors import FailedPrecondition


def require_saml() -> None:
    """:raises FailedPrecondition: the extra is not installed; says how to."""
    if find_spec("signxml") is None:
        raise FailedPrecondition(
            "SAML takes an extra: where auth runs, pip install 'novacron[saml]', and start auth again",
            metadata={"extra": "saml"},
        )
