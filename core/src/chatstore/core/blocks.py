"""Content blocks, distinguished by ``type``.

Undeclared fields and blocks of unknown types are kept as they are, so that what providers add
later is not lost.
"""

# pyright: reportIncompatibleVariableOverride=false
# Blocks narrow `type` to a literal, by which pydantic distinguishes them.
# Annotations are not postponed here: older versions of pydantic evaluate `__pydantic_extra__`'s in
# the modules of subclasses, where its names are not defined.

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias, Union

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from typing_extensions import Self


class ContentBlock(BaseModel):
    """One block of content; blocks of unknown types are instances of this class itself.

    Binary data is base64 text in the field ``data``.
    """

    model_config = ConfigDict(
        extra="allow", allow_inf_nan=False, strict=True, hide_input_in_errors=True
    )
    if TYPE_CHECKING:  # in older versions of pydantic, a default would become a field
        __pydantic_extra__: dict[str, JsonValue] = Field(init=False)
    else:
        __pydantic_extra__: dict[str, JsonValue]

    _known: ClassVar["dict[str, type[ContentBlock]]"] = {}

    type: str

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the type, so that a malformed block of it is not taken for an unknown one."""
        super().__pydantic_init_subclass__(**kwargs)
        kind = cls.model_fields["type"].default
        if kind:
            ContentBlock._known[kind] = cls

    @model_validator(mode="after")
    def _name_the_kind(self) -> Self:
        if type(self) is ContentBlock and self.type in ContentBlock._known:
            raise ValueError(f"the fields of this {self.type!r} block are not valid")
        # `exclude_unset` must not leave the type out.
        self.__pydantic_fields_set__.add("type")
        return self


class TextBlock(ContentBlock):
    """Text."""

    type: Literal["text"] = "text"
    text: str


class _MediaBlock(ContentBlock):
    """Media by URL, or inline as base64 text."""

    type: str = ""
    url: str | None = None
    data: str | None = None
    media_type: str | None = None


class ImageBlock(_MediaBlock):
    """An image."""

    type: Literal["image"] = "image"


class AudioBlock(_MediaBlock):
    """Audio."""

    type: Literal["audio"] = "audio"


class VideoBlock(_MediaBlock):
    """A video."""

    type: Literal["video"] = "video"


class DocumentBlock(_MediaBlock):
    """A file and its name."""

    type: Literal["document"] = "document"
    name: str | None = None


class ThinkingBlock(ContentBlock):
    """A model's reasoning before its answer, with the provider's signature."""

    type: Literal["thinking"] = "thinking"
    thinking: str
    signature: str | None = None


class ToolCallBlock(ContentBlock):
    """A tool call; ``arguments`` is an object, or the JSON text that the model wrote."""

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


def stored_fields(block: object) -> dict[str, Any]:
    """Return the fields of a block that are stored: all that differ from their default.

    Blocks can be changed after validation, so their fields are checked again; whether the values
    are JSON is not checked here.

    Raises:
        ValueError: The block that would be read back would not equal this one.

    """
    kind = type(block)
    is_stored = _STORED.get(kind)
    if is_stored is None or not isinstance(block, ContentBlock):
        raise ValueError(
            f"a block of the class {kind.__module__}.{kind.__qualname__} cannot be stored"
        )
    fields = vars(block)
    extra = block.__pydantic_extra__
    if not is_stored(fields):
        raise ValueError(f"the fields of a {kind.__name__} are no longer valid")
    if extra:
        if not fields.keys().isdisjoint(extra):
            raise ValueError(f"a {kind.__name__} has two fields with the same name")
        fields = {**fields, **extra}
    if kind is TextBlock or kind is ContentBlock:
        return fields
    defaults = type(block).model_fields
    return {
        name: value
        for name, value in fields.items()
        if name == "type" or name not in defaults or value not in (None, {})
    }


def _is_text(fields: dict[str, Any]) -> bool:
    return len(fields) == 2 and fields["type"] == "text" and isinstance(fields["text"], str)


def _is_unknown(fields: dict[str, Any]) -> bool:
    kind = fields.get("type")
    return len(fields) == 1 and isinstance(kind, str) and kind not in ContentBlock._known  # noqa: SLF001


def _has(kind: type[ContentBlock], *required: str) -> Callable[[dict[str, Any]], bool]:
    """Return a check of a block's fields: strings, which may be ``None`` unless required."""
    names = kind.model_fields.keys()
    name_of_kind = kind.model_fields["type"].default

    def check(fields: dict[str, Any]) -> bool:
        return (
            fields.keys() == names
            and fields["type"] == name_of_kind
            and all(
                isinstance(value, str) or (value is None and name not in required)
                for name, value in fields.items()
            )
        )

    return check


def _is_tool_call(fields: dict[str, Any]) -> bool:
    return (
        fields.keys() == ToolCallBlock.model_fields.keys()
        and fields["type"] == "tool_call"
        and isinstance(fields["id"], str)
        and isinstance(fields["name"], str)
        and isinstance(fields["arguments"], (dict, str))
    )


_STORED: dict[type, Callable[[dict[str, Any]], bool]] = {
    ContentBlock: _is_unknown,
    TextBlock: _is_text,
    ThinkingBlock: _has(ThinkingBlock, "thinking"),
    ToolCallBlock: _is_tool_call,
    **{kind: _has(kind) for kind in (ImageBlock, AudioBlock, VideoBlock, DocumentBlock)},
}
