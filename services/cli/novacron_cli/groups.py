"""Groups of commands that are loaded when one of them runs: `novacron vm list` reads nothing of the thirty other files.

To build every command out of its signature takes longer than most of them run. What ``--help`` shows of a group therefore
stands here a second time; a test holds it to what the group says of itself.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from novacron_cli.output import say

PLUGINS: Final = "novacron.commands"
LOCAL_PANEL: Final = "NovaCron on this machine"

# Commands of the top level: the module that has them, and what they do.
COMMANDS: Final = {
    "login": ("login", "Log in, and keep the tokens for the commands to come."),
    "logout": ("login", "End the session and forget its tokens. Nothing that runs is touched."),
    "audit": ("audit", "Read all services and agents and report everything that contradicts something else."),
}
# Groups: their module, and what they are about.
GROUPS: Final = {
    "vm": ("vm", "Virtual machines."),
    "template": ("template", "Templates: what VMs are made from."),
    "node": ("node", "Nodes: the hosts that run VMs."),
    "rebalance": ("rebalance", "Rebalance: which VMs should rather be on other nodes."),
    "placement": ("placement", "Placement: where a VM would go, and why it would not."),
    "policy": ("policy", "Scheduling policies: how a tenant wants its VMs placed."),
    "quota": ("quota", "Quotas: what the VMs of a tenant may hold together."),
    "scaling": ("scaling", "Scaling: what size VMs should have, by what they needed."),
    "provider": ("provider", "Cloud providers: what lies beyond this NovaCron."),
    "service": ("service", "NovaCron's own services, as the registry knows them."),
    "breakers": ("breakers", "The circuit breakers between services: how each sees the others."),
    "saga": ("saga", "Sagas: the durable flows behind VMs."),
    "metrics": ("metrics", "What is measured of VMs."),
    "user": ("user", "Users: who signs in, and their passwords."),
    "role": ("role", "Roles: what users may do, and who has which."),
    "api-key": (
        "api_key",
        "API keys: for programs, in the name of a user. Commands use the one in NOVACRON_API_KEY in place of a session.",
    ),
    "tenant": ("tenant", "Tenants: who owns users, VMs and templates."),
    "audit-log": (
        "audit_log",
        "What happened to users, sessions, roles and keys: who did it, when, from where, and whether it was allowed.",
    ),
    "signing-key": (
        "signing_key",
        "The ring of keys that sign access tokens. It turns by itself (jwt_config.key_rotation_interval); these turn it now.",
    ),
    "secret-key": (
        "secret_key",
        "The rings of keys that seal secrets at rest: second factors, providers' credentials, signing keys.",
    ),
    "session": ("sessions", "Sessions: where you are logged in, and where you should not be."),
    "mfa": (
        "mfa",
        "Second factors: an authenticator app or a security key beside your password, and recovery codes for when it is lost.",
    ),
    "identity-provider": (
        "identity_provider",
        "Identity providers: logins through OpenID Connect (`novacron login --provider NAME`), or SAML 2.0 in a web client.",
    ),
}


class Root(TyperGroup):
    """The top level: its own commands and groups by name, and what is plugged in once none of them is meant."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self._plugged_in = False
        for name, (module, about) in COMMANDS.items():
            self.commands[name] = Later(name, about, _command_of(name, module))
        for name, (module, about) in GROUPS.items():
            self.commands[name] = Later(name, about, _group_of(name, module))

    def list_commands(self, ctx: Any) -> list[str]:
        self._plug_in()
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            self._plug_in()
        return self.commands.get(cmd_name)

    def _plug_in(self) -> None:
        """Add what is installed under the entry points; what cannot be imported is told, and missing."""
        if self._plugged_in:
            return
        self._plugged_in = True
        from importlib.metadata import entry_points  # looks into every installed distribution

        for plugin in entry_points(group=PLUGINS):
            try:
                plugged: typer.Typer = plugin.load()
            except ImportError as error:
                say(f"novacron: the commands of {plugin.name} are not there: {error}")
                continue
            for command in plugged.registered_commands:
                command.rich_help_panel = LOCAL_PANEL
            self.commands.update(get_group(plugged).commands)


class Later(TyperGroup):
    """What stands for a command until it is run, or its own help is asked for."""

    def __init__(self, name: str, about: str, load: Callable[[], Any]) -> None:
        super().__init__(name=name, help=about)
        self._load = load

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self._load().make_context(info_name, args, parent, **extra)


def _group_of(name: str, module: str) -> Callable[[], Any]:
    def load() -> TyperGroup:
        group = get_group(import_module(f"novacron_cli.{module}").app)
        group.name = name
        return group

    return load


def _command_of(name: str, module: str) -> Callable[[], Any]:
    return lambda: get_group(import_module(f"novacron_cli.{module}").app).commands[name]
