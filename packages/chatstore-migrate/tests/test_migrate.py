"""Migration copies each message once, resumes after an interruption, and never overwrites."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from chatstore.core import (
    ChatMessage,
    ChatStore,
    CorruptMessageError,
    CorruptStoreError,
    InvalidArgumentError,
    SimpleChatStore,
)
from chatstore.migrate import (
    AzureTable,
    DynamoDBItems,
    EmptySourceError,
    JSONFile,
    MappedSource,
    MigrationError,
    Progress,
    RedisJSONDocuments,
    RedisLists,
    SQLArrays,
    SQLRows,
    fingerprint,
    migrate,
)


def message(text: str, *, id: str | None = None) -> ChatMessage:  # noqa: A002 - the field's name
    return ChatMessage(role="user", content=text, id=id)


def contents(store: ChatStore, key: str) -> list[object]:
    return [message.content for message in store.get_messages(key)]


class Lists:
    """Conversations that another library stored, in memory."""

    def __init__(self, **conversations: list[Any]) -> None:
        self.conversations = conversations

    def keys(self) -> Iterable[str]:
        return self.conversations

    def items(self, key: str) -> list[Any]:
        return self.conversations[key]


def source_of(**conversations: list[Any]) -> MappedSource:
    return MappedSource(Lists(**conversations), message)


class InterruptedStore(SimpleChatStore):
    """A store whose process is interrupted after some calls."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls

    def add_messages(
        self, key: str, messages: Iterable[ChatMessage], *, expected_revision: str | None = None
    ) -> None:
        if self.calls == 0:
            raise KeyboardInterrupt
        self.calls -= 1
        super().add_messages(key, messages, expected_revision=expected_revision)


MANY = [f"message {number}" for number in range(1000)]


def test_copies_and_reports() -> None:
    store = SimpleChatStore()
    calls: list[Progress] = []
    report = migrate(source_of(a=["1", "2"], b=["3"]), store, progress=calls.append)

    assert {key: contents(store, key) for key in store.get_keys()} == {"a": ["1", "2"], "b": ["3"]}
    assert (report.conversations, report.messages, report.copied, report.skipped) == (2, 3, 3, [])
    assert calls[-1] == Progress(2, 2, 3, None, "b")
    assert [(one.conversations, one.messages) for one in calls if one.messages] == [
        (0, 2),
        (1, 2),
        (1, 2),
        (1, 3),
        (2, 3),
    ]
    assert report.digest == fingerprint(store).digest is not None


@pytest.mark.parametrize("calls", [0, 1, 2, 5])
def test_resumes_after_an_interruption(calls: int) -> None:
    source, store = source_of(a=MANY, b=["x"]), InterruptedStore(calls)
    with pytest.raises(KeyboardInterrupt):
        migrate(source, store)
    before = store.count_messages("a")
    store.calls = -1
    report = migrate(source, store)

    assert contents(store, "a") == MANY
    assert report.copied == len(MANY) - before + 1
    assert migrate(source, store).copied == 0


def test_later_messages_in_the_store_stay() -> None:
    source, store = source_of(a=["1", "2"]), SimpleChatStore()
    migrate(source, store)
    store.add_message("a", message("new"))

    assert migrate(source, store).copied == 0
    assert contents(store, "a") == ["1", "2", "new"]


def test_different_messages_are_never_overwritten() -> None:
    store = SimpleChatStore()
    migrate(source_of(a=["1"]), store)
    store.add_message("a", message("mine"))
    with pytest.raises(MigrationError, match="'a', message 1") as caught:
        migrate(source_of(a=["1", "2", "3"]), store)

    assert (caught.value.key, caught.value.position) == ("a", 1)
    assert contents(store, "a") == ["1", "mine"]
    migrate(source_of(a=["1", "2", "3"]), store, overwrite=True)
    assert contents(store, "a") == ["1", "2", "3"]


def test_a_source_that_changes_meanwhile_is_detected() -> None:
    class ChangingLists(Lists):
        def items(self, key: str) -> list[Any]:
            before = list(super().items(key))
            self.conversations[key][0] += "!"
            return before

    with pytest.raises(MigrationError, match="differs"):
        migrate(MappedSource(ChangingLists(a=list(MANY)), message), SimpleChatStore())


def test_keys_are_mapped() -> None:
    store = SimpleChatStore()
    migrate(source_of(a=["1"]), store, to_key=lambda key: f"user:{key}")
    assert store.get_keys() == ["user:a"]


def test_ids_are_kept_unless_repeated() -> None:
    source = MappedSource(Lists(a=["1", "2", "1"]), lambda text: message(text, id=text))
    store = SimpleChatStore()
    migrate(source, store)

    ids = [message.id for message in store.get_messages("a")]
    assert ids[:2] == ["1", "2"]
    assert len(set(ids)) == 3


def test_a_value_that_is_not_a_message_is_named() -> None:
    store = SimpleChatStore()
    with pytest.raises(CorruptMessageError) as caught:
        migrate(source_of(a=["1", 2]), store)
    assert (caught.value.key, caught.value.position) == ("a", 1)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"store": {"a": [1, 2], "empty": []}, "class_name": "x"}', {"a": [1, 2]}),
        ('{"a": [1]}', {"a": [1]}),
        ("[1, 2]", {"chat": [1, 2]}),
        (json.dumps('{"store": {"a": [1]}}'), {"a": [1]}),
        ("[]", {}),
    ],
)
def test_files(tmp_path: Path, content: str, expected: dict[str, list[int]]) -> None:
    path = tmp_path / "chat.json"
    path.write_text(content)
    file = JSONFile(path, field="store")
    assert {key: list(file.items(key)) for key in file.keys()} == expected  # noqa: SIM118


@pytest.mark.parametrize("content", ["", "{", "3", '{"a": 1}', '"["'])
def test_files_of_another_form_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "chat.json"
    path.write_text(content)
    with pytest.raises(CorruptStoreError, match=r"chat\.json"):
        JSONFile(path)


def test_an_empty_source_is_not_a_success() -> None:
    store = SimpleChatStore()
    cases: list[tuple[MappedSource | SimpleChatStore, dict[str, Any]]] = [
        (source_of(), {}),
        (SimpleChatStore(), {}),
        (source_of(a=["1"]), {"prefix": "user:"}),
        (source_of(a=["1"]), {"keys": []}),
        (source_of(a=["1"]), {"keys": ["a", "typo"]}),
    ]
    for source, options in cases:
        with pytest.raises(EmptySourceError):
            migrate(source, store, **options)
    assert store.get_keys() == []


def test_conversations_are_selected() -> None:
    conversations: dict[str, list[Any]] = {"user:1": ["1"], "user:2": ["2"], "other": [3]}
    source = source_of(**conversations)
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"prefix": "user:"}, ["user:1", "user:2"]),
        ({"keys": ["user:2"]}, ["user:2"]),
        ({"keys": ["user:2"], "prefix": "user:"}, ["user:2"]),
    ]
    for options, expected in cases:
        store = SimpleChatStore()
        assert migrate(source, store, **options).conversations == len(expected)
        assert sorted(store.get_keys()) == expected


def test_what_cannot_be_stored_is_skipped_as_a_whole_and_reported() -> None:
    bad = [*MANY, 7]
    source = source_of(a=["1"], bad=bad, **{"x" * 300: ["2"], "\udce9": ["3"]})
    store = SimpleChatStore()
    report = migrate(source, store, on_error="skip")

    assert report.conversations == 1
    assert store.get_keys() == ["a"]
    reasons = {skipped.key: skipped.reason for skipped in report.skipped}
    assert "position 1000" in reasons["bad"]
    assert "255" in reasons["x" * 300]
    assert "surrogate" in reasons["\udce9"]
    with pytest.raises(CorruptMessageError):
        migrate(source_of(bad=bad), store)
    assert store.get_keys() == ["a"]


def test_a_store_is_a_source() -> None:
    first, second = SimpleChatStore(), SimpleChatStore()
    first.add_messages("a", [message("1"), message("2")])
    first.add_message("b", message("3"))
    migrate(first, second)

    for key in ("a", "b"):
        one, other = first.get_messages(key), second.get_messages(key)
        assert [(m.id, m.created_at, m) for m in one] == [(m.id, m.created_at, m) for m in other]
    assert migrate(first, second).copied == 0
    with pytest.raises(InvalidArgumentError, match="store itself"):
        migrate(first, first)
    migrate(first, first, to_key="copy of {}".format)
    assert sorted(first.get_keys()) == ["a", "b", "copy of a", "copy of b"]


@pytest.mark.parametrize(
    ("reader", "arguments", "name"),
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
    reader: Callable[..., object], arguments: dict[str, str], name: str
) -> None:
    class AsyncClient:
        """Has every attribute."""

        def __getattr__(self, attribute: str) -> object:
            return attribute

    for wrong in ("scheme://user:hunter2@host", None, AsyncClient()):
        with pytest.raises(InvalidArgumentError, match=f"^{name} must be") as caught:
            reader(wrong, **arguments)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "store", "options", "reason"),
    [
        ("redis://host", SimpleChatStore(), {}, "source must be"),
        (source_of(a=["1"]), "sqlite:///x.db", {}, "store must be"),
        (source_of(a=["1"]), SimpleChatStore(), {"keys": "a"}, "keys must be a list"),
        (source_of(a=["1"]), SimpleChatStore(), {"on_error": "ignore"}, "on_error"),
    ],
)
def test_wrong_arguments(source: Any, store: Any, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidArgumentError, match=reason):
        migrate(source, store, **options)


def test_errors_do_not_quote_messages() -> None:
    def refuse(value: str) -> NoReturn:
        raise ValueError(value)

    with pytest.raises(CorruptMessageError) as caught:
        migrate(MappedSource(Lists(a=["hunter2"]), refuse), SimpleChatStore())
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is caught.value.__cause__ is None
