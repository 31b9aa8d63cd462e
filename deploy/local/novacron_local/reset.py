"""Delete a stack's data directory, wherever parts of it had to be put, and the guests that it made."""

from __future__ import annotations

import shutil

from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.valkey import EmbeddedValkey

from . import lock
from .layout import DataDirectory, LocalStackError, Ports
from .state import read


def delete_data(data: DataDirectory) -> None:
    """Delete everything below ``data`` and what it links to.

    :raises LocalStackError: when somebody started it again meanwhile, or a file cannot be deleted.
    """
    record = read(data.state)
    ports = Ports(record.port_base if record else 0)
    try:
        with lock.hold(data.lock):
            EmbeddedPostgres(data.postgres, ports.postgres).remove()
            EmbeddedValkey(data.valkey, ports.valkey).remove()
            shutil.rmtree(data.path)
    except lock.AlreadyRunning:
        raise LocalStackError(f"NovaCron was started again on {data.path}: nothing is deleted") from None
    except OSError as error:
        raise LocalStackError(f"cannot delete {data.path}: {error}") from error
