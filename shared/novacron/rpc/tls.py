"""Credentials: mTLS between services, TLS to users, one certificate a service."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc

from ..settings import ProcessSettings, SettingsError


@dataclass(frozen=True, slots=True)
class Identification:
    """A certificate chain, its key, and the CA that all services trust; PEM each."""

    ca: bytes
    certificate: bytes
    key: bytes

    @classmethod
    def read(cls, ca: Path, certificate: Path, key: Path) -> Identification:
        try:
            return cls(ca.read_bytes(), certificate.read_bytes(), key.read_bytes())
        except OSError as error:
            raise SettingsError(f"cannot read {error.filename}: {error.strerror}") from None

    @classmethod
    def from_settings(cls, settings: ProcessSettings) -> Identification:
        """:raises SettingsError: a path is missing or cannot be read. There is no mode without TLS."""
        if settings.tls_ca is None or settings.tls_cert is None or settings.tls_key is None:
            raise SettingsError("set NOVACRON_TLS_CA, NOVACRON_TLS_CERT and NOVACRON_TLS_KEY")
        return cls.read(settings.tls_ca, settings.tls_cert, settings.tls_key)

    def users_port(self) -> grpc.ServerCredentials:
        """TLS without a client's certificate: callers show a token."""
        return grpc.ssl_server_credentials([(self.key, self.certificate)])

    def mesh_port(self) -> grpc.ServerCredentials:
        """mTLS: callers show a certificate of our CA or do not get in."""
        return grpc.ssl_server_credentials(
            [(self.key, self.certificate)], root_certificates=self.ca, require_client_auth=True
        )

    def client(self) -> grpc.ChannelCredentials:
        """mTLS towards another service."""
        return grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)
