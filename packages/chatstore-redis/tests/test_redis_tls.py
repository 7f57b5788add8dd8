"""TLS and users with few permissions."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
import trustme
from redis_tls import find_tls_server

from chatstore.core import (
    ChatMessage,
    InvalidArgumentError,
    StoreAccessError,
    StoreUnavailableError,
)
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts.testing import RedisServer, redis_server
from chatstore.redis_scripts.testing.servers import free_port

TlsServer = tuple[RedisServer, Path]


@contextmanager
def tls_server(folder: Path, host: str) -> Iterator[TlsServer]:
    """Start a server with a certificate for a host; yield it and its authority's file."""
    binary = find_tls_server()
    authority = trustme.CA()
    certificate = authority.issue_cert(host)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    port = free_port()
    options = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
    options += ["--tls-cert-file", str(folder / "cert.pem")]
    options += ["--tls-key-file", str(folder / "key.pem")]
    options += ["--tls-ca-cert-file", str(folder / "ca.pem")]
    with redis_server(*options, port=port, binary=binary) as server:
        yield server, folder / "ca.pem"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """Return a server with TLS, and the file of the authority that signed its certificate."""
    with tls_server(tmp_path_factory.mktemp("tls"), "127.0.0.1") as started:
        yield started


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """Return a server whose certificate is for another host."""
    with tls_server(tmp_path_factory.mktemp("elsewhere"), "redis.example") as started:
        yield started


def test_tls_with_a_known_authority(tls: TlsServer) -> None:
    server, authority = tls
    url = f"rediss://127.0.0.1:{server.port}?ssl_ca_certs={authority}&namespace=tls"
    with RedisChatStore.from_url(url) as store:
        store.add_message("k", message("x"))
        assert store.get_messages("k") == [message("x")]


async def appended(url: str) -> list[ChatMessage]:
    async with RedisChatStore.from_url(url) as store:
        await store.async_add_message("a", message("x"))
        return await store.async_get_messages("a")


def test_tls_async(tls: TlsServer) -> None:
    server, authority = tls
    url = f"rediss://127.0.0.1:{server.port}?ssl_ca_certs={authority}&namespace=tls"
    assert asyncio.run(appended(url)) == [message("x")]


def test_tls_async_is_closed_with_the_store_though_the_server_is_slow(tls: TlsServer) -> None:
    server, authority = tls
    url = f"rediss://127.0.0.1:{server.port}?ssl_ca_certs={authority}&namespace=slow"

    async def scenario() -> None:
        async with RedisChatStore.from_url(url) as store:
            await store.async_add_message("k", message("x"))
            server.signal(signal.SIGSTOP)
            threading.Timer(0.3, server.signal, [signal.SIGCONT]).start()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(scenario())
        gc.collect()
    assert not [one for one in caught if str(server.port) in str(one.message)]


def test_closing_gives_up_a_tls_server_that_is_suspended(tls: TlsServer) -> None:
    server, authority = tls
    url = f"rediss://127.0.0.1:{server.port}?ssl_ca_certs={authority}&namespace=still&timeout=2"

    async def scenario() -> None:
        async with RedisChatStore.from_url(url) as store:
            for _ in range(100):
                with suppress(StoreUnavailableError):  # a stall may exceed the short timeout
                    await store.async_add_message("k", message("x"))
                    break
            server.signal(signal.SIGSTOP)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            asyncio.run(asyncio.wait_for(scenario(), 60))
        finally:
            server.signal(signal.SIGCONT)
        gc.collect()


def append_in(mode: str, url: str) -> list[ChatMessage]:
    if mode == "sync":
        with RedisChatStore(url) as store:
            store.add_message("a", message("x"))
            return store.get_messages("a")
    return asyncio.run(appended(url))


@pytest.mark.parametrize("is_cluster", [False, True])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_certificate_must_be_for_the_host(
    elsewhere: TlsServer, mode: str, is_cluster: bool
) -> None:
    server, authority = elsewhere
    query = f"ssl_ca_certs={authority}&cluster={str(is_cluster).lower()}"
    url = f"rediss://127.0.0.1:{server.port}?{query}"
    with pytest.raises(StoreUnavailableError, match=r"TLS failed.*certificate must be for this"):
        append_in(mode, url)


@pytest.mark.parametrize("option", ["ssl_check_hostname=false", "ssl_cert_reqs=none"])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_checks_can_be_turned_off(elsewhere: TlsServer, mode: str, option: str) -> None:
    server, authority = elsewhere
    query = f"ssl_ca_certs={authority}&namespace=off-{option[4:9]}-{mode}&{option}"
    url = f"rediss://127.0.0.1:{server.port}?{query}"
    assert append_in(mode, url) == [message("x")]


def test_tls_with_an_unknown_authority_is_refused(tls: TlsServer) -> None:
    server, _ = tls
    with (
        RedisChatStore(f"rediss://127.0.0.1:{server.port}") as store,
        pytest.raises(StoreUnavailableError),
    ):
        store.add_message("k", message("x"))


def test_a_tls_server_refuses_plain_connections(tls: TlsServer) -> None:
    server, _ = tls
    with (
        RedisChatStore(f"redis://127.0.0.1:{server.port}", timeout=30) as store,
        pytest.raises(StoreUnavailableError),
    ):
        store.add_message("k", message("x"))


@pytest.fixture
def users(server: RedisServer) -> Iterator[int]:
    """Return the port of a server with a user for the store's keys and a read-only user."""
    with redis.Redis(port=server.port) as client:
        client.flushall()
        rights = ["resetkeys", "~chatstore:*", "resetchannels", "+@all", "-@dangerous"]
        client.execute_command("ACL SETUSER", "chat", "on", ">p@ss/word", *rights)
        client.execute_command("ACL SETUSER", "reader", "on", ">pw", "~*", "+@read", "+evalsha")
        yield server.port
        client.execute_command("ACL DELUSER", "chat", "reader")


def test_a_user_of_the_namespace_alone(users: int) -> None:
    with RedisChatStore(f"redis://chat:p%40ss%2Fword@127.0.0.1:{users}") as store:
        store.add_message("acl", message("x"))
        assert store.get_messages("acl") == [message("x")]
        assert "acl" in store.get_keys()
        store.delete_messages("acl")


@pytest.mark.parametrize(
    "login", ["chat:wrong", "nobody:secret", "reader:pw"], ids=["password", "user", "rights"]
)
def test_refusals_keep_the_secret(users: int, login: str) -> None:
    with (
        RedisChatStore(f"redis://{login}@127.0.0.1:{users}") as store,
        pytest.raises(StoreAccessError) as caught,
    ):
        store.add_message("k", message("x"))
    assert login.split(":")[1] not in str(caught.value)


def test_another_namespace_than_the_users_is_refused(users: int) -> None:
    url = f"redis://chat:p%40ss%2Fword@127.0.0.1:{users}"
    with RedisChatStore(url, namespace="other") as store, pytest.raises(StoreAccessError):
        store.add_message("k", message("x"))


@pytest.mark.parametrize(
    "url", ["http://localhost", "localhost:6379", "redis://host:port/0", None, ""]
)
def test_wrong_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError):
        RedisChatStore(url)
