"""Calls between services: one chain of stages on the client, one on the server.

What stands here is loaded when it is first asked for: a client needs nothing of the server's side, and a command shall not wait
for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .channel import Channel
    from .identity import Identity, Subject, current
    from .server import Server
    from .tls import Identification

__all__ = ["Channel", "Identification", "Identity", "Server", "Subject", "current"]

_HOME = {
    "Channel": "channel",
    "Identification": "tls",
    "Identity": "identity",
    "Server": "server",
    "Subject": "identity",
    "current": "identity",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
