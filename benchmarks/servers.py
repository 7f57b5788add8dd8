"""The servers that everything is measured on: one at a time, alone, on free ports of loopback.

Redis and Postgres are the real ones, the others emulators or files.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import emulators

_PATIENCE = 30.0  # seconds until a server must answer
_NOBODY = 65534


class Server(NamedTuple):
    """Where a server listens: a URL with ``{port}`` in it, and its port; a file has none."""

    url: str
    port: int | None
    log: Callable[[], list[dict[str, Any]]] | None = None  # of requests, with their units

    def through(self, port: int | None) -> str:
        """Return the URL with another port, such as a proxy's."""
        return self.url.format(port=port)


@contextmanager
def start(kind: str) -> Iterator[Server]:
    """Start a server, and stop it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "memory":
            yield Server("memory://", None)
        elif kind == "sqlite":
            yield Server(f"sqlite:///{folder}/chat.db", None)
        elif kind == "dynamodb":
            with emulators.dynamodb() as moto:
                place = "dynamodb://chats?region=eu-central-1&endpoint_url=http://127.0.0.1:{port}"
                yield Server(place, int(moto.url.rpartition(":")[2]), moto.log)
        elif kind == "azure":
            with emulators.azure() as (url, port):
                yield Server(url, port)
        else:
            port = _free_port()
            command, url = {"redis": _redis, "postgres": _postgres}[kind](Path(folder), port)
            with _running(command, port):
                yield Server(url, port)


def _redis(folder: Path, port: int) -> tuple[list[str], str]:
    """Have every write on disk before its answer, as on the other servers."""
    command = [_find("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", str(folder), "--save", "", "--appendonly", "yes"]
    return [*command, "--appendfsync", "always"], "redis://127.0.0.1:{port}/0"


def _postgres(folder: Path, port: int) -> tuple[list[str], str]:
    """Keep the server's defaults: a commit is on disk before its answer."""
    data = folder / "data"
    prefix = []
    if os.geteuid() == 0:  # Postgres refuses root
        prefix = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
        folder.chmod(0o755)
        data.mkdir()
        os.chown(data, _NOBODY, _NOBODY)
    init = [
        *prefix,
        _find("initdb"),
        "-D",
        str(data),
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
    ]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    subprocess.run(init, check=True, capture_output=True, env=environment, cwd=folder)
    command = [*prefix, _find("postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1"]
    return [*command, "-k", ""], "postgresql://postgres@127.0.0.1:{port}/postgres"


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                message = f"{command[0]} did not start"
                raise RuntimeError(message)
            time.sleep(0.05)
        time.sleep(0.5)  # Postgres listens a little before it serves
        yield
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _find(program: str) -> str:
    """Return a program's path: what is installed, or what PyPI ships in `.bench/bare`."""
    found = shutil.which(program)
    if found is None:
        places = [Path("/usr/lib/postgresql"), Path(__file__).resolve().parent.parent / ".bench"]
        paths = sorted(path for place in places for path in place.glob(f"**/bin/{program}"))
        found = str(paths[-1]) if paths else None
    if found is None:
        message = f"{program} is neither installed nor part of an environment of the benchmarks"
        raise RuntimeError(message)
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
