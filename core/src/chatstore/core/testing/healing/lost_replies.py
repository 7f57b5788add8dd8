"""Calls whose replies are lost take effect once."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.core.testing.attempts import Attempt, attempting
from chatstore.core.testing.healing.base import HealingBase
from chatstore.core.testing.healing.scenario import Scenario, answer
from chatstore.core.testing.healing.writes import BEFORE, WRITES, Write, check_kind, value_of
from chatstore.core.testing.messages import contents, message


class LostReplies(HealingBase):
    @pytest.mark.parametrize("name", WRITES)
    def test_lost_reply(self, scenario: Scenario, name: str) -> None:
        """The call takes effect once, or it fails and takes effect at most once."""
        write = WRITES[name]
        for key in ("one", "two"):  # mixed mode uses the other mode for the second key
            scenario.call(scenario.store, "set_messages", key, BEFORE)
            lost = scenario.relay.lost_replies
            scenario.relay.lose_replies(1)
            attempts = attempting(scenario.store)
            attempt = scenario.call(attempts, write.name, key, *write.args, **write.kwargs)
            assert scenario.relay.lost_replies == lost + 1
            scenario.relay.lose_replies(0)

            _check_once(scenario, key, attempt, write)
            if write.name.startswith(("add", "put")):  # a caller may repeat a call with ids
                scenario.call(scenario.store, write.name, key, *write.args)
                stored = contents(answer(scenario.store, scenario.call, key))
                assert stored == list(write.after)

    def test_several_lost_replies(self, scenario: Scenario) -> None:
        """A call takes effect once, even if its reply is lost several times."""
        mark = "lost-reply-mark"
        scenario.append()
        scenario.relay.lose_replies(3, containing=mark.encode())
        calls = attempting(scenario.store)
        tries = [scenario.call(calls, "add_message", "m", message(mark, id="1")) for _ in range(5)]
        assert tries[-1].error is None
        assert contents(answer(scenario.store, scenario.call, "m")) == [mark]

    @pytest.mark.parametrize("name", ["create", "give", "release", "fork", "delete", "erase"])
    def test_lost_replies_of_writes_with_owners(self, scenario: Scenario, name: str) -> None:
        """Whichever reply is lost, the owner's list equals what exists."""
        for skip in range(4):
            key, new = f"{name}{skip}", f"{name}{skip}+"
            options = {"owner": "bob"} if name in {"release", "delete", "erase"} else {}
            calls: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
                "create": ("create_conversation", (new,), {"owner": "ann"}),
                "give": ("update_conversation", (key,), {"owner": "ann"}),
                "release": ("update_conversation", (key,), {"owner": None}),
                "fork": ("fork", (key, new), {"owner": "ann"}),
                "delete": ("delete_messages", (key,), {}),
                "erase": ("delete_conversations", (), {"owner": "bob"}),
            }
            method, args, kwargs = calls[name]
            scenario.call(scenario.store, "create_conversation", key, **options)
            scenario.call(scenario.store, "add_message", key, message("a"))
            scenario.relay.lose_replies(1, skip=skip)
            attempt = scenario.call(attempting(scenario.store), method, *args, **kwargs)
            scenario.relay.lose_replies(0)
            check_kind(attempt)
            answer(scenario.store, scenario.call, key)  # another connection
            changed = scenario.call(scenario.store, "get_conversation", args[-1] if args else key)
            owner = None if changed is None else changed.owner
            after = "ann" if name in {"create", "give", "fork"} else None
            assert owner == after or attempt.error is not None
            existing = scenario.call(scenario.store, "list_conversations").conversations
            for who in ("ann", "bob"):
                page = scenario.call(scenario.store, "list_conversations", owner=who)
                listed = sorted(one.key for one in page.conversations)
                assert listed == sorted(one.key for one in existing if one.owner == who)


def _check_once(scenario: Scenario, key: str, attempt: Attempt, write: Write) -> None:
    check_kind(attempt)
    stored = contents(answer(scenario.store, scenario.call, key))
    if attempt.error is None:
        assert stored == list(write.after)
        assert value_of(attempt.result) == write.returned
    else:
        assert stored in (list(write.after), contents(BEFORE))
