"""Upstash's REST API in front of a redis-server of this machine.

It follows https://upstash.com/docs/redis/features/restapi: commands as a JSON array, as a path, in
``/pipeline`` (in order, but commands of other clients may come between, and each has its own result
or error) and in ``/multi-exec``; bearer and ``_token`` authentication with a standard and a
read-only token; the codes 200, 400, 401 and 405; base64 answers; sync tokens; the commands that
REST does not support. A request or a reply above the limit is refused, as in
https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded.

Not modelled: replicas and their lag (sync tokens are given, never waited for), quotas and rates,
the limits of keys, members and records, RESP2 answers, server-sent events (``/monitor``,
``/subscribe``), Upstash's own commands, TLS. Undocumented and so only likely: the wording of
errors except for those of tokens and sizes; that a size is the HTTP body's, or the strings' of a
reply; which status a refused size has; that the limit is for all replies of a pipeline together,
whose commands have been carried out then; that one wrong row is enough to refuse a pipeline.
"""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from pydantic_core import to_json
from upstash_protocol import RefusedError, oversized, read_request, refusal, result, size
from upstash_resp import Command, Connection, Failure

MAX_SIZE = 10 * 1024 * 1024  # free and pay-as-you-go databases
_READER, _PASSWORD = "default_ro", "reads"


class Request(NamedTuple):
    """A request of a client; the first has the number 0."""

    number: int
    path: str
    commands: tuple[str, ...]
    sync_token: str | None


class Fault(NamedTuple):
    """A fault of one request.

    Attributes:
        acts: Whether the commands are carried out.
        delay: Seconds before that.
        answer: A status and a body instead of the real ones.
        sent: The part of the answer's body, 0 to 1, after which the connection is dropped; 0: the
            head is not sent either; 1: the connection is not dropped.

    """

    acts: bool = True
    delay: float = 0.0
    answer: tuple[int, bytes] | None = None
    sent: float = 1.0


LOST_REPLY = Fault(sent=0.0)
LOST_REQUEST = Fault(acts=False, sent=0.0)


class UpstashDouble:
    """Serves one redis-server on a free loopback port, as soon as it is constructed.

    Attributes:
        requests: All requests so far that named a command.
        connections: How many connections clients have made so far.
        fault: Returns the fault of a request; ``None``: there is none.
        between: Called between two commands of a pipeline.

    """

    def __init__(self, redis_port: int, *, max_size: int = MAX_SIZE, port: int = 0) -> None:
        self.redis_port = redis_port
        self.token = "standard-" + "T" * 24
        self.reading_token = "reading-" + "R" * 24
        self.max_size = max_size
        self.requests: list[Request] = []
        self.connections = 0
        self.fault: Callable[[Request], Fault | None] = lambda _: None
        self.between: Callable[[], object] = lambda: None
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._clients: set[socket.socket] = set()
        self._let_readers_in()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.double = self
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,))
        self._thread.start()

    def close(self) -> None:
        """Drop all connections and stop."""
        self.closing.set()
        self._server.shutdown()
        with self._lock:
            for client in self._clients:
                with suppress(OSError):  # it was reset
                    client.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    def note(self, path: str, commands: list[list[bytes]], sync_token: str | None) -> Request:
        """Count a request."""
        names = tuple(command[0].decode(errors="replace").upper() for command in commands)
        with self._lock:
            request = Request(len(self.requests), path, names, sync_token)
            self.requests.append(request)
        return request

    def connected(self, client: socket.socket) -> None:
        """Note that a client connected."""
        with self._lock:
            self.connections += 1
            self._clients.add(client)

    def disconnected(self, client: socket.socket) -> None:
        """Note that a client disconnected."""
        with self._lock:
            self._clients.discard(client)

    def connect(self, token: str | None) -> Connection | None:
        """Connect to Redis as the user of a token; ``None`` if no user has it."""
        if token == self.token:
            return Connection(self.redis_port)
        if token == self.reading_token:
            return Connection(self.redis_port, _READER, _PASSWORD)
        return None

    def _let_readers_in(self) -> None:
        rules = f"on >{_PASSWORD} ~* +@read +@connection -@dangerous -scan -keys"
        connection = Connection(self.redis_port)
        reply = connection.call(*f"ACL SETUSER {_READER} {rules}".encode().split())
        connection.close()
        assert reply == b"OK", reply


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing the server waits for them
    request_queue_size = 128
    double: UpstashDouble


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def setup(self) -> None:
        super().setup()
        self.double = self.server.double
        self.double.connected(self.connection)
        self.redis: dict[str, Connection] = {}

    def finish(self) -> None:
        self.double.disconnected(self.connection)
        for connection in self.redis.values():
            connection.close()
        super().finish()

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client disconnected
            super().handle()

    def log_message(self, *_: Any, **__: Any) -> None:
        pass

    def do_POST(self) -> None:
        self._answer_request()

    do_GET = do_HEAD = do_PUT = do_POST  # noqa: N815 - http.server requires these names

    def do_DELETE(self) -> None:
        self._read_body()
        self._answer(405, {"error": "ERR method not allowed"})

    do_PATCH = do_OPTIONS = do_DELETE  # noqa: N815 - the same

    def _answer_request(self) -> None:
        body = self._read_body()
        fault: Fault | None = None
        try:
            redis = self._redis()
            if len(body) > self.double.max_size:
                raise oversized(len(body), self.double.max_size)
            path, commands = read_request(self.path, body)
            token = self.headers.get("Upstash-Sync-Token")
            fault = self.double.fault(self.double.note(path, commands, token))
            if fault is not None:
                self.double.closing.wait(fault.delay)
            if fault is not None and not fault.acts:
                status, answer = 503, {"error": "ERR not carried out"}
            else:
                status, answer = 200, self._carry_out(redis, path, commands)
        except RefusedError as refused:
            status, answer = refused.status, {"error": str(refused)}
        self._answer(status, answer, fault)

    def _read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _redis(self) -> Connection:
        """Return this thread's connection to Redis for the token of the request."""
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            token = dict(parse_qsl(urlsplit(self.path).query)).get("_token", "")
        if token not in self.redis:
            connection = self.double.connect(token)
            if connection is None:
                raise RefusedError("WRONGPASS invalid or missing auth token", 401)
            self.redis[token] = connection
        return self.redis[token]

    def _carry_out(self, redis: Connection, path: str, commands: list[list[bytes]]) -> Any:
        if self.headers.get("Upstash-Response-Format", "json") != "json":
            raise RefusedError("ERR this double answers in JSON alone")
        is_base64 = self.headers.get("Upstash-Encoding") == "base64"
        refusals = [refusal(command) for command in commands]
        if path == "/":
            [reply] = self._send(redis, commands) if refusals[0] is None else refusals
            if isinstance(reply, Failure):
                raise RefusedError(reply.decode(errors="replace"))
            return result(reply, is_base64=is_base64)
        if path == "/pipeline":
            replies = self._pipeline(redis, commands, refusals)
        else:
            replies = self._transaction(redis, commands, refusals)
        return [result(reply, is_base64=is_base64) for reply in replies]

    def _pipeline(
        self, redis: Connection, commands: list[list[bytes]], refusals: list[Failure | None]
    ) -> list[object]:
        replies: list[object] = []
        for command, refused in zip(commands, refusals, strict=True):
            if replies:
                self.double.between()
            replies.append(refused or redis.send([command])[0])
        return self._checked(replies)

    def _transaction(
        self, redis: Connection, commands: list[list[bytes]], refusals: list[Failure | None]
    ) -> list[object]:
        for refused in refusals:
            if refused is not None:
                raise RefusedError(refused.decode())
        replies = self._send(redis, [[b"MULTI"], *commands, [b"EXEC"]])[-1]
        if isinstance(replies, Failure):
            raise RefusedError(replies.decode())
        assert isinstance(replies, list)
        return replies

    def _send(self, redis: Connection, commands: Sequence[Command]) -> list[object]:
        return self._checked(redis.send(commands))

    def _checked(self, replies: list[object]) -> list[object]:
        if size(replies) > self.double.max_size:
            raise oversized(size(replies), self.double.max_size)
        return replies

    def _answer(self, status: int, answer: Any, fault: Fault | None = None) -> None:
        body = to_json(answer)
        if fault is not None and fault.answer is not None:
            status, body = fault.answer
        token = base64.b64encode(b"sync %d" % len(self.double.requests)).decode()
        head = (
            f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nUpstash-Sync-Token: {token}\r\n\r\n"
        )
        data = head.encode() + (b"" if self.command == "HEAD" else body)
        if fault is not None and fault.sent < 1:
            self.close_connection = True
            data = data[: len(head) + int(len(body) * fault.sent)] if fault.sent else b""
        self.wfile.write(data)
