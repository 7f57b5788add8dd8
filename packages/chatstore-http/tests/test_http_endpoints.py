"""What each endpoint does, with FastAPI and with Starlette."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from http_client import CheckedClient
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

from chatstore.core import ChatMessage, ChatStore
from chatstore.http import path_segment
from chatstore.http.fastapi import router
from chatstore.http.paths import segment_name
from chatstore.http.starlette import routes

ODD = ["a/b", "~", "~abc", "..", ".", "ä ö", "%2F", "a?b#c", "x" * 255, "\x00", "🙂/\n"]


def key_of(path: str) -> str:
    return path.rpartition("/")[2]


def test_conversations(anna: CheckedClient) -> None:
    paths = [anna.create(title=f"trip {n}", metadata={"n": n}) for n in range(3)]
    first = anna.call("GET", "/conversations?limit=2").json()
    assert [one["title"] for one in first["data"]] == ["trip 2", "trip 1"]
    rest = anna.call("GET", "/conversations", params={"cursor": first["next_cursor"]}).json()
    assert [one["metadata"] for one in rest["data"]] == [{"n": 0}]
    assert rest["next_cursor"] is None
    assert anna.call("GET", "/conversations?cursor=x").status_code == 422

    changes = {"title": None, "metadata": {"n": None, "pinned": True}}
    changed = anna.call("PATCH", paths[0], json=changes).json()
    assert (changed["title"], changed["metadata"]) == (None, {"pinned": True})
    renamed = anna.call("PATCH", paths[0], json={"title": "Lisbon"}).json()
    assert (renamed["title"], renamed["metadata"]) == ("Lisbon", {"pinned": True})
    assert anna.call("GET", paths[0]).json() == renamed

    assert anna.call("DELETE", paths[0]).status_code == 204
    for method in ("GET", "DELETE"):
        assert anna.call(method, paths[0]).status_code == 404


def test_a_repeated_creation_creates_nothing_more(anna: CheckedClient, store: ChatStore) -> None:
    def create(path: str, user: str = "anna", repetition: str = "1") -> str:
        headers = {"idempotency-key": repetition, "user": user}
        response = anna.call("POST", path, json={}, headers=headers)
        assert response.status_code == 201
        return str(response.json()["key"])

    key = create("/conversations")
    fork = create(f"/conversations/{key}/fork")
    assert create("/conversations") == key
    assert create(f"/conversations/{key}/fork") == fork
    assert {one.key for one in store.iter_conversations()} == {key, fork}
    # An empty header says nothing.
    assert create("/conversations", repetition="") != create("/conversations", repetition="")
    # Another owner's request, and a conversation that was given to another owner.
    assert create("/conversations", "bob") != key
    store.update_conversation(key, owner="bob")
    assert create("/conversations") != key


def test_messages(anna: CheckedClient) -> None:
    path = anna.create()
    ids = anna.add(path, *"abcde")
    assert anna.contents(path) == list("abcde")
    newest = anna.call("GET", f"{path}/messages?limit=2").json()
    assert (newest["first_id"], newest["last_id"], newest["has_more"]) == (*ids[3:], True)
    older = anna.call("GET", f"{path}/messages?before={newest['first_id']}").json()
    assert ([one["content"] for one in older["data"]], older["has_more"]) == (
        ["a", "b", "c"],
        False,
    )
    newer = anna.call("GET", f"{path}/messages?after={ids[1]}&limit=1").json()
    assert ([one["content"] for one in newer["data"]], newer["has_more"]) == (["c"], True)
    assert anna.call("GET", f"{path}/messages?after=x").json()["code"] == "message_not_found"
    assert anna.call("GET", f"{path}/messages?after=x&before=y").status_code == 422

    edited = anna.call("PATCH", f"{path}/messages/{ids[1]}", json={"content": "B"}).json()
    assert anna.call("GET", f"{path}/messages/{ids[1]}").json() == edited
    edit = {"metadata": {"x": 1, "y": None}}
    assert anna.call("PATCH", f"{path}/messages/{ids[1]}", json=edit).json()["content"] == "B"
    assert anna.call("DELETE", f"{path}/messages/{ids[2]}").status_code == 204
    assert anna.contents(path) == ["a", "B", "d", "e"]
    truncated = anna.call("POST", f"{path}/truncate", json={"from_id": ids[3]}).json()
    assert truncated == {"removed": 2}
    assert anna.contents(path) == ["a", "B"]
    for method in ("GET", "PATCH", "DELETE"):
        options: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
        response = anna.call(method, f"{path}/messages/{ids[2]}", **options)
        assert (response.status_code, response.json()["code"]) == (404, "message_not_found")


def test_messages_with_ids_are_added_once(anna: CheckedClient) -> None:
    path = anna.create()
    message = {"role": "user", "content": "Hello", "id": "m1"}
    etag = anna.call("GET", path).headers["etag"]
    attempts: list[dict[str, str]] = [{}, {}, {"if-match": etag}]
    for headers in attempts:
        body = {"messages": [message]}
        response = anna.call("POST", f"{path}/messages", json=body, headers=headers)
        assert (response.status_code, response.json()) == (201, {"ids": ["m1"]})
    assert anna.contents(path) == ["Hello"]
    body = {"messages": [{**message, "content": "Bye"}]}
    response = anna.call("POST", f"{path}/messages", json=body)
    assert (response.status_code, response.json()["code"]) == (409, "message_conflict")


def test_fork_and_feedback(anna: CheckedClient, store: ChatStore) -> None:
    path = anna.create(title="trip")
    ids = anna.add(path, *"abc")
    response = anna.call("POST", f"{path}/fork", json={"until": ids[1]})
    fork = response.headers["location"].removeprefix("/api")
    assert response.json()["metadata"] == {"forked_from": key_of(path)}
    assert anna.contents(fork) == ["a", "b"]
    assert anna.call("POST", f"{path}/fork", json={"until": "x"}).status_code == 404

    feedback = f"{path}/messages/{ids[0]}/feedback"
    rated = anna.call("PUT", feedback, json={"rating": "down", "comment": "No."}).json()
    assert rated["metadata"] == {"feedback": {"rating": "down", "comment": "No."}}
    message = store.get_message(key_of(path), ids[0])
    assert message is not None
    assert message.metadata == rated["metadata"]
    assert anna.call("DELETE", feedback).json()["metadata"] == {}


def test_etags(anna: CheckedClient) -> None:
    path = anna.create()
    [first] = anna.add(path, "a")
    for url in (path, f"{path}/messages", f"{path}/messages?format=ui", f"{path}/messages/{first}"):
        etag = anna.call("GET", url).headers["etag"]
        for header in (etag, f'"x", W/{etag}', "*"):
            response = anna.call("GET", url, headers={"if-none-match": header})
            assert (response.status_code, response.headers["etag"]) == (304, etag)
    old = anna.call("GET", path).headers["etag"]
    anna.add(path, "b")
    assert anna.call("GET", path, headers={"if-none-match": old}).status_code == 200
    writes: list[tuple[str, str, Any]] = [
        ("PATCH", path, {"title": "x"}),
        ("PATCH", f"{path}/messages/{first}", {"content": "A"}),
        ("PUT", f"{path}/messages/{first}/feedback", {"rating": "up"}),
        ("POST", f"{path}/messages", {"messages": [{"role": "user", "content": "c"}]}),
        ("DELETE", f"{path}/messages/{first}/feedback", None),
        ("DELETE", f"{path}/messages/{first}", None),
        ("POST", f"{path}/truncate", {"from_id": first}),
        ("DELETE", path, None),
    ]
    before = anna.call("GET", path).json()
    current = anna.call("GET", path).headers["etag"]
    for method, url, body in writes:
        for header in (old, f"W/{current}", "x"):
            response = anna.call(method, url, json=body, headers={"if-match": header})
            assert (response.status_code, response.json()["code"]) == (412, "revision_conflict")
    assert anna.call("GET", path).json() == before
    for method, url, body in writes[:-2]:
        current = anna.call("GET", f"{path}/messages?format=ui").headers["etag"]
        headers = {"if-match": f"{old}, {current}"}
        assert anna.call(method, url, json=body, headers=headers).is_success
    assert anna.call("DELETE", path, headers={"if-match": "*"}).status_code == 204


def test_clients_write_only_what_they_may(anna: CheckedClient, store: ChatStore) -> None:
    path = anna.create()
    key = key_of(path)
    store.add_message(key, ChatMessage(role="assistant", content="No.", id="answer"))

    def added(**fields: Any) -> tuple[str, str, Any]:
        message = {"role": "user", "content": "x", **fields}
        return "POST", f"{path}/messages", {"messages": [message]}

    refused = [
        (*added(role="system"), 403),
        (*added(role="assistant"), 403),
        (*added(metadata={"summary_of": {"first": "a", "last": "b"}}), 422),
        (*added(metadata={"status": "completed"}), 422),
        (*added(additional_kwargs={"chatstore.payload": {}}), 422),
        ("PATCH", f"{path}/messages/answer", {"content": "Yes."}, 403),
        ("PATCH", f"{path}/messages/answer", {"additional_kwargs": {}}, 403),
        ("PATCH", f"{path}/messages/answer", {"metadata": {"feedback": None}}, 422),
        ("PATCH", path, {"metadata": {"forked_from": "x"}}, 422),
        ("POST", "/conversations", {"metadata": {"forked_from": "x"}}, 422),
        ("POST", "/conversations", {"owner": "bob"}, 422),
        ("POST", "/conversations", {"key": "mine"}, 422),
        ("PATCH", path, {"owner": "bob"}, 422),
    ]
    before = store.snapshot(key)
    for method, url, body, status in refused:
        assert anna.call(method, url, json=body).status_code == status, (url, body)
    assert store.snapshot(key) == before
    assert anna.call("PATCH", f"{path}/messages/answer", json={"metadata": {"x": 1}}).is_success


def test_any_key_and_id_can_be_addressed(anna: CheckedClient, store: ChatStore) -> None:
    for key in ODD:
        store.create_conversation(key, owner="anna")
        store.add_message(key, ChatMessage(role="user", content="x", id=key))
        segment = path_segment(key)
        assert segment_name(segment) == key
        assert quote(segment, safe="~:@=,") == segment
        assert anna.call("GET", f"/conversations/{segment}").json()["key"] == key
        message = anna.call("GET", f"/conversations/{segment}/messages/{segment}")
        assert message.json()["id"] == key
    for segment in ("~", "~%21", "~4pyTx", "x" * 256, "~gA"):
        response = anna.call("GET", f"/conversations/{segment}")
        assert (response.status_code, response.json()["code"]) == (404, "conversation_not_found")


def test_bodies(anna: CheckedClient) -> None:
    json = {"content-type": "application/json"}
    cases: list[tuple[bytes, dict[str, str], int, str]] = [
        (b"{}", {}, 415, "media_type_not_supported"),
        (b"{}", {"content-type": "text/plain"}, 415, "media_type_not_supported"),
        (b"{", json, 422, "invalid_request"),
        (b"", json, 422, "invalid_request"),
        (b'{"metadata": {"x": NaN}}', json, 422, "invalid_request"),
        (b'{"title": "\\ud800"}', json, 422, "invalid_request"),
        (b" " * (1024 * 1024 + 1), json, 413, "body_too_large"),
    ]
    for content, headers, status, code in cases:
        response = anna.call("POST", "/conversations", content=content, headers=headers)
        assert (response.status_code, response.json()["code"]) == (status, code)
    pieces = (b" " * 1000 for _ in range(1100))
    response = anna.call("POST", "/conversations", content=pieces, headers=json)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    nested = anna.call("POST", "/conversations", content=b"[" * 100_000, headers=json)
    assert nested.status_code in {400, 422}


def test_problems_quote_neither_content_nor_servers(anna: CheckedClient, store: ChatStore) -> None:
    path = anna.create()
    response = anna.call("PATCH", path, json={"title": ["hunter2"]})
    assert response.status_code == 422
    assert "hunter2" not in response.text
    assert response.json()["errors"]
    title = anna.call("PATCH", path, json={"title": "x" * 1001}).json()
    assert title["detail"] == "a title may have 1000 characters, this one has 1001"
    store.close()
    for url in ("/health", path):
        response = anna.call("GET", url)
        assert response.status_code == 500
        assert "chat.db" not in response.text


def test_a_request_without_an_owner_is_refused(anna: CheckedClient) -> None:
    path = anna.create()
    for url in ("/conversations", path):
        response = anna.call("GET", url, headers={"user": ""})
        assert (response.status_code, response.json()["code"]) == (401, "owner_required")
    assert anna.call("GET", "/health", headers={"user": ""}).json() == {"status": "ok"}


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_an_owner_function_may_refuse_a_request(store: ChatStore, framework: str) -> None:
    def refuse() -> str:
        raise HTTPException(401, "Who are you?", {"www-authenticate": "Bearer"})

    app: Starlette
    if framework == "fastapi":
        app = FastAPI()
        app.include_router(router(store, owner=refuse), prefix="/api")
    else:
        owned = routes(store, owner=lambda request: refuse())
        app = Starlette(routes=[Mount("/api", routes=owned)])
    response = CheckedClient(app, "anna").call("GET", "/conversations")
    assert response.headers["www-authenticate"] == "Bearer"
    assert (response.status_code, response.json()["detail"]) == (401, "Who are you?")


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_an_owner_function_may_answer_with_any_status(store: ChatStore, framework: str) -> None:
    def refuse(request: Request) -> str:
        raise HTTPException(419, "Your session has expired.")

    app: Starlette
    if framework == "fastapi":
        app = FastAPI()
        app.include_router(router(store, owner=refuse))
    else:
        app = Starlette(routes=routes(store, owner=refuse))
    response = TestClient(app, raise_server_exceptions=False).get("/conversations")
    assert (response.status_code, response.json()["status"]) == (419, 419)
    assert response.json()["detail"] == "Your session has expired."


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
@pytest.mark.parametrize("tenant", ["acme", "ä", "€ 50 %", "a?b"])
def test_locations_below_any_prefix(store: ChatStore, framework: str, tenant: str) -> None:
    app: Starlette
    if framework == "fastapi":
        app = FastAPI()
        app.include_router(router(store, owner=lambda: "anna"), prefix="/{tenant}")
    else:
        owned = routes(store, owner=lambda request: "anna")
        app = Starlette(routes=[Mount("/{tenant}", routes=owned)])
    client = TestClient(app, raise_server_exceptions=False)
    created = client.post(f"/{quote(tenant)}/conversations", json={})
    assert created.status_code == 201
    location = created.headers["location"]
    assert client.get(location).json()["key"] == created.json()["key"]
    fork = client.post(f"{location}/fork", json={})
    assert client.get(fork.headers["location"]).json()["key"] == fork.json()["key"]


@pytest.mark.parametrize("limit", ["0", "201", "x"])
def test_limits_of_pages(anna: CheckedClient, limit: str) -> None:
    assert anna.call("GET", f"/conversations?limit={limit}").status_code == 422
