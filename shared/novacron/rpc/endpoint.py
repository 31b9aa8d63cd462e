"""host:port, as one process tells another where to find it."""

from __future__ import annotations

import ipaddress
import re

_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*\.?")
_WANTED = "is host:port, such as vm.example.org:7462, 10.0.0.4:7462 or [fd00::4]:7462"


def host_port(text: str) -> str:
    """``text`` when it is one name or address and a port from 1 to 65535. :raises ValueError: saying what it should be.

    gRPC itself takes far more (``unix:`` paths, lists, other resolvers): none of that may come from outside.
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise ValueError(_WANTED)
    if host.startswith("[") and host.endswith("]"):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise ValueError(_WANTED) from None
    elif not _NAME.fullmatch(host):
        raise ValueError(_WANTED)
    return text


def dns_target(text: str) -> str:
    """gRPC's target for a host:port from outside: without the scheme, a host called ``unix`` would be a path."""
    return f"dns:///{host_port(text)}"
