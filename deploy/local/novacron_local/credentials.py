"""Secrets made once, at random, each in a file that only its owner can read."""

from __future__ import annotations

import base64
import secrets
import string
from pathlib import Path

from novacron.embedded.account import write_private


def password(path: Path, *, length: int = 24) -> str:
    """The password in ``path``, made when there is none yet: letters and digits, so that it survives any shell."""
    if not path.exists():
        alphabet = string.ascii_letters + string.digits
        write_private(path, "".join(secrets.choice(alphabet) for _ in range(length)) + "\n")
    return path.read_text(encoding="utf-8").strip()


def key(path: Path) -> Path:
    """``path``, holding 32 random bytes in base64, made when there are none yet."""
    if not path.exists():
        write_private(path, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    return path
