"""A user needs exactly the permissions in the README; errors name a missing one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis
from redis_interception import backend_of
from redis_rights import add_user, expected_rights, stated_rights

from chatstore.core import StoreAccessError
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts import Limits
from chatstore.redis_scripts.scripts import required_commands
from chatstore.redis_scripts.testing import RedisServer


def use_everything(store: RedisChatStore) -> None:
    """Make every call, with and without a time to live."""
    store.set_messages("k", [message(str(number)) for number in range(5)])
    store.add_message("k", message("x"))
    store.add_message("k", message("x"), 0)
    store.delete_message("k", 2)
    assert len(store.get_messages("k")) == 6
    assert len(store.get_messages("k", last=2)) == 2
    assert len(list(store.iter_messages("k", page_size=2, reverse=True))) == 6
    assert store.count_messages("k") == 6
    assert "k" in store.get_keys()
    store.put_message("k", message("y", id="y"))
    assert store.get_message("k", "y") is not None
    assert store.truncate("k", from_id="y") == 1
    store.update_conversation("k", owner="ann")
    store.update_conversation("k", title="x", owner=None)
    store.delete_messages("k")
    store.create_conversation("k", owner="ann")
    assert store.delete_conversations(owner="ann") == ["k"]


def use_stores(url: str, *, stages: bool) -> None:
    """Use stores with and without a time to live, alternately."""
    for ttl in (None, 60, None):
        with RedisChatStore(url, ttl=ttl, namespace="rights") as store:
            if stages:
                backend_of(store).writer.limits = Limits(max_request_bytes=10_000)
                store.add_message("staged", message("x" * 20_000))
            store.add_message("k", message("begins to expire, or stops to"))
            use_everything(store)
            store.add_message("k", message("stays"))
            store.set_messages("gaps", [message(str(number)) for number in range(5)])
            store.delete_message("gaps", 2)
            store.get_messages("gaps")


def test_the_readme_states_what_the_scripts_call() -> None:
    assert stated_rights() == expected_rights()


@pytest.mark.parametrize("is_cluster", [False, True])
def test_a_user_with_exactly_these_rights(
    client: Any, server: RedisServer, cluster: list[RedisServer], is_cluster: bool
) -> None:
    login = ""
    nodes = [node.port for node in cluster] if is_cluster else [server.port]
    for port in nodes:
        with redis.Redis(port=port) as admin:
            login = add_user(admin, "rights", is_cluster=is_cluster)
    url = f"redis://{login}@127.0.0.1:{nodes[0]}"
    options: dict[str, Any] = {"namespace": "rights", "cluster": is_cluster}
    for ttl in (None, 60, None):
        with RedisChatStore(url, ttl=ttl, **options) as store:
            use_everything(store)
            store.add_message("k", message("stays for the next time to live"))

    async def scenario() -> None:
        async with RedisChatStore(url, **options) as store:
            await store.async_add_message("k", message("x"))
            assert "k" in await store.async_get_keys()
            await store.async_delete_messages("k")

    asyncio.run(scenario())


@pytest.mark.parametrize("command", sorted(set(required_commands()) - {"PING"}))
def test_a_missing_right_is_named(client: Any, server: RedisServer, command: str) -> None:
    """Each of them is needed by a call."""
    login = add_user(client, "rights")
    client.execute_command("ACL", "SETUSER", "user-rights", f"-{command.lower()}")
    client.script_flush()
    url = f"redis://{login}@127.0.0.1:{server.port}"
    # Redis before version 7 names only the line of a script, and one line makes both these calls.
    is_unnamed = command in {"ZRANGEBYSCORE", "ZREVRANGEBYSCORE"}
    text = "lacks a permission" if is_unnamed else f"may not call the command {command};"
    with pytest.raises(StoreAccessError, match=text):
        use_stores(url, stages=command == "PEXPIRE")


@pytest.mark.parametrize("command", sorted(set(required_commands()) - {"EVAL", "PING"}))
def test_check_names_a_missing_right(client: Any, server: RedisServer, command: str) -> None:
    """The scripts' sources are sent only to a server that lost them, so EVAL is not checked."""
    login = add_user(client, "rights")
    with RedisChatStore(f"redis://{login}@127.0.0.1:{server.port}", namespace="rights") as store:
        store.check()
        client.execute_command("ACL", "SETUSER", "user-rights", f"-{command.lower()}")
        with pytest.raises(StoreAccessError, match=f"may not call the command {command};"):
            store.check()
    assert list(client.scan_iter("rights:{check*")) == []


def test_keys_that_the_user_may_not_access(client: Any, server: RedisServer) -> None:
    login = add_user(client, "rights")
    url = f"redis://{login}@127.0.0.1:{server.port}"
    with (
        RedisChatStore(url, namespace="other") as store,
        pytest.raises(StoreAccessError, match="may not access the keys of the store's namespace"),
    ):
        store.add_message("k", message("x"))
