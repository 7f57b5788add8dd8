"""Calls that are repeated after many other calls take effect once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chatstore.core import ChatStore
from chatstore.core.testing.attempts import Attempt, attempting
from chatstore.core.testing.contract.modes import PATIENCE, SyncCaller
from chatstore.core.testing.healing.base import HealingBase
from chatstore.core.testing.healing.scenario import HANG, RelayedHarness
from chatstore.core.testing.healing.writes import BEFORE, WRITES, Write, check_kind, value_of
from chatstore.core.testing.messages import contents, message
from chatstore.core.testing.relay import Relay


class RepeatedCalls(HealingBase):
    @pytest.mark.parametrize("name", WRITES)
    def test_call_repeated_after_many_others(self, relayed: RelayedHarness, name: str) -> None:
        """A call whose reply is lost and that is repeated much later takes effect once.

        Before that, another client writes many messages, and undoes what the call did.
        """
        write = WRITES[name]
        relay = relayed.relay
        with relayed.open(timeout=PATIENCE) as store, relayed.open_direct() as other:
            for key in ("k", "warm"):
                other.set_messages(key, BEFORE)
            # Open a connection and load scripts: the first reply may be that a script is unknown,
            # which is not the reply to lose.
            write.make(store, "warm")
            relay.refuse()
            relay.lose_replies(1)
            with _calling(relay, lambda: write.make(attempting(store), "k")) as attempts:
                assert contents(other.get_messages("k")) == list(write.after)
                _write_much(other)
                _undo(other, write)
                other.add_message("k", message("z"))
                expected = contents(other.get_messages("k"))
            check_kind(attempts[0])
            if attempts[0].error is None and write.returned is not None:
                assert value_of(attempts[0].result) == write.returned
            assert contents(other.get_messages("k")) == expected, "it took effect again"

    @pytest.mark.parametrize("name", ["create", "update", "fork"])
    def test_conversation_call_repeated_after_many_others(
        self, relayed: RelayedHarness, name: str
    ) -> None:
        """As with messages: a later repetition neither overwrites nor refuses."""
        relay = relayed.relay
        mark = "lost-reply-mark"
        with relayed.open(timeout=PATIENCE) as store, relayed.open_direct() as other:
            if name != "create":
                other.create_conversation("source")
                other.add_message("source", message(mark))

            def act(store: Any, key: str) -> Any:
                if name == "fork":
                    return store.fork("source", key)
                method = f"{name}_conversation"
                return getattr(store, method)(key, title=mark, metadata={"mark": mark})

            for key in ("warm", "k") if name == "update" else ():
                other.create_conversation(key)
            act(store, "warm")
            relay.refuse()
            relay.lose_replies(1, containing=mark.encode())
            with _calling(relay, lambda: act(attempting(store), "k")) as attempts:
                before = other.get_conversation("k")
                assert before is not None
                assert before.title == (None if name == "fork" else mark)
                _write_much(other)
                other.set_messages("k", [message("z")])
                changed = other.update_conversation("k", title="changed", metadata={"mark": None})
            check_kind(attempts[0])
            assert other.get_conversation("k") == changed, "it took effect again"


@contextmanager
def _calling(relay: Relay, act: Callable[[], Attempt]) -> Iterator[list[Attempt]]:
    """Make a call in a thread; its reply is lost, and it is repeated after the context."""
    lost = relay.lost_replies
    attempts: list[Attempt] = []
    caller = threading.Thread(target=lambda: attempts.append(act()), daemon=True)
    caller.start()
    try:
        SyncCaller().wait_until(lambda: relay.lost_replies > lost, "no reply was lost")
        yield attempts
    finally:
        relay.lose_replies(0)
        relay.restore()
        caller.join(HANG)
    assert attempts, "the call never ended"


def _write_much(store: ChatStore) -> None:
    for number in range(40):
        store.add_message("k", message(f"other {number}"))
        store.delete_last_message("k")


def _undo(store: ChatStore, write: Write) -> None:
    """Remove what a call added, or write what it changed or removed."""
    if "d" in write.after and "a" in write.after:
        for _ in range(len(write.after) - len(BEFORE)):
            store.delete_message("k", write.after.index("d"))
    elif write.name in {"put_message", "remove_message", "truncate"}:
        store.put_message("k", message("changed", id="b"))
