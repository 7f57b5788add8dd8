"""Endpoints of messages: page, add, read, edit and delete them, and rate them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from chatstore.core import ChatMessage, MessageNotFoundError
from chatstore.core.codec import new_id
from chatstore.http.client_input import (
    FEEDBACK,
    check_message_fields,
    check_messages,
    check_role,
)
from chatstore.http.endpoint import Call, Endpoints
from chatstore.http.etags import is_fresh, write_etag
from chatstore.http.formats import Format, choose_format, convert, read_page
from chatstore.http.models import (
    AddedMessages,
    Feedback,
    MessageChanges,
    MessageList,
    MessageQuery,
    NewMessages,
)
from chatstore.http.replies import empty_reply, json_reply, not_modified

endpoints = Endpoints()
_MESSAGES = "/conversations/{key}/messages"
_MESSAGE = f"{_MESSAGES}/{{message_id}}"
_FEEDBACK = f"{_MESSAGE}/feedback"
_IF_MATCH = ("if-match",)
_IF_NONE_MATCH = ("if-none-match",)
_READ_ONLY = {HTTPStatus.FORBIDDEN: "Clients may not write messages of this role."}
_VARY = {"vary": "accept"}


@endpoints.add(
    "GET",
    _MESSAGES,
    reply=MessageList,
    headers=_IF_NONE_MATCH,
    media_types=[one.media_type for one in Format if one is not Format.PLAIN],
)
async def page_messages(call: Call, query: MessageQuery) -> Response:
    """Read a page of messages, oldest first."""
    key = call.key
    format_, media_type = choose_format(query.format, call.request.headers.get("accept"))
    # The revision is read first: a page can be newer than its ETag, never older.
    conversation = await call.conversations.get(key)
    variant = "" if format_ is Format.PLAIN else format_.value
    etag = write_etag(conversation.revision, variant)
    if is_fresh(call.request.headers.get("if-none-match"), etag):
        return not_modified(etag, _VARY)
    page = await read_page(
        call.store,
        key,
        format_,
        limit=query.limit,
        before=query.before,
        after=query.after,
    )
    body = {
        "object": "list",
        "data": convert(page.messages, format_),
        "first_id": page.messages[0].id if page.messages else None,
        "last_id": page.messages[-1].id if page.messages else None,
        "has_more": page.has_more,
    }
    return json_reply(body, etag=etag, media_type=media_type, headers=_VARY)


@endpoints.add(
    "POST",
    _MESSAGES,
    reply=AddedMessages,
    status=HTTPStatus.CREATED,
    headers=_IF_MATCH,
    problems={
        **_READ_ONLY,
        HTTPStatus.CONFLICT: "The conversation has an id with other content.",
    },
)
async def add_messages(call: Call, body: NewMessages) -> Response:
    """Append messages; those with an id are added once."""
    check_messages(body.messages, call.writable_roles)
    # The ids are part of the answer, so they are made here.
    messages = [
        message if message.id is not None else message.model_copy(update={"id": new_id()})
        for message in body.messages
    ]
    await call.conversations.add_messages(call.key, messages, revisions=call.revisions)
    ids = [message.id for message in messages if message.id is not None]
    return json_reply(AddedMessages(ids=ids), HTTPStatus.CREATED)


@endpoints.add("GET", _MESSAGE, reply=ChatMessage, headers=_IF_NONE_MATCH)
async def get_message(call: Call) -> Response:
    """Read a message."""
    key, message_id = call.key, call.message_id
    conversation = await call.conversations.get(key)
    message = await call.store.async_get_message(key, message_id)
    if message is None:
        raise MessageNotFoundError("the conversation has no message with this id")
    etag = write_etag(conversation.revision)
    if is_fresh(call.request.headers.get("if-none-match"), etag):
        return not_modified(etag)
    return json_reply(message, etag=etag)


@endpoints.add("PATCH", _MESSAGE, reply=ChatMessage, headers=_IF_MATCH, problems=_READ_ONLY)
async def edit_message(call: Call, body: MessageChanges) -> Response:
    """Edit a message, at its place."""
    check_message_fields(body.metadata, body.additional_kwargs)
    changed = body.model_fields_set

    def edit(message: ChatMessage) -> ChatMessage:
        if changed & {"content", "additional_kwargs"}:
            check_role(message.role, call.writable_roles)
        update: dict[str, Any] = {"metadata": _merged(message.metadata, body.metadata)}
        if "content" in changed:
            update["content"] = body.content
        if "additional_kwargs" in changed:
            update["additional_kwargs"] = body.additional_kwargs
        return message.model_copy(update=update)

    key, message_id = call.key, call.message_id
    message = await call.conversations.change_message(
        key, message_id, edit, revisions=call.revisions
    )
    return json_reply(message)


@endpoints.add("DELETE", _MESSAGE, status=HTTPStatus.NO_CONTENT, headers=_IF_MATCH)
async def delete_message(call: Call) -> Response:
    """Delete a message."""
    key, message_id = call.key, call.message_id
    await call.conversations.remove_message(key, message_id, revisions=call.revisions)
    return empty_reply()


@endpoints.add("PUT", _FEEDBACK, reply=ChatMessage, headers=_IF_MATCH)
async def set_feedback(call: Call, body: Feedback) -> Response:
    """Rate a message."""
    return await _change_feedback(call, body.model_dump(exclude_none=True))


@endpoints.add("DELETE", _FEEDBACK, reply=ChatMessage, headers=_IF_MATCH)
async def delete_feedback(call: Call) -> Response:
    """Remove the rating of a message."""
    return await _change_feedback(call, None)


async def _change_feedback(call: Call, feedback: dict[str, Any] | None) -> Response:
    def change(message: ChatMessage) -> ChatMessage:
        metadata = _merged(message.metadata, {FEEDBACK: feedback})
        return message.model_copy(update={"metadata": metadata})

    key, message_id = call.key, call.message_id
    message = await call.conversations.change_message(
        key, message_id, change, revisions=call.revisions
    )
    return json_reply(message)


def _merged(metadata: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata with changes; ``None`` as a value removes a name."""
    merged = {**metadata, **changes}
    return {name: merged[name] for name in merged if changes.get(name, ...) is not None}
