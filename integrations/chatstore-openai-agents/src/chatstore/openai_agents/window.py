"""``InputWindow``: what of a long input an agent sends to the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from agents import (
    Agent,
    AgentOutputSchema,
    AgentOutputSchemaBase,
    Handoff,
    RunContextWrapper,
    TResponseInputItem,
)
from agents.run import CallModelData, ModelInputData

from chatstore.core import ChatMemoryBuffer, ChatMessage, SimpleChatStore
from chatstore.core.checks import check_count
from chatstore.openai_agents.items import outlines
from chatstore.openai_agents.sending import sent_items
from chatstore.openai_agents.tools import item_call, item_result

_KEY = "input"


class InputWindow:
    """Sends the newest part of the input that fits a token limit and that the API accepts.

    The rules are those of `ChatMemoryBuffer`: leading system and developer messages stay, then
    come whole turns, beginning with the user. Calls and their outputs, and reasoning and the item
    that it led to, are sent together or not at all. The session keeps everything.
    """

    def __init__(
        self,
        token_limit: int = 3000,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        model: str | None = None,
    ) -> None:
        """Make a window for ``RunConfig(call_model_input_filter=…)``.

        Args:
            token_limit: The most tokens that are sent, at least 1: items, instructions, and the
                schemas of tools, handoffs and outputs.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            model: A model's name, whose tiktoken encoding is used instead.

        Raises:
            InvalidArgumentError: ``token_limit`` is not a positive integer.

        """
        self.token_limit = check_count(token_limit, "token_limit", least=1)
        self._tokenizer_fn = tokenizer_fn
        self._model = model

    async def __call__(self, data: CallModelData[Any]) -> ModelInputData:
        """Shorten what the SDK is about to send.

        Tools of MCP servers are counted too: have the servers cache their lists.
        """
        sent = data.model_data
        besides = [sent.instructions, await _schemas(data.agent, data.context)]
        selected = await self.select(sent.input, besides=besides)
        return ModelInputData(input=selected, instructions=sent.instructions)

    async def select(
        self, items: Sequence[TResponseInputItem], *, besides: Any = None
    ) -> list[TResponseInputItem]:
        """Return the part of the items to send.

        Items that answer calls of no other item continue a conversation that the server keeps:
        they are all sent.

        Args:
            items: The items, oldest first.
            besides: What else is sent, as text or JSON.

        Raises:
            InvalidMessageError: JSON cannot hold an item, or it is not a dict.

        Warns:
            TokenLimitWarning: The newest turn alone does not fit; it comes back whole.

        """
        if _continues_elsewhere(items):
            return list(items)
        messages = outlines(items)

        def payload(message: ChatMessage) -> Any:
            return sent_items([items[int(message.id or 0)]])

        buffer = ChatMemoryBuffer(
            self.token_limit,
            SimpleChatStore(),
            _KEY,
            self._tokenizer_fn,
            self._model,
            payload_fn=payload,
        )
        await buffer.async_set(messages)
        window = await buffer.async_get(besides=besides)
        return [items[int(message.id or 0)] for message in window]


def _continues_elsewhere(items: Sequence[Any]) -> bool:
    calls = {call.id for item in items if (call := item_call(item)) is not None}
    results = (result for item in items if (result := item_result(item)) is not None)
    return any(result.call_id not in calls for result in results)


async def _schemas(agent: Agent[Any], context: Any) -> list[Any]:
    """Return the schemas that are sent with an agent's input, as JSON."""
    tools = await agent.get_all_tools(RunContextWrapper(context=context))
    schemas: list[Any] = [
        [tool.name, getattr(tool, "description", None), getattr(tool, "params_json_schema", None)]
        for tool in tools
    ]
    for handoff in agent.handoffs:
        if isinstance(handoff, Handoff):
            described = [handoff.tool_name, handoff.tool_description, handoff.input_json_schema]
            schemas.append(described)
        else:
            name = Handoff.default_tool_name(handoff)
            schemas.append([name, Handoff.default_tool_description(handoff)])
    output = agent.output_type
    if output is not None and output is not str:
        schemas.append(_output_schema(output))
    return schemas


def _output_schema(output: Any) -> Any:
    schema = output if isinstance(output, AgentOutputSchemaBase) else AgentOutputSchema(output)
    return None if schema.is_plain_text() else schema.json_schema()
