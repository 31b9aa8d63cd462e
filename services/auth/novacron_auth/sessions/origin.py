"""Where a request came from, as far as the connection tells. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote

Address = IPv4Address | IPv6Address
_AGENT_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Origin:
    """Address and program of a caller; None where they are not known."""

    ip_address: Address | None = None
    user_agent: str | None = None

    @classmethod
    def of_peer(cls, peer: str, user_agent: str = "") -> Origin:
        """From gRPC's name of the peer (``ipv4:192.0.2.1:50000``, ``ipv6:[::1]:50000``, ``unix:``) and its user agent."""
        return cls(_address(peer), user_agent[:_AGENT_LENGTH] or None)


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
