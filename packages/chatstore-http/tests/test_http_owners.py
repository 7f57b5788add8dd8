"""No route reaches another owner's conversation, and none reveals that there is one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from http_client import CheckedClient, description
from http_programs import PREFIX, current_user, fastapi_app, starlette_app, user_of
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from chatstore.core import ChatMessage, ChatStore, InvalidArgumentError, SimpleChatStore
from chatstore.http import OwnedConversations, path_segment
from chatstore.http.fastapi import router
from chatstore.http.starlette import routes

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
KEYS = ["0123456789abcdef0123456789abcdef", "user:1", "a/b", "~", "x" * 255]
OWNERS = ["bob", "Anna", "anna ", None]
MISSING = "f" * 32
MESSAGE = "message-1"  # the id in the examples of the description


def methods_of(listed: Iterable[BaseRoute]) -> dict[str, set[str]]:
    """Return the paths of routes, each with its methods."""
    methods: dict[str, set[str]] = {}
    for one in listed:
        assert isinstance(one, Route)
        methods.setdefault(one.path, set()).update(one.methods or ())
    return methods


FRAMEWORK_ROUTES = {
    FastAPI: methods_of(router(SimpleChatStore(), owner=current_user).routes),
    Starlette: methods_of(routes(SimpleChatStore(), owner=user_of)),
}


def methods_of_app(client: CheckedClient) -> dict[str, set[str]]:
    """Return what `methods_of` returns for the routes of a client's application."""
    return FRAMEWORK_ROUTES[type(client.app)]


def example(method: str, path: str) -> Any:
    """Return the example of a request's body, ``None`` if it has no body."""
    operation = description()["paths"][PREFIX + path].get(method.lower(), {})
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rpartition("/")[2]
    return description()["components"]["schemas"][name]["examples"][0]


def fill(store: ChatStore, key: str, owner: str | None) -> None:
    """Begin a conversation whose messages the examples name."""
    if owner is not None:
        store.create_conversation(key, owner=owner)
    store.add_message(key, ChatMessage(role="user", content="Hello", id=MESSAGE))


def requests(methods: dict[str, set[str]]) -> Iterator[tuple[str, str, Any]]:
    """Iterate over all methods and paths with a key, with a body that is valid for them."""
    for path, allowed in methods.items():
        if "{key}" in path:
            for method in METHODS:
                yield method, path, example(method, path) if method in allowed else {}


def send(client: CheckedClient, key: str, request: tuple[str, str, Any], **headers: str) -> Any:
    """Send a request; return what a client can see of the response."""
    method, path, body = request
    url = path.format(key=path_segment(key), message_id=MESSAGE)
    options = {} if body is None else {"json": body}
    response = client.request(method, PREFIX + url, headers=headers, **options)
    return response.status_code, response.content, sorted(response.headers.items())


def test_routes_are_those_of_the_description() -> None:
    described = {
        (path.removeprefix(PREFIX), method.upper())
        for path, operations in description()["paths"].items()
        for method in operations
    }
    for methods in FRAMEWORK_ROUTES.values():
        listed = {(path, method) for path, allowed in methods.items() for method in allowed}
        assert {one for one in listed if one[1] != "HEAD"} == described
    assert len(described) == 15


def test_another_owners_conversation_is_like_a_missing_one(
    anna: CheckedClient, store: ChatStore
) -> None:
    for number, key in enumerate(KEYS):
        fill(store, key, OWNERS[number % len(OWNERS)])
    before = [store.snapshot(key) for key in KEYS]
    number_of_requests = 0
    answers_for_missing: dict[Any, Any] = {}
    methods = methods_of_app(anna)
    for key, request in itertools.product(KEYS, requests(methods)):
        conversation = store.get_conversation(key)
        assert conversation is not None
        etag = f'"{conversation.revision}"'
        conditions = ["if-match", "if-none-match"]
        for headers in ({}, dict.fromkeys(conditions, "*"), dict.fromkeys(conditions, etag)):
            case = (request[:2], tuple(headers))
            if case not in answers_for_missing:
                answers_for_missing[case] = send(anna, MISSING, request, **headers)
            answer = send(anna, key, request, **headers)
            assert answer == answers_for_missing[case], (key, request, headers)
            number_of_requests += 1
            method, path, _ = request
            if method in methods[path]:
                assert answer[0] == 404, (key, request, headers)
    assert number_of_requests > 600
    assert [store.snapshot(key) for key in KEYS] == before
    assert store.get_conversation(MISSING) is None
    assert anna.call("GET", "/conversations").json()["data"] == []


def test_the_same_requests_succeed_for_the_owner(anna: CheckedClient, store: ChatStore) -> None:
    methods = methods_of_app(anna)
    for number, request in enumerate(requests(methods)):
        method, path, _ = request
        if method in methods[path]:
            fill(store, f"key {number}", "anna")
            status, _, _ = send(anna, f"key {number}", request)
            assert 200 <= status < 300, request


def test_a_cursor_of_another_owners_list_is_refused(anna: CheckedClient, store: ChatStore) -> None:
    for number in range(3):
        store.create_conversation(str(number), owner="bob")
    cursor = store.list_conversations(owner="bob", limit=1).next_cursor
    response = anna.call("GET", "/conversations", params={"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("make", [router, routes])
def test_an_owner_is_required(make: Any) -> None:
    store = SimpleChatStore()
    with pytest.raises(TypeError, match="owner"):
        make(store)
    for owner in (None, "anna"):
        with pytest.raises(InvalidArgumentError, match="owner must be a function"):
            make(store, owner=owner)
    owners: list[Any] = ["", None, "x" * 256]
    for owner in owners:
        with pytest.raises(InvalidArgumentError, match="owner"):
            OwnedConversations(store, owner)


@pytest.mark.parametrize("options", [{"writable_roles": ["me"]}, {"max_body_bytes": 0}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    for make in (fastapi_app, starlette_app):
        with pytest.raises(InvalidArgumentError, match=next(iter(options))):
            make(SimpleChatStore(), **options)
