"""A real PgBouncer in transaction mode: the system's, or Debian's package unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
from postgres_servers import PostgresServer, die_with_parent, free_port, unprivileged

_PACKAGES = ("pgbouncer", "libc-ares2", "libcares2", "libevent-2.1-7", "libevent-2.1-7t64")


class Pooler:
    """PgBouncer in front of a server, with few connections to it."""

    def __init__(self, server: PostgresServer, *settings: str) -> None:
        """Start it with additional settings, and wait until it answers."""
        self.folder = Path(tempfile.mkdtemp(prefix="chatstore-bouncer-"))
        self.folder.chmod(0o777)
        self.port = free_port()
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:" + os.environ["PATH"])
        (self.folder / "pgbouncer.ini").write_text(
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n"
            + "".join(f"{line}\n" for line in settings)
            + "[databases]\n"
            f"postgres = host=127.0.0.1 port={server.port} user=postgres\n"
        )
        self._program = program or self._unpacked()
        self._start()

    def restart(self) -> None:
        """Kill it, with all its connections, and start it again."""
        self._process.kill()
        self._process.wait(30)
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, str(self.folder / "pgbouncer.ini")],
            env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": self._libraries},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one call of libc, loaded before
            **unprivileged(),
        )
        self._wait()

    @property
    def url(self) -> str:
        """Return the URL of the database through the pooler."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def _libraries(self) -> str:
        return ":".join(map(str, (self.folder / "root").glob("usr/lib/*-linux-gnu*")))

    def close(self) -> None:
        """Stop it."""
        self._process.kill()
        self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                with psycopg.connect(self.url, connect_timeout=2) as connection:
                    connection.execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def _unpacked(self) -> str:
        debs = self.folder / "debs"
        debs.mkdir(mode=0o777)
        for package in _PACKAGES:
            subprocess.run(
                ["apt-get", "download", package],
                cwd=debs,
                capture_output=True,
                timeout=120,
                check=False,  # a library has another name elsewhere
            )
        if not list(debs.glob("pgbouncer*.deb")):
            raise RuntimeError("these tests need pgbouncer: install the system's package")
        for archive in debs.glob("*.deb"):
            subprocess.run(["dpkg", "-x", archive, self.folder / "root"], check=True, timeout=60)
        return str(self.folder / "root/usr/sbin/pgbouncer")
