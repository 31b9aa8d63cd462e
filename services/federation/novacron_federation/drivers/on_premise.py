"""Another NovaCron, reached as its users reach it: its auth service signs us in, its vm service answers."""

from __future__ import annotations

import time

from cryptography import x509

from novacron.errors import (
    DeadlineExceeded,
    InvalidArgument,
    NovacronError,
    Overloaded,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from novacron.rpc import deadline
from novacron.rpc.endpoint import host_port

from ..clients import OtherNovaCron
from ..credentials import Credentials
from ..provider import Finding, Health, NewProvider, Provider


class OnPremise:
    """The driver of ``on_premise``."""

    def __init__(self, *, timeout_seconds: float, slow_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._slow_seconds = slow_seconds

    def validate(self, new: NewProvider, credentials: Credentials | None) -> Credentials:
        _endpoint("endpoint", new.endpoint)
        if credentials is None:
            raise InvalidArgument.at(
                "on_premise", "is needed for this provider type: username, password and auth_endpoint at the least"
            )
        _endpoint("on_premise.auth_endpoint", credentials.auth_endpoint)
        if credentials.ca_pem:
            try:
                x509.load_pem_x509_certificates(credentials.ca_pem.encode())
            except ValueError:
                raise InvalidArgument.at(
                    "on_premise.ca_pem", "holds no PEM certificate (-----BEGIN CERTIFICATE-----)"
                ) from None
        return credentials

    async def check(self, provider: Provider, credentials: Credentials) -> Finding:
        left = deadline.remaining()
        hurried = left is not None and left < self._timeout_seconds
        started = time.monotonic()
        asked, signing_in = credentials.auth_endpoint, True
        try:
            with deadline.within(self._timeout_seconds):
                async with OtherNovaCron(provider, credentials, self._timeout_seconds) as there:
                    token = await there.login()
                    asked, signing_in = provider.endpoint, False
                    await there.list_one_vm(token)
        except DeadlineExceeded:
            if hurried:
                raise
            return Finding(Health.UNHEALTHY, f"{asked} did not answer within {self._timeout_seconds:g} s")
        except NovacronError as error:
            return _finding(error, asked, signing_in=signing_in)
        seconds = time.monotonic() - started
        if seconds > self._slow_seconds:
            return Finding(Health.DEGRADED, f"answered in {seconds:.1f} s; more than {self._slow_seconds:g} s is slow")
        return Finding(Health.HEALTHY, "")


def _finding(error: NovacronError, asked: str, *, signing_in: bool) -> Finding:
    """An error in our own words: theirs might repeat what they were sent."""
    if isinstance(error, Overloaded):
        return Finding(Health.DEGRADED, f"{asked} is up, but sheds load")
    if isinstance(error, Unauthenticated | PermissionDenied):
        words = _refusal(error, signing_in=signing_in)
    elif isinstance(error, Unavailable) and "CERTIFICATE_VERIFY_FAILED" in error.message:
        words = f"the certificate of {asked} is not signed by the given CA, or is for another name"
    elif isinstance(error, Unavailable):
        # A name with several addresses may show another one's error: the CA stays a suspect.
        words = (
            f"{asked} does not answer: is that its address, does it run, and is it the given CA that vouches for it?"
        )
    elif isinstance(error, Unimplemented):
        words = f"{asked} is no {'auth' if signing_in else 'vm'} service of a NovaCron: is that its address?"
    else:
        words = f"{asked} answered {error.code.name}"
    return Finding(Health.UNHEALTHY, words)


def _refusal(error: NovacronError, *, signing_in: bool) -> str:
    if signing_in:
        return "the login was refused: check username, password and tenant"
    if isinstance(error, PermissionDenied):
        return "this user may not list VMs there: give it the permission vm:read"
    return "its vm service does not know the token of its auth service: do both endpoints belong to one NovaCron?"


def _endpoint(field: str, text: str) -> None:
    try:
        host_port(text)
    except ValueError as error:
        raise InvalidArgument.at(field, str(error)) from None
