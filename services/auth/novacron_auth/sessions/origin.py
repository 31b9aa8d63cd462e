"""Where a request came from, as far as the connection tells. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import unquote

Address = IPv4Address | IPv6Address
_AGENT_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Location:
    """Where a client says that it is."""

    latitude: float
    longitude: float
    country: str = ""
    city: str = ""

    def kilometres_to(self, other: Location) -> float:
        """Along the surface of the earth (haversine)."""
        one, two = math.radians(self.latitude), math.radians(other.latitude)
        north, east = two - one, math.radians(other.longitude - self.longitude)
        half = math.sin(north / 2) ** 2 + math.cos(one) * math.cos(two) * math.sin(east / 2) ** 2
        return 2 * 6371.0 * math.asin(min(1.0, math.sqrt(half)))


@dataclass(frozen=True, slots=True)
class Origin:
    """Address and program of a caller; None where they are not known."""

    ip_address: Address | None = None
    user_agent: str | None = None

    @classmethod
    def of_peer(cls, peer: str, user_agent: str = "") -> Origin:
        """From gRPC's name of the peer (``ipv4:192.0.2.1:50000``, ``ipv6:[::1]:50000``, ``unix:``) and its user agent."""
        return cls(_address(peer), user_agent[:_AGENT_LENGTH] or None)

    @classmethod
    def of_context(cls, context: Any) -> Origin:
        """Of the request that a servicer is given."""
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        return cls.of_peer(context.peer(), metadata.get("user-agent", ""))

    @property
    def network(self) -> str | None:
        """The network that the address is in, wide enough to be the same after a new lease: /24 of IPv4, /48 of IPv6."""
        if self.ip_address is None:
            return None
        return str(ip_network((self.ip_address, 24 if self.ip_address.version == 4 else 48), strict=False))


def _address(peer: str) -> Address | None:
    scheme, _, rest = unquote(peer).partition(":")
    if scheme not in ("ipv4", "ipv6"):
        return None
    # A zone (fe80::1%eth0) has a meaning on this host only, and none in PostgreSQL.
    host = rest.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
