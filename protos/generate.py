"""Writes ``shared/novacron/api`` from the protos: messages, stubs, servicers, and a package index for each.

Run it by ``make protos``; ``--check`` writes nothing and fails when what is committed is not what would be written.
Nobody outside ``novacron.api`` sees a ``_pb2``: each package re-exports its messages, enums, stubs and servicers.
"""

from __future__ import annotations

import argparse
import filecmp
import importlib.resources
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc_tools
from google.protobuf import descriptor_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

PROTOS = Path(__file__).resolve().parent
TARGET = PROTOS.parent / "shared" / "novacron" / "api"
VALIDATE = "buf/validate/validate.proto"
HEADER = "# Written by protos/generate.py from {source}: edit that instead.\n"


def validate_descriptors(directory: Path) -> Path:
    """buf.validate's descriptors as its wheel carries them, so that no copy of its source stands here."""
    files = descriptor_pb2.FileDescriptorSet()
    files.file.add().ParseFromString(validate_pb._DESC.proto.to_binary())
    path = directory / "validate.binpb"
    path.write_bytes(files.SerializeToString())
    return path


def run_protoc(arguments: list[str], directory: Path) -> None:
    well_known = importlib.resources.files(grpc_tools) / "_proto"
    command = [
        "protoc",
        f"--proto_path={PROTOS}",
        f"--proto_path={well_known}",
        f"--descriptor_set_in={validate_descriptors(directory)}",
        *arguments,
    ]
    if protoc.main(command) != 0:
        sys.exit("protoc refused the protos; its messages stand above")


def own_protos() -> list[str]:
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("novacron/**/*.proto"))


def index(package: Path, root: Path) -> None:
    """Write a package's ``__init__``: everything public of its modules, by name."""
    messages: list[str] = []
    services: list[str] = []
    public: set[str] = set()
    for module in sorted(package.glob("*_pb2.py")):
        names = re.findall(
            r"^class (\w+)|^(\w+): _ClassVar|^(\w+): [\w.]+$", module.with_suffix(".pyi").read_text(), re.M
        )
        found = {name for group in names for name in group if name}
        flat = sorted(name for name in found if not name.endswith("_FIELD_NUMBER") and name != "DESCRIPTOR")
        if flat:
            messages.append(f"from .{module.stem} import {', '.join(flat)}")
            public.update(flat)
        grpc_module = package / f"{module.stem}_grpc.py"
        if grpc_module.exists():
            made = sorted(re.findall(r"^class (\w+(?:Stub|Servicer))\b|^def (add_\w+)", grpc_module.read_text(), re.M))
            flat = [name for group in made for name in group if name]
            if flat:
                services.append(f"from .{grpc_module.stem} import {', '.join(flat)}")
                public.update(flat)
            else:
                grpc_module.unlink()
    path = package.relative_to(root)
    lines = [HEADER.format(source=f"protos/novacron/api/{path}"), "# ruff: noqa\n"]
    lines += [f"{line}\n" for line in messages + services]
    lines += [f"\n__all__ = {sorted(public)!r}\n"]
    (package / "__init__.py").write_text("".join(lines))


def generate(directory: Path) -> Path:
    """Generate into ``directory``; returns the tree that belongs at ``shared/novacron/api``."""
    out = directory / "out"
    out.mkdir()
    files = own_protos()
    run_protoc([f"--python_out={out}", f"--pyi_out={out}", VALIDATE, *files], directory)
    run_protoc([f"--grpc_python_out={out}", *files], directory)
    tree = out / "novacron" / "api"
    shutil.move(out / "buf", tree / "buf")
    for path in tree.rglob("*.py*"):
        text = path.read_text()
        # buf.validate is generated beside us: a top-level package `buf` would belong to nobody.
        text = re.sub(r"^from buf\.validate import", "from novacron.api.buf.validate import", text, flags=re.M)
        path.write_text(text)
    for package in sorted({path.parent for path in tree.rglob("*_pb2.py")}):
        index(package, tree)
    for folder in [tree, *(path for path in tree.rglob("*") if path.is_dir())]:
        marker = folder / "__init__.py"
        if not marker.exists():
            marker.write_text(HEADER.format(source="protos"))
    return tree


def lint(directory: Path) -> None:
    """``buf lint`` over an image, since the imports come out of wheels and not out of a buf module."""
    image = directory / "image.binpb"
    run_protoc(
        ["--include_imports", "--include_source_info", f"--descriptor_set_out={image}", *own_protos()], directory
    )
    done = subprocess.run(["buf", "lint", str(image), "--config", str(PROTOS / "buf.yaml")], check=False)
    if done.returncode != 0:
        sys.exit("buf lint found faults in the protos")


def differences(old: Path, new: Path) -> list[str]:
    """Relative paths that differ between two trees, byte by byte."""
    found = []
    names = {path.relative_to(root) for root in (old, new) for path in root.rglob("*") if path.is_file()}
    for name in sorted(names):
        if "__pycache__" in name.parts:
            continue
        if not ((old / name).exists() and (new / name).exists() and filecmp.cmp(old / name, new / name, shallow=False)):
            found.append(str(name))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="fail when the committed code is not what would be written"
    )
    parser.add_argument("--lint", action="store_true", help="run buf lint and write nothing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if arguments.lint:
            lint(directory)
            return
        tree = generate(directory)
        if arguments.check:
            changed = differences(TARGET, tree)
            if changed:
                sys.exit("generated code is stale, run `make protos`:\n  " + "\n  ".join(changed))
            return
        shutil.rmtree(TARGET, ignore_errors=True)
        shutil.copytree(tree, TARGET)


if __name__ == "__main__":
    main()
