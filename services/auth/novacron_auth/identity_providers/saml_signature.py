"""The one assertion of a SAML response, as its provider signed it. No I/O.

Signature wrapping lives on a document that the verifier and the reader see differently (Somorovsky et al., "On Breaking SAML",
2012). So there is one assertion in the whole document, in its place, with the one signature that is on it and means it; only
what the verifier has digested is read, out of its own bytes.
"""

from __future__ import annotations

import base64
from typing import Any

from cryptography.x509 import load_pem_x509_certificate
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from .provider import IdentityProvider, Refused
from .saml_request import ASSERTION, PROTOCOL

_DS = "http://www.w3.org/2000/09/xmldsig#"
_ENCRYPTED = ("EncryptedAssertion", "EncryptedID", "EncryptedAttribute")
_TRANSFORMS = {f"{_DS}enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"}
# Never SHA-1, and no HMAC, for which a public certificate could pass as the secret.
_CONFIGURATION = SignatureConfiguration(
    location=f"./{{{ASSERTION}}}Assertion/",
    signature_methods=frozenset(
        SignatureMethod[f"{kind}_{hashed}"] for kind in ("RSA", "ECDSA") for hashed in ("SHA256", "SHA384", "SHA512")
    ),
    digest_algorithms=frozenset((DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512)),
)


def parsed(text: str) -> Any:
    """A ``SAMLResponse`` as XML. :raises Refused: it is none, or has more to it than elements, attributes and text."""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
        if b"<!DOCTYPE" in data:
            raise Refused("the response has a document type")
        # Whatever it says of its encoding: what was looked at above is what is parsed.
        parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(data, parser)
    except (ValueError, etree.XMLSyntaxError) as error:
        raise Refused("the response is no XML") from error
    if next(root.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity), None) is not None:
        # A comment is not signed, and splits the text that it stands in: `root<!---->.evil` would read `root`.
        raise Refused("the response has comments or instructions in it")
    return root


def signed(root: Any, provider: IdentityProvider) -> Any:
    """The assertion, parsed out of the bytes that the provider has signed. :raises Refused: anything else."""
    assertion = _only_assertion(root)
    _require_meant(assertion)
    error: Exception | None = None
    for certificate in provider.certificates:
        try:
            key = load_pem_x509_certificate(certificate.encode())
            verified = XMLVerifier().verify(root, x509_cert=key, id_attribute="ID", expect_config=_CONFIGURATION)
        except Exception as cause:
            # Whatever a hostile document makes the library raise: it is a refusal.
            error = cause
            continue
        assert isinstance(verified, VerifyResult), "one reference is expected"
        found = verified.signed_xml
        if found is None or found.tag != assertion.tag or found.get("ID") != assertion.get("ID"):
            raise Refused("the signature is on something else")
        return found
    raise Refused(f"the assertion is not signed by the provider: {type(error).__name__}") from error


def _only_assertion(root: Any) -> Any:
    if root.tag != f"{{{PROTOCOL}}}Response" or sum(1 for _ in root.iter(root.tag)) != 1:
        raise Refused("it is not one response")
    if next(root.iter(*(f"{{{ASSERTION}}}{name}" for name in _ENCRYPTED)), None) is not None:
        raise Refused("the provider encrypts, and is not asked to")
    found = list(root.iter(f"{{{ASSERTION}}}Assertion"))
    if len(found) != 1 or found[0].getparent() is not root:
        raise Refused("there is not one assertion, in its place")
    ids = [
        value
        for one in root.iter()
        for name, value in one.attrib.items()
        if etree.QName(name).localname.lower() == "id"
    ]
    if len(ids) != len(set(ids)):
        raise Refused("two elements have one id")
    return found[0]


def _require_meant(assertion: Any) -> None:
    """:raises Refused: unless the assertion holds one signature, which refers to it and to nothing else."""
    signatures = assertion.findall(f"{{{_DS}}}Signature")
    references = list(assertion.iter(f"{{{_DS}}}Reference"))
    if len(signatures) != 1 or len(references) != 1 or len(list(assertion.iter(f"{{{_DS}}}Signature"))) != 1:
        raise Refused("the assertion is not signed, once")
    transforms = {one.get("Algorithm") for one in references[0].iter(f"{{{_DS}}}Transform")}
    if (
        not assertion.get("ID")
        or references[0].get("URI") != f"#{assertion.get('ID')}"
        or not transforms <= _TRANSFORMS
    ):
        raise Refused("the signature is on something else")
    if next(assertion.iter(f"{{{_DS}}}Object"), None) is not None:
        raise Refused("the signature carries something")
