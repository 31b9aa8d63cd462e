"""What the auth service reads from its environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from novacron.settings import ServiceSettings


class AuthSettings(ServiceSettings):
    """``NOVACRON_<FIELD>`` each; the defaults are the promises of the README."""

    key_file: Path = Field(description="Keys that seal the signing keys at rest: 32 bytes in base64, one a line.")
    bootstrap_admin_password_file: Path | None = Field(
        default=None, description="Password of the first user `admin`; read only while there is no user at all."
    )

    identity_provider_ca_file: Path | None = Field(
        default=None, description="PEM of CAs to trust at identity providers, beside the system's."
    )

    webauthn_rp_id: str = Field(
        default="",
        description="The domain that security keys are made for, such as example.org; empty: none are taken.",
    )
    webauthn_origins: str = Field(
        default="", description="Web origins whose pages may use them, comma-separated: https://console.example.org"
    )

    access_token_seconds: int = Field(default=300, ge=5, le=3600)
    session_seconds: int = Field(default=86_400, ge=60, le=30 * 86_400)

    lockout_attempts: int = Field(default=5, ge=2, le=100, description="Wrong passwords in a row that lock an account.")
    lockout_seconds: int = Field(default=900, ge=1, le=86_400, description="The lock ends by itself after this.")

    # OWASP's Argon2id baseline. Raise memory first; hashes made before are made anew when their users log in.
    argon2_memory_kib: int = Field(default=19_456, ge=19_456)
    argon2_time_cost: int = Field(default=2, ge=2)
    password_threads: int = Field(
        default=2, ge=1, le=64, description="Passwords hashed at once: memory and CPU bound it."
    )
    password_queue: int = Field(
        default=64, ge=1, description="Logins that may wait for a thread; more are told to retry."
    )
