"""A redis-server with TLS: the system's, or Debian's package unpacked into a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# Debian 12's server (redis-server is a link into redis-tools), and libraries that few others need.
PACKAGES = ("redis-tools", "libjemalloc2", "liblzf1")
CACHE = Path(__file__).resolve().parents[3] / ".servers" / "redis"
PATIENCE = 120  # seconds for each command


class NoTlsServerError(Exception):
    """There is no server with TLS; the message says why."""


def find_tls_server() -> str:
    """Return the path of a server with TLS, or of a script that starts one.

    Raises:
        NoTlsServerError: The system has no such server, and Debian's cannot be downloaded.

    """
    for binary in (shutil.which("redis-server"), str(CACHE / "redis-server")):
        if binary and Path(binary).exists() and _has_tls(binary):
            return binary
    return _unpack()


def _unpack() -> str:
    """Download and unpack the packages; this does not need root's permissions."""
    root = CACHE / "root"
    root.mkdir(parents=True, exist_ok=True)
    try:
        for package in PACKAGES:
            _run("apt-get", "download", package, folder=CACHE)
        for archive in CACHE.glob("*.deb"):
            _run("dpkg", "-x", str(archive), str(root), folder=CACHE)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoTlsServerError(
            f"no redis-server with TLS on this system, and no Debian to get one from: {error}"
        ) from error
    libraries = {str(file.parent) for file in root.rglob("*.so*")}
    start = CACHE / "redis-server"
    binary = root / "usr/bin/redis-check-rdb"  # the same program as redis-server, by its name
    start.write_text(
        f'#!/bin/bash\nexport LD_LIBRARY_PATH="{":".join(sorted(libraries))}"\n'
        f'exec -a redis-server "{binary}" "$@"\n'
    )
    start.chmod(0o755)
    if not _has_tls(str(start)):
        raise NoTlsServerError(f"Debian's redis-server does not start on this system: {start}")
    return str(start)


def _has_tls(server: str) -> bool:
    """Return whether a server has TLS; it refuses the arguments before it opens a port."""
    command = [server, "--port", "0", "--tls-port", "1", "--tls-cert-file", "/none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    return "tls" in (done.stdout + done.stderr).lower() and "Bad directive" not in done.stderr


def _run(*command: str, folder: Path) -> None:
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=PATIENCE,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
