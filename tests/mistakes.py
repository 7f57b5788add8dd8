"""Check the errors that users' mistakes raise: the class, the message and the time."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chatstore.core import ChatMessage, ChatStoreError

LIMIT = 60.0  # seconds; an idle machine needs a fraction of it
CONTENT = "secret-content-of-a-user"


def error_of(open_store: Callable[[], Any], *, is_async: bool = False) -> ChatStoreError:
    """Return the error of opening a store or of its first append."""
    with pytest.raises(ChatStoreError) as caught:
        _append(open_store, is_async=is_async)
    return caught.value


def _append(open_store: Callable[[], Any], *, is_async: bool) -> None:
    message = ChatMessage(role="user", content=CONTENT)
    if not is_async:
        with open_store() as store:
            store.add_message("k", message)
        return

    async def append() -> None:
        async with open_store() as store:
            await store.async_add_message("k", message)

    asyncio.run(append())


def check(
    open_store: Callable[[], Any],
    kind: type[ChatStoreError],
    pattern: str,
    *,
    secrets: list[str],
    is_async: bool = False,
) -> None:
    """Make the mistake; check class, message and time, and that no error contains a secret."""
    begin = time.monotonic()
    error = error_of(open_store, is_async=is_async)
    took = time.monotonic() - begin
    assert type(error) is kind, f"{type(error).__name__}: {error}"
    assert re.search(pattern, str(error)), str(error)
    assert took < LIMIT, f"{took:.1f} s"
    for text in shown_texts(error):
        for secret in [*secrets, CONTENT]:
            assert secret not in text, text


def shown_texts(error: BaseException) -> Iterator[str]:
    """Iterate over all texts that a log could show of an error, its causes and contexts."""
    yield "".join(traceback.format_exception(error))
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield f"{current} {current!r} {current.args} {vars(current)}"
        pending += [current.__cause__, current.__context__]


@contextmanager
def web_server(status: int, body: bytes = b"<html>hello</html>") -> Iterator[int]:
    """Run a server that answers every request with one page; yield its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_MERGE = answer  # noqa: N815 - as in the base class

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def refused_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def silent_port() -> Iterator[int]:
    """Listen on a port, accept connections, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])
