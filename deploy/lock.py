#!/usr/bin/env python3
"""Write the locked requirements out of ``pyproject.toml``: exact versions with the hashes of every file, no index address.

``make lock`` keeps each version that still fits; ``--upgrade`` takes the newest; ``--check`` fails when the files are not
what they would be. One lock holds for every platform and Python: what only some of them need carries a marker, so a lock
made on one Python is right on Debian 12's too. ``libvirt-python`` has a file of its own, because it compiles.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made by `make lock` from pyproject.toml. Install with: pip install --require-hashes -r {name}\n"


def main() -> int:
    """Write or check every lock; 1 when a checked one is out of date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file is out of date")
    given = parser.parse_args()
    outdated = []
    with tempfile.TemporaryDirectory() as directory:
        uv = _install_uv(Path(directory))
        for name, requirements in _locks().items():
            path = ROOT / name
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            wanted = _compile(uv, Path(directory) / name, requirements, "" if given.upgrade else before)
            after = HEADER.format(name=name) + wanted
            if after != before:
                outdated.append(name)
                if not given.check:
                    path.write_text(after, encoding="utf-8")
    if given.check and outdated:
        sys.stderr.write(f"out of date: {', '.join(outdated)}; run `make lock`\n")
        return 1
    sys.stdout.write(f"written: {', '.join(outdated)}\n" if outdated else "up to date\n")
    return 0


def _locks() -> dict[str, list[str]]:
    """Each lock's direct requirements. With the build's own, so that installing the project itself downloads nothing."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, extras = declared["project"], declared["project"]["optional-dependencies"]
    itself = tuple(f"{project['name']}[{extra}]" for extra in extras)
    everything = [
        *project["dependencies"],
        *extras["local"],
        *extras["qr"],
        *extras["saml"],
        *extras["dev"],
        *declared["build-system"]["requires"],
        "editables",
    ]
    return {
        "requirements.lock": [line for line in everything if not line.startswith(itself)],
        "requirements-libvirt.lock": extras["libvirt"],
    }


def _install_uv(directory: Path) -> Path:
    """The resolver, in an environment of its own: the one pip-like tool that resolves for every platform at once."""
    venv.create(directory / "tool", with_pip=True)
    subprocess.run([directory / "tool/bin/pip", "install", "--quiet", "uv>=0.9,<1"], check=True)
    return directory / "tool/bin/uv"


def _compile(uv: Path, output: Path, requirements: list[str], before: str) -> str:
    output.write_text(before, encoding="utf-8")  # versions that stand there are preferred
    command: list[str | Path] = [
        uv,
        "pip",
        "compile",
        "-",
        "--output-file",
        output,
        "--universal",
        "--python-version",
        "3.11",
    ]
    command += ["--generate-hashes", "--no-annotate", "--no-header", "--quiet"]
    first = output.with_name("requirements.lock")
    if first != output:  # what two locks share has one version, so that both install together
        command += ["--constraint", first]
    subprocess.run(command, input="\n".join(requirements), text=True, check=True, stdout=subprocess.DEVNULL)
    return output.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
