"""A provider's server for tests: it records requests and answers them on the loopback interface."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from typing_extensions import Self


class Reply(NamedTuple):
    """An answer of the server.

    Attributes:
        text: The body.
        media_type: Its type.

    """

    text: str
    media_type: str = "application/json"


def events(values: Iterable[dict[str, Any]], end: str = "") -> Reply:
    """Return a reply that streams events, named by their ``type`` if they have one."""
    lines = []
    for value in values:
        name = f"event: {value['type']}\n" if "type" in value else ""
        lines.append(f"{name}data: {json.dumps(value)}\n\n")
    return Reply("".join(lines) + end, "text/event-stream")


class ModelServer:
    """Answers each request with what a function returns.

    Attributes:
        url: The server's address.
        requests: The bodies of the requests so far.

    """

    def __init__(self, answer: Callable[[str, dict[str, Any]], Reply]) -> None:
        """Listen on a free port.

        Args:
            answer: Takes a request's path and body.

        """
        self.requests: list[dict[str, Any]] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                requests.append(body)
                reply = answer(self.path, body)
                data = reply.text.encode()
                self.send_response(200)
                self.send_header("content-type", reply.media_type)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_HEAD(self) -> None:
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            # The base class names the argument.
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
