"""Commands on redis-py's connections, without its client and pool.

redis-py's client and pool take as much time as the rest of an append in Python. The plans need only
a connection that no other call uses meanwhile, and retry commands themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from chatstore.core.backend import Pool
from chatstore.redis.replies import as_text, read_scan
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.sessions import CHECK_SECONDS, RedisSession
from chatstore.redis.settings import RedisSettings
from chatstore.redis_scripts import Attempt, Command, ScanPage, scan_command


class Connections:
    """Sends commands for threads."""

    def __init__(self, make: Callable[[], Any], settings: RedisSettings, mode: ServerMode) -> None:
        """Create an empty pool; nothing is opened.

        Args:
            make: Makes a connection of redis-py that limits the wait for each answer.
            settings: The timeout and the size of the pool.
            mode: Checks that the server is of the expected kind.

        """

        def open_session() -> RedisSession:
            session = RedisSession(make(), settings.timeout)
            session.open(mode)
            return session

        self.pool = Pool(
            open_session,
            settings.max_connections,
            settings.timeout,
            idle_check_after=CHECK_SECONDS,
        )

    def send(self, command: Command, attempt: Attempt) -> Any:
        """Send a command once and return the reply."""
        session = self.pool.acquire()
        try:
            return as_text(session.execute(command, attempt))
        finally:
            self.pool.release(session)

    def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """Send commands one after the other."""
        return [self.send(command, attempt) for command in commands]

    def scan(self, cursor: Any | None, pattern: str, count: int, attempt: Attempt) -> ScanPage:
        """List keys."""
        return _scan_page(self.send(scan_command(cursor, pattern, count), attempt))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close idle connections now, the others when they are released."""
        self.pool.close()


def _scan_page(reply: Any) -> ScanPage:
    cursor, names = read_scan(reply)
    return ScanPage(cursor or None, names)
