"""``Request``: what a run is about to send besides the history, and what the history was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_framework import Message, SessionContext, SupportsAgentRun

from chatstore.agent_framework.messages import to_messages
from chatstore.agent_framework.replays import count_replayed, same_content
from chatstore.agent_framework.sending import sent_payload, sent_tools
from chatstore.agent_framework.stored import Stored
from chatstore.core import ChatMessage
from chatstore.core.memory.window import PINNED_ROLES, arranged

_ANSWERS = {
    *("function_result", "computer_tool_result", "shell_tool_result"),
    "function_approval_response",
}


@dataclass
class Request:
    """The input of a run, with which the history is read.

    Attributes:
        input: The messages that the caller passed.
        overhead: What is sent besides messages: instructions and definitions of tools.
        history: The part of the history to send, once it was read.
        stored: The end of the conversation, with which the input is compared.

    """

    input: Sequence[Message]
    overhead: list[Any] = field(default_factory=list)
    history: Sequence[ChatMessage] = ()
    stored: Stored = field(default_factory=Stored)

    @classmethod
    def of(cls, agent: SupportsAgentRun, context: SessionContext) -> Request:
        """Return the request of a run that is about to begin."""
        defaults = getattr(agent, "default_options", None) or {}
        instructions = [defaults.get("instructions"), *context.instructions]
        tools = [
            *(defaults.get("tools") or ()),
            *(context.options.get("tools") or ()),
            *context.tools,
            *getattr(agent, "mcp_tools", ()),
        ]
        return cls(list(context.input_messages), [*instructions, *sent_tools(tools)])

    def everything_else(self) -> list[Any]:
        """Return all that is sent besides the history, for counting."""
        messages = to_messages(self.new_input())
        return [*self.overhead, *(sent_payload(message) or message for message in messages)]

    def acceptable(self, messages: Iterable[ChatMessage]) -> list[ChatMessage]:
        """Return the messages that a provider accepts in front of the input.

        A run that was interrupted may have left calls without results. They are left out, unless
        the input answers them.
        """
        kinds = {content.type for message in self.new_input() for content in message.contents}
        return arranged(list(messages), newest=bool(kinds & _ANSWERS))

    def new_input(self) -> list[Message]:
        """Return the input without what the history has already, so that it is sent only once.

        System messages of the caller stay if the history does not have them. So does the last
        message, which the model is to answer, unless the history ends with it.
        """
        passed = to_messages(self.input)
        stored = self.stored
        replayed = count_replayed(stored.messages, passed, is_whole=stored.is_whole)
        if not replayed:
            return list(self.input)
        pinned = [
            message
            for message, common in zip(self.input[:replayed], passed, strict=False)
            if common.role in PINNED_ROLES
            and not any(same_content(common, existing) for existing in self.history)
        ]
        new = self.input[replayed:]
        if not new and not (self.history and same_content(self.history[-1], passed[-1])):
            new = self.input[-1:]
        return [*pinned, *new]
