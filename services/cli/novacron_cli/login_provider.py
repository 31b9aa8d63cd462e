"""Logging in through an identity provider: a browser on this machine, or another device."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from novacron_cli.failure import ExitCode, Refusal
from novacron_cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from novacron_cli.connection import Connection

_PAGE = "<!doctype html><meta charset=utf-8><title>NovaCron</title><p>{said}</p>"
_LONGEST_REQUEST = 16_384
_READ_SECONDS = 10.0


async def by_browser(connection: Connection, provider: str, tenant: str, device: str) -> Any:
    """A LoginResponse, by a browser that comes back to a port of this machine (RFC 8252).

    :raises Refusal: the user refuses at the provider, or nobody came back in time.
    """
    from novacron.api.auth.v1 import BeginOidcLoginRequest, CompleteOidcLoginRequest, IdentityProviderServiceStub

    stub = connection.unsigned(IdentityProviderServiceStub)
    async with Callback() as callback:
        request = BeginOidcLoginRequest(tenant=tenant, provider=provider, redirect_uri=callback.uri)
        begun = await stub.BeginOidcLogin(request)
        _open(begun.authorization_url)
        left = begun.expires_at.ToDatetime(UTC) - datetime.now(UTC)
        answer = await callback.answer(begun.state, left.total_seconds())
    if "code" not in answer:
        raise Refusal(
            f"the identity provider says {answer.get('error', 'nothing')}", ExitCode.NOT_ALLOWED, "begin again"
        )
    shown = CompleteOidcLoginRequest(
        state=begun.state,
        code=answer["code"],
        login_token=begun.login_token,
        issuer=answer.get("iss", ""),
        device_fingerprint=device,
    )
    return await stub.CompleteOidcLogin(shown)


async def by_device(connection: Connection, provider: str, tenant: str, device: str) -> Any:
    """A LoginResponse, once the user has typed a code on another device (RFC 8628)."""
    from novacron.api.auth.v1 import BeginDeviceLoginRequest, IdentityProviderServiceStub, PollDeviceLoginRequest

    stub = connection.unsigned(IdentityProviderServiceStub)
    begun = await stub.BeginDeviceLogin(BeginDeviceLoginRequest(tenant=tenant, provider=provider))
    say(f"on any device open {begun.verification_uri} and type {begun.user_code}")
    if begun.verification_uri_complete:
        say(f"or open {begun.verification_uri_complete}")
    request = PollDeviceLoginRequest(device_code=begun.device_code, device_fingerprint=device)
    seconds = begun.interval.ToTimedelta().total_seconds()
    while True:
        await asyncio.sleep(seconds)
        answer = await stub.PollDeviceLogin(request)
        if answer.HasField("login"):
            return answer.login
        seconds = max(1.0, answer.interval.ToTimedelta().total_seconds())


class Callback:
    """A page on the loopback interface that a browser is sent back to; it takes the answer of one login and no other."""

    def __init__(self) -> None:
        self._answers: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._state = ""

    async def __aenter__(self) -> Callback:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST_REQUEST)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def uri(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/callback"

    async def answer(self, state: str, seconds: float) -> dict[str, str]:
        """What came back with this ``state``. :raises Refusal: nothing did in time."""
        self._state = state
        try:
            async with asyncio.timeout(seconds):
                while (answer := await self._answers.get()).get("state") != state:
                    pass
        except TimeoutError:
            raise Refusal("nobody came back from the identity provider", ExitCode.NOT_ALLOWED, "begin again") from None
        return answer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            target = urlsplit(head.split(b" ", 2)[1].decode("ascii", "replace"))
            answer = {name: values[0] for name, values in parse_qs(target.query).items()}
            ours = target.path == "/callback" and answer.get("state") == self._state != ""
            said = "You may close this page and go back to the terminal." if ours else "This is no answer to a login."
            body = _PAGE.format(said=said).encode()
            status = b"200 OK" if ours else b"404 Not Found"
            writer.write(
                b"HTTP/1.1 "
                + status
                + b"\r\nContent-Type: text/html\r\nConnection: close\r\nReferrer-Policy: no-referrer\r\n"
                b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
            )
            await writer.drain()
            if ours:
                self._answers.put_nowait(answer)
        except (OSError, ValueError, IndexError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # no browser of ours: it is owed nothing
        finally:
            writer.close()


def _open(url: str, browser: Callable[[str], bool] | None = None) -> None:
    say("log in with your browser:")
    say(f"  {url}")
    if sys.stderr.isatty():
        import webbrowser

        (browser or webbrowser.open)(url)
