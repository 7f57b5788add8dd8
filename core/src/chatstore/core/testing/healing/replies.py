"""Slow and late replies reach their own calls, and no other."""

from __future__ import annotations

import asyncio

from chatstore.core.testing.attempts import attempting
from chatstore.core.testing.contract.modes import PATIENCE
from chatstore.core.testing.healing.base import HealingBase
from chatstore.core.testing.healing.scenario import HANG, RelayedHarness, Scenario, answer
from chatstore.core.testing.healing.stalls import repeat_after_stalls
from chatstore.core.testing.healing.writes import check_kind
from chatstore.core.testing.messages import contents, message


class Replies(HealingBase):
    def test_slow_replies_are_waited_for(self, scenario: Scenario) -> None:
        scenario.fill(2)
        scenario.relay.delay(0.15)

        attempts = [scenario.append() for _ in range(2)]
        assert [attempt.error for attempt in attempts if attempt.error] == []
        scenario.check_messages()

    @repeat_after_stalls
    def test_late_replies_reach_nobody(self, hasty: Scenario) -> None:
        """A reply that arrives after its call timed out is not returned by another call."""
        keys = ["a", "b", "c"]
        for key in keys:
            hasty.call(hasty.store, "add_message", key, message(f"of {key}"))
        attempts = attempting(hasty.store)
        for name, args in (("get_messages", ("a",)), ("add_message", ("b", message("late")))):
            hasty.relay.delay(0.7 * hasty.timeout)
            attempt = hasty.call(attempts, name, *args)
            hasty.relay.delay(0)
            check_kind(attempt)
            if name == "get_messages" and attempt.error is None:
                assert contents(attempt.result) == ["of a"]
            for key in reversed(keys):
                got = contents(answer(hasty.store, hasty.call, key))
                assert got[:1] == [f"of {key}"], "the reply to another call"
                assert got[1:] in ([], ["late"]), "a call took effect more than once"

    def test_cancelled_calls_leave_no_reply_behind(self, relayed: RelayedHarness) -> None:
        """The connection of a cancelled call is not used while a reply is pending."""
        store = relayed.open(timeout=PATIENCE)
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
