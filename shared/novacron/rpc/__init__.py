"""Calls between services: one chain of stages on the client, one on the server."""

from .channel import Channel
from .identity import Identity, Subject, current
from .server import Server
from .tls import Identification

__all__ = ["Channel", "Identification", "Identity", "Server", "Subject", "current"]
