"""``HistoryWindow``: what of a long history an agent sends to the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelMessage, ModelRequest
from pydantic_ai.models import ModelRequestContext

from chatstore.core import ChatMemoryBuffer, ChatMessage, SimpleChatStore
from chatstore.core.checks import check_count
from chatstore.pydantic_ai.segments import join, split
from chatstore.pydantic_ai.sending import sent_parameters, sent_parts

_KEY = "history"


class HistoryWindow(AbstractCapability[Any]):
    """Sends the newest part of the history that fits a token limit and that a provider accepts.

    The rules are those of `ChatMemoryBuffer`: leading system prompts stay, then come whole turns,
    beginning with the user; tool calls and their results are sent together or not at all. The
    run's own history stays whole: ``all_messages()`` and ``new_messages()`` hold everything.
    """

    def __init__(
        self,
        token_limit: int = 3000,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        model: str | None = None,
    ) -> None:
        """Make a window for ``Agent(capabilities=[…])``.

        Args:
            token_limit: The most tokens that are sent, at least 1: messages, system prompts,
                instructions, and the schemas of tools and outputs.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            model: A model's name, whose tiktoken encoding is used instead.

        Raises:
            InvalidArgumentError: ``token_limit`` is not a positive integer.

        """
        self.token_limit = check_count(token_limit, "token_limit", least=1)
        self._tokenizer_fn = tokenizer_fn
        self._model = model

    async def select(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """Return the part to send; it serves as a history processor, too.

        A history processor does not see tools: their schemas are not counted then.

        Warns:
            TokenLimitWarning: The newest turn alone does not fit; it comes back whole.

        """
        return await self._select(messages, _newest_instructions(messages))

    async def before_model_request(
        self,
        ctx: RunContext[Any],  # noqa: ARG002 - Pydantic AI's signature
        request_context: ModelRequestContext,
    ) -> ModelRequestContext:
        """Replace what is sent, and nothing of what the run keeps."""
        besides = sent_parameters(request_context.model_request_parameters)
        request_context.messages = await self._select(request_context.messages, besides)
        return request_context

    async def _select(self, messages: Sequence[ModelMessage], besides: Any) -> list[ModelMessage]:
        segments = split(messages)

        def payload(message: ChatMessage) -> Any:
            segment = segments[int(message.id or 0)]
            parts = messages[segment.place].parts
            return sent_parts(parts[place] for place in segment.parts)

        buffer = ChatMemoryBuffer(
            self.token_limit,
            SimpleChatStore(),
            _KEY,
            self._tokenizer_fn,
            self._model,
            payload_fn=payload,
        )
        await buffer.async_set(segment.message for segment in segments)
        window = await buffer.async_get(besides=besides)
        chosen = [segments[int(message.id or 0)] for message in window]
        if segments and not any(segment.place == segments[-1].place for segment in chosen):
            # Results whose calls are gone: the provider decides, since this is what was asked.
            chosen.append(segments[-1])
        return join(messages, chosen)


def _newest_instructions(messages: Sequence[ModelMessage]) -> str | None:
    for message in reversed(messages):
        if isinstance(message, ModelRequest) and message.instructions:
            return message.instructions
    return None
