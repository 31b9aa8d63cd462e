"""What a process shows of itself over HTTP: ``/metrics`` for Prometheus, ``/healthz`` for whoever may restart it.

Plain and unauthenticated, so it listens where only the operator's own machinery comes: on the loopback, or on an address inside
the mesh. No number carries anything of a tenant. It runs on threads: a scrape does not hold up the event loop, and a loop that
hangs does not hold up the scrape that shows it.
"""

from __future__ import annotations

import asyncio
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

_LOOP_SECONDS = 1.0


class Exposition:
    """Serves ``/metrics`` and ``/healthz`` on ``listen`` (host:port) until it is stopped."""

    def __init__(self, listen: str, loop: asyncio.AbstractEventLoop) -> None:
        host, _, port = listen.rpartition(":")
        try:
            self._server = _Server((host.strip("[]"), int(port)), _Handler)
        except (OSError, ValueError) as error:
            raise RuntimeError(f"cannot listen on {listen} for metrics: {error}") from error
        self._server.loop = loop
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="exposition", daemon=True)

    def start(self) -> int:
        """Serve from now on; the port."""
        self._thread.start()
        return self.port

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    loop: asyncio.AbstractEventLoop

    def server_bind(self) -> None:
        """Bind, and ask no name server what we are called, as the library does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def turns(self) -> bool:
        """Whether the event loop does what it is asked within a second."""
        turned = threading.Event()
        try:
            self.loop.call_soon_threadsafe(turned.set)
        except RuntimeError:  # closed
            return False
        return turned.wait(_LOOP_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    timeout = 5.0  # seconds for a request to arrive: one that never does holds no thread for ever
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, encode(REGISTRY), kind)
        elif path == "/healthz":
            turns = self.server.turns()
            status = HTTPStatus.OK if turns else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, b"ok\n" if turns else b"the event loop hangs\n")
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"here are /metrics and /healthz\n")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """A scrape is no event."""
