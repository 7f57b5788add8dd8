"""``UpstashClient``: sends the requests of all threads of a store."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from chatstore.core.backend import PoolTimeoutError
from chatstore.redis_scripts import Attempt, Command, ScanPage, scan_command
from chatstore.upstash.answers import read_answer, read_answers, results_of
from chatstore.upstash.connections import Connections, Endpoint
from chatstore.upstash.errors import is_refused_as_a_whole
from chatstore.upstash.generations import Generations
from chatstore.upstash.requests import encode, read_scan


class UpstashClient:
    """Sends requests on connections that are replaced when they are useless."""

    def __init__(self, endpoint: Endpoint, max_connections: int, timeout: float) -> None:
        """Open nothing yet.

        Args:
            endpoint: The database.
            max_connections: The most requests at once.
            timeout: Seconds for which further requests wait for one to end.

        """
        self.generations = Generations(lambda: Connections(endpoint))
        self._free = threading.BoundedSemaphore(max_connections)
        self._timeout = timeout

    def send(self, command: Command, attempt: Attempt) -> Any:
        """Send a command; ``attempt.meanwhile`` is not called."""
        body = encode(command)
        attempt.was_sent = True
        return read_answer(self._post("/", body))

    def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """Send commands that only read as one request; each by itself if it is refused."""
        if len(commands) > 1:
            body = encode(commands)
            attempt.was_sent = True
            try:
                return results_of(read_answers(self._post("/pipeline", body), len(commands)))
            except Exception as error:
                if not is_refused_as_a_whole(error):
                    raise
        return [self.send(command, attempt) for command in commands]

    def scan(self, cursor: Any | None, pattern: str, count: int, attempt: Attempt) -> ScanPage:
        """List keys."""
        return read_scan(self.send(scan_command(cursor, pattern, count), attempt))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the connections."""
        connections = self.generations.end()
        if connections is not None:
            connections.close()

    def _post(self, path: str, body: bytes) -> bytes:
        if not self._free.acquire(timeout=self._timeout):
            raise PoolTimeoutError
        try:
            generation = self.generations.acquire()
            try:
                return generation.client.post(path, body)
            except Exception as error:
                self.generations.check(generation, error)
                raise
            finally:
                unused = self.generations.release(generation)
                if unused is not None:
                    unused.close()
        finally:
            self._free.release()
