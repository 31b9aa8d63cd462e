"""What follows from a VM's id and name."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron_agent.drivers.naming import address_on_console, boot_line, hostname, mac_address


def test_a_mac_address_is_the_vm_s_own_and_always_the_same() -> None:
    addresses = {mac_address(uuid4()) for _ in range(2000)}

    assert len(addresses) == 2000
    assert mac_address(UUID(int=1)) == mac_address(UUID(int=1))
    for address in addresses:
        assert int(address[:2], 16) & 0b11 == 0b10, "locally administered, unicast"


@given(st.text())
def test_any_name_gives_a_hostname(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", hostname(name))


@pytest.mark.parametrize(
    ("name", "expected"), [("web-1", "web-1"), ("My Web_Server", "my-web-server"), ("日本", "guest"), ("-a-", "a")]
)
def test_a_hostname_is_as_near_to_the_name_as_it_can_be(name: str, expected: str) -> None:
    assert hostname(name) == expected


def test_an_address_is_read_from_the_latest_boot_line() -> None:
    log = (
        b"noise\r\n"
        + "".join(f"{boot_line('web', address)}\r\n" for address in ("10.0.2.15", "192.168.122.7", None)).encode()
    )

    assert address_on_console(log) == "192.168.122.7"
    assert address_on_console(b"NovaCron guest web is up at 10.0.2.1") is None, "the line is not whole yet"
    assert address_on_console(b"") is None
