"""The message model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, Union

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetPydanticSchema,
    JsonValue,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import core_schema

from chatstore.core.blocks import ContentBlock, KnownBlock, TextBlock

MAX_ID_BYTES = 255

PAYLOADS_KEY = "chatstore.payload"
"""The additional kwarg for frameworks' own forms of a message: never counted, never sent."""

METADATA_KEY = "chatstore.metadata"
"""Where adapters keep a message's metadata in a framework's message: never sent."""


class MessageRole(str, Enum):
    """The author of a message."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    FUNCTION = "function"
    TOOL = "tool"
    CHATBOT = "chatbot"
    MODEL = "model"


def _check_text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("the text contains a lone surrogate, which UTF-8 cannot encode") from error
    return text


def check_id(value: str) -> str:
    """Return an id; raise ``ValueError`` if it cannot be stored."""
    if not 0 < len(value.encode()) <= MAX_ID_BYTES:
        raise ValueError(f"an id has 1 to {MAX_ID_BYTES} bytes in UTF-8")
    return value


def check_time(value: object) -> str:
    """Return a time as text; raise ``ValueError`` if it would not be read as an equal time."""
    if isinstance(value, datetime) and value.utcoffset() is not None:
        text = value.isoformat()
        with suppress(ValidationError):
            if _TIME.validate_python(text) == value:
                return text
    raise ValueError("created_at is not a datetime with a time zone that can be stored")


RoleName: TypeAlias = Literal[
    "system", "developer", "user", "assistant", "function", "tool", "chatbot", "model"
]
# JSON cannot contain lone surrogates, so only Python strings are checked for them.
_TEXT = core_schema.json_or_python_schema(
    json_schema=core_schema.str_schema(strict=True),
    python_schema=core_schema.no_info_after_validator_function(
        _check_text, core_schema.str_schema(strict=True)
    ),
)
_ID = core_schema.json_or_python_schema(
    json_schema=core_schema.str_schema(strict=True, min_length=1),
    python_schema=core_schema.no_info_after_validator_function(check_id, _TEXT),
)
_TIME = TypeAdapter(AwareDatetime)
Text = Annotated[str, GetPydanticSchema(lambda _, __: _TEXT)]
Identity = Annotated[str, GetPydanticSchema(lambda _, __: _ID)]
Block = Annotated[Union[KnownBlock, ContentBlock], Field(union_mode="left_to_right")]  # noqa: UP007


class ChatMessage(BaseModel):
    """One message of a conversation.

    Equality and ``repr`` use role, content and additional_kwargs only: what is sent to a model.

    Attributes:
        role: The author.
        content: Text, ``None``, or a list of content blocks.
        additional_kwargs: Any JSON object, such as ``tool_calls``, ``tool_call_id``, ``name``, or
            a framework's own fields.
        metadata: Any JSON object of the application's own, such as usage, cost or feedback. It is
            stored, but never counted as tokens and never sent to a model. Adding a message again
            does not change its stored metadata; `ChatStore.put_message` does.
        id: Unique within the conversation, 1 to 255 bytes in UTF-8. ``None``: the store assigns
            one. A store adds a message with an id only once.
        created_at: A time with a time zone. ``None``: the store sets the time of writing. It does
            not affect the order.

    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    role: MessageRole
    # Validation takes the first type that fits: trying all of them doubles its time.
    content: Annotated[Union[Text, list[Block]], Field(union_mode="left_to_right")] | None = None  # noqa: UP007
    additional_kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    id: Identity | None = None
    created_at: AwareDatetime | None = None

    if TYPE_CHECKING:
        # Type checkers learn here which values pydantic converts to the fields' types.
        def __init__(
            self,
            *,
            role: MessageRole | RoleName,
            content: str | Sequence[ContentBlock | Mapping[str, Any]] | None = None,
            additional_kwargs: Mapping[str, Any] = {},
            metadata: Mapping[str, Any] = {},
            id: str | None = None,  # noqa: A002
            created_at: datetime | None = None,
        ) -> None:
            """Create a message; raises ``pydantic.ValidationError`` for invalid values."""

    def __eq__(self, other: object) -> bool:
        """Compare role, content and additional_kwargs."""
        if not isinstance(other, ChatMessage):
            return NotImplemented
        return (self.role, self.content, self.additional_kwargs) == (
            other.role,
            other.content,
            other.additional_kwargs,
        )

    __hash__ = None  # type: ignore[assignment]  # messages are mutable

    @property
    def text(self) -> str:
        """The content's text: the string itself, or the text of its text blocks, joined."""
        return self.content if isinstance(self.content, str) else "".join(self._texts())

    def __str__(self) -> str:
        """Return the role and the text, such as ``user: hi``, as LlamaIndex prints a message."""
        texts = [self.content] if isinstance(self.content, str) else self._texts()
        text = "\n".join(texts) if texts else None
        return f"{MessageRole(self.role).value}: {text}"

    def _texts(self) -> list[str]:
        blocks = self.content if isinstance(self.content, list) else []
        return [block.text for block in blocks if isinstance(block, TextBlock)]

    def __repr_args__(self) -> Any:
        """Show role, content and additional_kwargs."""
        return [
            ("role", self.role),
            ("content", self.content),
            ("additional_kwargs", self.additional_kwargs),
        ]


_FIELDS = ChatMessage.model_fields.keys()


def refuse_unstored_fields(message: ChatMessage) -> None:
    """Refuse a message with more than the fields of `ChatMessage`, which would be lost.

    Raises:
        ValueError: The message has fields or private attributes of a subclass, or others.

    """
    kind = type(message)
    if message.__dict__.keys() == _FIELDS and (
        kind is ChatMessage
        or (
            not message.__pydantic_extra__
            and not kind.__private_attributes__
            and kind.model_fields.keys() == _FIELDS
        )
    ):
        return
    names = {*message.__dict__, *kind.model_fields, *kind.__private_attributes__}
    names.update(message.__pydantic_extra__ or ())
    missing = sorted(_FIELDS - message.__dict__.keys())
    problem = f"it lacks {missing}" if missing else f"{sorted(names - _FIELDS)} would be lost"
    raise ValueError(f"{problem}; a message has {list(_FIELDS)}; put other data in metadata")
