"""Stores refuse invalid arguments, and change nothing."""

from typing import Any

import pytest

from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.messages import message


class Arguments(Base):
    @pytest.mark.parametrize(
        ("name", "args", "kwargs"),
        [
            ("get_messages", (), {"last": -1}), ("get_messages", (), {"last": True}),
            ("get_messages", (), {"last": "1"}), ("delete_message", (True,), {}),
            ("delete_message", (1.0,), {}), ("add_message", (message("b"), "0"), {}),
            ("add_message", (message("b"), False), {}), ("add_message", ("text",), {}),
            ("set_messages", (["text"],), {}),
        ],
    )  # fmt: skip
    def test_nonsense_is_refused(
        self, store: ChatStore, call: Caller, name: str, args: Any, kwargs: Any
    ) -> None:
        call(store, "add_message", "k", message("a"))
        with pytest.raises(InvalidArgumentError):
            call(store, name, "k", *args, **kwargs)
        assert call(store, "get_messages", "k") == [message("a")]

    @pytest.mark.parametrize("size", [0, -1, True, "1"])
    def test_iterators_check_at_the_call(self, store: ChatStore, call: Caller, size: Any) -> None:
        with pytest.raises(InvalidArgumentError):
            call.iterate(store, "iter_messages", "k", page_size=size)
        with pytest.raises(InvalidArgumentError):
            call.iterate(store, "iter_keys", page_size=size)
