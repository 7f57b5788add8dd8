"""``Answers``: answers of a model that are saved while they stream to a client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.types import Send
from typing_extensions import Self

from chatstore.core import ChatMessage, ChatStore, ChatStoreError
from chatstore.core.backend import check_patience
from chatstore.core.checks import check_message_id
from chatstore.core.codec import new_id
from chatstore.core.store import check_store
from chatstore.http.answer import Answer
from chatstore.http.owned import OwnedConversations
from chatstore.http.paths import path_segment
from chatstore.http.problems import response_for

MESSAGE_ID_HEADER = "chatstore-message-id"


class Answers:
    """Saves answers while they grow and when they end, also if the client hangs up.

    When the application stops, answers that are still growing must end, as incomplete, and their
    last writes must take place before the store is closed: use `lifespan`, or leave
    ``async with answers`` in your own.
    """

    def __init__(self, store: ChatStore, *, interval: float = 1.0) -> None:
        """Take a store.

        Args:
            store: Where conversations are kept. It is not closed.
            interval: The least number of seconds between two writes of an answer. If the process
                is killed, the text of at most this time is lost.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`, or ``interval`` is not a number
                from 0 to a week.

        """
        self._store = check_store(store)
        self._interval = check_patience(interval, "interval")
        self._growing: set[Answer] = set()

    def open(
        self,
        key: str,
        *,
        owner: str,
        message_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Return an answer to a conversation, for ``async with``.

        Args:
            key: The conversation.
            owner: Its owner.
            message_id: The answer's id; by default a new one. A message with this id is replaced.
            metadata: The answer's metadata.

        Raises:
            InvalidArgumentError: ``owner`` or ``message_id`` is not a string of 1 to 255 bytes in
                UTF-8.

        """
        message = ChatMessage(
            role="assistant",
            metadata=metadata or {},
            id=check_message_id(message_id) if message_id else new_id(),
            created_at=datetime.now(timezone.utc),
        )
        conversations = OwnedConversations(self._store, owner)
        return Answer(conversations, key, message, self._interval, self._growing)

    async def stream(
        self,
        key: str,
        chunks: AsyncIterable[str],
        *,
        owner: str,
        message_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        encode: Callable[[str], str] = str,
        media_type: str = "text/plain",
    ) -> Response:
        """Return a response that streams an answer's text and saves it.

        The header ``chatstore-message-id`` has the answer's id as a segment of paths, see
        `path_segment`. A client that has received the whole response finds the whole answer in the
        store. If the last write fails, the connection
        is closed without the end of the response. If the owner does not have the conversation,
        the response is a problem with status 404.

        Args:
            key: The conversation.
            chunks: The pieces of the text. A generator begins after the owner was checked, and is
                closed when the client hangs up.
            owner: The owner of the conversation.
            message_id: See `open`.
            metadata: See `open`.
            encode: Returns what is sent for a piece, such as a server-sent event.
            media_type: The media type of the response.

        Raises:
            InvalidArgumentError: As `open`.

        """
        answer = self.open(key, owner=owner, message_id=message_id, metadata=metadata)
        try:
            await answer.check_owner()
        except ChatStoreError as error:
            return response_for(error)
        headers = {MESSAGE_ID_HEADER: path_segment(answer.message_id), "cache-control": "no-store"}
        return _AnswerResponse(_stream(answer, chunks, encode), headers, media_type)

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[None]:
        """Run an application; at its end call `finish`, then close the store.

        Pass it to the application: ``FastAPI(lifespan=answers.lifespan)``.
        """
        del app
        async with self._store, self:
            yield

    async def finish(self) -> None:
        """End all answers that are growing, and wait for their last writes."""
        growing = list(self._growing)
        for answer in growing:
            answer.stop()
        for answer in growing:
            await answer.wait()

    async def __aenter__(self) -> Self:
        """Return the object; leaving the block calls `finish`."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Call `finish`."""
        await self.finish()


class _AnswerResponse(StreamingResponse):
    """Closes its generator when the client hangs up; Starlette leaves that to the collector."""

    def __init__(
        self, body: AsyncGenerator[str, None], headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(body, headers=headers, media_type=media_type)
        self._body = body

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._body):
            await super().stream_response(send)


async def _stream(
    answer: Answer, chunks: AsyncIterable[str], encode: Callable[[str], str]
) -> AsyncGenerator[str, None]:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(answer)
        if isinstance(chunks, AsyncGenerator):
            await stack.enter_async_context(aclosing(chunks))
        async for chunk in chunks:
            answer.append(chunk)
            yield encode(chunk)
