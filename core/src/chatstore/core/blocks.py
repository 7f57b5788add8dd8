"""The blocks that a message's content may consist of, told apart by ``type``.

Fields that a block does not declare are kept, and a block of a kind that is not known here is
kept as it is: what providers add tomorrow survives today.
"""

# pyright: reportIncompatibleVariableOverride=false
# Blocks narrow `type` to a literal, as pydantic tells them apart by it.

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias, Union

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from typing_extensions import Self


class ContentBlock(BaseModel):
    """One block of content. This class itself stands for the kinds that are not known here.

    Binary data travels as base64 text in the fields named ``data``.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, strict=True)
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    _known: ClassVar[dict[str, type[ContentBlock]]] = {}

    type: str

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Note the kind, so that the fallback does not take a malformed block of it."""
        super().__pydantic_init_subclass__(**kwargs)
        ContentBlock._known[cls.model_fields["type"].default] = cls

    @model_validator(mode="after")
    def _name_the_kind(self) -> Self:
        if type(self) is ContentBlock and self.type in ContentBlock._known:
            message = f"the fields of this {self.type!r} block are not valid"
            raise ValueError(message)
        # Blocks are stored with the fields that were set; a default `type` must be among them.
        self.__pydantic_fields_set__.add("type")
        return self


class TextBlock(ContentBlock):
    """Text."""

    type: Literal["text"] = "text"
    text: str


class _MediaBlock(ContentBlock):
    """Media by address, or inline as base64 text."""

    type: str = ""
    url: str | None = None
    data: str | None = None
    media_type: str | None = None


class ImageBlock(_MediaBlock):
    """An image."""

    type: Literal["image"] = "image"


class AudioBlock(_MediaBlock):
    """A sound."""

    type: Literal["audio"] = "audio"


class VideoBlock(_MediaBlock):
    """A film."""

    type: Literal["video"] = "video"


class DocumentBlock(_MediaBlock):
    """A file, with its name."""

    type: Literal["document"] = "document"
    name: str | None = None


class ThinkingBlock(ContentBlock):
    """What a model thought before it answered, and the provider's signature under it."""

    type: Literal["thinking"] = "thinking"
    thinking: str
    signature: str | None = None


class ToolCallBlock(ContentBlock):
    """A call of a tool. ``arguments`` is an object, or the JSON text that the model wrote."""

    type: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    arguments: dict[str, JsonValue] | str = Field(default_factory=dict)


KnownBlock: TypeAlias = Annotated[
    Union[  # noqa: UP007 - `|` cannot carry the annotation on Python 3.10
        TextBlock, ImageBlock, AudioBlock, VideoBlock, DocumentBlock, ThinkingBlock, ToolCallBlock
    ],
    Field(discriminator="type"),
]
