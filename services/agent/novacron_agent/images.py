"""The host's image store: a directory where an operator puts base images, one or a few files each.

``NAME.qcow2`` boots from disk. ``NAME.kernel`` with ``NAME.initrd`` boots directly, with the kernel's command line from
``NAME.cmdline`` where there is one, and with ``NAME.qcow2`` as its disk where there is one, else an empty disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from novacron.errors import NotFound

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SERIAL_CONSOLE = "console=ttyS0"


@dataclass(frozen=True, slots=True)
class Image:
    """One base image: the files that are there of it."""

    name: str
    disk: Path | None
    kernel: Path | None
    initrd: Path | None
    cmdline: str


class ImageStore:
    """Reads the directory anew each time: an image is there as soon as its files are."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def names(self) -> list[str]:
        stems = {path.stem for path in self._files("*.qcow2")}
        stems |= {path.stem for path in self._files("*.kernel") if path.with_suffix(".initrd").is_file()}
        # A name of more than one dot keeps all but its ending: debian-12.5.qcow2 is debian-12.5.
        return sorted(stem for stem in stems if _NAME.fullmatch(stem))

    def find(self, name: str) -> Image:
        """``NotFound``, with what there is and where one would have to be put."""
        if name not in self.names():
            known = ", ".join(self.names()) or "none"
            raise NotFound(
                f'base image "{name}" not found: this host has {known}; '
                f"an operator adds one as NAME.qcow2, or NAME.kernel and NAME.initrd, in {self.directory}",
                metadata={"resource_type": "base image", "resource": name},
            )
        disk, kernel, initrd, cmdline = (
            path if path.is_file() else None
            for path in (self.directory / f"{name}.{kind}" for kind in ("qcow2", "kernel", "initrd", "cmdline"))
        )
        if kernel is None or initrd is None:
            kernel = initrd = cmdline = None
        text = " ".join(cmdline.read_text().split()) if cmdline else _SERIAL_CONSOLE
        return Image(name, disk, kernel, initrd, text)

    def _files(self, pattern: str) -> list[Path]:
        return [path for path in self.directory.glob(pattern) if path.is_file()]
