"""What the page requests: JSON about conversations, messages and windows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from chatstore.cli.clean import one_line
from chatstore.cli.errors import sentence_of
from chatstore.cli.viewer import paging
from chatstore.cli.viewer.catalogue import Catalogue, Entry, Owner, Query
from chatstore.cli.viewer.exporting import FORMATS, export
from chatstore.cli.viewer.images import decode_image
from chatstore.cli.viewer.messages import Json, MessageView, find_image
from chatstore.cli.viewer.window import WindowReader
from chatstore.core import (
    ChatMessage,
    ChatStore,
    ChatStoreError,
    Conversation,
    ConversationNotFoundError,
    InvalidArgumentError,
    MessageNotFoundError,
    RevisionConflictError,
    StoreUnavailableError,
    TokenCounter,
)

_STATUS: tuple[tuple[type[ChatStoreError], int], ...] = (
    (ConversationNotFoundError, 404),
    (MessageNotFoundError, 404),
    (RevisionConflictError, 409),
    (InvalidArgumentError, 400),
    (StoreUnavailableError, 503),
)


class Api:
    """The requests of the page, over a store."""

    def __init__(self, store: ChatStore, *, name: str, owner: str | None, write: bool) -> None:
        """Take the store.

        Args:
            store: The store.
            name: What to call it in the page, without secrets.
            owner: Show only this owner's conversations.
            write: Whether the page offers to delete.

        """
        self.catalogue = Catalogue(store, owner)
        self._store = store
        self._about: Json = {
            "name": one_line(name),
            "write": write,
            "formats": [one._asdict() for one in FORMATS],
        }
        self._window = WindowReader(store)
        self._counter = TokenCounter()

    def routes(self) -> list[Route]:
        """Return the routes, under ``/api``."""
        get: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "about": self.about,
            "conversations": self.conversations,
            "owners": self.owners,
            "conversation": self.conversation,
            "messages": self.messages,
            "message": self.message,
            "image": self.image,
            "window": self.window,
            "export": self.export,
        }
        return [
            *(Route(f"/{name}", _answered(call), methods=["GET"]) for name, call in get.items()),
            Route("/delete", _answered(self.delete), methods=["POST"]),
        ]

    async def about(self, _: Request) -> Response:
        """Describe the store, and what the page may do."""
        return JSONResponse(self._about)

    async def conversations(self, request: Request) -> Response:
        """List conversations, newest first; ``refresh`` reads them from the store again."""
        if "refresh" in request.query_params:
            self.catalogue.refresh()
        query = Query(
            request.query_params.get("text", "").casefold(),
            request.query_params.get("owner"),
            "unowned" in request.query_params,
        )
        return self._listed(request, self.catalogue.find(query), _shown_entry)

    async def owners(self, request: Request) -> Response:
        """List owners, by their newest conversations."""
        text = request.query_params.get("text", "").casefold()
        return self._listed(request, self.catalogue.owners(text), _shown_owner)

    async def conversation(self, request: Request) -> Response:
        """Return the record of a conversation."""
        return JSONResponse(_shown_record(await self._find(_text(request, "key"))))

    async def messages(self, request: Request) -> Response:
        """Return a page of messages: the newest, the oldest, or those beside a message."""
        key, limit = _text(request, "key"), _number(request, "limit", 50)
        place = request.query_params
        page = await paging.read_page(
            self._store,
            key,
            limit,
            before=place.get("before"),
            after=place.get("after"),
            around=place.get("around"),
            is_oldest="oldest" in place,
        )
        shown = await asyncio.to_thread(self._show, page.messages, is_whole=False)
        return JSONResponse(
            {"messages": shown, "has_older": page.has_older, "has_newer": page.has_newer}
        )

    async def message(self, request: Request) -> Response:
        """Return a message with its whole text."""
        message = await self._message(request)
        [shown] = await asyncio.to_thread(self._show, [message], is_whole=True)
        return JSONResponse(shown)

    async def image(self, request: Request) -> Response:
        """Return an image of a message."""
        data = find_image(await self._message(request), _text(request, "digest"))
        image = None if data is None else decode_image(data)
        if image is None:
            raise MessageNotFoundError("the message has no such image")
        content, media_type = image
        return Response(content, media_type=media_type)

    async def window(self, request: Request) -> Response:
        """Return the window that a model would be sent at a limit."""
        limit = _number(request, "limit", None)
        sliding = "sliding" in request.query_params
        return JSONResponse(
            await self._window.read(_text(request, "key"), limit, is_sliding=sliding)
        )

    async def export(self, request: Request) -> Response:
        """Return a conversation as a file."""
        conversation = await self._find(_text(request, "key"))
        name = request.query_params.get("format")
        chosen = next((one for one in FORMATS if one.name == name), None)
        if chosen is None:
            raise InvalidArgumentError(
                f"format must be one of {', '.join(one.name for one in FORMATS)}"
            )
        parts = await export(self._store, conversation.key, chosen.name)
        return StreamingResponse(parts, media_type="application/octet-stream")

    async def delete(self, request: Request) -> Response:
        """Delete a conversation if it still has the revision that the user saw."""
        body = await _json_object(request)
        key, revision = body.get("key"), body.get("revision")
        if not isinstance(key, str) or not isinstance(revision, str):
            raise InvalidArgumentError("key and revision must be strings")
        await self._store.async_delete_messages(key, expected_revision=revision)
        self.catalogue.remove(key)
        return JSONResponse({"deleted": True})

    async def _find(self, key: str) -> Conversation:
        conversation = await self._store.async_get_conversation(key)
        if conversation is None:
            self.catalogue.remove(key)
            raise ConversationNotFoundError(
                "the conversation does not exist any more; refresh the list"
            )
        self.catalogue.update(conversation)
        return conversation

    async def _message(self, request: Request) -> ChatMessage:
        key, message_id = _text(request, "key"), _text(request, "id")
        message = await self._store.async_get_message(key, message_id)
        if message is None:
            raise MessageNotFoundError("the message does not exist any more; refresh the page")
        return message

    def _show(self, messages: list[ChatMessage], *, is_whole: bool) -> list[Json]:
        self._counter.load()  # only the first time takes time
        view = MessageView(self._counter, is_whole=is_whole)
        return [view.show(message) for message in messages]

    def _listed(self, request: Request, rows: list[Any], show: Callable[[Any], Json]) -> Response:
        offset, limit = _number(request, "offset", 0, least=0), _number(request, "limit", 100)
        error = self.catalogue.error
        return JSONResponse(
            {
                "total": len(rows),
                "rows": [show(row) for row in rows[offset : offset + limit]],
                "is_reading": self.catalogue.is_reading,
                "error": None if error is None else one_line(sentence_of(error)),
            }
        )


def _shown_entry(entry: Entry) -> Json:
    return {
        "key": entry.key,
        "name": one_line(entry.title or entry.key),
        "owner": entry.owner,
        "owner_name": None if entry.owner is None else one_line(entry.owner),
        "updated_at": entry.updated_at.isoformat(),
        "length": entry.length,
    }


def _shown_owner(owner: Owner) -> Json:
    return {
        "owner": owner.name,
        "name": "No owner" if owner.name is None else one_line(owner.name),
        "updated_at": owner.newest.isoformat(),
        "length": owner.length,
    }


def _shown_record(record: Conversation) -> Json:
    return {
        "key": record.key,
        "shown_key": one_line(record.key),
        "title": None if record.title is None else one_line(record.title),
        "owner_name": None if record.owner is None else one_line(record.owner),
        "created_at": record.created_at.isoformat(),
        "updated_at": record.updated_at.isoformat(),
        "expires_at": None if record.expires_at is None else record.expires_at.isoformat(),
        "length": record.length,
        "revision": record.revision,
    }


def _answered(call: Callable[[Request], Awaitable[Response]]) -> Callable[..., Any]:
    """Turn a store's errors into responses."""

    async def answer(request: Request) -> Response:
        try:
            return await call(request)
        except ChatStoreError as error:
            status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
            return JSONResponse({"error": one_line(sentence_of(error))}, status_code=status)

    return answer


async def _json_object(request: Request) -> Json:
    """Return the body; forms of other sites cannot send this media type."""
    if request.headers.get("content-type") != "application/json":
        raise InvalidArgumentError("the body must be application/json")
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise InvalidArgumentError("the body must be a JSON object")
    return body


def _text(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if value is None:
        raise InvalidArgumentError(f"the parameter {name} is missing")
    return value


def _number(request: Request, name: str, default: int | None, *, least: int = 1) -> int:
    text = request.query_params.get(name, "" if default is None else str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 12 or int(text) < least:
        raise InvalidArgumentError(f"{name} must be a number of at least {least}")
    return int(text)
