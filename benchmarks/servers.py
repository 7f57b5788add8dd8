"""The servers: one at a time, on free ports of this machine.

Redis and Postgres are real servers, the others files, emulators or doubles.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from benchmarks import emulators

_PATIENCE = 30.0  # seconds until a server must answer
_NOBODY = 65534
_EMULATORS: dict[str, Callable[[], Any]] = {
    "dynamodb": emulators.dynamodb,
    "azure": emulators.azure,
    "cosmos": emulators.cosmos,
}


class Server(NamedTuple):
    """A running server.

    Attributes:
        url: A URL with ``{port}`` in it.
        port: The port; ``None`` for a file.
        units: Returns what the service charged since the last call.
        settle: Does what the server would otherwise do during the measurements.

    """

    url: str
    port: int | None
    units: Callable[[], emulators.Units] | None = None
    settle: Callable[[], None] | None = None

    def through(self, port: int | None) -> str:
        """Return the URL with another port, such as a proxy's."""
        return self.url.format(port=port)


@contextmanager
def start(kind: str) -> Iterator[Server]:
    """Start a server, and stop it at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if kind == "memory":
            yield Server("memory://", None)
        elif kind == "sqlite":
            yield Server(f"sqlite:///{folder}/chat.db", None)
        elif kind == "redis":
            with _redis(folder) as port:
                yield Server("redis://127.0.0.1:{port}/0", port)
        elif kind == "upstash":
            with _redis(folder) as port, emulators.upstash(port) as address:
                yield Server(*address)
        elif kind == "postgres":
            with _postgres(folder) as port:
                url = "postgresql://postgres@127.0.0.1:{port}/postgres"
                settle = partial(_settle_postgres, url.format(port=port))
                yield Server(url, port, settle=settle)
        else:
            with _EMULATORS[kind]() as address:
                yield Server(*address)


@contextmanager
def _redis(folder: Path) -> Iterator[int]:
    """Start a server that flushes each write to disk before it answers, as the others do.

    Rewriting of the log is off: it would load the disk at unpredictable times.
    """
    port = _free_port()
    command = [_find("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", str(folder), "--save", "", "--appendonly", "yes"]
    command += ["--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"]
    with _running(command, port):
        yield port


@contextmanager
def _postgres(folder: Path) -> Iterator[int]:
    """Start a server with its defaults: a commit is on disk before the answer."""
    data = folder / "data"
    prefix = []
    if os.geteuid() == 0:  # Postgres refuses root
        prefix = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
        folder.chmod(0o755)
        data.mkdir()
        os.chown(data, _NOBODY, _NOBODY)
    location = ("-D", str(data))
    init = [*prefix, _find("initdb"), *location, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    subprocess.run(init, check=True, capture_output=True, env=environment, cwd=folder)
    port = _free_port()
    command = [*prefix, _find("postgres"), *location, "-p", str(port), "-h", "127.0.0.1", "-k", ""]
    with _running(command, port):
        yield port


def _settle_postgres(url: str) -> None:
    """Do the work that would otherwise be left to autovacuum and the next checkpoint."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start")
            time.sleep(0.05)
        time.sleep(0.5)  # Postgres listens a little before it serves
        yield
    finally:
        process.send_signal(signal.SIGINT)  # Postgres does not wait for its clients then
        process.wait(_PATIENCE)


def _find(program: str) -> str:
    """Return a program's path: the installed one, or that of a package in `.bench/bare`."""
    path = shutil.which(program)
    if path is None:
        folders = [Path("/usr/lib/postgresql"), Path(__file__).resolve().parent.parent / ".bench"]
        paths = sorted(file for folder in folders for file in folder.glob(f"**/bin/{program}"))
        path = str(paths[-1]) if paths else None
    if path is None:
        raise RuntimeError(
            f"{program} is neither installed nor part of an environment of the benchmarks"
        )
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
