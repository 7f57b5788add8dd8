"""The bodies and queries of requests, and the bodies of responses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from chatstore.core import ChatMessage, Conversation
from chatstore.core.messages import Block, Text
from chatstore.http.formats import Format

Metadata = dict[str, JsonValue]
_LARGEST_PAGE = 200
_MOST_MESSAGES = 100


class _Request(BaseModel):
    """A request's body: unknown fields are refused, since they would be lost."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def _example(value: dict[str, JsonValue]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]})


class NewConversation(_Request):
    """A conversation to create."""

    model_config = _example({"title": "A trip to Lisbon"})

    title: str | None = Field(None, description="At most 1,000 characters.")
    metadata: Metadata = Field({}, description="At most 16 KB as JSON.")


class ConversationChanges(_Request):
    """What to change in a conversation's record; other fields stay."""

    model_config = _example({"title": "A weekend in Lisbon", "metadata": {"pinned": True}})

    title: str | None = Field(None, description="`null`: no title.")
    metadata: Metadata = Field({}, description="Names to set; `null` removes a name.")


class Fork(_Request):
    """What a fork copies."""

    model_config = _example({"until": None})

    until: str | None = Field(None, description="The last message to copy; by default all are.")


class Truncation(_Request):
    """Which messages to remove."""

    model_config = _example({"from_id": "message-1"})

    from_id: str = Field(description="The first message to remove; all later ones go with it.")


class NewMessages(_Request):
    """Messages to append, all or none of them."""

    model_config = _example({"messages": [{"role": "user", "content": "Hello", "id": "message-2"}]})

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=_MOST_MESSAGES)]


class MessageChanges(_Request):
    """What to change in a message; other fields stay."""

    model_config = _example({"content": "A hotel in Lisbon?"})

    content: Annotated[Text | list[Block], Field(union_mode="left_to_right")] | None = None
    additional_kwargs: Metadata = Field({}, description="Replaces all of them.")
    metadata: Metadata = Field({}, description="Names to set; `null` removes a name.")


class Feedback(_Request):
    """What a user thinks of a message; stored in its metadata as `feedback`."""

    model_config = _example({"rating": "up", "comment": "Exactly."})

    rating: Literal["up", "down"]
    comment: str | None = Field(None, max_length=4000)


class ConversationQuery(BaseModel):
    """Which conversations to list."""

    limit: int = Field(50, ge=1, le=_LARGEST_PAGE, description="The most conversations.")
    cursor: str | None = Field(None, description="The `next_cursor` of the page before.")


class MessageQuery(BaseModel):
    """Which messages to read, and their format."""

    limit: int = Field(50, ge=1, le=_LARGEST_PAGE, description="The most messages.")
    before: str | None = Field(
        None, description="The `first_id` of a page, for the page before it; by default the newest."
    )
    after: str | None = Field(None, description="The `last_id` of a page, for the page after it.")
    format: Format | None = Field(None, description="By default `Accept` decides, else `plain`.")


class ConversationView(BaseModel):
    """A conversation, without its messages."""

    key: str
    title: str | None
    metadata: Metadata
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    length: int = Field(description="The number of messages.")
    revision: str = Field(description="Changes with every write; the ETag contains it.")

    @classmethod
    def of(cls, conversation: Conversation) -> ConversationView:
        """Return what clients see of a record."""
        return cls(**{name: getattr(conversation, name) for name in cls.model_fields})


class ConversationList(BaseModel):
    """A page of conversations, newest first."""

    data: list[ConversationView]
    next_cursor: str | None = Field(description="`null`: this is the last page.")


class _MessagePage(BaseModel):
    """What pages of messages have in common."""

    object: Literal["list"] = "list"
    first_id: str | None = Field(description="The `before` of the page with older messages.")
    last_id: str | None = Field(description="The `after` of the page with newer messages.")
    has_more: bool = Field(description="More messages follow in the requested direction.")


class MessageList(_MessagePage):
    """A page of messages, oldest first."""

    data: list[ChatMessage] | list[dict[str, Any]] = Field(
        description="Messages of this store, or of the format that the URL names."
    )


class ConvertedMessages(_MessagePage):
    """A page of messages in another format, oldest first."""

    data: list[dict[str, Any]] = Field(description="Messages or items of the format.")


class AddedMessages(BaseModel):
    """The ids of the messages that were added."""

    ids: list[str]


class Removed(BaseModel):
    """How many messages were removed."""

    removed: int


class Health(BaseModel):
    """The store answers."""

    status: Literal["ok"] = "ok"
