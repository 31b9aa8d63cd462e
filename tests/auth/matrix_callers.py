"""Every kind of caller that there is, made by the real service: what each shows, and what it was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from novacron.api.auth.v1 import ApiKeyServiceStub, CreateApiKeyRequest, RevokeApiKeyRequest
from novacron.rpc import Identification
from novacron_auth.users.account import Role

OFTEN = 1_000_000


@dataclass(frozen=True)
class CallerKind:
    """One column of the matrix. A service shows a certificate; all others show metadata on the users' port.

    ``valid`` says whether what is shown is true now. ``permissions`` are what the kind's definition gives it. ``scopes`` are a
    key's; empty: all.
    """

    name: str
    service: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    valid: bool = True
    permissions: frozenset[str] = field(default_factory=frozenset)
    scopes: frozenset[str] = field(default_factory=frozenset)
    is_key: bool = False
    credentials: grpc.ChannelCredentials | None = None


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def shown(key: str) -> tuple[tuple[str, str], ...]:
    return (("x-api-key", key),)


async def every_kind(auth: Any, ca: Any) -> list[CallerKind]:
    """All of them; the first shows nothing at all."""
    roles = {name: frozenset(held) for name, held in await auth.execute("SELECT name, permissions FROM roles")}
    return [
        CallerKind("nobody", valid=False),
        *await _users(auth, roles),
        *await _false_tokens(auth),
        *await _keys(auth, roles),
        *_services(auth, ca),
    ]


async def _users(auth: Any, roles: dict[str, frozenset[str]]) -> list[CallerKind]:
    kinds = []
    for role in Role:
        account = await auth.user(role.value, role)
        token = (await auth.login(account.username)).access_token
        kinds.append(CallerKind(role.value, metadata=bearer(token), permissions=roles[role.value]))
    await auth.user("elsewhere", Role.VIEWER, tenant="other")
    token = (await auth.login("elsewhere", tenant="other")).access_token
    kinds.append(CallerKind("viewer of another tenant", metadata=bearer(token), permissions=roles["viewer"]))

    await auth.execute(
        "INSERT INTO roles (name, tenant_id, permissions)"
        " SELECT 'reader', id, '[\"*:read\"]' FROM tenants WHERE name = 'default'"
    )
    for name, granted, until in (
        ("tenant admin", "tenant-admin", None),
        ("reader of everything", "reader", None),
        ("operator of yesterday", "operator", datetime.now(UTC) - timedelta(days=1)),
    ):
        account = await auth.user(name, Role.VIEWER)
        await auth.execute(
            "INSERT INTO user_roles (user_id, role_id, expires_at) SELECT %s, id, %s FROM roles WHERE name = %s",
            account.user_id,
            until,
            granted,
        )
        given = {"reader": frozenset(("*:read",))}.get(granted, roles.get(granted, frozenset()))
        permissions = roles["viewer"] | (given if until is None else frozenset())
        token = (await auth.login(name)).access_token
        kinds.append(CallerKind(name, metadata=bearer(token), permissions=permissions))
    return kinds


async def _false_tokens(auth: Any) -> list[CallerKind]:
    """Each would be a platform admin's, but for one fault."""
    token = (await auth.login("admin")).access_token
    kid, key = await auth.keyring.signer()
    claims = jwt.decode(token, options={"verify_signature": False})
    header = {"kid": kid, "typ": "at+jwt"}
    past = {"iat": claims["iat"] - 3600, "exp": claims["iat"] - 3000}
    faults = {
        "expired token": jwt.encode({**claims, **past}, key, "EdDSA", headers=header),
        "forged token": jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers=header),
        "unsigned token": jwt.encode(claims, "", "none", headers=header),
        "token for something else": jwt.encode({**claims, "aud": "elsewhere"}, key, "EdDSA", headers=header),
        "token of another type": jwt.encode(claims, key, "EdDSA", headers={**header, "typ": "JWT"}),
        "no token at all": "not-a-token",
    }
    kinds = [CallerKind(name, metadata=bearer(text), valid=False) for name, text in faults.items()]
    account = await auth.user("gone", Role.ADMIN)
    ended = await auth.login("gone")
    await auth.execute("UPDATE user_sessions SET revoked_at = now() WHERE user_id = %s", account.user_id)
    kinds.append(CallerKind("token of a session that was ended", metadata=bearer(ended.access_token), valid=False))
    account = await auth.user("disabled", Role.ADMIN)
    token = (await auth.login("disabled")).access_token
    await auth.execute("UPDATE users SET disabled_at = now() WHERE id = %s", account.user_id)
    kinds.append(CallerKind("token of a disabled user", metadata=bearer(token), valid=False))
    return kinds


async def _keys(auth: Any, roles: dict[str, frozenset[str]]) -> list[CallerKind]:
    async def make(user: str, name: str, **more: Any) -> Any:
        keys = auth.as_user((await auth.login(user)).access_token, ApiKeyServiceStub)
        return await keys.CreateApiKey(CreateApiKeyRequest(name=name, rate_limit_per_minute=OFTEN, **more))

    everything = await make("admin", "everything")
    scoped = await make("admin", "scoped", scopes=["vm", "monitoring"])
    narrow = await make("operator", "narrow", permissions=["vm:*", "node:read"])
    wide = await make("operator", "wide", permissions=["vm:*", "node:*"])
    await auth.execute("UPDATE users SET role = 'user' WHERE username = 'operator'")
    # The operator of the matrix stays one: this key's user was one, and is a user now.
    await auth.execute(
        "UPDATE api_keys SET user_id = (SELECT id FROM users WHERE username = 'user') WHERE name = 'wide'"
    )
    await auth.execute("UPDATE users SET role = 'operator' WHERE username = 'operator'")
    revoked = await make("admin", "revoked")
    root = auth.as_user((await auth.login("admin")).access_token, ApiKeyServiceStub)
    await root.RevokeApiKey(RevokeApiKeyRequest(api_key_id=revoked.api_key.api_key_id))
    forged = everything.key[:-8] + "A" * 8
    return [
        CallerKind("key of an admin", metadata=shown(everything.key), permissions=roles["admin"], is_key=True),
        CallerKind(
            "key for two services",
            metadata=shown(scoped.key),
            permissions=roles["admin"],
            scopes=frozenset(("vm", "monitoring")),
            is_key=True,
        ),
        CallerKind(
            "key for VMs", metadata=shown(narrow.key), permissions=frozenset(("vm:*", "node:read")), is_key=True
        ),
        CallerKind("key wider than its user", metadata=shown(wide.key), permissions=frozenset(("vm:*",)), is_key=True),
        CallerKind("revoked key", metadata=shown(revoked.key), valid=False, is_key=True),
        CallerKind("forged key", metadata=shown(forged), valid=False, is_key=True),
        CallerKind("key and token", metadata=(*shown(everything.key), *bearer("x")), valid=False),
    ]


def _services(auth: Any, ca: Any) -> list[CallerKind]:
    names = ("auth", "vm", "scheduler", "federation", "monitoring", "registry", "agent/n1", "agent/n2", "stranger")
    kinds = [CallerKind(f"certificate of {name}", service=name) for name in names]
    # A token beside a certificate adds nothing: who works for a user says so by other means.
    admin = bearer(jwt.encode({}, "", "none"))
    kinds.append(CallerKind("certificate of vm, with a token", service="vm", metadata=admin))
    elsewhere = Identification.read(ca.certificate_file, *_of_another_environment(ca))
    kinds.append(CallerKind("certificate of vm elsewhere", service="vm", valid=False, credentials=elsewhere.client()))
    return kinds


def _of_another_environment(ca: Any) -> tuple[Any, Any]:
    """A certificate of the same CA that names another environment: the name decides, and not the CA alone."""
    from cryptography.hazmat.primitives import serialization

    key_file = ca.identity("elsewhere").key
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    certificate = ca.directory / "another-environment.pem"
    issued = ca._issue("spiffe://novacron/production/vm", key)
    certificate.write_bytes(issued.public_bytes(serialization.Encoding.PEM))
    return certificate, key_file
