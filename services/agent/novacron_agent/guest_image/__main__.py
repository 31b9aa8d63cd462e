"""``python -m novacron_agent.guest_image --output DIR``: build the guest images there, unless they are there already."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from novacron_agent.guest_image.recipe import GuestImageError, build


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m novacron_agent.guest_image", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="the image store: a directory, made if missing")
    parser.add_argument("--force", action="store_true", help="build again, from the packages that Debian has now")
    arguments = parser.parse_args()
    try:
        built = build(arguments.output, force=arguments.force)
    except GuestImageError as error:
        sys.stderr.write(f"cannot build the guest image: {error}\n")
        return 1
    sys.stdout.write(f"{'built' if built else 'already there'}: {arguments.output / 'novacron-guest.qcow2'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
