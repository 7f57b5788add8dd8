"""Every call translates errors of the driver, and constructors do not use the database."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.core import ChatStore, ChatStoreError, InvalidArgumentError
from chatstore.core.errors import DriverError
from chatstore.core.testing.contract.base import Base, require
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message

_SECRET = "content-of-a-user"
CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("add_message", ("k", message(_SECRET))),
    ("add_message", ("k", message(_SECRET), 0)),
    ("add_messages", ("k", [message(_SECRET), message(_SECRET)])),
    ("set_messages", ("k", [message(_SECRET)])),
    ("get_messages", ("k",)),
    ("count_messages", ("k",)),
    ("delete_message", ("k", 0)),
    ("delete_last_message", ("k",)),
    ("delete_messages", ("k",)),
    ("get_keys", ()),
    ("check", ()),
]


class DriverErrors(Base):
    def test_driver_errors_are_translated(
        self, harness: ContractHarness, store: ChatStore, call: Caller
    ) -> None:
        """Every call raises a subclass of `ChatStoreError`, which names the call and a cause."""
        require(harness, "failing")
        call(store, "add_message", "k", message("a"))
        with harness.failing():
            for name, args in CALLS:
                with pytest.raises(ChatStoreError) as caught:
                    call(store, name, *args)
                _check(caught.value, name)
            for name, args in (("iter_messages", ("k",)), ("iter_keys", ())):
                with pytest.raises(ChatStoreError) as caught:
                    drain(call.iterate(store, name, *args))
                _check(caught.value, name)
        stored = contents(call(store, "get_messages", "k"))
        assert stored[:1] == ["a"], "the store does not work after its database does"

    def test_constructor_needs_no_database(self, harness: ContractHarness, call: Caller) -> None:
        """An unreachable database is an error of the first call, not of the constructor."""
        require(harness, "unreachable")
        try:
            store = harness.unreachable()
        except Exception as error:
            pytest.fail(f"the constructor raised {type(error).__name__}: it opens the database")
        try:
            for name, args in CALLS[::3] + CALLS[-1:]:
                with pytest.raises(ChatStoreError) as caught:
                    call(store, name, *args)
                _check(caught.value, name)
        finally:
            call(store, "close")


def _check(error: ChatStoreError, name: str) -> None:
    assert type(error) is not ChatStoreError, f"this driver error is not translated: {error}"
    assert not isinstance(error, InvalidArgumentError), "the error blames the arguments"
    assert str(error).startswith(f"{name}: "), f"the error does not name the call: {error}"
    assert len(str(error)) > len(name) + 10, "the error does not say what is wrong"
    chain: BaseException | None = error
    while chain is not None:
        assert _SECRET not in str(chain), "the error quotes content"
        assert isinstance(chain, (ChatStoreError, DriverError)), (
            "the chain of causes contains the driver's error"
        )
        chain = chain.__cause__ or chain.__context__
