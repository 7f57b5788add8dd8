"""Migration copies each message once, goes on after a stop, and never overwrites."""

from __future__ import annotations

import json

import pytest

from chatstore.core import (
    ChatMessage,
    CorruptMessageError,
    CorruptStoreError,
    InvalidArgumentError,
    SimpleChatStore,
)
from chatstore.core.migration import (
    AzureTable,
    DynamoDBItems,
    EmptySourceError,
    JSONFile,
    MappedSource,
    MigrationError,
    RedisJSONDocuments,
    RedisLists,
    SQLArrays,
    SQLRows,
    migrate,
)


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


def test_an_empty_source_is_not_a_success():
    store = SimpleChatStore()
    for left, options in (
        (source(), {}),
        (SimpleChatStore(), {}),
        (source(a=["1"]), {"prefix": "user:"}),
        (source(a=["1"]), {"keys": []}),
        (source(a=["1"]), {"keys": ["a", "typo"]}),
    ):
        with pytest.raises(EmptySourceError):
            migrate(left, store, **options)
    assert store.get_keys() == []


def test_conversations_are_selected():
    left = source(**{"user:1": ["1"], "user:2": ["2"], "other": [3]})
    for options, expected in (
        ({"prefix": "user:"}, ["user:1", "user:2"]),
        ({"keys": ["user:2"]}, ["user:2"]),
        ({"keys": ["user:2"], "prefix": "user:"}, ["user:2"]),
    ):
        store = SimpleChatStore()
        assert [done.key for done in migrate(left, store, **options)] == expected
        assert sorted(store.get_keys()) == expected


def test_what_cannot_be_stored_is_skipped_as_a_whole_and_reported():
    bad = [*MANY, 7]
    left = source(a=["1"], bad=bad, **{"x" * 300: ["2"], "\udce9": ["3"]})
    store = SimpleChatStore()
    report = migrate(left, store, on_corrupt="skip")

    assert [done.key for done in report] == ["a"]
    assert store.get_keys() == ["a"]
    reasons = {skipped.key: skipped.reason for skipped in report.skipped}
    assert "position 1000" in reasons["bad"]
    assert "255" in reasons["x" * 300]
    assert "surrogate" in reasons["\udce9"]
    with pytest.raises(CorruptMessageError):
        migrate(source(bad=bad), store)
    assert store.get_keys() == ["a"]


def test_a_store_is_a_source():
    first, second = SimpleChatStore(), SimpleChatStore()
    first.add_messages("a", [say("1"), say("2")])
    first.add_message("b", say("3"))
    migrate(first, second)

    for key in ("a", "b"):
        one, other = first.get_messages(key), second.get_messages(key)
        assert [(m.id, m.created_at, m) for m in one] == [(m.id, m.created_at, m) for m in other]
    assert [done.copied for done in migrate(first, second)] == [0, 0]
    with pytest.raises(InvalidArgumentError, match="store itself"):
        migrate(first, first)
    migrate(first, first, to_key="copy of {}".format)
    assert sorted(first.get_keys()) == ["a", "b", "copy of a", "copy of b"]


@pytest.mark.parametrize(
    ("source_class", "arguments", "name"),
    [
        (SQLRows, {"table": "t", "key": "k", "value": "v"}, "engine"),
        (SQLArrays, {"table": "t", "key": "k", "value": "v"}, "engine"),
        (RedisLists, {}, "client"),
        (RedisJSONDocuments, {"prefix": "p", "key_field": "k", "time_field": "t"}, "client"),
        (DynamoDBItems, {}, "table"),
        (AzureTable, {}, "client"),
    ],
)
def test_urls_and_async_clients_are_refused_with_the_name_of_the_parameter(
    source_class, arguments, name
):
    class AsyncClient:
        """Has whatever is asked for."""

        def __getattr__(self, attribute):
            return lambda: None

    for wrong in ("scheme://user:hunter2@host", None, AsyncClient()):
        with pytest.raises(InvalidArgumentError, match=f"^{name} must be") as caught:
            source_class(wrong, **arguments)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("left", "store", "options", "reason"),
    [
        ("redis://host", SimpleChatStore(), {}, "source must be"),
        (source(a=["1"]), "sqlite:///x.db", {}, "store must be"),
        (source(a=["1"]), SimpleChatStore(), {"keys": "a"}, "keys must be a list"),
        (source(a=["1"]), SimpleChatStore(), {"on_corrupt": "ignore"}, "on_corrupt"),
    ],
)
def test_wrong_arguments(left, store, options, reason):
    with pytest.raises(InvalidArgumentError, match=reason):
        migrate(left, store, **options)


def test_errors_do_not_quote_messages():
    def to_message(value):
        raise ValueError(value)

    left = MappedSource(Left(a=["hunter2"]), to_message)
    with pytest.raises(CorruptMessageError) as caught:
        migrate(left, SimpleChatStore())
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is caught.value.__cause__ is None
