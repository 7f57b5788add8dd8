"""Endpoints of conversations: list, create, read, change, delete, fork and truncate them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from chatstore.core import UNCHANGED, Conversation
from chatstore.http.client_input import check_conversation_metadata
from chatstore.http.endpoint import Call, Endpoints
from chatstore.http.etags import is_fresh, write_etag
from chatstore.http.models import (
    ConversationChanges,
    ConversationList,
    ConversationQuery,
    ConversationView,
    Fork,
    NewConversation,
    Removed,
    Truncation,
)
from chatstore.http.paths import path_segment
from chatstore.http.replies import empty_reply, json_reply, not_modified

endpoints = Endpoints()
_IF_MATCH = ("if-match",)
_REPEATABLE = ("idempotency-key",)


@endpoints.add("GET", "/conversations", reply=ConversationList)
async def list_conversations(call: Call, query: ConversationQuery) -> Response:
    """List conversations, newest first."""
    page = await call.conversations.page(limit=query.limit, cursor=query.cursor)
    views = [ConversationView.of(one) for one in page.conversations]
    return json_reply(ConversationList(data=views, next_cursor=page.next_cursor))


@endpoints.add(
    "POST",
    "/conversations",
    reply=ConversationView,
    status=HTTPStatus.CREATED,
    headers=_REPEATABLE,
)
async def create_conversation(call: Call, body: NewConversation) -> Response:
    """Create a conversation; the server makes its key."""
    check_conversation_metadata(body.metadata)
    conversation = await call.conversations.create(
        title=body.title, metadata=body.metadata, request_id=call.request_id
    )
    return _created(conversation, call.request.scope["path"])


@endpoints.add("GET", "/conversations/{key}", reply=ConversationView, headers=("if-none-match",))
async def get_conversation(call: Call) -> Response:
    """Read a conversation without its messages."""
    conversation = await call.conversations.get(call.key)
    etag = write_etag(conversation.revision)
    if is_fresh(call.request.headers.get("if-none-match"), etag):
        return not_modified(etag)
    return json_reply(ConversationView.of(conversation), etag=etag)


@endpoints.add("PATCH", "/conversations/{key}", reply=ConversationView, headers=_IF_MATCH)
async def update_conversation(call: Call, body: ConversationChanges) -> Response:
    """Rename a conversation, or change its metadata."""
    check_conversation_metadata(body.metadata)
    changes: dict[str, Any] = {
        name: getattr(body, name) if name in body.model_fields_set else UNCHANGED
        for name in ("title", "metadata")
    }
    conversation = await call.conversations.update(call.key, **changes, revisions=call.revisions)
    return json_reply(ConversationView.of(conversation), etag=write_etag(conversation.revision))


@endpoints.add("DELETE", "/conversations/{key}", status=HTTPStatus.NO_CONTENT, headers=_IF_MATCH)
async def delete_conversation(call: Call) -> Response:
    """Delete a conversation with its messages."""
    await call.conversations.delete(call.key, revisions=call.revisions)
    return empty_reply()


@endpoints.add(
    "POST",
    "/conversations/{key}/fork",
    reply=ConversationView,
    status=HTTPStatus.CREATED,
    headers=_REPEATABLE,
)
async def fork_conversation(call: Call, body: Fork) -> Response:
    """Begin a conversation with the messages of another one."""
    conversation = await call.conversations.fork(
        call.key, until=body.until, request_id=call.request_id
    )
    return _created(conversation, call.request.scope["path"].rsplit("/", 2)[0])


@endpoints.add("POST", "/conversations/{key}/truncate", reply=Removed, headers=_IF_MATCH)
async def truncate_conversation(call: Call, body: Truncation) -> Response:
    """Remove a message and all later ones."""
    removed = await call.conversations.truncate(
        call.key, from_id=body.from_id, revisions=call.revisions
    )
    return json_reply(Removed(removed=removed))


def _created(conversation: Conversation, path: str) -> Response:
    """Return the answer for a new conversation below the decoded path of all conversations."""
    return json_reply(
        ConversationView.of(conversation),
        HTTPStatus.CREATED,
        etag=write_etag(conversation.revision),
        headers={"location": f"{quote(path)}/{path_segment(conversation.key)}"},
    )
