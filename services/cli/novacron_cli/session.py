"""Who the user is: the token, kept in a file for its owner alone, and how it is renewed.

Access tokens live for minutes. A refresh token renews them silently until the session ends; several commands that
refresh at once get the same answer. On a local stack, whose admin's password is in a file, a session of the admin goes
on even then; a session of anyone else ends, because only its user knows the password.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from novacron.api.auth.v1 import (
    AuthServiceStub,
    LoginRequest,
    LoginResponse,
    LogoutRequest,
    RefreshSessionRequest,
    RevokeAllSessionsRequest,
    SessionServiceStub,
)
from novacron.errors import Unauthenticated
from novacron.rpc.channel import Channel
from novacron_cli.failure import Refusal
from novacron_cli.profile import Profile

# A token that ends sooner than this is renewed before it is used.
_SLACK = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and where it came from: it is never sent anywhere under another auth service."""

    access_token: str
    expires_at: str
    username: str
    tenant: str
    issuer: str
    refresh_token: str = field(default="", repr=False)
    password_only: bool = True  # False: a code or a provider was part of it, so that no file can begin it anew

    def ended(self, now: datetime) -> bool:
        return datetime.fromisoformat(self.expires_at) - _SLACK <= now


class Session:
    """The token of one home, renewed where that needs nobody."""

    def __init__(self, profile: Profile, auth: Channel) -> None:
        self._profile = profile
        self._auth = AuthServiceStub(auth)
        self._sessions = SessionServiceStub(auth)
        self._token = read(profile.token_file)
        if self._token is not None and self._token.issuer != profile.endpoint("auth"):
            self._token = None

    async def login(self, username: str, password: str, tenant: str = "", one_time_code: str = "") -> LoginResponse:
        """Begin a session and keep its tokens. :raises Unauthenticated: name, password, code or tenant do not match."""
        request = LoginRequest(
            username=username,
            password=password,
            tenant=tenant,
            one_time_code=one_time_code,
            device_fingerprint=device(self._profile.home),
        )
        return self.begin(await self._auth.Login(request), username, tenant, again=not one_time_code)

    def begin(self, answer: LoginResponse, username: str, tenant: str, *, again: bool) -> LoginResponse:
        """Keep the tokens of a session that has begun. ``again``: name and password are all that another one takes."""
        expires_at = answer.expires_at.ToDatetime(UTC).isoformat()
        issuer = self._profile.endpoint("auth")
        self._keep(
            Token(answer.access_token, expires_at, username, tenant, issuer, answer.refresh_token, password_only=again)
        )
        return answer

    def takes_a_code(self) -> None:
        """From now on the password alone begins no other session: do not try."""
        if self._token is not None:
            self._keep(replace(self._token, password_only=False))

    async def logout(self, *, everywhere: bool = False) -> bool:
        """End the session, or all sessions of its user, and forget its tokens; False: nobody was logged in.

        :raises NovacronError: the tokens are forgotten, but the session could not be ended.
        """
        token = self._token
        try:
            if token is not None:
                signed = await self.metadata()
                if everywhere:
                    await self._sessions.RevokeAllSessions(RevokeAllSessionsRequest(), metadata=signed)
                else:
                    await self._sessions.Logout(LogoutRequest(), metadata=signed)
        except Unauthenticated:
            pass  # it had ended already
        finally:
            self._token = None
            forgotten = forget(self._profile.token_file)
        return forgotten

    async def metadata(self) -> tuple[tuple[str, str], ...]:
        """What signs a call. :raises Unauthenticated: nobody is logged in, or the session has ended."""
        if self._token is None:
            raise Unauthenticated("not logged in")
        if self._token.ended(datetime.now(UTC)) and not await self.renew():
            raise Unauthenticated(f"the session of {self._token.username} has ended")
        return (("authorization", f"Bearer {self._token.access_token}"),)

    async def renew(self) -> bool:
        """Go on without asking anyone; False where that takes the user."""
        if self._token is None:
            return False
        return await self._refresh() or await self._login_again()

    async def _refresh(self) -> bool:
        # Another command may have refreshed meanwhile: its answer is in the file.
        stored, token = read(self._profile.token_file), self._token
        if (
            token is not None
            and stored is not None
            and replace(stored, access_token="") != replace(token, access_token="")
        ):
            if stored.issuer != token.issuer:
                return False
            token = self._token = stored
            if not token.ended(datetime.now(UTC)):
                return True
        if token is None or not token.refresh_token:
            return False
        try:
            answer = await self._sessions.RefreshSession(RefreshSessionRequest(refresh_token=token.refresh_token))
        except Unauthenticated:
            return False
        expires_at = answer.expires_at.ToDatetime(UTC).isoformat()
        self._keep(
            replace(
                token,
                access_token=answer.access_token,
                expires_at=expires_at,
                refresh_token=answer.refresh_token,
            )
        )
        return True

    async def _login_again(self) -> bool:
        token, profile = self._token, self._profile
        if token is None or not profile.is_local or (token.username, token.tenant) != (profile.admin_user, ""):
            return False
        if not token.password_only:
            return False
        await self.login(token.username, admin_password(profile), token.tenant)
        return True

    def _keep(self, token: Token) -> None:
        self._token = token
        write(self._profile.token_file, token)


class KeyInHand:
    """An API key from the environment (``NOVACRON_API_KEY``): it signs every call in place of a session."""

    def __init__(self, key: str) -> None:
        self._key = key

    async def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-api-key", self._key),)

    async def renew(self) -> bool:
        """Nothing renews a key."""
        return False


def device(home: Path) -> str:
    """What tells this device from its user's others: random, made once, kept beside the tokens."""
    path = home / "device"
    try:
        kept = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        kept = ""
    if kept:
        return kept
    _write(path, made := secrets.token_hex(16))
    return made


def admin_password(profile: Profile) -> str:
    """The password of the local stack's admin. :raises Refusal: its file cannot be read."""
    path = profile.admin_password_file
    try:
        return path.read_text(encoding="utf-8").strip() if path is not None else ""
    except OSError as error:
        raise Refusal(
            f"cannot read {path}: {error.strerror}", hint="run as the user who started NovaCron: `novacron status`"
        ) from None


def read(path: Path) -> Token | None:
    """The token in ``path``; None when there is none, or none that can be understood."""
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        token = Token(**stored)
        datetime.fromisoformat(token.expires_at)
        return token
    except (OSError, ValueError, TypeError):
        return None


def write(path: Path, token: Token) -> None:
    """Replace the token in one step; at no moment can anybody else read it."""
    _write(path, json.dumps(asdict(token), indent=1))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def forget(path: Path) -> bool:
    """Delete the token; False: there was none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
