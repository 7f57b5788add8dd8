"""Every public method that does I/O has an async twin with the same signature."""

from __future__ import annotations

import inspect
from typing import get_type_hints

import pytest

from chatstore.core.store import ChatStore

PUBLIC = {
    name: member
    for name, member in inspect.getmembers(ChatStore, inspect.isfunction)
    if not name.startswith("_")
}
SYNC = sorted(name for name in PUBLIC if not name.startswith("async_"))


def test_all_methods_are_compared() -> None:
    assert SYNC == [
        "add_message",
        "add_messages",
        "check",
        "close",
        "count_messages",
        "create_conversation",
        "delete_conversations",
        "delete_last_message",
        "delete_message",
        "delete_messages",
        "fork",
        "get_conversation",
        "get_keys",
        "get_message",
        "get_messages",
        "iter_conversations",
        "iter_keys",
        "iter_messages",
        "iterate",
        "list_conversations",
        "page_messages",
        "purge_expired",
        "put_message",
        "remove_message",
        "run",
        "set_messages",
        "setup",
        "snapshot",
        "truncate",
        "update_conversation",
    ]
    assert len(PUBLIC) == 2 * len(SYNC)


@pytest.mark.parametrize("name", SYNC)
def test_a_method_and_its_twin_agree(name: str) -> None:
    method, twin = PUBLIC[name], PUBLIC[f"async_{name}"]
    signature, twin_signature = inspect.signature(method), inspect.signature(twin)
    assert list(signature.parameters.values()) == list(twin_signature.parameters.values())
    if name.startswith("iter"):
        assert not inspect.iscoroutinefunction(twin)
        assert str(twin_signature.return_annotation) == f"Async{signature.return_annotation}"
    else:
        assert inspect.iscoroutinefunction(twin)
        assert get_type_hints(method)["return"] == get_type_hints(twin)["return"]
    assert method.__doc__
    assert f"Like `{name}`" in (twin.__doc__ or "")
