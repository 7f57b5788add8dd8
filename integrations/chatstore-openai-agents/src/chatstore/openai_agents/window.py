"""``InputWindow``: the part of a long input that an agent sends to the model."""

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

from chatstore.core.converters.responses_tools import item_call, item_result
from chatstore.core.memory.list_window import ListWindow
from chatstore.core.memory.window import Cut
from chatstore.openai_agents.items import outlines
from chatstore.openai_agents.sending import sent_items


class InputWindow:
    """Sends the newest part of the input that fits a token limit and that the API accepts.

    The rules are those of `ChatMemoryBuffer`: leading system and developer messages stay, followed
    by the newest turns, beginning with a user message. Calls and their outputs, and reasoning and
    the item that it led to, are sent together or left out together. The session is not changed.
    """

    def __init__(
        self,
        token_limit: int = 3000,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        model: str | None = None,
        *,
        cut: Cut = "steps",
    ) -> None:
        """Create a window for ``RunConfig(call_model_input_filter=…)``.

        Args:
            token_limit: The most tokens to send, at least 1: items, instructions, and the schemas
                of tools, handoffs and outputs.
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

    async def __call__(self, data: CallModelData[Any]) -> ModelInputData:
        """Shorten the input that the SDK is about to send.

        Tools of MCP servers are counted too, which lists them: let the servers cache their lists.
        """
        full = data.model_data
        overhead = [full.instructions, await _schemas(data.agent, data.context)]
        selected = await self.select(full.input, overhead=overhead)
        return ModelInputData(input=selected, instructions=full.instructions)

    async def select(
        self, items: Sequence[TResponseInputItem], *, overhead: Any = None
    ) -> list[TResponseInputItem]:
        """Return the part of the items to send.

        If an item answers a call that is not among the items, the server has the rest of the
        conversation, and all items are returned.

        Args:
            items: The items, oldest first.
            overhead: What is sent in addition; see `ChatMemoryBuffer.get`.

        Raises:
            InvalidMessageError: JSON cannot hold an item, or it is not a dict.

        Warns:
            TokenLimitWarning: The newest exchange alone does not fit; it is returned whole.

        """
        if _continues_on_server(items):
            return list(items)
        indexes = await self._window.select(
            outlines(items), lambda index: sent_items([items[index]]), overhead=overhead
        )
        return [items[index] for index in indexes]


def _continues_on_server(items: Sequence[Any]) -> bool:
    calls = {call.id for item in items if (call := item_call(item)) is not None}
    results = (result for item in items if (result := item_result(item)) is not None)
    return any(result.call_id not in calls for result in results)


async def _schemas(agent: Agent[Any], context: Any) -> list[Any]:
    """Return the schemas that are sent with an agent's input, as JSON."""
    tools = await agent.get_all_tools(RunContextWrapper(context=context))
    schemas: list[Any] = [
        _function(
            tool.name,
            getattr(tool, "description", None),
            getattr(tool, "params_json_schema", None),
        )
        for tool in tools
    ]
    for handoff in agent.handoffs:
        if isinstance(handoff, Handoff):
            schemas.append(
                _function(handoff.tool_name, handoff.tool_description, handoff.input_json_schema)
            )
        else:
            name = Handoff.default_tool_name(handoff)
            schemas.append(_function(name, Handoff.default_tool_description(handoff), None))
    output = agent.output_type
    if output is not None and output is not str:
        schemas.append(_output_schema(output))
    return schemas


def _function(name: str, description: str | None, parameters: Any) -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "description": description or "",
        "parameters": parameters or {},
    }


def _output_schema(output: Any) -> Any:
    schema = output if isinstance(output, AgentOutputSchemaBase) else AgentOutputSchema(output)
    return None if schema.is_plain_text() else schema.json_schema()
