"""Bodies of requests: their limit and their media type."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from chatstore.http.problems import ProblemError


class LimitedBody:
    """Receives a body, up to a limit.

    Attributes:
        is_too_large: The body exceeds the limit.

    """

    def __init__(self, receive: Receive, limit: int) -> None:
        """Take the server's function and the limit in bytes."""
        self.is_too_large = False
        self._receive = receive
        self._limit = limit
        self._received = 0

    def check_length(self, headers: Headers) -> None:
        """Refuse a body by its header ``Content-Length``, before it is read."""
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > self._limit:
            raise self.problem()

    async def receive(self) -> Message:
        """Receive a part of the body.

        Raises:
            ProblemError: The body exceeds the limit.

        """
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self._limit:
            self.is_too_large = True
            raise self.problem()
        return message

    def problem(self) -> ProblemError:
        """Return the answer to a body that exceeds the limit."""
        return ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body_too_large",
            f"The body may have {self._limit} bytes.",
        )


def check_media_type(headers: Headers) -> None:
    """Refuse other media types than JSON: pages of other sites can send those without asking."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "media_type_not_supported",
            "The body must be JSON, with the header Content-Type: application/json.",
        )
