"""``Reader``: reads a conversation as it was at one moment, with one or several scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import chain, repeat
from typing import NamedTuple, TypeVar

from chatstore.core import StoreUnavailableError
from chatstore.core.backend import (
    Newest,
    Oldest,
    Page,
    Plan,
    StoredConversation,
    StoredRecord,
)
from chatstore.redis_scripts import scripts
from chatstore.redis_scripts.client import ScriptClient
from chatstore.redis_scripts.conversations import read_conversation
from chatstore.redis_scripts.replies import Part, read_reply
from chatstore.redis_scripts.sending import Sender

T = TypeVar("T")
M = TypeVar("M")
MAX_PART = 10_000
"""The most records that one script reads, so that it does not hold up the server."""
_ATTEMPTS = 50  # to read a conversation that other callers change meanwhile


class Limits(NamedTuple):
    """The sizes of requests and replies.

    Attributes:
        max_request_bytes: The largest request, in bytes of JSON; larger writes are staged.
            ``None``: no limit.
        max_reply_bytes: The most bytes of bodies in a reply; larger reads take several replies.
            ``None``: no limit.
        first_page: The number of messages in the first reply to a read of a whole conversation.
            Small pages are decoded while the server reads the next page, and twice as fast, since
            they fit into the processor's cache.
        largest_page: The number of messages in the largest reply; page sizes double up to it.
            Large pages save requests.

    """

    max_request_bytes: int | None = None
    max_reply_bytes: int | None = None
    first_page: int = 500
    largest_page: int = 2000


class _Request(NamedTuple):
    """What to read; the arguments of the script."""

    direction: str
    limit: int | None
    bound: int | None
    leading: int = 0
    with_conversation: bool = False


class _Result(NamedTuple):
    """What was read at one moment; see `Part`."""

    epoch: str | None
    cut: str | None
    leading: Sequence[StoredRecord]
    records: Sequence[StoredRecord]
    conversation: StoredConversation | None


class Reader:
    """Reads the messages of one conversation."""

    def __init__(self, sender: Sender, keys: Sequence[str], limits: Limits) -> None:
        """Read the conversation under ``keys``."""
        self._sender = sender
        self._keys = keys
        self._limits = limits

    def newest(self, read: Newest) -> Plan[ScriptClient, Page]:
        """See `Backend.read_newest`."""
        request = _Request("newest", read.limit, read.before, read.leading, read.with_conversation)
        result = yield from _until_unchanged(lambda: self._read(request))
        return Page(result.epoch, result.records[::-1], result.leading, result.conversation)

    def oldest(self, read: Oldest) -> Plan[ScriptClient, Page]:
        """See `Backend.read_oldest`."""
        request = _Request("oldest", read.limit, read.after)
        result = yield from _until_unchanged(lambda: self._read(request))
        return Page(result.epoch, result.records)

    def find(self, message_id: str) -> Plan[ScriptClient, Page]:
        """See `Backend.find`."""
        reply = yield from self._sender.run(scripts.FIND, self._keys, [message_id])
        part = read_reply(reply, 1)
        return Page(part.epoch, part.records()[1])

    def decode_all(
        self, decode: Callable[[Sequence[StoredRecord]], list[M]]
    ) -> Plan[ScriptClient, list[M]]:
        """See `Backend.read_all`."""
        # If other callers change the conversation meanwhile, larger pages need fewer scripts.
        sizes = chain(
            [(self._limits.first_page, self._limits.largest_page)], repeat((MAX_PART, MAX_PART))
        )
        return _until_unchanged(lambda: self._decode_all(decode, *next(sizes)))

    def _decode_all(
        self, decode: Callable[[Sequence[StoredRecord]], list[M]], size: int, largest: int
    ) -> Plan[ScriptClient, list[M] | None]:
        """Read and decode all pages; ``None`` if records were removed between two pages."""
        messages: list[M] = []
        first = part = yield from self._read_part(_Request("oldest", size, None))
        while (part.epoch, part.cut) == (first.epoch, first.cut):
            decoded = cache(partial(_decode_part, decode, part))
            if part.is_all:
                return messages + decoded()
            size = min(2 * size, largest)
            request = _Request("oldest", size, part.positions[-1])
            part = yield from self._read_part(request, meanwhile=decoded)
            messages += decoded()
        return None

    def _read(self, request: _Request) -> Plan[ScriptClient, _Result | None]:
        """Read; ``None`` if records were removed or replaced between two scripts."""
        first = part = yield from self._read_part(request)
        leading, records = part.records()
        while not part.is_all and len(records) != request.limit:
            if len(leading) < request.leading:
                return (yield from self._read_separately(request))
            rest = None if request.limit is None else request.limit - len(records)
            position = records[-1].position if records else request.bound
            part = yield from self._read_part(_Request(request.direction, rest, position))
            if (part.epoch, part.cut) != (first.epoch, first.cut):
                return None
            records = [*records, *part.records()[1]]
        conversation = None if first.conversation is None else read_conversation(first.conversation)
        return _Result(first.epoch, first.cut, leading, records, conversation)

    def _read_separately(self, request: _Request) -> Plan[ScriptClient, _Result | None]:
        """Read the first records, which fill a reply by themselves, and then the others."""
        start = yield from self._read(_Request("oldest", request.leading, None))
        result = yield from self._read(request._replace(leading=0))
        if start is None or result is None:
            return None
        if (start.epoch, start.cut) != (result.epoch, result.cut):
            return None
        return result._replace(leading=start.records)

    def _read_part(
        self, request: _Request, meanwhile: Callable[[], object] | None = None
    ) -> Plan[ScriptClient, Part]:
        limit, bound = request.limit, request.bound
        arguments = [
            request.direction,
            str(MAX_PART if limit is None else min(limit, MAX_PART)),
            "" if bound is None else str(bound),
            str(request.leading),
            str(self._limits.max_reply_bytes or 0),
            "1" if request.with_conversation else "",
        ]
        reply = yield from self._sender.run(scripts.READ, self._keys, arguments, meanwhile)
        return read_reply(reply, -1 if request.direction == "newest" else 1)


def _decode_part(decode: Callable[[Sequence[StoredRecord]], list[M]], part: Part) -> list[M]:
    return decode(part.records()[1])


def _until_unchanged(
    read: Callable[[], Plan[ScriptClient, T | None]],
) -> Plan[ScriptClient, T]:
    """Repeat a read until no other caller changes the conversation meanwhile."""
    for _ in range(_ATTEMPTS):
        result = yield from read()
        if result is not None:
            return result
    raise StoreUnavailableError(
        "the conversation was changed again and again while it was read; try again"
    )
