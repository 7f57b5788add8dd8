"""Conversations of an invented bicycle shop, for the viewer's pictures."""

from __future__ import annotations

import json
import struct
import zlib
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from typing import Any

from chatstore.core import ChatMessage, ChatStore

START = datetime(2026, 3, 2, 9, 12, tzinfo=timezone.utc)

_POLICY = """You are the assistant of a bicycle shop, Wheelhouse.

- Look up stock and prices with the tools; never guess them.
- Offer a workshop slot if a repair takes more than 20 minutes.
- Orders above 500 EUR need a confirmation."""

_TITLES = [
    ("Which tyres fit a Gravelking frame?", "marta"),
    ("Invoice 20931 is missing", "jonas"),
    ("Brakes squeal in the rain", "aiko"),
    ("Child seat for a step-through frame", "marta"),
    ("Return of a helmet, wrong size", "samuel"),
    ("Battery loses charge overnight", "ines"),
    ("Fitting appointment on Saturday", "jonas"),
    ("Chain wear: how many kilometres?", "aiko"),
    ("Group ride on Sunday", "samuel"),
    ("Delivery to Norway", "ines"),
]


def fill(store: ChatStore) -> str:
    """Write all conversations; return the key of the one to show."""
    for number, (title, owner) in enumerate(_TITLES * 4):
        key = f"support/{2100 + number}"
        store.create_conversation(key, owner=owner, title=title)
        store.add_messages(
            key,
            [
                ChatMessage(role="user", content=f"{title} Can you help?"),
                ChatMessage(role="assistant", content="Of course. Which model is it?"),
            ]
            * (1 + number % 5),
        )
    key = "support/2199"
    store.create_conversation(
        key, owner="marta", title="A winter setup for the commuter", metadata={"channel": "web"}
    )
    messages = _conversation()
    for number, message in enumerate(messages):
        message.created_at = START + timedelta(seconds=40 * number)
    store.add_messages(key, messages)
    return key


def _conversation() -> list[ChatMessage]:
    earlier = [
        message
        for question, answer in (
            (
                "Do you have studded tyres in 700c?",
                "Yes: **Marathon Winter Plus** in 35 and 40 mm.",
            ),
            ("My rims are 19 mm wide. Is 40 mm fine?", "It is: up to 47 mm fits a 19 mm rim."),
            (
                "And mudguards over 40 mm?",
                "Then you need guards of at least 50 mm, such as *SKS B53*.",
            ),
        )
        for message in (
            ChatMessage(role="user", content=question),
            ChatMessage(role="assistant", content=answer),
        )
    ]
    return [
        ChatMessage(role="system", content=_POLICY),
        *earlier,
        ChatMessage(
            role="user",
            content=[
                {"type": "text", "text": "This is the room under the fork. Do they fit?"},
                {"type": "image", "data": _picture(), "media_type": "image/png"},
            ],
        ),
        ChatMessage(role="assistant", content="That is about **58 mm**: they fit."),
        ChatMessage(
            role="user", content="Please check stock and price for both, and a workshop slot."
        ),
        ChatMessage(
            role="assistant",
            additional_kwargs={
                "tool_calls": [
                    _call("c1", "stock", {"items": ["marathon-winter-40", "sks-b53"]}),
                    _call("c2", "workshop_slots", {"from": "2026-03-03", "minutes": 60}),
                ]
            },
        ),
        _result(
            "c1",
            {
                "marathon-winter-40": {"stock": 6, "price": 54.9},
                "sks-b53": {"stock": 2, "price": 39.5},
            },
        ),
        _result("c2", {"slots": ["2026-03-03T16:30", "2026-03-04T08:00"]}),
        ChatMessage(role="assistant", content=_ANSWER),
        ChatMessage(role="user", content="Wednesday at 8, please."),
        ChatMessage(role="assistant", content="Booked: **Wednesday at 08:00**. See you then."),
    ]


_ANSWER = """Everything is in stock:

| item | price | in stock |
| --- | --- | --- |
| Marathon Winter Plus, 40 mm (two) | 109.80 EUR | 6 |
| SKS B53 mudguards | 39.50 EUR | 2 |

The workshop has room on **Tuesday at 16:30** and **Wednesday at 08:00**. It takes an hour:

1. tyres and tubes
2. mudguards, with spacers for the disc brake
3. a check of the brakes

Details are on [our page about winter](https://wheelhouse.example/winter)."""


def _call(call_id: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": call_id, "type": "function", "function": function}


def _result(call_id: str, value: dict[str, Any]) -> ChatMessage:
    return ChatMessage(
        role="tool", content=json.dumps(value), additional_kwargs={"tool_call_id": call_id}
    )


def _picture(width: int = 320, height: int = 180) -> str:
    """Return a PNG of a wheel below a fork, as base64."""
    rows = []
    for y in range(height):
        row = bytearray([0])
        for x in range(width):
            distance = ((x - width / 2) ** 2 + (y - 150) ** 2) ** 0.5
            is_fork = abs(abs(x - width / 2) - 52) < 8 and y < 120
            if 78 < distance < 96:
                row += b"\x2b\x2f\x36"
            elif 68 < distance <= 78:
                row += b"\xb9\xbf\xc7"
            else:
                row += b"\x3b\x6e\xa8" if is_fork else b"\xe9\xe6\xdf"
        rows.append(bytes(row))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()
