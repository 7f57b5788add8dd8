"""The command ``chatstore``: list, read, copy, export, check and erase conversations."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command with the arguments of the process, and exit with its code."""
    from chatstore.cli.app import run  # so that importing this package costs nothing

    sys.exit(run(sys.argv[1:]))
