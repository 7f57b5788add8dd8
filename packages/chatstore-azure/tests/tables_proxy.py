"""An HTTP proxy in front of Azurite: it records, rejects what services reject, and loses replies.

With ``table_api`` it behaves like Cosmos DB's Table API: smaller batches and row keys, reserved
names, unsorted results. The SDK uses that dialect for hosts named ``localhost``.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple

from tables_limits import rejection

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


def free_port() -> int:
    """Return a port of this machine that no program listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Fault(NamedTuple):
    """What goes wrong with a request.

    Attributes:
        acts: Whether the request reaches the service.
        lost: The connection is closed instead of an answer.
        answer: Status and code of another answer.
        hang: Seconds before the answer.
        headers: More headers of that answer.

    """

    acts: bool = True
    lost: bool = False
    answer: tuple[int, str] | None = None
    hang: float = 0
    headers: Sequence[tuple[str, str]] = ()


LOST_REPLY = Fault(lost=True)
LOST_REQUEST = Fault(acts=False, lost=True)


class Recorded(NamedTuple):
    """A request and its answer."""

    method: str
    path: str
    sent: int
    received: int
    status: int


class TablesProxy:
    """A proxy on a free port.

    Attributes:
        requests: The requests so far.
        fault: Called with the number of each request; what it returns happens to the request.

    """

    def __init__(self, upstream: int, *, table_api: bool = False) -> None:
        """Listen and serve on threads."""
        self.requests: list[Recorded] = []
        self.fault: Callable[[int], Fault | None] = lambda _: None
        self.table_api = table_api
        self.upstream = upstream
        self.stopping = threading.Event()
        self.counter = 0
        self.lock = threading.Lock()
        proxy = self

        class Bound(_Handler):
            owner = proxy

        self._server = _Server(("127.0.0.1", 0), Bound)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        host = "localhost" if table_api else "127.0.0.1"
        self.endpoint = f"http://{host}:{self._server.server_address[1]}/devstoreaccount1"

    def close(self) -> None:
        """Stop listening."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore broken connections, which some tests cause."""


class _Handler(BaseHTTPRequestHandler):
    owner: ClassVar[TablesProxy]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _upstream: http.client.HTTPConnection | None = None

    def _forward(self) -> None:
        owner = self.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with owner.lock:
            number, owner.counter = owner.counter, owner.counter + 1
        fault = owner.fault(number) or Fault()
        owner.stopping.wait(fault.hang)
        rejected = fault.answer or rejection(
            self.command, self.path, body, table_api=owner.table_api
        )
        if rejected is not None:
            status, headers, reply = _error(*rejected)
            headers = [*headers, *fault.headers]
        elif fault.acts:
            status, headers, reply = self._send(body)
        else:
            status, headers, reply = 0, [], b""
        owner.requests.append(Recorded(self.command, self.path, len(body), len(reply), status))
        if fault.lost:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def _send(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {n: v for n, v in self.headers.items() if n.lower() not in _HOP - {"date"}}
        connection = http.client.HTTPConnection("127.0.0.1", self.owner.upstream, timeout=60)
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            reply = answer.read()
            reply_headers = [pair for pair in answer.getheaders() if pair[0].lower() not in _HOP]
            if self.owner.table_api and answer.status == 200:
                reply = _unsorted(reply)
            return answer.status, reply_headers, reply
        finally:
            connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_MERGE = _forward  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Write nothing."""


def _error(status: int, code: str) -> tuple[int, list[tuple[str, str]], bytes]:
    error = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": "secret-text"}}}
    kind = [("Content-Type", "application/json;odata=minimalmetadata")]
    return status, kind, json.dumps(error).encode()


def _unsorted(reply: bytes) -> bytes:
    if not reply.startswith(b"{"):
        return reply
    answer = json.loads(reply)
    if isinstance(answer.get("value"), list):
        random.shuffle(answer["value"])
    return json.dumps(answer).encode()
