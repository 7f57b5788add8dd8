"""Calls take effect once, even if their replies are lost or late."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from chatstore.core import StoreUnavailableError
from chatstore.core.testing.attempts import Attempt, attempting
from chatstore.core.testing.contract.modes import SyncCaller
from chatstore.core.testing.healing.base import (
    HANG,
    HealingBase,
    RelayedHarness,
    Scenario,
    answer,
)
from chatstore.core.testing.messages import contents, message

_BEFORE = [message(c, id=c) for c in "abc"]
# Each call, the conversation after it (before: a, b, c), and the content of what it returns.
WRITES: list[tuple[str, tuple[Any, ...], str, str | None]] = [
    ("add_message", (message("d", id="d"),), "abcd", None),
    ("add_messages", ([message("d", id="d"), message("e", id="e")],), "abcde", None),
    ("add_message", (message("d", id="d"), 1), "adbc", None),
    ("set_messages", ([message("d", id="d")],), "d", None),
    ("delete_last_message", (), "ab", "c"),
    ("delete_message", (0,), "bc", "a"),
    ("delete_messages", (), "", None),
]
_WRITE_NAMES = ["append", "append-many", "insert", "set", "delete-last", "delete-first", "delete"]


class Replies(HealingBase):
    @pytest.mark.parametrize(("name", "args", "after", "returned"), WRITES, ids=_WRITE_NAMES)
    def test_lost_reply(
        self, scenario: Scenario, name: str, args: Any, after: str, returned: str | None
    ) -> None:
        """The call takes effect once, or it fails and takes effect at most once."""
        for key in ("one", "two"):  # mixed mode uses the other mode for the second key
            scenario.call(scenario.store, "set_messages", key, _BEFORE)
            lost = scenario.relay.lost_replies
            scenario.relay.lose_replies(1)
            attempt = scenario.call(attempting(scenario.store), name, key, *args)
            assert scenario.relay.lost_replies == lost + 1
            scenario.relay.lose_replies(0)

            _check_once(scenario, key, attempt, after, returned)
            if name.startswith("add"):  # a caller may repeat a call with ids
                scenario.call(scenario.store, name, key, *args)
                assert contents(answer(scenario.store, scenario.call, key)) == list(after)

    def test_several_lost_replies(self, scenario: Scenario) -> None:
        """A call takes effect once, even if its reply is lost several times."""
        mark = "lost-reply-mark"
        scenario.append()
        scenario.relay.lose_replies(3, containing=mark.encode())
        calls = attempting(scenario.store)
        tries = [scenario.call(calls, "add_message", "m", message(mark, id="1")) for _ in range(5)]
        assert tries[-1].error is None
        assert contents(answer(scenario.store, scenario.call, "m")) == [mark]

    @pytest.mark.parametrize(("name", "args", "after", "returned"), WRITES, ids=_WRITE_NAMES)
    def test_call_repeated_after_many_others(
        self, relayed: RelayedHarness, name: str, args: Any, after: str, returned: str | None
    ) -> None:
        """A call whose reply is lost and that is repeated much later takes effect once.

        Before that, another client writes many messages, and removes those that the call added.
        """
        relay = relayed.relay
        with relayed.open(timeout=10.0) as store, relayed.open_direct() as other:
            other.set_messages("k", _BEFORE)
            # Open a connection and load scripts: the first reply may be that a script is unknown,
            # which is not the reply to lose.
            getattr(store, name)("warm", *args)
            relay.refuse()
            relay.lose_replies(1)
            lost = relay.lost_replies
            attempts: list[Attempt] = []
            caller = threading.Thread(
                target=lambda: attempts.append(getattr(attempting(store), name)("k", *args)),
                daemon=True,
            )
            caller.start()
            try:
                SyncCaller().wait_until(lambda: relay.lost_replies > lost, "no reply was lost")
                assert contents(other.get_messages("k")) == list(after)
                for number in range(40):
                    other.add_message("k", message(f"other {number}"))
                    other.delete_last_message("k")
                if name.startswith("add"):
                    for _ in range(len(after) - len(_BEFORE)):
                        other.delete_message("k", after.index("d"))
                    after = "abc"
                other.add_message("k", message("z"))
            finally:
                relay.lose_replies(0)
                relay.restore()
                caller.join(HANG)
            assert attempts, "the call never ended"
            _check_kind(attempts[0])
            if attempts[0].error is None and returned is not None:
                assert attempts[0].result.content == returned
            assert contents(other.get_messages("k")) == [*after, "z"], "it took effect again"

    def test_slow_replies_are_waited_for(self, scenario: Scenario) -> None:
        scenario.fill(2)
        scenario.relay.delay(0.15 * scenario.timeout)

        attempts = [scenario.append() for _ in range(2)]
        assert [attempt.error for attempt in attempts if attempt.error] == []
        scenario.check_messages()

    def test_late_replies_reach_nobody(self, scenario: Scenario) -> None:
        """A reply that arrives after its call timed out is not returned by another call."""
        keys = ["a", "b", "c"]
        for key in keys:
            scenario.call(scenario.store, "add_message", key, message(f"of {key}"))
        attempts = attempting(scenario.store)
        for name, args in (("get_messages", ("a",)), ("add_message", ("b", message("late")))):
            scenario.relay.delay(0.7 * scenario.timeout)
            attempt = scenario.call(attempts, name, *args)
            scenario.relay.delay(0)
            _check_kind(attempt)
            if name == "get_messages" and attempt.error is None:
                assert contents(attempt.result) == ["of a"]
            for key in reversed(keys):
                got = contents(answer(scenario.store, scenario.call, key))
                assert got[:1] == [f"of {key}"], "the reply to another call"
                assert got[1:] in ([], ["late"]), "a call took effect more than once"

    def test_cancelled_calls_leave_no_reply_behind(self, relayed: RelayedHarness) -> None:
        """The connection of a cancelled call is not used while a reply is pending."""
        store = relayed.open(timeout=30.0)
        delay = 0.1

        async def scenario() -> None:
            for key in "abcd":
                await store.async_add_message(key, message(f"of {key}"))
            for key in "abcd":
                relayed.relay.delay(delay)
                tasks = [asyncio.create_task(store.async_get_messages(key)) for _ in range(3)]
                await asyncio.sleep(delay / 2)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                relayed.relay.delay(0)
                for other in "abcd":
                    assert contents(await store.async_get_messages(other)) == [f"of {other}"]
            await store.async_close()

        try:
            asyncio.run(asyncio.wait_for(scenario(), HANG))
        finally:
            relayed.relay.delay(0)


def _check_once(
    scenario: Scenario, key: str, attempt: Attempt, after: str, returned: str | None
) -> None:
    _check_kind(attempt)
    stored = contents(answer(scenario.store, scenario.call, key))
    if attempt.error is None:
        assert stored == list(after)
        assert (attempt.result and attempt.result.content) == returned
    else:
        assert stored in (list(after), contents(_BEFORE))


def _check_kind(attempt: Attempt) -> None:
    assert attempt.error is None or isinstance(attempt.error, StoreUnavailableError), (
        f"a fault of the network is not {type(attempt.error).__name__}"
    )
