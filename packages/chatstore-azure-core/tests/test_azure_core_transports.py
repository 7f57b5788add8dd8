"""Both transports replace connections that may be dead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import HttpRequest

from chatstore.azure_core import async_transport, transport


class Server(ThreadingHTTPServer):
    """Counts connections; closes a connection instead of answering if `is_failing`."""

    daemon_threads = True
    is_failing = False
    connections = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        assert isinstance(self.server, Server)
        self.server.connections += 1
        super().setup()

    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        if self.server.is_failing:
            self.server.is_failing = False
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Write nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def request_to(server: Server) -> HttpRequest:
    return HttpRequest("POST", f"http://127.0.0.1:{server.server_address[1]}/")


class SyncSender:
    def __init__(self) -> None:
        self.transport: Any = transport.HealingTransport("test", timeout=60, max_connections=2)

    def send(self, server: Server) -> bytes:
        body: bytes = self.transport.send(request_to(server)).body()
        return body

    def close(self) -> None:
        self.transport.close()


class AsyncSender:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.transport = self.loop.run_until_complete(self._make())

    async def _make(self) -> Any:
        return async_transport.HealingTransport("test", timeout=60, max_connections=2)

    def send(self, server: Server) -> bytes:
        async def send() -> bytes:
            response = await self.transport.send(request_to(server))
            await response.load_body()
            body: bytes = response.body()
            return body

        return self.loop.run_until_complete(send())

    def close(self) -> None:
        self.loop.run_until_complete(self.transport.close())
        self.loop.close()


@pytest.fixture(params=[SyncSender, AsyncSender], ids=["sync", "async"])
def sender(request: pytest.FixtureRequest) -> Iterator[Any]:
    sender = request.param()
    yield sender
    sender.close()


def test_a_connection_is_reused(sender: Any, server: Server) -> None:
    assert [sender.send(server) for _ in range(3)] == [b"ok"] * 3
    assert server.connections == 1


def test_a_dead_connection_is_replaced(sender: Any, server: Server) -> None:
    sender.send(server)
    server.is_failing = True
    with pytest.raises(AzureError):
        sender.send(server)
    assert sender.send(server) == b"ok"
    assert server.connections == 2


def test_old_connections_are_replaced(
    sender: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.send(server)
    for module in (transport, async_transport):
        monkeypatch.setattr(module, "RECYCLE_AFTER", -1.0)
    assert sender.send(server) == b"ok"
    assert server.connections == 2
