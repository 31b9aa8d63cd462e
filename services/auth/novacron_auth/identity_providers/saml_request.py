"""What a browser takes to a SAML provider: an AuthnRequest by the HTTP-Redirect binding (SAML 2.0 Bindings, 3.4). No I/O."""

from __future__ import annotations

import base64
import secrets
import zlib
from datetime import UTC, datetime
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"

register_namespace("samlp", PROTOCOL)
register_namespace("saml", ASSERTION)


def new_request_id() -> str:
    """An xs:ID that nobody guesses: it must not begin with a digit."""
    return f"_{secrets.token_hex(20)}"


def redirect_url(sso_url: str, client_id: str, request_id: str, acs_url: str, relay_state: str) -> str:
    """Where the browser goes. It asks for a persistent NameID: no other says for good who somebody is."""
    request = Element(
        f"{{{PROTOCOL}}}AuthnRequest",
        {
            "ID": request_id,
            "Version": "2.0",
            "IssueInstant": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Destination": sso_url,
            "ProtocolBinding": POST,
            "AssertionConsumerServiceURL": acs_url,
        },
    )
    SubElement(request, f"{{{ASSERTION}}}Issuer").text = client_id
    SubElement(request, f"{{{PROTOCOL}}}NameIDPolicy", {"Format": PERSISTENT, "AllowCreate": "true"})
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(tostring(request)) + packer.flush()
    query = urlencode({"SAMLRequest": base64.b64encode(packed).decode(), "RelayState": relay_state})
    return f"{sso_url}{'&' if '?' in sso_url else '?'}{query}"
