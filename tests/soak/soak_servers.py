"""The servers of a soak, each behind a relay, and the faults of each."""

from __future__ import annotations

import signal
import sqlite3
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from chatstore.core.testing import Relay
from chatstore.redis_scripts.testing import RedisServer, redis_server

_PACKAGES = Path(__file__).resolve().parents[2] / "packages"
_TIMEOUT = 2  # seconds; a call that meets a dead connection does not delay its phase for longer
_DURABLE = ("--appendonly", "yes", "--appendfsync", "always")  # nothing is lost by a crash
_SLOW = 0.003  # seconds for each chunk of bytes


class Database(ABC):
    """A database of a soak.

    Attributes:
        url: Where the store's process connects.
        direct: The same database without a relay, and with patience.
        faults: What may happen to it between two calls.
        restart: Lets the server crash and start again; ``None``: there is no server.

    """

    url: str
    direct: str
    faults: dict[str, Callable[[], object]]
    restart: Callable[[], object] | None = None

    def end_fault(self) -> None:  # noqa: B027 - not all have one
        """End a fault that lasts."""

    @abstractmethod
    def connections(self) -> int:
        """Return the number of connections that the server has."""

    def end_phase(self) -> None:  # noqa: B027 - only doubles do
        """Forget what the database has recorded for tests."""


class SQLite(Database):
    """A file; its only fault is that another program holds the lock."""

    def __init__(self, folder: Path) -> None:
        self.direct = f"sqlite:///{folder}/chat.db"
        self.url = f"{self.direct}?timeout=1"
        self.faults = {"lock": self._lock}
        self._path = folder / "chat.db"
        self._other: sqlite3.Connection | None = None

    def _lock(self) -> None:
        self._other = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        self._other.execute("BEGIN IMMEDIATE")

    def end_fault(self) -> None:
        if self._other is not None:
            self._other.close()
            self._other = None

    def connections(self) -> int:
        return 0


class _Relayed(Database):
    """A server behind a relay, whose connections break in all ways."""

    def __init__(self, relay: Relay, request: bytes, kill: Callable[[], object]) -> None:
        self.relay = relay
        self.faults = {
            "cut": relay.cut,
            "forget": relay.forget,
            "slow": lambda: relay.delay(_SLOW),
            "lose": lambda: relay.lose_replies(5, containing=request, skip=3),
            "outage": self._interrupt,
            "kill": kill,
        }

    def _interrupt(self) -> None:
        self.relay.refuse()
        self.relay.cut()

    def end_fault(self) -> None:
        self.relay.delay(0)
        self.relay.restore()


class _OnRedis(_Relayed):
    """A database whose server is Redis."""

    def __init__(self, relay: Relay, server: RedisServer) -> None:
        super().__init__(relay, b"EVALSHA", self._kill)
        self._server = server
        self.restart = self._restart

    def _kill(self) -> None:
        with redis.Redis(port=self._server.port) as admin:
            admin.client_kill_filter(_type="normal", skipme=True)

    def _restart(self) -> None:
        self._server.stop(signal.SIGKILL)
        self._server.start()


class Redis(_OnRedis):
    def __init__(self, relay: Relay, server: RedisServer) -> None:
        super().__init__(relay, server)
        self.url = f"redis://127.0.0.1:{relay.port}?timeout={_TIMEOUT}"
        self.direct = f"redis://127.0.0.1:{server.port}?timeout=60"

    def connections(self) -> int:
        with redis.Redis(port=self._server.port) as admin:
            return len(admin.client_list()) - 1


class Upstash(_OnRedis):
    def __init__(self, relay: Relay, server: RedisServer, double: Any) -> None:
        super().__init__(relay, server)
        address = "upstash+http://:{}@127.0.0.1:{}?timeout={}"
        self.url = address.format(double.token, relay.port, _TIMEOUT)
        self.direct = address.format(double.token, double.port, 60)
        self._double = double

    def connections(self) -> int:
        return self.relay.connections

    def end_phase(self) -> None:
        self._double.requests.clear()


class Postgres(_Relayed):
    def __init__(self, relay: Relay, server: Any) -> None:
        super().__init__(relay, b"", self._kill)
        self.direct = server.url()
        self.url = f"postgresql://postgres@127.0.0.1:{relay.port}/postgres?timeout={_TIMEOUT}"
        self._server = server
        self.restart = self._restart

    def _kill(self) -> None:
        self._server.execute(f"SELECT pg_terminate_backend(pid) {_CLIENTS}")

    def _restart(self) -> None:
        self._server.stop(signal.SIGQUIT)  # like a crash
        self._server.start()

    def connections(self) -> int:
        return int(self._server.execute(f"SELECT count(*) {_CLIENTS}")[0][0])


_CLIENTS = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


def _import_from(package: str) -> None:
    folder = str(_PACKAGES / package / "tests")
    if folder not in sys.path:
        sys.path.append(folder)


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = SQLite(Path(folder))
        yield database
        database.end_fault()


@contextmanager
def _redis() -> Iterator[Database]:
    with redis_server(*_DURABLE) as server, Relay(server.port) as relay:
        yield Redis(relay, server)


@contextmanager
def _upstash() -> Iterator[Database]:
    _import_from("chatstore-upstash")
    from upstash_double import UpstashDouble

    with ExitStack() as stack:
        server = stack.enter_context(redis_server(*_DURABLE))
        double = UpstashDouble(server.port)
        stack.callback(double.close)
        yield Upstash(stack.enter_context(Relay(double.port)), server, double)


@contextmanager
def _postgres() -> Iterator[Database]:
    _import_from("chatstore-postgres")
    from postgres_servers import PostgresServer, newest_binaries

    server = PostgresServer(newest_binaries(), ["synchronous_commit=on"])
    with ExitStack() as stack:
        stack.callback(server.close)
        yield Postgres(stack.enter_context(Relay(server.port)), server)


DATABASES = {"sqlite": _sqlite, "redis": _redis, "postgres": _postgres, "upstash": _upstash}
