"""Formats of messages: their pages, put together, are what the converters return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from http_client import CheckedClient
from openai.types.conversations import ConversationItemList

from chatstore.core import ChatMessage, ChatStore, from_responses, to_agui, to_ui_messages
from chatstore.http.conversation_items import to_conversation_items

CONVERTERS: dict[str, Callable[[list[ChatMessage]], list[dict[str, Any]]]] = {
    "openai": to_conversation_items,
    "ui": to_ui_messages,
    "agui": to_agui,
}


def call(number: int) -> ChatMessage:
    block = {"type": "tool_call", "id": f"c{number}", "name": "find", "arguments": "{}"}
    text = {"type": "text", "text": f"step {number}"}
    return ChatMessage(role="assistant", content=[text, block], id=f"call-{number}")


def result(number: int) -> ChatMessage:
    kwargs = {"tool_call_id": f"c{number}"}
    return ChatMessage(
        role="tool", content=f"{number}", additional_kwargs=kwargs, id=f"result-{number}"
    )


def user(number: int) -> ChatMessage:
    return ChatMessage(role="user", content=f"question {number}", id=f"user-{number}")


CONVERSATION = [
    *(user(0), call(0), result(0), ChatMessage(role="assistant", content="Yes.", id="answer-0")),
    *(user(1), user(2)),
    *(message for number in range(1, 40) for message in (call(number), result(number))),
    ChatMessage(role="assistant", content="No.", id="answer-1"),
    user(3),
]


@pytest.fixture
def path(store: ChatStore) -> str:
    store.create_conversation("k", owner="anna")
    store.add_messages("k", CONVERSATION)
    return "/conversations/k/messages"


@pytest.mark.parametrize("name", CONVERTERS)
def test_pages_put_together_are_the_conversation(
    anna: CheckedClient, path: str, store: ChatStore, name: str
) -> None:
    expected = CONVERTERS[name](store.get_messages("k"))
    for limit in (1, 2, 3, 7, 200):
        backwards: list[Any] = []
        forwards: list[Any] = []
        query = {"format": name, "limit": limit}
        page = anna.call("GET", path, params=query).json()
        backwards = page["data"]
        while page["has_more"]:
            page = anna.call("GET", path, params={**query, "before": page["first_id"]}).json()
            backwards = page["data"] + backwards
        assert backwards == expected
        page = anna.call("GET", path, params={**query, "after": CONVERSATION[0].id}).json()
        forwards = page["data"]
        while page["has_more"]:
            page = anna.call("GET", path, params={**query, "after": page["last_id"]}).json()
            forwards += page["data"]
        assert forwards == CONVERTERS[name](store.get_messages("k")[1:])


def test_accept_chooses_a_format(anna: CheckedClient, path: str) -> None:
    plain = anna.call("GET", path)
    etags = {plain.headers["etag"]}
    for name in CONVERTERS:
        media_type = f"application/vnd.chatstore.{name}+json"
        by_query = anna.call("GET", path, params={"format": name})
        for accept in (media_type, f"text/html, {media_type}; q=0.9, */*"):
            response = anna.call("GET", path, headers={"accept": accept})
            assert response.headers["content-type"] == media_type
            assert response.headers["vary"] == "accept"
            assert response.json() == by_query.json() != plain.json()
            assert response.headers["etag"] == by_query.headers["etag"]
        # A format's ETag does not stand for another format.
        headers = {"if-none-match": plain.headers["etag"]}
        assert anna.call("GET", path, params={"format": name}, headers=headers).status_code == 200
        etags.add(by_query.headers["etag"])
    assert len(etags) == 4
    for accept in ("text/html", "*/*", "application/json"):
        response = anna.call("GET", path, headers={"accept": accept})
        assert response.headers["content-type"] == "application/json"
        assert response.json() == plain.json()


def test_items_are_those_of_openais_conversations(
    anna: CheckedClient, path: str, store: ChatStore
) -> None:
    reasoning: dict[str, Any] = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "x",
    }
    text: dict[str, Any] = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Yes.", "annotations": []}],
    }
    store.add_messages("k", from_responses([reasoning, text]))
    picture = [{"type": "text", "text": "?"}, {"type": "image", "url": "https://x.test/a.png"}]
    store.add_message("k", ChatMessage(role="user", content=picture))
    partial = ChatMessage(role="assistant", content="I", metadata={"status": "in_progress"})
    store.add_message("k", partial)

    page = anna.call("GET", path, params={"format": "openai", "limit": 200}).json()
    items = page["data"]
    ConversationItemList.model_validate(page)
    assert len({item["id"] for item in items}) == len(items)
    assert items[1:4] == [
        {
            "id": "call-0",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "step 0", "annotations": []}],
        },
        {
            "id": "call-0-1",
            "type": "function_call",
            "status": "completed",
            "call_id": "c0",
            "name": "find",
            "arguments": "{}",
        },
        {
            "id": "result-0",
            "type": "function_call_output",
            "status": "completed",
            "call_id": "c0",
            "output": "0",
        },
    ]
    assert items[-4:-2] == [{"status": "completed", **reasoning}, text]
    assert items[-2]["content"][0] == {"type": "input_text", "text": "?"}
    assert items[-1]["status"] == "in_progress"
