"""Mistakes of users: each has an error class, a cause, a remedy and a limited duration."""

from __future__ import annotations

import asyncio
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
import redis.asyncio
from modes import AsyncCaller, Caller, SyncCaller
from redis_pair import redis_replica

from chatstore.core import (
    ChatStoreError,
    InvalidArgumentError,
    StoreAccessError,
    StoreSetupError,
    StoreUnavailableError,
    open_store,
)
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts.testing import RedisServer, redis_server
from chatstore.redis_scripts.testing.servers import free_port

TIMEOUT, PATIENCE = 2.0, 0.3
BOUND = 60.0  # seconds; an idle machine needs a fraction of it


class Http(http.server.BaseHTTPRequestHandler):
    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    def log_message(self, *_: Any, **__: Any) -> None:
        pass


@pytest.fixture(scope="module")
def http_port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Http)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def closed_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def locked_port() -> Iterator[int]:
    with redis_server("--requirepass", "hunter2") as server:
        yield server.port


@pytest.fixture(scope="module")
def open_port(server: RedisServer) -> int:
    return server.port


@pytest.fixture(scope="module")
def cluster_port(cluster: list[RedisServer]) -> int:
    return cluster[0].port


@pytest.fixture(scope="module")
def sentinel_port() -> Iterator[int]:
    with redis_server("--sentinel") as server:
        yield server.port


@pytest.fixture(scope="module")
def replica_port(server: RedisServer) -> Iterator[int]:
    with redis_replica(server) as replica:
        yield replica.port


@pytest.fixture(scope="module")
def full_port() -> Iterator[int]:
    with redis_server("--maxclients", "1") as server, redis.Redis(port=server.port) as client:
        deadline = time.monotonic() + BOUND
        while not is_connected(client):  # the start of the server has used the connection
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield server.port


def is_connected(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


# For each: the fixture of a port, the URL, options, the error class, and words of the message.
ACCESS, SETUP, DOWN = StoreAccessError, StoreSetupError, StoreUnavailableError
MISTAKES: dict[str, tuple[str, str, dict[str, Any], type[ChatStoreError], str]] = {
    "no password": ("locked_port", "redis://{}", {}, ACCESS, "requires a password; give one"),
    "other password": ("locked_port", "redis://:zzz1@{}", {}, ACCESS, "does not accept"),
    "other user": ("locked_port", "redis://zzz1:zzz2@{}", {}, ACCESS, "does not accept"),
    "user alone": ("locked_port", "redis://zzz1@{}", {}, ACCESS, "does not accept"),
    "password in the query": ("locked_port", "redis://{}?password=zzz1", {}, ACCESS, "not accept"),
    "needless password": ("open_port", "redis://:zzz1@{}", {}, ACCESS, "leave it out"),
    "no password, cluster": ("locked_port", "redis://{}", {"cluster": True}, ACCESS, "requires a"),
    "refused": ("closed_port", "redis://{}", {}, DOWN, "connection refused; is the server running"),
    "refused, cluster": ("closed_port", "redis://{}", {"cluster": True}, DOWN, "refused; is the"),
    "refused, TLS": ("closed_port", "rediss://{}", {}, DOWN, "connection refused; is the server"),
    "host": ("open_port", "redis://no-such-host.invalid", {}, DOWN, "unknown host name; check"),
    "host, cluster": (
        "open_port", "redis://no-such-host.invalid", {"cluster": True}, DOWN, "unknown host name",
    ),
    "socket": ("open_port", "unix:///no/such.sock", {}, DOWN, "No such file.* check the path"),
    "HTTP": ("http_port", "redis://{}", {}, SETUP, "not in Redis's protocol; check host and port"),
    "HTTP with TLS": ("http_port", "rediss://{}", {}, DOWN, "TLS failed.* needs redis://"),
    "TLS to a plain port": ("open_port", "rediss://{}", {}, DOWN, "TLS handshake.* needs redis://"),
    "not a cluster": ("open_port", "redis://{}", {"cluster": True}, SETUP, "leave cluster=True"),
    "a cluster": ("cluster_port", "redis://{}", {}, SETUP, "open the store with cluster=True"),
    "a cluster, database 1": ("cluster_port", "redis://{}/1", {}, SETUP, "with cluster=True"),
    "a Sentinel": ("sentinel_port", "redis://{}", {}, SETUP, "Sentinel.* client=Sentinel"),
    "no such database": ("open_port", "redis://{}/99", {}, SETUP, "does not have the database"),
    "a replica": ("replica_port", "redis://{}", {}, ACCESS, "connect to the primary"),
    "too many clients": ("full_port", "redis://{}", {}, DOWN, "maximum number of clients; lower"),
}  # fmt: skip


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Caller:
    return SyncCaller() if request.param == "sync" else AsyncCaller()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake(request: pytest.FixtureRequest, call: Caller, mistake: str) -> None:
    fixture, url, options, kind, text = MISTAKES[mistake]
    url = url.format(f"127.0.0.1:{request.getfixturevalue(fixture)}")
    store = RedisChatStore(url, timeout=TIMEOUT, patience=PATIENCE, **options)
    for key in ("a", "b", "c"):  # different slots of a cluster
        begin = time.monotonic()
        with pytest.raises(kind, match=text) as caught:
            call(store, "add_message", key, message("x"))
        assert time.monotonic() - begin < BOUND
        assert str(caught.value).startswith(f"add_message: {store.server}: ")
        assert "zzz" not in str(caught.value)
    call.close(store)


WRONG_URLS = {
    "redis://localhost?foo=1": "unknown option 'foo'.* known options: .*max_connections.*ttl",
    "redis://localhost?ttl=soon": "'ttl' .* must be a number of seconds",
    "redis://localhost?ttl=0": "ttl must be a number of seconds from",
    "redis://localhost?ttl=": "'ttl' .* must be a number",
    "redis://localhost?ttl=1&ttl=2": "'ttl' is given twice",
    "redis://localhost?timeout=inf": "timeout must be a number of seconds above 0",
    "redis://localhost?timeout=0": "timeout must be",
    "redis://localhost?patience=-1": "patience must be",
    "redis://localhost?max_connections=0": "max_connections must be an integer from 1",
    "redis://localhost?max_connections=many": "'max_connections' .* must be an integer",
    "redis://localhost?cluster=maybe": "'cluster' .* must be true or false",
    "redis://localhost?namespace={}": "namespace must be",
    "redis://localhost?ssl_ca_certs=/x": "unknown option 'ssl_ca_certs' in the redis:// URL",
    "redis://localhost?socket_timeout=3": "unknown option 'socket_timeout'",
    "redis://localhost?decode_responses=true": "unknown option 'decode_responses'",
    "rediss://localhost?ssl_cert_reqs=perhaps": "'ssl_cert_reqs'",
    "rediss://localhost?ssl_cert_reqs=none&ssl_check_hostname=true": "needs ssl_cert_reqs",
    "rediss://localhost?ssl_certfile=/x": "given together",
    "redis://localhost/chat": "number of a database",
    "redis://localhost/0/1": "number of a database",
    "redis://localhost/-1": "number of a database",
    "redis://localhost/1?db=2": "gives db twice",
    "redis://localhost/1?cluster=true": "only database 0",
    "redis://:1#zzz2@localhost": "fragment; percent-encode",
    "redis://:7/zzz1@localhost": "percent-encode reserved|must name a host",
    "redis://:7?zzz1@localhost": "not name=value",
    "redis://:zzz1[@localhost": "not a URL of the form",
    "redis://:zzz1\u2100@localhost": "not a URL of the form",
    "redis://:zzz1@localhost:port": "not a URL of the form",
    "redis://:zzz1@localhost:99999": "not a URL of the form",
    "redis://:zzz1@localhost:0": "port from 1",
    "redis://:zzz1 2@localhost": "not a URL of the form",
    "redis://:zzz1@": "must name a host",
    "redis://": "must name a host",
    "unix://relative/zzz1": "absolute path",
    "unix://": "absolute path",
    "unix:///run/redis.sock?cluster=true": "by host and port",
    "http://zzz1@localhost": "must begin with redis://, rediss://, unix://",
    "localhost:6379": "must begin with",
    "": "must begin with",
}


@pytest.mark.parametrize("open_by", [RedisChatStore, RedisChatStore.from_url])
@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_wrong_url_is_refused_when_it_is_given(url: str, open_by: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=WRONG_URLS[url]) as caught:
        open_by(url)
    error: BaseException | None = caught.value
    while error is not None:
        assert "zzz" not in repr(error)
        error = error.__cause__ or error.__context__


WRONG_OPTIONS = [
    {"ttl": True}, {"ttl": "60"}, {"ttl": timedelta(1)}, {"ttl": 2**63}, {"ttl": 0}, {"ttl": 1e-9},
    {"ttl": float("nan")}, {"ttl": -1}, {"timeout": True}, {"timeout": float("inf")},
    {"timeout": timedelta(1)}, {"timeout": 0}, {"timeout": "5"}, {"timeout": 2**63},
    {"patience": True}, {"patience": -1}, {"patience": float("inf")},
    {"max_connections": 0}, {"max_connections": True}, {"max_connections": 2.0},
    {"max_connections": "64"}, {"cluster": "true"}, {"cluster": 1}, {"namespace": ""},
    {"namespace": 7}, {"namespace": "a{b"},
]  # fmt: skip


@pytest.mark.parametrize("options", WRONG_OPTIONS, ids=str)
def test_a_wrong_option_is_refused_when_it_is_given(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        RedisChatStore("redis://localhost", **options)


def test_the_constructor_and_urls_take_the_same_options(url: str) -> None:
    query = "ttl=60&namespace=n&timeout=3&patience=0&max_connections=2&db=3&client_name=me"
    for open_by in (RedisChatStore, RedisChatStore.from_url, open_store):
        with open_by(f"{url}?{query}") as store:
            store.add_message("k", message("x"))
    with redis.Redis.from_url(url, db=3) as client:
        assert client.keys("*head") == [b"n:{k}:head"]
        assert 0 < client.ttl("n:{k}:head") <= 60
        client.flushdb()


@pytest.mark.parametrize("open_by", [RedisChatStore, RedisChatStore.from_url, open_store])
def test_an_argument_overrides_the_url(client: Any, url: str, open_by: Any) -> None:
    with open_by(f"{url}?ttl=60&namespace=in-url", ttl=600.0, namespace="argument") as store:
        store.add_message("k", message("x"))
    assert client.keys("*head") == [b"argument:{k}:head"]
    assert 60 < client.ttl("argument:{k}:head") <= 600


@pytest.mark.parametrize("open_by", [RedisChatStore, RedisChatStore.from_url, open_store])
def test_an_argument_that_is_none_leaves_the_option_to_the_url(
    client: Any, url: str, open_by: Any
) -> None:
    with open_by(f"{url}?ttl=60&namespace=in-url", ttl=None, namespace=None) as store:
        store.add_message("k", message("x"))
    assert 0 < client.ttl("in-url:{k}:head") <= 60


CLIENTS: dict[str, tuple[Callable[[], Any], str]] = {
    "a URL": (lambda: "redis://localhost", "str"),
    "a class": (lambda: redis.Redis, "ProtocolMeta|type"),
    "a pool": (redis.ConnectionPool, "ConnectionPool"),
    "a pipeline": (lambda: redis.Redis().pipeline(), "pipeline"),
    "another encoding": (lambda: redis.Redis(encoding="latin-1"), "UTF-8"),
    "an object": (object, "object"),
}


@pytest.mark.parametrize("what", CLIENTS)
def test_other_objects_are_refused_as_clients(what: str) -> None:
    make, text = CLIENTS[what]
    with pytest.raises(InvalidArgumentError, match=rf"^client must .*{text}"):
        RedisChatStore(client=make())


def test_a_client_of_the_other_mode_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"client must .* as async_client"):
        RedisChatStore(client=redis.asyncio.Redis())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidArgumentError, match=r"async_client must .* as client"):
        RedisChatStore(async_client=redis.Redis())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_client_for_a_single_server_on_a_cluster(cluster: list[RedisServer]) -> None:
    with redis.Redis(port=cluster[0].port) as client, RedisChatStore(client=client) as store:
        for key in "abcdef":
            with pytest.raises(StoreSetupError, match="cluster"):
                store.add_message(key, message("x"))

    async def scenario() -> None:
        async with (
            redis.asyncio.Redis(port=cluster[0].port) as client,
            RedisChatStore(async_client=client) as store,
        ):
            for key in "abcdef":
                with pytest.raises(StoreSetupError, match="cluster"):
                    await store.async_add_message(key, message("x"))

    asyncio.run(scenario())
