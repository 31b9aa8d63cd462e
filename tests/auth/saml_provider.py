"""A SAML 2.0 identity provider: answers AuthnRequests with signed responses, and lies as it is told to.

It is written from the standard, and shares no code with the service but the library that signs.
"""

import base64
import secrets
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod

P, A = "urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:2.0:assertion"
DS = "http://www.w3.org/2000/09/xmldsig#"
ISSUER, AUDIENCE = "https://idp.example.org/saml", "https://novacron.example.org"
ACS = "https://console.example.org/saml/acs"
SSO = "https://idp.example.org/sso?tenant=1"
PASSWORD_CLASS = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


def certificate(key, days=30):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.org")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=60))
    return made.not_valid_after(now + timedelta(days=days)).sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


class Signer:
    """A key of a provider, with its certificate."""

    def __init__(self, key=None):
        self.key = key or generate_private_key(65537, 2048)
        self.certificate = certificate(self.key)

    def sign(self, element, method=SignatureMethod.RSA_SHA256, digest=DigestAlgorithm.SHA256):
        """The same element with its signature where SAML has it: after the issuer."""
        element = etree.fromstring(etree.tostring(element))
        holder = etree.SubElement(element, f"{{{DS}}}Signature", Id="placeholder", nsmap={"ds": DS})
        element.remove(holder)
        element.insert(1, holder)
        signer = XMLSigner(
            signature_algorithm=method,
            digest_algorithm=digest,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        return signer.sign(
            element, key=self.key, cert=self.certificate, reference_uri=element.get("ID"), id_attribute="ID"
        )


@dataclass
class Said:
    """What a response says: right, unless a test says otherwise."""

    request_id: str
    acs_url: str = ACS
    subject: str = "8f3e2a"
    issuer: str = ISSUER
    audience: str = AUDIENCE
    format: str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    minutes: int = 5
    context: str = PASSWORD_CLASS
    names: dict = field(default_factory=lambda: {"uid": "jane", "mail": "jane@example.org"})


def time(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def assertion(said):
    """An assertion without a signature."""
    until = time(said.now + timedelta(minutes=said.minutes))
    made = element(A, "Assertion", ID=f"_{secrets.token_hex(16)}", Version="2.0", IssueInstant=time(said.now))
    add(made, A, "Issuer", said.issuer)
    subject = add(made, A, "Subject")
    add(subject, A, "NameID", said.subject, Format=said.format)
    confirmation = add(subject, A, "SubjectConfirmation", Method="urn:oasis:names:tc:SAML:2.0:cm:bearer")
    add(
        confirmation,
        A,
        "SubjectConfirmationData",
        InResponseTo=said.request_id,
        Recipient=said.acs_url,
        NotOnOrAfter=until,
    )
    conditions = add(made, A, "Conditions", NotBefore=time(said.now - timedelta(minutes=1)), NotOnOrAfter=until)
    add(add(conditions, A, "AudienceRestriction"), A, "Audience", said.audience)
    statement = add(made, A, "AuthnStatement", AuthnInstant=time(said.now))
    add(add(statement, A, "AuthnContext"), A, "AuthnContextClassRef", said.context)
    attributes = add(made, A, "AttributeStatement")
    for name, value in said.names.items():
        add(add(attributes, A, "Attribute", Name=name), A, "AttributeValue", value)
    return made


def response(said, *assertions, status="Success", **attributes):
    """A response around assertions."""
    told = {"InResponseTo": said.request_id, "Destination": said.acs_url, **attributes}
    made = element(P, "Response", ID=f"_{secrets.token_hex(16)}", Version="2.0", IssueInstant=time(said.now), **told)
    add(made, A, "Issuer", said.issuer)
    add(add(made, P, "Status"), P, "StatusCode", Value=f"urn:oasis:names:tc:SAML:2.0:status:{status}")
    for one in assertions:
        made.append(etree.fromstring(etree.tostring(one)))
    return made


def encoded(root):
    """As the form's field has it."""
    return base64.b64encode(root if isinstance(root, bytes) else etree.tostring(root)).decode()


def asked(url):
    """The request and the relay state of a browser that arrives."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    request = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"]), -zlib.MAX_WBITS))
    return request, query["RelayState"]


def element(namespace, name, **attributes):
    return etree.Element(f"{{{namespace}}}{name}", attributes, nsmap={"saml": A, "samlp": P})


def add(parent, namespace, name, text=None, **attributes):
    made = etree.SubElement(parent, f"{{{namespace}}}{name}", attributes)
    made.text = text
    return made
