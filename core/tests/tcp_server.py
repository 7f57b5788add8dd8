"""A small database server: a conversation store behind a socket, in threads of this process."""

from __future__ import annotations

import pickle
import socket
import struct
import threading

from chatstore.core import SimpleChatStore
from chatstore.core.backend import run

WRITES = ("_append", "_insert", "_replace", "_delete", "_remove")


class ReadOnlyError(Exception):
    """The server was demoted: it takes no more writes."""


class Database:
    """What several servers may serve: conversations, and the replies to the calls so far."""

    def __init__(self):
        self.store = SimpleChatStore()
        self.lock = threading.Lock()
        self.replies = {}

    def execute(self, request_id, name, args):
        with self.lock:
            if request_id not in self.replies:
                try:
                    reply = run(getattr(self.store, name)(*args), self.store._conversations)
                except Exception as error:
                    reply = error
                self.replies[request_id] = reply
            return self.replies[request_id]


class TcpServer:
    """Serves a database on a free port; ``name`` tells servers apart."""

    def __init__(self, database=None):
        self.database = database or Database()
        self.is_read_only = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            with client, client.makefile("rb") as stream:
                while header := stream.read(4):
                    request_id, name, args = pickle.loads(stream.read(*struct.unpack("!I", header)))
                    if self.is_read_only and name in WRITES:
                        reply = ReadOnlyError()
                    elif name == "ping":
                        reply = None
                    else:
                        reply = self.database.execute(request_id, name, args)
                    client.sendall(framed(reply))
        except (OSError, EOFError, struct.error):
            pass


def framed(value):
    data = pickle.dumps(value)
    return struct.pack("!I", len(data)) + data
