"""The connection to libvirtd, through a proxy that can drop and freeze it without harm to the host's own libvirtd."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from novacron.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from novacron_agent import hypervisor_setup

libvirt = pytest.importorskip("libvirt", reason="no libvirt binding: python -m novacron_agent.hypervisor_setup")

from novacron_agent.drivers.hypervisor_link import HypervisorLink, typed  # noqa: E402


class Proxy:
    """Stands between a client and libvirtd's socket."""

    def __init__(self, path: Path, target: str) -> None:
        self.path, self._target = path, target
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def stop(self) -> None:
        """As a libvirtd that is killed: nobody listens, and connections are cut."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        self.path.unlink(missing_ok=True)
        await asyncio.sleep(0.05)

    def cut(self) -> None:
        for writer in self._writers:
            writer.close()

    def freeze(self) -> None:
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(self._target)
        self._writers |= {writer, up_writer}
        await asyncio.gather(self._pump(reader, up_writer), self._pump(up_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def proxy(libvirt_works: None, tmp_path: Path) -> AsyncIterator[Proxy]:
    if os.geteuid() != 0:
        pytest.skip("a session's libvirtd has its socket elsewhere: run as root")
    proxy = Proxy(tmp_path / "libvirt.sock", "/run/libvirt/libvirt-sock")
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
async def link(proxy: Proxy) -> AsyncIterator[HypervisorLink]:
    link = HypervisorLink(f"qemu+unix:///system?socket={proxy.path}", keepalive_seconds=1)
    await link.open()
    yield link
    await link.close()


@pytest.mark.guest
async def test_a_connection_that_was_cut_is_made_anew_without_anyone_noticing(
    link: HypervisorLink, proxy: Proxy
) -> None:
    for _ in range(3):
        assert await link.call(lambda connection: connection.getVersion()) > 0
        proxy.cut()


@pytest.mark.guest
async def test_a_libvirtd_that_is_gone_is_unavailable_and_comes_back(link: HypervisorLink, proxy: Proxy) -> None:
    await proxy.stop()
    with pytest.raises(Unavailable, match="libvirt"):
        await link.call(lambda connection: connection.getVersion())

    await proxy.start()

    assert await link.call(lambda connection: connection.getVersion()) > 0


@pytest.mark.guest
async def test_calls_to_a_libvirtd_that_hangs_fail_after_its_keepalives_and_so_do_new_connections(
    link: HypervisorLink, proxy: Proxy
) -> None:
    proxy.freeze()
    began = time.monotonic()
    calls = [link.call(lambda connection: connection.getVersion()) for _ in range(20)]

    answers = await asyncio.gather(*calls, return_exceptions=True)

    assert {type(answer) for answer in answers} == {Unavailable}
    assert 2 < time.monotonic() - began < 30, "twenty calls on eight threads, each with two attempts at most"
    proxy.thaw()
    assert await link.call(lambda connection: connection.getVersion()) > 0


@pytest.mark.guest
async def test_errors_of_libvirt_come_out_typed_and_the_connection_stays(link: HypervisorLink) -> None:
    with pytest.raises(NotFound):
        await link.call(lambda connection: connection.lookupByUUID(bytes(16)))
    with pytest.raises(InvalidArgument):
        await link.call(lambda connection: connection.defineXML("<domain"))


async def test_a_link_to_nowhere_is_unavailable_and_can_be_closed(tmp_path: Path) -> None:
    link = HypervisorLink(f"qemu+unix:///system?socket={tmp_path / 'nothing'}")

    with pytest.raises(Unavailable, match="cannot connect to libvirt at qemu"):
        await link.open()
    with pytest.raises(Unavailable, match="not open"):
        await link.call(lambda connection: None)
    await link.close()


def test_what_libvirt_does_not_tell_apart_may_work_later() -> None:
    error = libvirt.libvirtError("no memory")

    assert type(typed(error)) is Unavailable
    error.err = (libvirt.VIR_ERR_OPERATION_INVALID, 10, "domain is not running", 2, "", "", "", -1, -1)
    assert type(typed(error)) is FailedPrecondition
    assert hypervisor_setup.uri().startswith("qemu:///")


def test_a_guest_that_cannot_start_is_reported_with_the_reason_and_without_its_command_line() -> None:
    command = "(LC_ALL=C /usr/bin/qemu-system-x86_64 -name guest=a " + "-device (x) " * 400 + ")"
    error = libvirt.libvirtError("failed")
    error.err = (
        1,
        0,
        f"internal error: Child process {command} unexpected exit status 125: no room",
        0,
        "",
        "",
        "",
        0,
        0,
    )
    assert (
        typed(error).message
        == "the hypervisor refused: internal error: a child process: unexpected exit status 125: no room"
    )
    error.err = (1, 0, "x" * 9_000, 0, "", "", "", 0, 0)
    assert len(typed(error).message) < 600
