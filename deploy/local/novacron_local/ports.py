"""Refuse, by name, to start what cannot listen."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from .layout import LocalStackError
from .processes import ProcessSpec


def check_ports(specs: Iterable[ProcessSpec]) -> None:
    """Return when every port of ``specs`` is free.

    gRPC shares its port with whoever else does (SO_REUSEPORT), so without this a second stack would take half of the
    first one's calls and no error would show.

    :raises LocalStackError: naming every port that is taken, what it was for, and the way out.
    """
    taken = [
        f"  {port} ({spec.name}, {purpose})"
        for spec in specs
        for purpose, port in spec.ports.items()
        if not _is_free(port)
    ]
    if taken:
        raise LocalStackError(
            "these ports are in use:\n"
            + "\n".join(taken)
            + "\nend what listens there, or choose others: --port-base 8400"
        )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections in TIME_WAIT do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
