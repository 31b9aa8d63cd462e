"""A development CA, and a certificate for every process of the stack.

A process is who its URI SAN says: ``spiffe://novacron/<environment>/<service>``. The names that a connection is made
to (localhost, 127.0.0.1, ::1) stand beside it, so that ordinary TLS clients verify the same certificate. Keys are ECDSA
P-256, the one modern kind that every TLS library below gRPC takes.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from novacron.embedded.account import write_private

CA_LIFETIME = timedelta(days=3650)
LIFETIME = timedelta(days=90)
RENEW_BEFORE = timedelta(days=30)
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Identity:
    """The files by which one process proves who it is, and checks others."""

    uri: str
    ca: Path
    certificate: Path
    key: Path


class DevelopmentCA:
    """A CA in a directory: made on first use, renewed before it expires."""

    def __init__(self, directory: Path, environment: str = "development") -> None:
        self.directory = directory
        self.environment = environment
        self.certificate_file = directory / "ca.pem"
        self._key, self._certificate = self._open()

    def identity(self, name: str) -> Identity:
        """The identity of ``name`` (``auth``, ``agent/node-1``), issued when there is none that lasts.

        A renewal keeps the key, so that the certificate can be replaced under a running process: at every moment the
        two files belong together.
        """
        uri = f"spiffe://novacron/{self.environment}/{name}"
        stem = name.replace("/", "-")
        identity = Identity(uri, self.certificate_file, self.directory / f"{stem}.pem", self.directory / f"{stem}.key")
        key = _key(identity.key)
        if not self._stands(identity, key):
            write_private(identity.certificate, _pem(self._issue(uri, key)))
        return identity

    def _open(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = _key(self.directory / "ca.key")
        certificate = _read(self.certificate_file)
        if certificate is None or not _lasts(certificate) or certificate.public_key() != key.public_key():
            certificate = self._issue_itself(key)
            write_private(self.certificate_file, _pem(certificate))
        return key, certificate

    def _stands(self, identity: Identity, key: ec.EllipticCurvePrivateKey) -> bool:
        """Whether the certificate on disk is ours, for this key and name, and lasts."""
        certificate = _read(identity.certificate)
        if certificate is None or not _lasts(certificate) or certificate.public_key() != key.public_key():
            return False
        try:
            certificate.verify_directly_issued_by(self._certificate)
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
            return False
        return names.get_values_for_type(x509.UniformResourceIdentifier) == [identity.uri]

    def _issue_itself(self, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"NovaCron {self.environment} CA")])
        return (
            _builder(CA_LIFETIME, key.public_key(), subject=name, issuer=name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(ca=True), critical=True)
            .sign(key, hashes.SHA256())
        )

    def _issue(self, uri: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri.rpartition("/")[2][:64])])
        alternatives = [
            x509.UniformResourceIdentifier(uri),
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.IPAddress(ipaddress.ip_address("::1")),
        ]
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        return (
            _builder(LIFETIME, key.public_key(), subject=subject, issuer=self._certificate.subject)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _builder(
    lifetime: timedelta, key: ec.EllipticCurvePublicKey, *, subject: x509.Name, issuer: x509.Name
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in ``path``, made when there is none or it cannot be read."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key
    except (FileNotFoundError, ValueError):
        pass
    made = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    write_private(path, made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode())
    return made


def _read(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _lasts(certificate: x509.Certificate) -> bool:
    now = datetime.now(UTC)
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEW_BEFORE


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
