"""A small database server: conversations behind a socket, in threads of this process."""

from __future__ import annotations

import pickle
import socket
import struct
import threading
import time
from typing import Any, NamedTuple

from threaded_server import ThreadedServer

from chatstore.core.backend import Remove
from chatstore.core.simple import Conversations

WRITES = ("append", "insert", "put", "replace", "remove", "truncate", "create", "update", "delete")


class Request(NamedTuple):
    """A request of a client.

    Attributes:
        id: Identifies the request; the server executes each id once.
        name: A method of `Conversations`, or ``"ping"``.
        args: The method's arguments.

    """

    id: str
    name: str
    args: tuple[Any, ...]


class ReadOnlyError(Exception):
    """The server was demoted: it accepts no more writes."""


class Database:
    """Conversations, and the replies to earlier requests; several servers may share it."""

    def __init__(self) -> None:
        self._conversations = Conversations(None, time.time)
        self._lock = threading.Lock()
        self._replies: dict[str, Any] = {}

    def execute(self, request: Request) -> Any:
        """Execute a request, unless its id was executed before, and return the reply."""
        with self._lock:
            if request.id not in self._replies:
                self._replies[request.id] = self._execute(request.name, request.args)
            return self._replies[request.id]

    def _execute(self, name: str, args: tuple[Any, ...]) -> Any:
        try:
            if name == "remove":  # the check is a function of the client's process
                key, target, revision = args
                remove = Remove(target, lambda record: record, revision)
                return self._conversations.remove(key, remove)
            return getattr(self._conversations, name)(*args)
        except Exception as error:
            return error


class TcpServer(ThreadedServer):
    """Serves a database on a free port, with a thread for each connection.

    Attributes:
        port: The port.
        is_read_only: Whether the server refuses writes.

    """

    def __init__(self, database: Database) -> None:
        self.is_read_only = False
        self._database = database
        super().__init__()

    def serve(self, client: socket.socket) -> None:
        try:
            with client, client.makefile("rb") as stream:
                while header := stream.read(4):
                    request = pickle.loads(stream.read(*struct.unpack("!I", header)))
                    client.sendall(framed(self._reply(request)))
        except (OSError, EOFError, struct.error):
            pass

    def _reply(self, request: Request) -> Any:
        if self.is_read_only and request.name in WRITES:
            return ReadOnlyError()
        return None if request.name == "ping" else self._database.execute(request)


def framed(value: object) -> bytes:
    """Return a pickled value, preceded by its length in bytes."""
    data = pickle.dumps(value)
    return struct.pack("!I", len(data)) + data
