"""Formats of messages: their pages, put together, are what the converters return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from http_client import CheckedClient

from chatstore.core import ChatMessage, ChatStore, to_agui, to_responses, to_ui_messages

CONVERTERS: dict[str, Callable[[list[ChatMessage]], list[dict[str, Any]]]] = {
    "openai": to_responses,
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
