"""No secrets and no content in messages, causes, contexts, logs, reprs or tracebacks."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from modes import AsyncCaller, Caller, SyncCaller

from chatstore.core import ChatMessage, ChatStoreError
from chatstore.core.testing.relay import Relay
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts.testing import redis_server
from chatstore.redis_scripts.testing.servers import free_port

SECRET = "s3cr3t"
CONTENT = "what-the-user-said"
KEY = "user-name-as-key"

# `{}` is replaced by a host and a port.
URLS = [
    f"redis://:{SECRET}@{{}}",
    f"redis://{SECRET}@{{}}",
    f"redis://chat:{SECRET}@{{}}",
    f"redis://{SECRET}:x@{{}}",
    f"redis://:{SECRET}%40%2F%23@{{}}/0",
    f"redis://:{SECRET}@x@{{}}",
    f"redis://:{SECRET}:x@{{}}",
    f"redis://:{SECRET}℀@{{}}",
    f"redis://:{SECRET}é@{{}}",
    f"redis://:[{SECRET}@{{}}",
    f"redis://:{SECRET}]@{{}}",
    f"redis://:{SECRET}#@{{}}",
    f"redis://:{SECRET}/@{{}}",
    f"redis://:{SECRET}?@{{}}",
    f"redis://:{SECRET}%@{{}}",
    f"redis://:{SECRET}%zz@{{}}",
    f"redis://:{SECRET}\n@{{}}",
    f"redis://:{SECRET}@{{}}:{SECRET}",
    f"redis://:{SECRET}@{{}}/{SECRET}",
    f"redis://:{SECRET}@{{}}?{SECRET}",
    f"redis://:{SECRET}@{{}}?ttl={SECRET}",
    f"redis://:{SECRET}@{{}}#{SECRET}",
    f"redis://{{}}?password={SECRET}",
    f"redis://{{}}?username={SECRET}&password=x",
    f"redis://{{}}?pasword={SECRET}",
    f"rediss://:{SECRET}@{{}}",
    f"rediss://:{SECRET}@{{}}?ssl_cert_reqs={SECRET}",
    f"unix://:{SECRET}@/no/such.sock",
    f"unix:///no/such.sock?password={SECRET}",
    f"unix://{SECRET}",
    f"http://:{SECRET}@{{}}",
    f"redis:{SECRET}",
]


def text_of(error: BaseException | None) -> str:
    """Return everything that can be printed of an error and its chain."""
    parts = []
    while error is not None:
        parts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        # without lines of source, which are the test's
        parts += traceback.format_exception_only(type(error), error)
        error = error.__cause__ or error.__context__
    return "\n".join(parts)


@pytest.fixture(params=[SyncCaller, AsyncCaller])
def caller(request: pytest.FixtureRequest) -> Callable[[], Caller]:
    kind: type[Caller] = request.param
    return kind


@pytest.fixture(scope="module")
def addresses() -> Iterator[list[str]]:
    """Return addresses that fail in different ways."""
    with (
        redis_server("--requirepass", "other") as locked,
        redis_server() as open_server,
        redis_server("--cluster-enabled", "yes") as node,
        Relay(open_server.port) as relay,
    ):
        relay.lose_replies(1_000_000)
        ports = [locked.port, open_server.port, node.port, free_port(), relay.port]
        yield [*(f"127.0.0.1:{port}" for port in ports), "no-such-host.invalid"]


@pytest.mark.parametrize("is_cluster", [False, True])
@pytest.mark.parametrize("number", range(len(URLS)))
def test_no_secret_of_a_url_is_printed(
    addresses: list[str],
    caller: Callable[[], Caller],
    number: int,
    is_cluster: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for address in addresses:
        store, call = None, caller()
        try:
            options: dict[str, Any] = {"timeout": 0.5, "patience": 0.1, "cluster": is_cluster}
            store = RedisChatStore(URLS[number].format(address), **options)
            assert SECRET not in repr(store)
            assert SECRET not in store.server
            call(store, "add_message", KEY, ChatMessage(role="user", content=CONTENT))
        except ChatStoreError as error:
            printed = text_of(error)
            assert SECRET not in printed
            assert CONTENT not in printed
            assert KEY not in printed
        finally:
            call.close(store)
    logged = "\n".join(
        record.getMessage() for record in caplog.records if record.name == "chatstore"
    )
    assert SECRET not in logged
    assert CONTENT not in logged
    warnings = [r.getMessage() for r in caplog.records if r.levelno > logging.DEBUG]
    assert KEY not in "\n".join(warnings)


REPLIES = [
    f"ERR unknown command, with args beginning with: '{SECRET}'",
    f"NOPERM User {SECRET} has no permissions to run the '{SECRET}' command",
    f"NOPERM No permissions to access the '{SECRET}' key",
    f"WRONGPASS {SECRET}",
    f"NOAUTH {SECRET}",
    f"MOVED 1 {SECRET}:6379",
    f"{SECRET} {SECRET}",
    f"ERR Error running script: {SECRET}",
    f"OOM {SECRET}",
    f"ERR max number of clients reached {SECRET}",
    f"LOADING {SECRET}",
    f"WRONGTYPE {SECRET}",
]


@pytest.mark.parametrize("reply", REPLIES)
def test_no_reply_is_quoted(caller: Callable[[], Caller], reply: str) -> None:
    """The server answers every command with this reply."""
    import socketserver
    import threading

    class Answers(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(1 << 16):
                self.request.sendall(f"-{reply}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"redis://127.0.0.1:{server.server_address[1]}?patience=0.05"
        store, call = RedisChatStore(url), caller()
        for method, arguments in (("count_messages", ("k",)), ("get_keys", ())):
            with pytest.raises(ChatStoreError) as caught:
                call(store, method, *arguments)
            assert SECRET not in text_of(caught.value)
        call.close(store)
        server.shutdown()
        thread.join()


def test_errors_of_callers_clients_have_no_secrets() -> None:
    with redis_server("--requirepass", "other") as server:
        url = f"redis://:{SECRET}@127.0.0.1:{server.port}"
        with redis.Redis.from_url(url) as client, RedisChatStore(client=client) as store:
            with pytest.raises(ChatStoreError) as caught:
                store.add_message(KEY, ChatMessage(role="user", content=CONTENT))
            assert SECRET not in text_of(caught.value)
            assert CONTENT not in text_of(caught.value)
