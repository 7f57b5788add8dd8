"""The typed models of providers' own SDKs, as checks of what is sent to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ag_ui.core import Message as AguiMessage
from anthropic.types import MessageParam, TextBlockParam
from google.genai.types import Content
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses import ResponseInputItemParam
from pydantic import TypeAdapter

_openai = TypeAdapter(list[ChatCompletionMessageParam])
_anthropic = TypeAdapter(list[MessageParam])
_system = TypeAdapter(str | list[TextBlockParam])
_responses = TypeAdapter(list[ResponseInputItemParam])
_agui = TypeAdapter(list[AguiMessage])


def check_openai(messages: Any) -> None:
    """Raise ``ValidationError`` unless these are messages of Chat Completions."""
    _exhaust(_openai.validate_python(messages))


def check_anthropic(request: Any) -> None:
    """Raise ``ValidationError`` unless these are arguments of a request to Anthropic."""
    assert request.keys() <= {"messages", "system"}
    _exhaust(_anthropic.validate_python(request["messages"]))
    if "system" in request:
        _exhaust(_system.validate_python(request["system"]))


def check_gemini(request: Any) -> None:
    """Raise ``ValidationError`` unless these are contents and an instruction for Gemini."""
    assert request.keys() <= {"contents", "system_instruction"}
    for content in request["contents"]:
        assert Content.model_validate(content).parts
    instruction = request.get("system_instruction", "")
    if not isinstance(instruction, str):
        assert Content.model_validate(instruction).parts


def check_responses(items: Any) -> None:
    """Raise ``ValidationError`` unless these are input items of OpenAI's Responses API."""
    _exhaust(_responses.validate_python(items))


def check_agui(messages: Any) -> None:
    """Raise ``ValidationError`` unless these are messages of AG-UI."""
    _agui.validate_python(messages)


def check_ui_messages(messages: Any) -> None:
    """Raise ``AssertionError`` unless the AI SDK's ``validateUIMessages`` would accept these."""
    assert len({message["id"] for message in messages}) == len(messages)
    for message in messages:
        assert message.keys() <= {"id", "role", "metadata", "parts"}
        assert isinstance(message["id"], str)
        assert message["role"] in {"system", "user", "assistant"}
        assert message["parts"]
        for part in message["parts"]:
            _check_part(part)


_PART_FIELDS: dict[str, tuple[dict[str, type], set[str]]] = {
    "text": ({"text": str}, {"state", "providerMetadata"}),
    "reasoning": ({"text": str}, {"id", "state", "providerMetadata"}),
    "source-url": ({"sourceId": str, "url": str}, {"title", "providerMetadata"}),
    "source-document": (
        {"sourceId": str, "mediaType": str, "title": str},
        {"filename", "providerMetadata"},
    ),
    "file": ({"mediaType": str, "url": str}, {"filename", "providerMetadata"}),
    "step-start": ({}, set()),
    "data": ({"data": object}, {"id"}),
}
_OUTPUTS: dict[str, dict[str, type]] = {
    "input-streaming": {},
    "input-available": {"input": object},
    "output-available": {"input": object, "output": object},
    "output-error": {"errorText": str},
}


def _check_part(part: Any) -> None:
    kind = part["type"]
    if kind == "dynamic-tool" or kind.startswith("tool-"):
        required: dict[str, type] = {"toolCallId": str, **_OUTPUTS[part["state"]]}
        if kind == "dynamic-tool":
            required["toolName"] = str
        optional = {"input", "state", "title", "providerExecuted", "callProviderMetadata"}
    else:
        required, optional = _PART_FIELDS["data" if kind.startswith("data-") else kind]
    assert required.keys() <= part.keys() <= {"type", *required, *optional}
    for name, type_of_field in required.items():
        assert isinstance(part[name], type_of_field)
    assert part.get("state") in {None, "streaming", "done", *_OUTPUTS}


def _exhaust(value: Any) -> None:
    """Read what pydantic validates only when it is read."""
    if isinstance(value, Mapping):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        for item in value:
            _exhaust(item)
