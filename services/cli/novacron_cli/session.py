"""Who the user is: the token, kept in a file for its owner alone, and how it is renewed.

Tokens live for minutes. On a local stack, whose admin's password is in a file, a session of the admin goes on silently; a
session of anyone else ends, because only its user knows the password.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from novacron.api.auth.v1 import AuthServiceStub, LoginRequest, User
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

    def ended(self, now: datetime) -> bool:
        return datetime.fromisoformat(self.expires_at) - _SLACK <= now


class Session:
    """The token of one home, renewed where that needs nobody."""

    def __init__(self, profile: Profile, auth: Channel) -> None:
        self._profile = profile
        self._auth = AuthServiceStub(auth)
        self._token = read(profile.token_file)
        if self._token is not None and self._token.issuer != profile.endpoint("auth"):
            self._token = None

    async def login(self, username: str, password: str, tenant: str = "") -> User:
        """Begin a session and keep its token. :raises Unauthenticated: name, password or tenant do not match."""
        answer = await self._auth.Login(LoginRequest(username=username, password=password, tenant=tenant))
        expires_at = answer.expires_at.ToDatetime(UTC).isoformat()
        self._token = Token(answer.access_token, expires_at, username, tenant, self._profile.endpoint("auth"))
        write(self._profile.token_file, self._token)
        user: User = answer.user
        return user

    async def metadata(self) -> tuple[tuple[str, str], ...]:
        """What signs a call. :raises Unauthenticated: nobody is logged in, or the session has ended."""
        if self._token is None:
            raise Unauthenticated("not logged in")
        if self._token.ended(datetime.now(UTC)) and not await self.renew():
            raise Unauthenticated(f"the session of {self._token.username} has ended")
        return (("authorization", f"Bearer {self._token.access_token}"),)

    async def renew(self) -> bool:
        """Log in again without asking anyone; False where that takes the user."""
        token, profile = self._token, self._profile
        if token is None or not profile.is_local or (token.username, token.tenant) != (profile.admin_user, ""):
            return False
        await self.login(token.username, admin_password(profile), token.tenant)
        return True


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
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".token.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(token), file, indent=1)
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
