"""One conversation in the form of each framework: question, reasoning, call, result, answer."""

# The helpers are beside the tests of the integrations.
# pyright: reportMissingImports=false

from __future__ import annotations

import base64
import json
from typing import Any

from agent_framework import Content, Message
from google.adk.events.event import Event
from google.genai import types
from haystack.dataclasses import ChatMessage as HaystackMessage
from haystack.dataclasses import ImageContent, ReasoningContent, TextContent, ToolCall
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage as LlamaIndexMessage
from llama_index.core.base.llms.types import ImageBlock, TextBlock, ThinkingBlock, ToolCallBlock
from models_strands import call, result
from pydantic_ai.messages import (
    BinaryContent,
    ModelRequest,
    ModelResponse,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from session_entries import assistant, user

QUESTION, ANSWER, ID, RESULT = "the question", "the answer", "call-1", "the result"
ARGUMENTS = {"word": "the argument"}
THOUGHT = "the thought"
PIXEL = b"\x89PNG the image"
IMAGE = base64.b64encode(PIXEL).decode()
SEAL = b"the signature of the model"
SIGNATURE = base64.b64encode(SEAL).decode()


def langchain(failed: bool) -> Any:
    """Return LangChain's messages."""
    reasoning = {"type": "reasoning", "reasoning": THOUGHT, "extras": {"signature": SIGNATURE}}
    image = {"type": "image", "base64": IMAGE, "mime_type": "image/png"}
    calls: Any = [{"name": "look", "args": ARGUMENTS, "id": ID}]
    return [
        HumanMessage([{"type": "text", "text": QUESTION}, image]),
        AIMessage([reasoning], tool_calls=calls),
        ToolMessage(RESULT, tool_call_id=ID, status="error" if failed else "success"),
        AIMessage(ANSWER),
    ]


def llama_index(_: bool) -> Any:
    """Return LlamaIndex's messages, which have no mark of failure."""
    thinking = ThinkingBlock(content=THOUGHT, additional_information={"signature": SIGNATURE})
    image = ImageBlock(image=PIXEL, image_mimetype="image/png")
    tool_call = ToolCallBlock(tool_call_id=ID, tool_name="look", tool_kwargs=ARGUMENTS)
    kwargs = {"tool_call_id": ID}
    return [
        LlamaIndexMessage(role="user", blocks=[TextBlock(text=QUESTION), image]),
        LlamaIndexMessage(role="assistant", blocks=[thinking, tool_call]),
        LlamaIndexMessage(role="tool", content=RESULT, additional_kwargs=kwargs),
        LlamaIndexMessage(role="assistant", content=ANSWER),
    ]


def openai_agents(_: bool) -> Any:
    """Return items of the OpenAI Agents SDK, which have no mark of failure."""
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{IMAGE}"}
    summary = [{"type": "summary_text", "text": THOUGHT}]
    return [
        {"role": "user", "content": [{"type": "input_text", "text": QUESTION}, image]},
        {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": SIGNATURE},
        {
            "type": "function_call",
            "call_id": ID,
            "name": "look",
            "arguments": json.dumps(ARGUMENTS),
        },
        {"type": "function_call_output", "call_id": ID, "output": RESULT},
        {"role": "assistant", "content": ANSWER},
    ]


def pydantic_ai(failed: bool) -> Any:
    """Return Pydantic AI's messages."""
    returned = ToolReturnPart("look", RESULT, ID, outcome="failed" if failed else "success")
    thinking = ThinkingPart(THOUGHT, signature=SIGNATURE, provider_name="anthropic")
    return [
        ModelRequest([UserPromptPart([QUESTION, BinaryContent(PIXEL, media_type="image/png")])]),
        ModelResponse([thinking, ToolCallPart("look", ARGUMENTS, ID)]),
        ModelRequest([returned]),
        ModelResponse([TextPart(ANSWER)]),
    ]


def haystack(failed: bool) -> Any:
    """Return Haystack's messages."""
    tool_call = ToolCall("look", ARGUMENTS, ID)
    image = ImageContent(IMAGE, "image/png", validation=False)
    reasoning = ReasoningContent(THOUGHT, {"signature": SIGNATURE})
    return [
        HaystackMessage.from_user(content_parts=[TextContent(QUESTION), image]),
        HaystackMessage.from_assistant(tool_calls=[tool_call], reasoning=reasoning),
        HaystackMessage.from_tool(RESULT, tool_call, error=failed),
        HaystackMessage.from_assistant(ANSWER),
    ]


def agent_framework(failed: bool) -> Any:
    """Return messages of Microsoft Agent Framework."""
    reasoning = Content.from_text_reasoning(text=THOUGHT, protected_data=SIGNATURE)
    error = "it failed" if failed else None
    return [
        Message("user", [Content.from_text(QUESTION), Content.from_data(PIXEL, "image/png")]),
        Message(
            "assistant", [reasoning, Content.from_function_call(ID, "look", arguments=ARGUMENTS)]
        ),
        Message("tool", [Content.from_function_result(ID, result=RESULT, exception=error)]),
        Message("assistant", [Content.from_text(ANSWER)]),
    ]


def strands(failed: bool) -> Any:
    """Return Strands' messages."""
    image = {"image": {"format": "png", "source": {"bytes": PIXEL}}}
    reasoning = {"reasoningText": {"text": THOUGHT, "signature": SIGNATURE}}
    return [
        {"role": "user", "content": [{"text": QUESTION}, image]},
        {
            "role": "assistant",
            "content": [{"reasoningContent": reasoning}, call("look", ID, **ARGUMENTS)],
        },
        {"role": "user", "content": [result(ID, RESULT, "error" if failed else "success")]},
        {"role": "assistant", "content": [{"text": ANSWER}]},
    ]


def google_adk(_: bool) -> Any:
    """Return events of ADK, which have no mark of failure."""
    contents = [
        (
            "user",
            [types.Part(text=QUESTION), types.Part.from_bytes(data=PIXEL, mime_type="image/png")],
        ),
        (
            "model",
            [
                types.Part(text=THOUGHT, thought=True, thought_signature=SEAL),
                types.Part(function_call=types.FunctionCall(id=ID, name="look", args=ARGUMENTS)),
            ],
        ),
        (
            "user",
            [
                types.Part(
                    function_response=types.FunctionResponse(
                        id=ID, name="look", response={"result": RESULT}
                    )
                )
            ],
        ),
        ("model", [types.Part(text=ANSWER)]),
    ]
    return [
        Event(author=role, invocation_id="i", content=types.Content(role=role, parts=parts))
        for role, parts in contents
    ]


def claude_agent_sdk(failed: bool) -> Any:
    """Return entries of the Claude Agent SDK."""
    source = {"type": "base64", "media_type": "image/png", "data": IMAGE}
    question = [{"type": "text", "text": QUESTION}, {"type": "image", "source": source}]
    returned = {"type": "tool_result", "tool_use_id": ID, "content": RESULT}
    return [
        user("u1", question),
        assistant(
            "u2",
            {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE},
            {"type": "tool_use", "id": ID, "name": "look", "input": ARGUMENTS},
            parent="u1",
        ),
        user("u3", [{**returned, "is_error": True} if failed else returned], "u2"),
        assistant("u4", {"type": "text", "text": ANSWER}, parent="u3"),
    ]
