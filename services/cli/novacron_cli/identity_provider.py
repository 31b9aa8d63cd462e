"""``novacron identity-provider``: through whom a tenant's users may log in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.options import IdOption
from novacron_cli.output import Columns, Output, OutputOption, say, write_list, write_one
from novacron_cli.words import when, word

if TYPE_CHECKING:
    from novacron_cli.connection import Connection

app = typer.Typer(
    no_args_is_help=True,
    help="Identity providers: logins through OpenID Connect (`novacron login --provider NAME`), or SAML 2.0 in a web client.",
)

_ROLES = ("viewer", "user", "operator", "admin")
TenantOption = Annotated[str, typer.Option(metavar="UUID", help="Id of another tenant. Default: your own.")]

UserOption = Annotated[str, typer.Option(metavar="USER", help="Name or id of somebody else. Default: you.")]


@app.command(
    epilog="Example:  novacron identity-provider create corp https://login.example.org --client-id novacron --create-users"
)
@told
async def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What users type: small letters, digits and -.")],
    issuer: Annotated[str, typer.Argument(help="Its https URL, spelled as the provider does; of SAML its entity id.")],
    client_id: Annotated[str, typer.Option(metavar="TEXT", help="Who NovaCron is to it; in SAML our entity id.")],
    client_secret_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the client's secret; - is standard input. Default: none.")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(metavar="SCOPE", help="What to ask for. Default: openid, email, profile.")
    ] = None,
    create_users: Annotated[
        bool, typer.Option("--create-users", help="Make a user at the first login of somebody unknown.")
    ] = False,
    role: Annotated[
        str, typer.Option(metavar="ROLE", help="Of users made so: viewer, user, operator, admin.")
    ] = "user",
    saml_sso_url: Annotated[
        str, typer.Option(metavar="URL", help="Makes it one of SAML: its SingleSignOnService for HTTP-Redirect.")
    ] = "",
    saml_certificate_file: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="With --saml-sso-url: PEM of what it signs with. Several while it changes keys."
        ),
    ] = None,
    tenant: TenantOption = "",
    id: IdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Add a provider. At the provider, allow the redirect URI http://127.0.0.1/callback with any port.

    Users are known by the provider's subject, never by their address: who has an account already links it.

    SAML takes the extra novacron[saml] where auth runs, and at the provider: a persistent NameID, signed assertions, and the
    assertion consumer URL of your web client, which does the login (BeginSamlLogin, CompleteSamlLogin): a terminal cannot
    receive the form.
    """
    from uuid import uuid4

    from novacron.api.auth.v1 import CreateIdentityProviderRequest, IdentityProviderServiceStub, SamlProvider

    if role not in _ROLES:
        raise Refusal(f"there is no role {role}", ExitCode.USAGE, f"--role {', '.join(_ROLES)}")
    certificates = [quantities.content(file) for file in saml_certificate_file or ()]
    if bool(saml_sso_url) != bool(certificates):
        raise Refusal("SAML takes both", ExitCode.USAGE, "--saml-sso-url URL --saml-certificate-file FILE")
    secret = quantities.content(client_secret_file).rstrip("\r\n") if client_secret_file is not None else ""
    async with connect(context) as connection:
        request = CreateIdentityProviderRequest(
            identity_provider_id=id or str(uuid4()),
            name=name,
            tenant_id=tenant,
            issuer=issuer,
            client_id=client_id,
            client_secret=secret,
            scopes=scope or (),
            create_users=create_users,
            default_role=f"USER_ROLE_{role.upper()}",
            type="IDENTITY_PROVIDER_TYPE_SAML" if saml_sso_url else "IDENTITY_PROVIDER_TYPE_OIDC",
            saml=SamlProvider(sso_url=saml_sso_url, certificates=certificates) if saml_sso_url else None,
        )
        made = await connection.of_auth(IdentityProviderServiceStub).CreateIdentityProvider(request)
        write_one(made, _FIELDS, output)


@app.command("list")
@told
async def list_providers(
    context: typer.Context, tenant: TenantOption = "", output: OutputOption = Output.TABLE
) -> None:
    """List a tenant's providers, by name; never their secrets."""
    async with connect(context) as connection:
        write_list(await _providers(connection, tenant), _COLUMNS, output)


@app.command(
    "set-certificates",
    epilog="Example:  novacron identity-provider set-certificates corp old.pem new.pem   (until the old one ends)",
)
@told
async def set_certificates(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="Its name or id.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="PEM of all that it signs with from now on.")],
    tenant: TenantOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Set what a provider of SAML signs with, in place of what it did. Takes all permissions that its users have."""
    from novacron.api.auth.v1 import IdentityProviderServiceStub, SetSamlCertificatesRequest

    certificates = [quantities.content(file) for file in files]
    async with connect(context) as connection:
        found = await _provider(connection, provider, tenant)
        request = SetSamlCertificatesRequest(identity_provider_id=found.identity_provider_id, certificates=certificates)
        made = await connection.of_auth(IdentityProviderServiceStub).SetSamlCertificates(request)
        write_one(made, _FIELDS, output)


@app.command()
@told
async def delete(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="Its name or id.")],
    tenant: TenantOption = "",
) -> None:
    """Delete a provider. Its users keep their accounts, and no way in but a password."""
    from novacron.api.auth.v1 import DeleteIdentityProviderRequest, IdentityProviderServiceStub

    async with connect(context) as connection:
        found = await _provider(connection, provider, tenant)
        request = DeleteIdentityProviderRequest(identity_provider_id=found.identity_provider_id)
        await connection.of_auth(IdentityProviderServiceStub).DeleteIdentityProvider(request)
    say(f"identity provider {found.name} is gone")


@app.command()
@told
async def links(context: typer.Context, user: UserOption = "", output: OutputOption = Output.TABLE) -> None:
    """List through which providers you can log in, or somebody else can."""
    from novacron.api.auth.v1 import IdentityProviderServiceStub, ListExternalIdentitiesRequest

    async with connect(context) as connection:
        request = ListExternalIdentitiesRequest(user_id=await _user_id(connection, user))
        found = await connection.of_auth(IdentityProviderServiceStub).ListExternalIdentities(request)
        write_list(found.external_identities, _LINKS, output)


@app.command(epilog="Example:  novacron identity-provider unlink corp --user alice")
@told
async def unlink(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="Its name or id: `novacron identity-provider links` shows it.")],
    user: UserOption = "",
) -> None:
    """End that you, or somebody else, can log in through a provider. Refused for who would have no other way in.

    Sessions go on: `novacron session revoke` ends them.
    """
    from novacron.api.auth.v1 import (
        IdentityProviderServiceStub,
        ListExternalIdentitiesRequest,
        UnlinkExternalIdentityRequest,
    )

    async with connect(context) as connection:
        stub, user_id = connection.of_auth(IdentityProviderServiceStub), await _user_id(connection, user)
        held = (await stub.ListExternalIdentities(ListExternalIdentitiesRequest(user_id=user_id))).external_identities
        named = {one.provider: one.identity_provider_id for one in held}
        if provider not in named and provider not in named.values():
            raise Refusal(
                f"not linked to {provider}", ExitCode.NOT_FOUND, "`novacron identity-provider links` shows the links"
            )
        request = UnlinkExternalIdentityRequest(identity_provider_id=named.get(provider, provider), user_id=user_id)
        await stub.UnlinkExternalIdentity(request)
    say(f"no login through {provider} any more")


async def _user_id(connection: Connection, user: str) -> str:
    """Empty for the one who asks."""
    from novacron.api.auth.v1 import GetUserRequest, UserServiceStub

    if not user:
        return ""
    found: str = (await connection.of_auth(UserServiceStub).GetUser(GetUserRequest(user=user))).user_id
    return found


async def _provider(connection: Connection, provider: str, tenant: str) -> Any:
    for one in await _providers(connection, tenant):
        if provider in (one.name, one.identity_provider_id):
            return one
    raise Refusal(
        f"no identity provider {provider}", ExitCode.NOT_FOUND, "`novacron identity-provider list` shows them"
    )


async def _providers(connection: Connection, tenant: str) -> Any:
    from novacron.api.auth.v1 import IdentityProviderServiceStub, ListIdentityProvidersRequest

    request = ListIdentityProvidersRequest(tenant_id=tenant)
    return (await connection.of_auth(IdentityProviderServiceStub).ListIdentityProviders(request)).identity_providers


def _type(value: int) -> str:
    from novacron.api.auth import v1

    return word(v1.IdentityProviderType, value)


def _role(value: int) -> str:
    from novacron.api.auth import v1

    return word(v1.UserRole, value)


_COLUMNS: Columns = {
    "name": lambda one: one.name,
    "type": lambda one: _type(one.type),
    "issuer": lambda one: one.issuer,
    "client": lambda one: one.client_id,
    "new users": lambda one: _role(one.default_role) if one.create_users else "-",
    "id": lambda one: one.identity_provider_id,
}
_FIELDS: Columns = {
    **_COLUMNS,
    "scopes": lambda one: " ".join(one.scopes) or "-",
    "sso": lambda one: one.saml.sso_url or "-",
    "made": lambda one: when(one.created_at),
}
_LINKS: Columns = {
    "provider": lambda one: one.provider,
    "subject": lambda one: one.subject,
    "linked": lambda one: when(one.created_at),
    "id": lambda one: one.identity_provider_id,
}
