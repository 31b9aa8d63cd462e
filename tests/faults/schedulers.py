"""Schedulers as processes of their own, to be measured, killed and brought back. All that they share is a database."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import grpc

from novacron.api.scheduler.v1 import GetReservationRequest, ReservationServiceStub
from novacron.embedded.process import free_port, spawn
from novacron.rpc import Identification
from novacron_local.certificates import DevelopmentCA

_NOBODY = "127.0.0.1:1"  # no auth, registry or monitoring: a reserve needs none of them


def identification(directory: Path, name: str) -> Identification:
    """The certificate of a service, by the CA of this directory."""
    issued = DevelopmentCA(directory, "testing").identity(name)
    return Identification.read(issued.ca, issued.certificate, issued.key)


class SchedulerProcess:
    """``python -m novacron_scheduler`` on one database, always at the same address."""

    def __init__(self, database_url: str, directory: Path, **settings: object) -> None:
        issued = DevelopmentCA(directory, "testing").identity("scheduler")
        key = directory / "page-tokens.key"
        key.write_bytes(base64.b64encode(b"k" * 32))
        self.address = f"127.0.0.1:{free_port()}"
        said = {
            "ENVIRONMENT": "testing",
            "LISTEN": f"127.0.0.1:{free_port()}",
            "MESH_LISTEN": self.address,
            "TLS_CA": issued.ca,
            "TLS_CERT": issued.certificate,
            "TLS_KEY": issued.key,
            "KEY_FILE": key,
            "DATABASE_URL": database_url,
            "LOG_LEVEL": "WARNING",
            **{f"{name}_ADDRESS": _NOBODY for name in ("AUTH", "REGISTRY", "MONITORING")},
            **settings,
        }
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        self._environment = kept | {f"NOVACRON_{name}": str(value) for name, value in said.items()}
        self._log = directory / "schedulers.log"
        self._credentials = identification(directory, "vm").client()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """From the main thread: the process dies with the one that started it."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-P", "-m", "novacron_scheduler"]
            self._process = spawn(command, self._environment, output=log.fileno())

    async def ready(self) -> None:
        """Wait until it answers."""
        async with grpc.aio.secure_channel(self.address, self._credentials) as channel:
            request = GetReservationRequest(vm_id=str(uuid4()))
            try:
                await ReservationServiceStub(channel).GetReservation(request, timeout=60, wait_for_ready=True)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise RuntimeError(f"the scheduler does not come up:\n{self._log.read_text()[-2000:]}") from error

    def kill(self) -> None:
        """``kill -9``; whatever it was doing is left as it was."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
