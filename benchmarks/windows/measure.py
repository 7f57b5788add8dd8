"""Replays conversations and compares each request with the one before."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.windows.policies import COUNTER, Policy, by_id
from chatstore.core import ChatMessage
from chatstore.core.testing.provider_rules import provider_violations


class Request(NamedTuple):
    """A request to a model.

    Attributes:
        tokens: The tokens of the messages that are sent.
        shared: Those of the longest beginning that the request before has, too.
        moved: Whether the first message behind the system prompt is another one.
        is_cut: Whether older messages were left out.
        refused: Whether a provider would refuse the messages.

    """

    tokens: int
    shared: int
    moved: bool
    is_cut: bool
    refused: bool


@dataclass
class Summary:
    """The requests of a policy at a limit."""

    limit: int
    requests: list[Request] = field(default_factory=list)

    @property
    def reuse(self) -> float:
        """The part of all tokens that the request before has sent in the same place."""
        return sum(r.shared for r in self.requests) / sum(r.tokens for r in self.requests)

    @property
    def fills(self) -> list[float]:
        """The part of the limit that each request uses, of those that leave something out."""
        return [r.tokens / self.limit for r in self.requests if r.is_cut]

    @property
    def moves(self) -> int:
        """How often the start moved."""
        return sum(request.moved for request in self.requests)

    @property
    def refused(self) -> int:
        """How many requests a provider would refuse."""
        return sum(request.refused for request in self.requests)


def replay(messages: Sequence[ChatMessage], policy: Policy) -> Iterator[Request]:
    """Yield each request: before each message of the model."""
    known = by_id(messages)
    sizes = {name: COUNTER.count(message) for name, message in known.items()}
    before: list[str] | None = None
    for number, message in enumerate(messages):
        if message.role == "assistant":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sent = policy.choose()
            if before is not None:
                pairs = zip(before, sent, strict=False)
                common = itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)
                yield Request(
                    tokens=sum(sizes[name] for name in sent),
                    shared=sum(sizes[name] for name, _ in common),
                    moved=_has_moved(_first(before, known), _first(sent, known)),
                    is_cut=len(sent) < number,
                    refused=bool(provider_violations([known[name] for name in sent])),
                )
            before = sent
        policy.add(message)


def measure(
    conversations: Sequence[Sequence[ChatMessage]], make: Callable[[int], Policy], limit: int
) -> Summary:
    """Replay conversations, each with a policy of its own."""
    summary = Summary(limit)
    for messages in conversations:
        summary.requests += replay(messages, make(limit))
    return summary


def _has_moved(before: Sequence[str], after: Sequence[str]) -> bool:
    return list(before) != list(after[: len(before)])


def _first(sent: Sequence[str], known: dict[str, ChatMessage]) -> list[str]:
    """Return the first two messages behind the system prompt: a cut turn keeps the first."""
    return [name for name in sent if known[name].role != "system"][:2]
