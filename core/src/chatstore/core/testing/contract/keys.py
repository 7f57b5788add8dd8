"""Keys are opaque: any string of 1 to 255 UTF-8 bytes, different from every other."""

from typing import Any

import pytest

from chatstore.core import ChatStore, InvalidKeyError
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message

KEYS = [
    *"/\\#?%*[]{}: '\"`\n\r\t\0.-_$@&=+,;<>|!~^()",
    "a", "A", "a#7", "a:7", "a/7", "a\0", "a\0b", "ab", "a ", " a", "a%", "a_", "a*", "a%00",
    "..", "../a", "{a}", "{a}:head", "[a-z]", "\U0001f600", "\u00e9", "e\u0301", "\uffff",
    "__head__", "'; --", "x" * 255, "x" * 254, "\u00e9" * 127, "\U0001f600" * 63,
]  # fmt: skip


class Keys(Base):
    @pytest.fixture
    def keys(self, harness: ContractHarness) -> list[str]:
        """Return keys that hurt; a layer may allow only shorter ones."""
        return list(dict.fromkeys(harness.name(key) for key in KEYS))

    def test_keys_that_hurt_are_isolated(
        self, store: ChatStore, call: Caller, keys: list[str]
    ) -> None:
        for key in keys:
            call(store, "add_message", key, message(f"of {key!r}"))
        assert sorted(call(store, "get_keys")) == sorted(keys)
        for key in keys:
            assert contents(call(store, "get_messages", key)) == [f"of {key!r}"]

    def test_deleting_one_key_leaves_the_others(
        self, store: ChatStore, call: Caller, keys: list[str]
    ) -> None:
        for key in keys:
            call(store, "add_message", key, message(key))
        left = set(keys)
        for key in keys[::3]:
            call(store, "delete_messages", key)
            left.remove(key)
        assert sorted(call(store, "get_keys")) == sorted(left)
        assert all(contents(call(store, "get_messages", k)) == [k] for k in left)

    @pytest.mark.parametrize("prefix", ["", "a", "%", "_", "*", "[", "\0", "a%", "\u00e9", "no"])
    def test_prefix_is_literal(
        self, store: ChatStore, call: Caller, keys: list[str], prefix: str
    ) -> None:
        for key in keys:
            call(store, "add_message", key, message("x"))
        expected = sorted(k for k in keys if k.startswith(prefix))
        assert sorted(call(store, "get_keys", prefix)) == expected

    @pytest.mark.parametrize("key", ["", "x" * 256, "\u00e9" * 128, "\ud800", b"a", None, 7])
    def test_invalid_keys_are_refused(self, store: ChatStore, call: Caller, key: Any) -> None:
        for name, args in [
            ("add_message", (message("a"),)), ("add_messages", ([message("a")],)),
            ("set_messages", ([message("a")],)), ("get_messages", ()), ("count_messages", ()),
            ("delete_messages", ()), ("delete_message", (0,)), ("delete_last_message", ()),
        ]:  # fmt: skip
            with pytest.raises(InvalidKeyError):
                call(store, name, key, *args)
        assert call(store, "get_keys") == []
