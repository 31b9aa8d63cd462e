"""``novacron``: the command line of NovaCron, put together.

The groups are clients of the services; :mod:`novacron_cli.groups` loads the one that is run. What is installed under the entry
points ``novacron.commands`` (the local stack, where it is) joins them at the top level. gRPC and the protos are imported by the
command that runs, not by ``--help``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from novacron_cli.failure import EXIT_CODES
from novacron_cli.groups import Root
from novacron_cli.profile import SERVICES, Choices, parse_endpoints

_HELP = """NovaCron: virtual machines across nodes and clouds.

A first VM on this machine:

    novacron up --detach

    novacron login

    novacron vm create web-1 --cpu 1 --memory 128M --disk 1G --image debian

    novacron vm console web-1 -f

`-o json` and `-o yaml` are for programs: data goes to stdout, all else to stderr.
"""


def build() -> typer.Typer:
    """The whole command."""
    app = typer.Typer(
        name="novacron",
        cls=Root,
        help=_HELP,
        epilog=EXIT_CODES,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback()(_root)
    return app


def main() -> None:
    """The entry point."""
    # gRPC's own log would come between the lines of this command: what failed is told by it.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    build()(prog_name="novacron")


def _endpoints(given: list[str]) -> list[str]:
    try:
        parse_endpoints(given)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return given


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"novacron {version('novacron')}")
        raise typer.Exit


def _root(
    context: typer.Context,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIRECTORY",
            envvar="NOVACRON_HOME",
            help="Where the profile and the token are. Default: the nearest .novacron above here, else ~/.novacron",
            show_default=False,
        ),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERVICE=HOST:PORT",
            envvar="NOVACRON_ENDPOINTS",
            callback=lambda given: _endpoints(given or []),
            help=f"Where a service is, instead of the profile's: {', '.join(SERVICES)}; may be repeated. "
            "HOST:PORT alone is for all of them.",
            show_default=False,
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="NOVACRON_CA_FILE",
            help="PEM of the CA to trust, instead of the profile's.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            envvar="NOVACRON_WAIT",
            min=0,
            help="How long to wait for a service that is away, as one is for a moment while it is restarted.",
        ),
    ] = 8.0,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if data_dir is not None:
        os.environ["NOVACRON_HOME"] = str(data_dir.expanduser().absolute())  # the local stack's commands read it there
    context.obj = Choices(data_dir, parse_endpoints(endpoint or ()), ca_file, wait)


if __name__ == "__main__":
    main()
