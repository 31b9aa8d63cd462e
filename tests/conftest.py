"""What every test may use: see ``novacron.testing.plugin``. And which tests go to one worker, in which order."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from novacron.rpc import Identification
from novacron_local.certificates import DevelopmentCA

from .command.forked import forked_command
from .e2e.guests import images_for_real_guests
from .e2e.stack import Stack, running_stack

pytest_plugins = ["novacron.testing.plugin"]

# Files that share a stack, by its fixture, go to one worker: to bring one up takes longer than most of their tests. It ends
# with the last of them: one that is idle still takes a tenth of a processor from all that follows.
SHARED = {
    "real_hypervisor": ("e2e/test_guest.py", "faults/test_kill_guests.py"),
    "two_hosts": (
        "faults/test_kill.py",
        "faults/test_rolling.py",
        "faults/test_drain_kill.py",
        "faults/test_preemption_kill.py",
    ),
    "shared_stack": (
        "e2e/test_outages.py",
        "e2e/test_life.py",
        "e2e/test_trace.py",
        "e2e/test_audit.py",
        "e2e/test_readme.py",
    ),
}
# What takes longest begins first, so that no worker is left alone with it at the end.
LONGEST = [
    *(file for files in SHARED.values() for file in files),
    "agent/test_driver_contract.py",
    "agent/test_libvirt.py",
    "faults/test_simulation.py",
    "vm/test_vm_sagas.py",
    "vm/test_drain.py",
    "scheduler/test_races.py",
    "auth/test_oidc.py",
    "local/test_embedded_servers.py",
    "local/test_stack.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""
    order = {file: number for number, file in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(file_of(item), len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file goes to one worker, and so do those that share a stack."""
    from xdist.scheduler import LoadFileScheduling

    class Sharing(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return stack_of(file.removeprefix("tests/")) or file

    return Sharing(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End a stack behind the last test of the files that share it."""
    yield
    shared = stack_of(file_of(item))
    if shared and nextitem is not None and shared != stack_of(file_of(nextitem)):
        for fixture in item.session._fixturemanager.getfixturedefs(shared, item) or ():
            fixture.finish(item._request)  # type: ignore[attr-defined]


def file_of(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).as_posix()


def stack_of(file: str) -> str | None:
    """The fixture of the stack that a file shares with others."""
    return next((name for name, files in SHARED.items() if file in files), None)


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentCA:
    """The CA of the environment `testing`."""
    return DevelopmentCA(tmp_path_factory.mktemp("ca"), "testing")


@pytest.fixture(scope="session")
def novacron_command() -> tuple[str, ...]:
    """What to put before the arguments of ``novacron`` to run it."""
    return forked_command()


@pytest.fixture(scope="session")
def identify(ca: DevelopmentCA) -> Callable[[str], Identification]:
    """The certificate of a service by its name."""

    def of(name: str) -> Identification:
        issued = ca.identity(name)
        return Identification.read(issued.ca, issued.certificate, issued.key)

    return of


@pytest.fixture(scope="session")
def real_hypervisor() -> Iterator[Stack]:
    """A stack whose agent boots real guests."""
    with running_stack(
        "libvirt", images=images_for_real_guests(), SAMPLE_SECONDS="1", SAGA_LEASE_SECONDS="2", ACCELERATION="tcg"
    ) as stack:
        yield stack
