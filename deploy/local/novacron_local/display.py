"""What a person sees of the stack: lines while it starts, a screen when it is ready, tables afterwards."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .layout import DataDirectory
from .state import ProcessRecord, ProcessState, StackRecord, StackState

_STYLES = {
    ProcessState.WAITING: "dim",
    ProcessState.STARTING: "yellow",
    ProcessState.SERVING: "green",
    ProcessState.UNREADY: "red",
    ProcessState.RESTARTING: "red",
    ProcessState.STOPPED: "dim",
}


class StartDisplay:
    """One live line per process on a terminal; elsewhere one line per change, for a log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=8) if console.is_terminal else None
        self._shown: dict[str, tuple[ProcessState, str]] = {}

    def __enter__(self) -> StartDisplay:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the last state standing, and the terminal to others."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def show(self, record: StackRecord) -> None:
        """Bring the display up to ``record``."""
        if self._live is not None:
            self._live.update(_progress(record))
            return
        for process in record.processes:
            now = (process.state, process.detail)
            if self._shown.get(process.name) != now and process.state is not ProcessState.WAITING:
                self._console.print(_line(process), soft_wrap=True)
            self._shown[process.name] = now


def print_ready(console: Console, data: DataDirectory, record: StackRecord) -> None:
    """Where everything listens, who may log in, and a first call."""
    table = Table(title=None, box=None, pad_edge=False)
    for heading in ("process", "for users", "for services", "metrics", "other"):
        table.add_column(heading)
    for process in record.processes:
        addresses = dict(process.addresses)
        users, mesh, metrics = (addresses.pop(purpose, "") for purpose in ("users", "mesh", "metrics"))
        table.add_row(process.name, users, mesh, metrics, ", ".join(addresses.values()))
    console.print(table)
    for note in record.notes:
        console.print(Text(f"note: {note}"), soft_wrap=True)
    console.print(Text(f"\nlog in as admin with the password in {data.admin_password}"), soft_wrap=True)
    console.print(Text(first_call(data, record)), soft_wrap=True)


def first_call(data: DataDirectory, record: StackRecord) -> str:
    """A ``grpcurl`` line that logs the admin in, ready for a shell."""
    address = next(process.addresses["users"] for process in record.processes if process.name == "auth")
    return (
        f"grpcurl -cacert {data.certificates / 'ca.pem'} "
        f"""-d '{{"username": "admin", "password": "'"$(cat {data.admin_password})"'"}}' """
        f"{address} novacron.api.auth.v1.AuthService/Login"
    )


def status_table(record: StackRecord) -> Table:
    """Every process with its state."""
    table = Table(box=None, pad_edge=False)
    for heading in ("process", "state", "pid", "restarts", "addresses", "metrics", "detail"):
        table.add_column(heading, justify="right" if heading in ("pid", "restarts") else "left")
    for process in record.processes:
        addresses = dict(process.addresses)
        metrics = addresses.pop("metrics", "")
        table.add_row(
            process.name,
            Text(process.state, style=_STYLES[process.state]),
            str(process.pid or ""),
            str(process.restarts),
            ", ".join(addresses.values()),
            metrics,
            Text(process.detail or (f"last {process.last_end}" if process.last_end else "")),
        )
    return table


def change_line(record: StackRecord, process: ProcessRecord | None) -> Text | None:
    """What to tell somebody who watches a running stack of this change; None: nothing."""
    if record.state is StackState.READY and process is not None and process.state is not ProcessState.STARTING:
        return _line(process)
    if record.state is StackState.STOPPING and process is None:
        return Text("stopping; again Ctrl-C to kill at once")
    return None


def _progress(record: StackRecord) -> Table:
    table = Table.grid(padding=(0, 2))
    for process in record.processes:
        state = Text(process.state, style=_STYLES[process.state])
        table.add_row(process.name, state, Text(process.detail, style="dim"))
    return table


def _line(process: ProcessRecord) -> Text:
    detail = f": {process.detail}" if process.detail else ""
    return Text.assemble(f"{process.name:<12} ", (process.state.value, _STYLES[process.state]), detail)
