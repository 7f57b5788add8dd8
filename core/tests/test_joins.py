"""A message that needs a later message is kept or left out together with it."""

from __future__ import annotations

import pytest

from chatstore.core import ChatMemoryBuffer, ChatMessage
from chatstore.core.framework_payload import Joins, attach_payload, joins_of, payload_for


def joining(name: str, joins: Joins | None = Joins.MESSAGE) -> ChatMessage:
    common = ChatMessage(role="assistant", content=None, id=name)
    return attach_payload(common, "some", {"name": name}, joins=joins)


def message(name: str, role: str = "user") -> ChatMessage:
    return ChatMessage(role=role, content=name, id=name)  # type: ignore[arg-type]


def calls(name: str, *ids: str) -> ChatMessage:
    made = [{"id": identity, "function": {"name": "t"}} for identity in ids]
    return ChatMessage(role="assistant", id=name, additional_kwargs={"tool_calls": made})


def result(identity: str) -> ChatMessage:
    kwargs = {"tool_call_id": identity}
    return ChatMessage(role="tool", content="r", id=f"result {identity}", additional_kwargs=kwargs)


def window(*messages: ChatMessage) -> list[str | None]:
    buffer = ChatMemoryBuffer(
        1000,
        tokenizer_fn=str.split,
        payload_fn=lambda message: payload_for(message, "some"),
    )
    buffer.put_messages(messages)
    return [message.id for message in buffer.get()]


Q, LAST = message("q"), message("last")
THOUGHT, SHARED = joining("thought"), joining("shared", Joins.CALLS)


@pytest.mark.parametrize(
    ("messages", "left_out"),
    [
        ([Q, THOUGHT, message("a", "assistant"), LAST], set()),
        ([Q, THOUGHT, joining("more"), message("a", "assistant"), LAST], set()),
        ([Q, THOUGHT, LAST], {"thought"}),
        ([Q, message("a", "assistant"), THOUGHT], {"thought"}),
        ([Q, THOUGHT, calls("c", "1"), result("1"), LAST], set()),
        ([Q, THOUGHT, calls("c", "1"), LAST], {"thought", "c"}),
        ([Q, THOUGHT, SHARED, calls("c", "1", "2"), result("1"), result("2"), LAST], set()),
        (
            [Q, THOUGHT, SHARED, calls("c", "1", "2"), result("1"), LAST],
            {"thought", "shared", "c", "result 1"},
        ),
        (
            [Q, THOUGHT, SHARED, message("a", "assistant"), calls("c", "1"), LAST],
            {"thought", "shared", "c"},
        ),
        ([Q, SHARED, message("a", "assistant"), calls("c", "1"), result("1"), LAST], set()),
        ([Q, THOUGHT, SHARED, calls("c", "1", "2"), result("1")], set()),
        ([Q, THOUGHT, SHARED, LAST], {"thought", "shared"}),
        ([THOUGHT, calls("c", "1"), result("1")], set()),
    ],
)
def test_neither_is_kept_without_the_other(messages: list[ChatMessage], left_out: set[str]) -> None:
    assert window(*messages) == [m.id for m in messages if m.id not in left_out]


def test_a_running_exchange_comes_behind_later_messages_of_the_user() -> None:
    messages = [Q, THOUGHT, calls("c", "1", "2"), message("wait"), result("1")]

    assert window(*messages) == ["q", "wait", "thought", "c", "result 1"]


@pytest.mark.parametrize("payload", [None, 1, [], {}, {"some": 1}, {"some": {"joins": ["x"]}}])
def test_any_payload_is_read(payload: object) -> None:
    assert (
        joins_of(ChatMessage(role="user", additional_kwargs={"chatstore.payload": payload})) is None
    )
    assert joins_of(joining("a", joins=None)) is None
