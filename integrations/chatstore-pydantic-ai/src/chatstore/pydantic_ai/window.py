"""``HistoryWindow``: what of a long history an agent sends to the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelMessage, ModelRequest, SystemPromptPart
from pydantic_ai.models import ModelRequestContext

from chatstore.core import ChatMemoryBuffer, SimpleChatStore
from chatstore.core.checks import check_count
from chatstore.pydantic_ai.messages import common_message

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
            token_limit: The most tokens that are sent, at least 1; instructions, tool schemas and
                what a provider keeps of its own are not counted.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            model: A model's name, whose tiktoken encoding is used instead.

        Raises:
            InvalidArgumentError: The limit is no positive integer.

        """
        self.token_limit = check_count(token_limit, "token_limit", least=1)
        self._tokenizer_fn = tokenizer_fn
        self._model = model

    async def select(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """Return the part to send; it serves as a history processor, too.

        Warns:
            TokenLimitWarning: The newest turn alone does not fit; it comes back whole.

        """
        buffer = ChatMemoryBuffer(
            self.token_limit, SimpleChatStore(), _KEY, self._tokenizer_fn, self._model
        )
        said = [common_message(message, str(place)) for place, message in enumerate(messages)]
        await buffer.async_set(said)
        places = [int(message.id or 0) for message in await buffer.async_get()]
        chosen = [messages[place] for place in places]
        if messages and places[:1] != [0]:
            # The first request holds the agent's system prompt beside the user's first words.
            prompts = [part for part in messages[0].parts if isinstance(part, SystemPromptPart)]
            if prompts:
                return [ModelRequest(parts=prompts), *chosen]
        return chosen

    async def before_model_request(
        self,
        ctx: RunContext[Any],  # noqa: ARG002 - Pydantic AI's signature
        request_context: ModelRequestContext,
    ) -> ModelRequestContext:
        """Replace what is sent, and nothing of what the run keeps."""
        request_context.messages = await self.select(request_context.messages)
        return request_context
