"""The house: every part of the service, each made of those above it, and the servicers that stand at its doors.

``__main__`` builds it on the foundation; tests build it on a database of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import redis.asyncio as redis_client

from novacron.api.auth.v1 import (
    add_ApiKeyServiceServicer_to_server,
    add_AuditLogServiceServicer_to_server,
    add_AuthenticationConfigurationServiceServicer_to_server,
    add_AuthServiceServicer_to_server,
    add_IdentityProviderServiceServicer_to_server,
    add_MfaServiceServicer_to_server,
    add_RoleServiceServicer_to_server,
    add_SessionServiceServicer_to_server,
    add_SigningKeyServiceServicer_to_server,
    add_TenantServiceServicer_to_server,
    add_UserServiceServicer_to_server,
)
from novacron.cache import InvalidationBus
from novacron.db import Database
from novacron.paging import PageTokens
from novacron.rpc.api_keys import KeyDoor
from novacron.sealing import KeyRing

from . import messages
from .api_keys.api_key import Hashing
from .api_keys.api_keys import ApiKeys
from .api_keys.authentication import ApiKeyAuthentication
from .api_keys.servicer import ApiKeyServicer
from .api_keys.store import ApiKeyStore
from .audit.entries import AuditEntries
from .audit.log import AuditLog
from .audit.retention import Retention
from .audit.servicer import AuditLogServicer
from .authenticator import TableAuthenticator
from .bootstrap import Bootstrap
from .configuration.configurations import Configurations, defaults
from .configuration.servicer import AuthenticationConfigurationServicer
from .identity_providers.entrance import Entrance
from .identity_providers.external_identities import ExternalIdentities
from .identity_providers.external_logins import ExternalLogins
from .identity_providers.external_users import ExternalUsers
from .identity_providers.identity_providers import IdentityProviders
from .identity_providers.provider_client import ProviderClient
from .identity_providers.saml_logins import SamlLogins
from .identity_providers.servicer import IdentityProviderServicer
from .identity_providers.store import IdentityProviderStore
from .keys.keyring import Keyring
from .keys.secret_key import SecretSealer
from .keys.secret_keys import SecretKeys
from .keys.servicer import SigningKeyServicer
from .keys.signing_keys import SigningKeys
from .keys.store import KeyStore
from .keys.tokens import Tokens
from .mfa.codes import Codes
from .mfa.guard import Guard
from .mfa.key_store import KeyStore as SecurityKeyStore
from .mfa.proofs import Proofs
from .mfa.relying_party import RelyingParty
from .mfa.second_factors import SecondFactors
from .mfa.security_keys import SecurityKeys
from .mfa.servicer import MfaServicer
from .mfa.store import MfaStore
from .roles import catalog
from .roles.grant_table import GrantTable
from .roles.permissions import Permissions
from .roles.reach import Reach
from .roles.role_grants import ExpiredGrants, RoleGrants
from .roles.role_table import RoleTable
from .roles.roles import Roles
from .roles.servicer import RoleServicer
from .roles.store import RoleStore
from .servicer import AuthServicer
from .sessions.beginnings import Beginnings
from .sessions.housekeeping import Housekeeping
from .sessions.logins import Logins
from .sessions.refresh_token import RefreshTokens
from .sessions.refreshes import Refreshes
from .sessions.servicer import SessionServicer
from .sessions.sessions import Sessions
from .sessions.store import SessionStore
from .sessions.validations import Validations
from .settings import AuthSettings
from .tenants.servicer import TenantServicer
from .tenants.store import TenantStore
from .tenants.tenants import Tenants
from .users.passwords import Passwords
from .users.servicer import UserServicer
from .users.store import UserStore
from .users.user_passwords import UserPasswords
from .users.users import Users

# A generated ``add_*_to_server``, and what it adds.
Door = tuple[Callable[[Any, grpc.aio.Server], None], Any]


class House:
    """The rooms of auth. Nothing here does anything before it is asked."""

    def __init__(
        self,
        settings: AuthSettings,
        database: Database,
        ring: KeyRing,
        passwords: Passwords,
        bus: InvalidationBus,
        redis: redis_client.Redis | None = None,
    ) -> None:
        self.passwords = passwords
        self.sealer = SecretSealer(ring)
        self.page_tokens = PageTokens(ring.primary)
        self.audit = AuditLog(database)
        self.configuration = Configurations(database, self.audit, defaults(settings), bus)
        self.audit_entries = AuditEntries(database, self.audit, self.page_tokens)
        self.retention = Retention(database, self.audit, self.configuration)

        # keys
        self.keyring = Keyring(KeyStore(database), self.sealer)
        self.signing_keys = SigningKeys(database, self.sealer, self.keyring, self.configuration, self.audit, bus)
        self.secret_keys = SecretKeys(database, self.sealer, TenantStore(database), self.audit)
        self.tokens = Tokens(self.keyring, timedelta(seconds=settings.access_token_seconds))

        # roles
        role_store = RoleStore(database)
        self.permissions, self.reach = Permissions(role_store, self.configuration), Reach(role_store)

        # API keys
        hashing = Hashing(ring)
        key_authentication = ApiKeyAuthentication(ApiKeyStore(database), hashing, self.permissions)
        self.api_keys = ApiKeys(
            database, hashing, self.audit, bus, page_tokens=self.page_tokens, existing=catalog.permissions()
        )
        self.api_key_servicer = ApiKeyServicer(self.api_keys, key_authentication, self.configuration)
        self.authenticator = TableAuthenticator(
            self.tokens, self.permissions, key_authentication, KeyDoor("auth", redis)
        )

        # tenants and users
        self.tenants_store, self.users_store = TenantStore(database), UserStore(database)
        self.bootstrap = Bootstrap(database, self.users_store, self.tenants_store, passwords, self.audit)
        self.tenants = Tenants(database, self.tenants_store, self.reach, self.audit, bus, self.page_tokens)
        self.user_passwords = UserPasswords(database, passwords, self.reach, self.audit, bus, self.configuration)
        self.users = Users(
            database, self.users_store, self.user_passwords, self.reach, self.audit, bus, page_tokens=self.page_tokens
        )

        # roles and grants
        self.roles = Roles(database, RoleTable(database), self.reach, self.audit, bus, catalog.permissions())
        self.role_grants = RoleGrants(database, self.users_store, self.reach, self.audit, bus)
        self.expired_grants = ExpiredGrants(GrantTable(database), bus)

        # second factors
        mfa_store, keys = MfaStore(), SecurityKeyStore(database)
        party = RelyingParty.of(settings.webauthn_rp_id, settings.webauthn_origins)
        codes = Codes(mfa_store, self.sealer, ring)
        proofs = Proofs(codes, keys, party)
        guard = Guard(database, mfa_store, self.audit, self.configuration)
        self.second_factors = SecondFactors(
            database,
            guard,
            codes,
            proofs,
            passwords=self.user_passwords,
            configurations=self.configuration,
            reach=self.reach,
            bus=bus,
        )
        self.security_keys = SecurityKeys(
            database,
            guard,
            proofs,
            self.second_factors,
            keys,
            party,
            passwords=self.user_passwords,
            configurations=self.configuration,
            bus=bus,
        )

        # sessions
        refresh_tokens = RefreshTokens(ring.primary)
        beginnings = Beginnings(database, refresh_tokens, bus)
        self.logins = Logins(database, passwords, self.audit, self.configuration, proofs, beginnings)

        # identity providers
        provider_store = IdentityProviderStore(database)
        self.provider_client = ProviderClient(settings.identity_provider_ca_file)
        self.identity_providers = IdentityProviders(
            database, provider_store, self.provider_client, self.sealer, self.reach, self.audit
        )
        self.external_identities = ExternalIdentities(database, provider_store, self.reach, self.audit)
        external_users = ExternalUsers(database, provider_store, self.audit)
        entrance = Entrance(database, provider_store, external_users, beginnings, self.configuration, self.audit)
        self.external_logins = ExternalLogins(
            database,
            provider_store,
            self.provider_client,
            self.identity_providers,
            entrance,
            sealer=self.sealer,
            passwords=self.user_passwords,
        )
        self.saml_logins = SamlLogins(provider_store, entrance, self.sealer, self.user_passwords)
        self.refreshes = Refreshes(database, refresh_tokens, self.configuration, self.audit, bus)
        self.sessions = Sessions(
            database,
            self.audit,
            bus,
            self.configuration,
            self.reach,
            self.page_tokens,
            tokens=self.tokens,
            permissions=self.permissions,
        )
        self.validations = Validations(SessionStore(database), self.tokens, bus, messages.validate_token_response)
        self.housekeeping = Housekeeping(SessionStore(database), ApiKeyStore(database), self.configuration)

    def doors(self) -> list[Door]:
        """What the server serves."""
        auth = AuthServicer(self.logins, self.sessions, self.permissions, self.validations, self.keyring)
        configuration = AuthenticationConfigurationServicer(self.configuration)
        return [
            (add_AuthServiceServicer_to_server, auth),
            (add_TenantServiceServicer_to_server, TenantServicer(self.tenants)),
            (add_UserServiceServicer_to_server, UserServicer(self.users, self.user_passwords)),
            (add_SessionServiceServicer_to_server, SessionServicer(self.sessions, self.refreshes)),
            (add_AuthenticationConfigurationServiceServicer_to_server, configuration),
            (add_RoleServiceServicer_to_server, RoleServicer(self.roles, self.role_grants, self.page_tokens)),
            (add_ApiKeyServiceServicer_to_server, self.api_key_servicer),
            (add_MfaServiceServicer_to_server, MfaServicer(self.second_factors, self.security_keys)),
            (
                add_IdentityProviderServiceServicer_to_server,
                IdentityProviderServicer(
                    self.identity_providers,
                    self.external_identities,
                    self.external_logins,
                    self.saml_logins,
                    self.sessions,
                ),
            ),
            (add_SigningKeyServiceServicer_to_server, SigningKeyServicer(self.signing_keys, self.secret_keys)),
            (add_AuditLogServiceServicer_to_server, AuditLogServicer(self.audit_entries)),
        ]

    def background(self) -> list[Any]:
        """Components with ``start`` and ``stop`` that work while the server serves."""
        return [self.housekeeping, self.retention, self.signing_keys, self.secret_keys, self.expired_grants]
