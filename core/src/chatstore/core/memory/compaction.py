"""Compaction: a summary that windows use instead of older turns, which stay stored."""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, TypeAlias, Union

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.writes import Insert
from chatstore.core.errors import (
    ConversationChangedError,
    InvalidArgumentError,
    RevisionConflictError,
)
from chatstore.core.memory.exchanges import ExchangeFinder, Part, arrange, join
from chatstore.core.memory.spans import Span, read_span
from chatstore.core.memory.summaries import covered_by, make_summary
from chatstore.core.messages import ChatMessage
from chatstore.core.operations import encode, get_message
from chatstore.core.tokens import TokenCounter
from chatstore.core.tool_calls import is_empty_answer

Summary: TypeAlias = Union[str, ChatMessage]  # noqa: UP007 - `|` does not take it on Python 3.10
Summarize: TypeAlias = Callable[[list[ChatMessage]], Summary]
AsyncSummarize: TypeAlias = Callable[[list[ChatMessage]], Union[Summary, Awaitable[Summary]]]  # noqa: UP007

SUMMARIZE_ATTEMPTS = 3
"""How often ``summarize`` is called if other clients change the messages that it was given."""

_INSERT_ATTEMPTS = 100  # each follows another client's write


@dataclass(frozen=True)
class Policy:
    """When to summarize, and how much to keep.

    Attributes:
        above: Summarize if a window could use more tokens than this.
        keep: The most tokens of the turns that are not summarized; ``None``: half of what
            ``above`` leaves beside the pinned messages and ``overhead``.
        overhead: The tokens that are sent besides the messages.

    """

    above: int
    keep: int | None
    overhead: int


@dataclass(frozen=True)
class Draft:
    """What a summary will cover, and where it will be.

    Attributes:
        messages: What to summarize: the summary before, and messages that a provider accepts.
        first: The id of the first message that is covered, possibly by the summary before.
        last: The id of the last message that is covered.
        bodies: The stored text of what is covered, with the summary before.
        index: The index of the new summary in the conversation.
        revision: The revision of the conversation with this index.

    """

    messages: list[ChatMessage]
    first: str
    last: str
    bodies: list[str]
    index: int
    revision: str | None


def read_draft(
    backend: Backend[Any], key: str, counter: TokenCounter, policy: Policy
) -> Plan[Any, Draft | None]:
    """Decide what to summarize; ``None``: nothing."""
    span = yield from read_span(backend, key)
    before = [] if span.summary is None else [span.summary]
    parts = _parts_of(span.messages)
    is_sent = set(map(id, arrange([part for group in parts for part in group])))
    sent = [join([part for part in group if id(part) in is_sent]) for group in parts]
    tokens = [_count(counter, messages) for messages in sent]
    fixed = policy.overhead + sum(map(counter.count, span.pinned))
    if fixed + sum(map(counter.count, before)) + sum(tokens) <= policy.above:
        return None
    keep = max(0, policy.above - fixed) // 2 if policy.keep is None else policy.keep
    cut = _choose_cut(_cuts(parts), tokens, keep)
    covered = join(arrange([part for group in parts[:cut] for part in group]))
    if not covered:
        return None
    ids = [str(message.id) for message in span.messages[:cut]]
    earlier = covered_by(span.summary) if span.summary is not None else None
    return Draft(
        [*before, *(message for message in covered if _is_sent(counter, message))],
        earlier[0] if earlier else ids[0],
        ids[-1],
        span.bodies[: cut + len(before)],
        span.start + cut,
        span.revision,
    )


def store_summary(
    backend: Backend[Any], key: str, draft: Draft, made: object
) -> Plan[Any, ChatMessage | None]:
    """Insert the summary behind what it covers and return it.

    ``None``: what it covers has changed since it was read.
    """
    summary = make_summary(made, draft.first, draft.last)
    [record] = encode(backend, [summary])
    index, revision = draft.index, draft.revision
    for _ in range(_INSERT_ATTEMPTS):
        try:
            existing = yield from backend.insert(key, Insert(index, record, revision))
        except RevisionConflictError:
            span = yield from read_span(backend, key)
            if not _begins_with(span, draft):
                # Another process may have stored this summary, and later ones.
                return (yield from get_message(backend, key, record.id))
            index, revision = _index_behind(span, draft), span.revision
        else:
            return codec.decode(key, -1, existing[0].body if existing else record.body)
    raise ConversationChangedError(
        "the conversation was written again and again while its summary was stored; nothing was "
        "stored: try again"
    )


def refuse_awaitable(made: object) -> None:
    """Refuse what an async function returned to a sync caller.

    Raises:
        InvalidArgumentError: It is awaitable.

    """
    if inspect.isawaitable(made):
        if inspect.iscoroutine(made):
            made.close()
        raise InvalidArgumentError("summarize is async: use async_compact, or pass a function")


def _begins_with(span: Span, draft: Draft) -> bool:
    return span.revision is not None and span.bodies[: len(draft.bodies)] == draft.bodies


def _index_behind(span: Span, draft: Draft) -> int:
    return span.length - len(span.bodies) + len(draft.bodies)


def _count(counter: TokenCounter, messages: Sequence[ChatMessage]) -> int:
    return sum(counter.count(message) for message in messages if _is_sent(counter, message))


def _is_sent(counter: TokenCounter, message: ChatMessage) -> bool:
    return not is_empty_answer(message) or counter.payload(message) is not None


def _parts_of(messages: Sequence[ChatMessage]) -> list[list[Part]]:
    finder = ExchangeFinder()
    newest_first = [*enumerate(messages)][::-1]
    return [finder.add(message, index) for index, message in newest_first][::-1]


def _cuts(parts: Sequence[Sequence[Part]]) -> list[int]:
    """Return the indexes of the messages that begin a turn, where no exchange is divided."""
    cuts: list[int] = []
    divided = -1.0  # the index of the last result of the calls so far
    for index, group in enumerate(parts):
        if group[0].begins_turn and index > divided and not (index and parts[index - 1][-1].joins):
            cuts.append(index)
        for part in group:
            exchange = part.exchange
            if exchange is not None and exchange.caller is part:
                is_open = exchange.is_newest and not exchange.is_complete
                ends = [math.inf] if is_open else [result.position for result in exchange.results]
                divided = max([divided, *ends])
    return cuts


def _choose_cut(cuts: Sequence[int], tokens: Sequence[int], keep: int) -> int:
    """Return the index of the first message to keep; 0: keep all."""
    before = [0, *accumulate(tokens)]
    fitting = (cut for cut in cuts if before[-1] - before[cut] <= keep)
    return next(fitting, cuts[-1] if cuts else 0)
