"""Migration copies each message once, goes on after a stop, and never overwrites."""

from __future__ import annotations

import json

import pytest

from chatstore.core import ChatMessage, CorruptMessageError, CorruptStoreError, SimpleChatStore
from chatstore.core.migration import JSONFile, MappedSource, MigrationError, migrate


def say(text, **fields):
    return ChatMessage(role="user", content=text, **fields)


def texts(store, key):
    return [message.content for message in store.get_messages(key)]


class Left:
    """What a library left behind, in memory."""

    def __init__(self, **conversations):
        self.conversations = conversations

    def keys(self):
        return self.conversations

    def items(self, key):
        return self.conversations[key]


def source(**conversations):
    return MappedSource(Left(**conversations), say)


class Stopping(SimpleChatStore):
    """A store whose process ends after some calls."""

    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def add_messages(self, key, messages):
        if self.calls == 0:
            raise KeyboardInterrupt
        self.calls -= 1
        super().add_messages(key, messages)


MANY = [f"message {number}" for number in range(1000)]


def test_copies_and_tells():
    store, told = SimpleChatStore(), []
    done = migrate(source(a=["1", "2"], b=["3"]), store, progress=lambda *one: told.append(one))

    assert {key: texts(store, key) for key in store.get_keys()} == {"a": ["1", "2"], "b": ["3"]}
    assert [(one.key, one.messages, one.copied) for one in done] == [("a", 2, 2), ("b", 1, 1)]
    assert [(one.key, number, of) for one, number, of in told] == [("a", 1, 2), ("b", 2, 2)]
    assert done[0].digest != done[1].digest


@pytest.mark.parametrize("calls", [0, 1, 2, 5])
def test_goes_on_after_a_stop(calls):
    left, store = source(a=MANY, b=["x"]), Stopping(calls)
    with pytest.raises(KeyboardInterrupt):
        migrate(left, store)
    before = store.count_messages("a")
    store.calls = -1
    done = migrate(left, store)

    assert texts(store, "a") == MANY
    assert done[0].copied == len(MANY) - before
    assert [one.copied for one in migrate(left, store)] == [0, 0]


def test_what_went_on_in_the_store_stays():
    left, store = source(a=["1", "2"]), SimpleChatStore()
    migrate(left, store)
    store.add_message("a", say("new"))

    assert migrate(left, store)[0].copied == 0
    assert texts(store, "a") == ["1", "2", "new"]


def test_something_else_is_never_overwritten():
    store = SimpleChatStore()
    store.add_messages("a", [say("1"), say("mine")])
    with pytest.raises(MigrationError, match="'a', message 1") as caught:
        migrate(source(a=["1", "2", "3"]), store)

    assert (caught.value.key, caught.value.position) == ("a", 1)
    assert texts(store, "a") == ["1", "mine"]


def test_a_source_that_changes_meanwhile_is_noticed():
    class Changing(Left):
        def items(self, key):
            found = list(super().items(key))
            self.conversations[key][0] = "changed"
            return found

    with pytest.raises(MigrationError, match="differs"):
        migrate(MappedSource(Changing(a=["1", "2"]), say), SimpleChatStore())


def test_keys_are_mapped():
    store = SimpleChatStore()
    migrate(source(a=["1"]), store, to_key=lambda key: f"user:{key}")
    assert store.get_keys() == ["user:a"]


def test_ids_are_kept_where_each_is_its_own():
    left = MappedSource(Left(a=["1", "2", "1"]), lambda text: say(text, id=text))
    store = SimpleChatStore()
    migrate(left, store)

    ids = [message.id for message in store.get_messages("a")]
    assert ids[:2] == ["1", "2"]
    assert len(set(ids)) == 3


def test_what_is_no_message_is_named():
    store = SimpleChatStore()
    with pytest.raises(CorruptMessageError) as caught:
        migrate(source(a=["1", 2]), store)
    assert (caught.value.key, caught.value.position) == ("a", 1)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"store": {"a": [1, 2], "empty": []}, "class_name": "x"}', {"a": [1, 2]}),
        ('{"a": [1]}', {"a": [1]}),
        ("[1, 2]", {"chat": [1, 2]}),
        (json.dumps('{"store": {"a": [1]}}'), {"a": [1]}),
        ("[]", {}),
    ],
)
def test_files(tmp_path, content, found):
    path = tmp_path / "chat.json"
    path.write_text(content)
    file = JSONFile(path, field="store")
    assert {key: list(file.items(key)) for key in file.keys()} == found  # noqa: SIM118


@pytest.mark.parametrize("content", ["", "{", "3", '{"a": 1}', '"["'])
def test_what_is_no_file_of_messages_is_refused(tmp_path, content):
    path = tmp_path / "chat.json"
    path.write_text(content)
    with pytest.raises(CorruptStoreError, match=r"chat\.json"):
        JSONFile(path)
