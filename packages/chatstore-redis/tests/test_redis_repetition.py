"""A script that is sent twice acts once, and answers the same."""

import pytest
import redis

from chatstore.core import ChatMessage
from chatstore.core.plans import run
from chatstore.redis import RedisChatStore
from chatstore.redis.commands import Commands


def say(text):
    return ChatMessage(role="user", content=text)


class Twice(Commands):
    """Sends every script twice, as after an answer that was lost."""

    def run(self, script, keys, args):
        first = super().run(script, keys, args)
        again = super().run(script, keys, args)
        assert again == first
        return first


@pytest.fixture
def twice(server, monkeypatch):
    with redis.Redis(port=server.port) as client:
        client.flushall()
        with RedisChatStore(redis_client=client) as store:
            monkeypatch.setattr(store, "_execute", lambda plan: run(plan, Twice(client, run)))
            yield store


def test_every_write_acts_once(twice):
    twice.set_messages("k", [say("a"), say("b")])
    twice.add_message("k", say("c"))
    twice.add_messages("k", [say("d"), say("e")])
    twice.add_message("k", say("z"), 0)
    twice.add_message("k", say("y"), 1)
    assert twice.delete_message("k", 2) == say("a")
    assert twice.delete_last_message("k") == say("e")
    assert [message.content for message in twice.get_messages("k")] == ["z", "y", "b", "c", "d"]
    twice.delete_messages("k")
    assert twice.count_messages("k") == 0
    twice.add_message("k", say("last"))
    assert twice.delete_last_message("k") == say("last")
    assert twice.get_keys() == []


def test_a_late_repetition_does_not_undo_what_followed(server, twice, monkeypatch):
    sent = []

    class Noting(Commands):
        def run(self, script, keys, args):
            sent.append((script, keys, args))
            return super().run(script, keys, args)

    with redis.Redis(port=server.port) as client:
        monkeypatch.setattr(twice, "_execute", lambda plan: run(plan, Noting(client, run)))
        twice.add_message("k", say("a"))
        twice.set_messages("k", [say("b"), say("c")])
        twice.delete_last_message("k")
        twice.delete_messages("k")
        twice.add_message("k", say("d"))
        for script, keys, args in sent:
            Commands(client, run).run(script, keys, args)
        assert twice.get_messages("k") == [say("d")]
