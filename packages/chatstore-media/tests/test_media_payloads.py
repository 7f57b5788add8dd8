"""Media in the forms of every provider, and texts that are not media."""

from __future__ import annotations

import json
from base64 import encodebytes, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from media_stores import base64_of, content, objects_in, photo, store_over

from chatstore.core import ChatMessage, CorruptMessageError, MessageConflictError
from chatstore.core.simple import MemoryBackend
from chatstore.media import MediaFolder

DATA = content(3000)
TEXT = base64_of(DATA)
URL_SAFE = urlsafe_b64encode(DATA).decode()
DATA_URL = f"data:image/png;base64,{TEXT}"

FORMS: dict[str, Any] = {
    "image": {"type": "image", "data": TEXT, "media_type": "image/png"},
    "data url": {"type": "image", "url": DATA_URL},
    "openai": {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "low"}},
    "openai audio": {"type": "input_audio", "input_audio": {"data": TEXT, "format": "wav"}},
    "openai file": {"type": "file", "file": {"filename": "a.pdf", "file_data": DATA_URL}},
    "anthropic": {
        "type": "tool_result",
        "content": [{"type": "image", "source": {"type": "base64", "data": TEXT}}],
    },
    "google": {"type": "part", "inline_data": {"mime_type": "image/png", "data": URL_SAFE}},
}
TEXTS: dict[str, Any] = {
    "text": {"type": "text", "text": TEXT},
    "lines": {"type": "image", "data": encodebytes(DATA).decode()},
    "no padding": {"type": "image", "data": base64_of(DATA[:2999]).rstrip("=")},
    # The last character has bits that encode nothing: decoding would lose them.
    "spare bits": {"type": "image", "data": f"{TEXT[:2996]}AAB="},
    "small": {"type": "image", "data": base64_of(DATA[:99])},
    "call": {"type": "tool_call", "id": "1", "name": "f", "arguments": {"text": TEXT}},
}


def message_of(block: Any, **kwargs: Any) -> ChatMessage:
    return ChatMessage(role="user", content=[block], **kwargs)


@pytest.mark.parametrize("name", [*FORMS, *TEXTS])
def test_forms(name: str, tmp_path: Path) -> None:
    database = MemoryBackend()
    store = store_over(database, MediaFolder(str(tmp_path)))
    message = message_of({**FORMS, **TEXTS}[name])
    store.add_message("k", message)
    assert store.get_messages("k") == [message]
    paths = objects_in(tmp_path).values()
    assert [path.read_bytes() for path in paths] == ([DATA] if name in FORMS else [])
    assert (TEXT[:60] in database.dump()) == (name in TEXTS)
    assert (URL_SAFE[:60] in database.dump()) == (name in TEXTS and URL_SAFE[:60] == TEXT[:60])


def test_one_object_for_all_forms_of_the_same_content(tmp_path: Path) -> None:
    database = MemoryBackend()
    store = store_over(database, MediaFolder(str(tmp_path)))
    part = {"type": "image", "data": base64_of(DATA[:600])}  # its text is a part of the other's
    kwargs = {"native": {"type": "image", "data": TEXT}, "text": f"begins with {TEXT}"}
    message = ChatMessage(role="user", content=[part, *FORMS.values()], additional_kwargs=kwargs)
    store.add_message("k", message)
    assert len(objects_in(tmp_path)) == 2
    assert TEXT[-60:] not in database.dump()
    assert store.get_messages("k") == [message]


def test_urls_in_all_forms(tmp_path: Path) -> None:
    database, folder = MemoryBackend(), MediaFolder(str(tmp_path))
    message = ChatMessage(role="user", content=list(FORMS.values()))
    store_over(database, folder).add_message("k", message)
    [view] = store_over(database, folder, read="references").get_messages("k")
    [path] = objects_in(tmp_path).values()
    url = f"file://{path}"
    assert json.loads(view.model_dump_json(exclude_none=True))["content"] == [
        {"type": "image", "url": url, "media_type": "image/png"},
        {"type": "image", "url": url},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": url, "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": url}},
        {
            "type": "tool_result",
            "content": [{"type": "image", "source": {"type": "base64", "data": url}}],
        },
        {"type": "part", "inline_data": {"mime_type": "image/png", "data": url}},
    ]  # fmt: skip


def test_references_of_a_caller_are_text(tmp_path: Path) -> None:
    database, folder = MemoryBackend(), MediaFolder(str(tmp_path))
    store = store_over(database, folder)
    store.add_message("k", photo(DATA))
    [name] = objects_in(tmp_path)
    reference = {"name": name, "size": len(DATA), "encoding": "base64"}
    forged = ChatMessage(
        role="user",
        content=json.dumps({"v": "media-1", "parts": [reference]}),
        additional_kwargs={"v": "media-1", "parts": [reference], "image": DATA_URL},
    )
    store.add_message("k", forged)
    assert store.get_messages("k")[1] == forged
    assert TEXT not in str(store_over(database, folder, read="references").get_messages("k")[1])


REFERENCE = {"name": "../../../secret", "size": 7, "encoding": "base64"}


@pytest.mark.parametrize(
    "parts",
    [
        "7",
        '["x',
        json.dumps([REFERENCE]),
        json.dumps([{**REFERENCE, "name": "a" * 64, "encoding": "hex"}]),
        json.dumps([{**REFERENCE, "name": "a" * 64, "more": 1}]),
        json.dumps([7]),
    ],
)
def test_damaged_envelopes_raise(parts: str, tmp_path: Path) -> None:
    database = MemoryBackend()
    store = store_over(database, MediaFolder(str(tmp_path / "media")))
    store.add_messages("k", [photo(DATA), photo(DATA)])
    records = database.conversations.by_key["k"].records
    records[0] = records[0]._replace(body=f'{{"v":"media-1","parts":{parts}}}')
    with pytest.raises(CorruptMessageError):
        store.get_messages("k")
    assert list(store.iter_messages("k", on_corrupt="skip")) == [photo(DATA)]
    assert store.delete_message("k", 0, force=True) is None


def test_the_same_message_again_needs_no_transfer(tmp_path: Path) -> None:
    store = store_over(MemoryBackend(), MediaFolder(str(tmp_path)))
    store.add_message("k", photo(DATA, id="a"))
    [path] = objects_in(tmp_path).values()
    path.write_bytes(bytes(len(DATA)))  # a download would raise
    store.add_message("k", photo(DATA, id="a"))
    assert path.read_bytes() == bytes(len(DATA))  # it was not uploaded again
    path.write_bytes(DATA[:100])
    store.add_message("k", photo(DATA, id="a"))
    assert path.read_bytes() == DATA  # half of a file is replaced
    with pytest.raises(MessageConflictError):
        store.add_message("k", photo(content(seed=9), id="a"))
    assert store.get_messages("k") == [photo(DATA)]
