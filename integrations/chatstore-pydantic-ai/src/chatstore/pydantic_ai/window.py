"""``HistoryWindow``: the part of a long history that an agent sends to the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelMessage, ModelRequest
from pydantic_ai.models import ModelRequestContext

from chatstore.core.memory.list_window import ListWindow
from chatstore.core.memory.window import Cut
from chatstore.pydantic_ai.segments import join, split
from chatstore.pydantic_ai.sending import sent_parameters, sent_parts


class HistoryWindow(AbstractCapability[Any]):
    """Sends the newest part of the history that fits a token limit and that a provider accepts.

    The rules are those of `ChatMemoryBuffer`: leading system prompts stay, followed by the
    newest turns, beginning with a user prompt; tool calls and their results are sent together or
    left out together. The run's own history is not changed: ``all_messages()`` and
    ``new_messages()`` return everything.
    """

    def __init__(
        self,
        token_limit: int = 3000,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        model: str | None = None,
        *,
        cut: Cut = "steps",
    ) -> None:
        """Create a window for ``Agent(capabilities=[…])``.

        Args:
            token_limit: The most tokens to send, at least 1: messages, system prompts,
                instructions, and the schemas of tools and outputs.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            model: A model's name, whose tiktoken encoding is used instead.
            cut: ``"steps"``: the start stays for many turns, so that prompt caches hit;
                ``"sliding"``: the fullest window.

        Raises:
            InvalidArgumentError: ``token_limit`` is not a positive integer, or ``cut`` is neither
                ``"steps"`` nor ``"sliding"``.

        """
        self._window = ListWindow(token_limit, tokenizer_fn, model, cut=cut)
        self.token_limit = self._window.token_limit

    async def select(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """Return the part to send; this method can be a history processor, too.

        A history processor does not receive tools, so their schemas are not counted then.

        Warns:
            TokenLimitWarning: The newest exchange alone does not fit; it is returned whole.

        """
        return await self._select(messages, _newest_instructions(messages))

    async def before_model_request(
        self,
        ctx: RunContext[Any],  # noqa: ARG002 - Pydantic AI's signature
        request_context: ModelRequestContext,
    ) -> ModelRequestContext:
        """Replace the messages to send; the run keeps all of them."""
        overhead = sent_parameters(request_context.model_request_parameters)
        request_context.messages = await self._select(request_context.messages, overhead)
        return request_context

    async def _select(self, messages: Sequence[ModelMessage], overhead: Any) -> list[ModelMessage]:
        segments = split(messages)

        def payload_of(index: int) -> Any:
            segment = segments[index]
            parts = messages[segment.message_index].parts
            return sent_parts(parts[part] for part in segment.parts)

        indexes = await self._window.select(
            [segment.outline for segment in segments], payload_of, overhead=overhead
        )
        selected = [segments[index] for index in indexes]
        newest = segments[-1:]
        indexes_of_messages = {segment.message_index for segment in selected}
        if newest and newest[0].message_index not in indexes_of_messages:
            # The request consists of results without calls. It is sent, and the provider decides.
            selected += newest
        return join(messages, selected)


def _newest_instructions(messages: Sequence[ModelMessage]) -> str | None:
    for message in reversed(messages):
        if isinstance(message, ModelRequest) and message.instructions:
            return message.instructions
    return None
