"""Rounds of a conversation, the unit in which Haystack retrieves messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from haystack.dataclasses import ChatMessage, ChatRole


def round_starts(groups: Iterable[Sequence[ChatMessage]]) -> list[int]:
    """Return the places where rounds begin, in their order.

    A round is all up to an answer: a text of the assistant that calls no tools. A system message
    between two rounds is one of its own. What has no answer yet is the last round.

    Args:
        groups: The messages of Haystack that each stored message is; the places are theirs.

    """
    starts: list[int] = []
    is_begun = False
    for place, group in enumerate(groups):
        for message in group:
            apart = message.is_from(ChatRole.SYSTEM) and not is_begun
            if not is_begun:
                starts.append(place)
            answer = message.is_from(ChatRole.ASSISTANT) and message.text and not message.tool_calls
            is_begun = not (apart or answer)
    return starts
