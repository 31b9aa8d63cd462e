"""What every test may use: see ``novacron.testing.plugin``."""

from collections.abc import Callable, Iterator

import pytest

from novacron.rpc import Identification
from novacron_local.certificates import DevelopmentCA

from .command.forked import forked_command

pytest_plugins = ["novacron.testing.plugin"]


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentCA:
    """The CA of the environment `testing`."""
    return DevelopmentCA(tmp_path_factory.mktemp("ca"), "testing")


@pytest.fixture(scope="session")
def novacron_command() -> Iterator[tuple[str, ...]]:
    """What to put before the arguments of ``novacron`` to run it."""
    with forked_command() as command:
        yield command


@pytest.fixture(scope="session")
def identify(ca: DevelopmentCA) -> Callable[[str], Identification]:
    """The certificate of a service by its name."""

    def of(name: str) -> Identification:
        issued = ca.identity(name)
        return Identification.read(issued.ca, issued.certificate, issued.key)

    return of
