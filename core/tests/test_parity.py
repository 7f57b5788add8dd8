"""Every public method that does I/O has its twin, with the same signature."""

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


def test_it_looked_at_all_methods() -> None:
    assert (
        sorted(
            [
                "add_message",
                "add_messages",
                "close",
                "count_messages",
                "delete_last_message",
                "delete_message",
                "delete_messages",
                "get_keys",
                "get_messages",
                "iter_keys",
                "iter_messages",
                "set_messages",
            ]
        )
        == SYNC
    )
    assert len(PUBLIC) == 2 * len(SYNC)


@pytest.mark.parametrize("name", SYNC)
def test_a_method_and_its_twin_agree(name: str) -> None:
    method, twin = PUBLIC[name], PUBLIC[f"async_{name}"]
    ours, theirs = inspect.signature(method), inspect.signature(twin)
    assert list(ours.parameters.values()) == list(theirs.parameters.values())
    if name.startswith("iter_"):
        assert not inspect.iscoroutinefunction(twin)
        assert str(theirs.return_annotation) == f"Async{ours.return_annotation}"
    else:
        assert inspect.iscoroutinefunction(twin)
        assert get_type_hints(method)["return"] == get_type_hints(twin)["return"]
    assert method.__doc__
    assert f"Like `{name}`" in (twin.__doc__ or "")
