"""Rounds of a conversation: the unit in which Haystack retrieves messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from haystack.dataclasses import ChatMessage, ChatRole


def round_starts(groups: Iterable[Sequence[ChatMessage]]) -> list[int]:
    """Return the indexes of the groups in which rounds begin, in their order.

    A round ends with an answer: text of the assistant without tool calls. A system message
    between two rounds is a round by itself. Messages that have no answer yet are the last round.

    Args:
        groups: For each stored message the messages of Haystack made of it.

    """
    starts: list[int] = []
    is_open = False
    for index, group in enumerate(groups):
        for message in group:
            is_alone = message.is_from(ChatRole.SYSTEM) and not is_open
            if not is_open:
                starts.append(index)
            is_answer = (
                message.is_from(ChatRole.ASSISTANT) and message.text and not message.tool_calls
            )
            is_open = not (is_alone or is_answer)
    return starts
