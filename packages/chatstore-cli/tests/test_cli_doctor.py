"""``chatstore doctor``: healthy stores, and each finding about one that is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
from command import piped, shown, succeeded

from chatstore.cli.doctor import general, hosts
from chatstore.cli.doctor.findings import Status
from chatstore.cli.doctor.redis import from_info
from chatstore.core import ChatStore, SimpleChatStore, open_store
from chatstore.core.layers import RedactedBackend
from chatstore.core.testing.messages import message


def statuses(*arguments: object) -> dict[str, str]:
    return {finding["name"]: finding["status"] for finding in piped(*arguments).records}


def create(url: str) -> None:
    with open_store(url) as store:
        store.add_message("chat/1", message("hi"))


def test_a_healthy_store(each_store_url: str) -> None:
    create(each_store_url)

    done = succeeded("doctor", "--json", each_store_url)

    names = {finding["name"] for finding in done.records}
    assert names >= {"access", "round trip", "encoding", "clock", "expiry"}
    own = {"sqlite": "journal", "redis": "eviction", "postgresql": "connections"}
    assert own[each_store_url.partition(":")[0]] in names
    assert {finding["status"] for finding in done.records} <= {"ok", "warn"}
    for finding in done.records:
        assert bool(finding["advice"]) == (finding["status"] == "warn"), finding
    with open_store(each_store_url) as store:
        assert list(store.get_keys()) == ["chat/1"]  # nothing is left behind


def test_a_terminal_shows_colors(store_url: str) -> None:
    create(store_url)

    terminal = shown("doctor", store_url, columns=60)

    assert terminal.lines[0].startswith("ok   access          SQLite file")
    assert terminal.lines[1].startswith(" " * 21)
    assert terminal.styles_of("ok ") == {("green", False)}


def test_a_store_that_does_not_answer() -> None:
    done = piped("doctor", "redis://me:hunter2@127.0.0.1:1")

    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("fail\tserver\tRedis at 127.0.0.1:1: connection refused")
    assert done.out.count("\n") == 1
    assert "hunter2" not in done.out


def test_a_missing_file(store_url: str, tmp_path: Path) -> None:
    done = piped("doctor", store_url)

    assert done.code == 1
    assert done.out.startswith("fail\tsetup\t")
    assert not (tmp_path / "chat.db").exists()


def test_readable_files(store_url: str, tmp_path: Path) -> None:
    create(store_url)
    (tmp_path / "chat.db").chmod(0o644)
    assert statuses("doctor", "--json", store_url)["rights"] == "warn"
    (tmp_path / "chat.db").chmod(0o600)
    assert statuses("doctor", "--json", store_url)["rights"] == "ok"


@contextmanager
def user(server: Any, *rules: str) -> Iterator[str]:
    """Create a user of the Redis server; provide the user's URL."""
    with closing(redis.Redis(port=server.port)) as client:
        execute: Any = client.execute_command
        execute("ACL", "SETUSER", "limited", "on", ">secret", "~*", *rules)
        yield f"redis://limited:secret@127.0.0.1:{server.port}/0?namespace=limited"
        execute("ACL", "DELUSER", "limited")


def test_missing_rights(redis_server: Any) -> None:
    with user(redis_server, "+@all", "-info") as url:
        done = piped("doctor", "--json", url)
        assert done.code == 0
        assert {item["name"]: item["status"] for item in done.records}["server"] == "warn"
    with user(redis_server, "+@read") as url:
        done = piped("doctor", "--json", url)
        assert done.code == 1
        assert [(item["name"], item["status"]) for item in done.records] == [("rights", "fail")]
    with user(redis_server, "+@all") as url:
        done = piped("doctor", url.replace("secret", "wrong"))
        assert done.code == 1
        assert done.out.startswith("fail\trights\t")
        assert "wrong" not in done.out.replace("wrong password", "")


HEALTHY = {
    "redis_version": "8.0.2",
    "role": "master",
    "used_memory": "1000000",
    "maxmemory": "0",
    "maxmemory_policy": "noeviction",
    "aof_enabled": "1",
}


@pytest.mark.parametrize(
    ("changes", "name", "status"),
    [
        ({}, "eviction", "ok"),
        ({"maxmemory_policy": "allkeys-lru"}, "eviction", "warn"),
        ({"maxmemory_policy": "volatile-ttl", "maxmemory": "2000000"}, "eviction", "fail"),
        ({"maxmemory": "1050000"}, "memory", "warn"),
        ({"maxmemory": "2000000"}, "memory", "ok"),
        ({"role": "slave"}, "server", "fail"),
        ({"aof_enabled": "0"}, "persistence", "warn"),
        ({"rdb_last_bgsave_status": "err"}, "persistence", "fail"),
    ],
)
def test_redis_settings(changes: dict[str, str], name: str, status: str) -> None:
    findings = {finding.name: finding for finding in from_info({**HEALTHY, **changes})}

    assert findings[name].status.value == status
    assert bool(findings[name].advice) == (status != "ok")


def test_eviction_of_a_real_server(redis_server: Any) -> None:
    url = f"redis://127.0.0.1:{redis_server.port}/0?namespace=doctor"
    with closing(redis.Redis(port=redis_server.port)) as client:
        client.config_set("maxmemory", "1gb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            done = piped("doctor", "--json", url)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "0")

    assert done.code == 1
    [eviction] = [item for item in done.records if item["name"] == "eviction"]
    assert eviction["status"] == "fail"
    assert "allkeys-lru" in eviction["message"]


def test_the_encoding_of_a_postgres_database(postgres_server: Any) -> None:
    postgres_server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")

    assert "fail" in statuses("doctor", "--json", str(postgres_server.url("latin"))).values()


def test_clocks() -> None:
    now = datetime.now(timezone.utc)
    for seconds, status in ((0, Status.OK), (3, Status.OK), (60, Status.WARN), (-9, Status.WARN)):
        finding = general.skew(now + timedelta(seconds=seconds), now, now)
        assert finding.status is status, seconds


def test_text_that_changes() -> None:
    changed = message("other text")
    with SimpleChatStore() as store:
        changing = ChatStore(
            RedactedBackend(store.backend, lambda _: changed.model_copy(update={"id": _.id}))
        )
        findings = {item.name: item.status for item in general.examine(changing, "memory://")}

    assert findings == {
        "round trip": Status.OK,
        "encoding": Status.FAIL,
        "clock": Status.OK,
        "expiry": Status.OK,
    }


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("redis://localhost", Status.OK),
        ("redis://127.1.2.3:6379", Status.OK),
        ("redis://[::1]", Status.OK),
        ("unix:///run/redis.sock", Status.OK),
        ("redis://10.0.0.1", Status.WARN),
        ("redis://cache.example.org", Status.WARN),
        ("postgresql:///chats?host=/run/postgresql", Status.OK),
        ("postgresql:///chats?host=db.example.org", Status.WARN),
        ("postgresql://localhost/chats?host=localhost,db.example.org", Status.WARN),
    ],
)
def test_encryption(url: str, status: Status) -> None:
    assert hosts.encryption(url, encrypted=False, advice="use TLS").status is status
    assert hosts.encryption(url, encrypted=True, advice="use TLS").status is Status.OK


def test_dynamodb(monkeypatch: pytest.MonkeyPatch) -> None:
    from dynamodb_server import KEYS, REGION, DynamoDBServer

    for name, value in KEYS.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with closing(DynamoDBServer()) as server:
        url = f"dynamodb://{server.new_table()}?endpoint_url={quote(server.url, safe='')}"
        create(url)
        by_name = statuses("doctor", "--json", url)

    assert by_name["access"] == "ok"
    assert by_name["table"] == "ok"
    assert by_name["TTL"] == "warn"
    assert by_name["backups"] == "warn"
