"""Cosmos DB's REST API for NoSQL over plain HTTP, for tests.

It is written from the service's documentation alone, and its own tests list what it does. It does
not model: physical partitions that are split, throughput (429 only if a test injects it), composite
indexes (it sorts by one property, which must be all that the condition is about), indexes that lag,
the units that indexed properties add to a write, hierarchical and unique keys, several regions,
stored procedures, numbers as IEEE doubles, the wording of errors. Its request units are estimates:
a query costs what its result costs, or all documents that it looks at if its condition is about a
property that is not indexed.
"""

from __future__ import annotations

import base64
import socket
import ssl
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import trustme
from cosmos_auth import check_signature
from cosmos_rejections import RejectedError
from cosmos_requests import Reply, Request
from cosmos_service import Service

LOST = 0
"""A status of faults: the connection is closed without a reply."""


@dataclass(frozen=True)
class Fault:
    """What happens to a request instead of an answer.

    Attributes:
        status: The status of the answer; `LOST`: the connection is closed.
        acts: Whether the request takes effect first.
        substatus: The value of ``x-ms-substatus``.
        retry_after_ms: The value of ``x-ms-retry-after-ms``.
        delay: Seconds to wait first.
        headers: More headers of the answer.

    """

    status: int = LOST
    acts: bool = False
    substatus: int = 0
    retry_after_ms: int | None = None
    delay: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()


class Answered(NamedTuple):
    """A request that was answered: `Request.kind`, the charged units, bytes of both bodies."""

    kind: str
    units: float
    sent: int
    received: int


LOST_REPLY = Fault(acts=True)
LOST_REQUEST = Fault()


class CosmosDouble:
    """An account of Cosmos DB on a loopback port.

    Attributes:
        endpoint: The account's URL.
        port: The port in it.
        key: The account's key.
        tokens: Bearer tokens that are accepted instead.
        fault: Called with each request; returns the fault, if any.
        delay: Seconds to wait before each answer.
        now: The time in seconds since 1970; ``None``: the system's.
        requests: The answered requests.
        errors: Errors of the double itself; there should not be any.

    """

    def __init__(self, consistency: str = "Session", *, tls: bool = False) -> None:
        self.key = base64.b64encode(uuid.uuid4().bytes * 4).decode()
        self.tokens: set[str] = set()
        self.fault: Callable[[Request], Fault | None] = lambda request: None
        self.delay = 0.0
        self.now: float | None = None
        self.requests: list[Answered] = []
        self.errors: list[BaseException] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.double = self
        protocol = "http"
        if tls:  # the SDK sends bearer tokens over TLS only
            protocol = "https"
            self._server.socket = _certified().wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.endpoint = f"{protocol}://127.0.0.1:{self.port}/"
        self.service = Service(self.endpoint, self.clock, consistency)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="cosmos-double", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join(60)

    def clock(self) -> float:
        """Return the service's time."""
        return time.time() if self.now is None else self.now

    def advance(self, seconds: float) -> None:
        """Set the clock forward, and let it stop there."""
        self.now = self.clock() + seconds

    def answer(self, request: Request) -> Reply | None:
        """Answer a request; ``None``: close the connection."""
        time.sleep(self.delay)
        fault = self.fault(request)
        if fault is not None:
            time.sleep(fault.delay)
            if fault.acts:
                self._act(request)
            if fault.status == LOST:
                return None
            headers = {"x-ms-substatus": str(fault.substatus), **dict(fault.headers)}
            if fault.retry_after_ms is not None:
                headers["x-ms-retry-after-ms"] = str(fault.retry_after_ms)
            reply = Reply(fault.status, RejectedError(fault.status, "A fault.").body(), headers)
            self._record(request, reply)
            return reply
        return self._act(request)

    def _act(self, request: Request) -> Reply:
        try:
            check_signature(self.key, self.tokens, request.method, request.path, request.headers)
            reply = self.service.answer(request)
        except RejectedError as rejected:
            headers = {"x-ms-substatus": str(rejected.substatus), "x-ms-request-charge": "1.00"}
            reply = Reply(rejected.status, rejected.body(), headers)
        self._record(request, reply)
        return reply

    def _record(self, request: Request, reply: Reply) -> None:
        units = float(reply.headers.get("x-ms-request-charge", 0))
        self.requests.append(Answered(request.kind, units, len(request.body), len(reply.payload)))


def _certified() -> ssl.SSLContext:
    """Return a context with a new certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # do not wait for idle connections
    request_queue_size = 128
    double: CosmosDouble

    def __init__(self, *args: Any) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client has closed it

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Remember an error, unless the client closed the connection."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, (ConnectionError, ssl.SSLError)):
            self.double.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it delays replies by 40 ms
    wbufsize = -1

    def _serve(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the client closed the connection
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path.partition("?")[0], headers, body)
        assert isinstance(self.server, _Server)
        reply = self.server.double.answer(request)
        if reply is None:
            self.close_connection = True
            return
        text = reply.payload
        self.send_response_only(reply.status)
        self.send_header("Date", reply.headers.get("Date") or self.date_time_string())
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("x-ms-activity-id", headers.get("x-ms-activity-id", str(uuid.uuid4())))
        for name, value in reply.headers.items():
            if name != "Date":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Write nothing to stderr."""
