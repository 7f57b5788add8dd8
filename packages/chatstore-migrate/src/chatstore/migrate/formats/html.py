"""HTML transcripts: a page that needs nothing else and runs nothing.

All stored text is escaped. A content security policy in the page forbids scripts and everything
from other addresses; images are shown only if they are in the message itself.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from typing import BinaryIO

from chatstore.core import ChatMessage
from chatstore.migrate.formats.blocks import Part, parts_of, role_name
from chatstore.migrate.formats.markdown import minute
from chatstore.migrate.portable import PortableConversation

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --user: #3b82f618; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
header, time, .key { color: GrayText; font-size: .85rem; font-weight: normal; }
section + section { border-top: 2px solid var(--line); margin-top: 3rem; padding-top: 1rem; }
article { border: 1px solid var(--line); border-radius: .6rem; margin: .8rem 0; }
article { padding: .6rem 1rem; }
article.user { background: var(--user); }
article.system, article.developer { background: var(--soft); }
article h3 { display: flex; justify-content: space-between; font-size: .9rem; margin: 0 0 .3rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; }
details { margin: .4rem 0; }
summary { cursor: pointer; font-size: .9rem; }
pre { background: var(--soft); border-radius: .4rem; overflow: auto; padding: .6rem; }
img { max-width: 100%; border-radius: .4rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; img-src data:; style-src 'sha256-{_STYLE_HASH}'"
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")


def write_html(conversations: Iterable[PortableConversation], file: BinaryIO, source: str) -> None:
    """Write conversations into one page; one message at a time is in memory."""
    file.write(
        "<!DOCTYPE html>\n"
        '<html lang="en">\n'
        "<head>\n"
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        "<title>Conversations</title>\n"
        f"<style>{_STYLE}</style>\n"
        "</head>\n"
        "<body>\n"
        f"<header>Conversations of {html.escape(source)}</header>\n".encode()
    )
    for conversation in conversations:
        _write_conversation(conversation, file)
    file.write(b"</body>\n</html>\n")


def _write_conversation(conversation: PortableConversation, file: BinaryIO) -> None:
    fields = conversation.record.fields
    facts = [conversation.key, *([f"owner {fields.owner}"] if fields.owner else [])]
    file.write(
        "<section>\n"
        f"<h2>{html.escape(fields.title or conversation.key)}</h2>\n"
        f'<p class="key">{html.escape(" · ".join(facts))}</p>\n'.encode()
    )
    file.writelines(_article(message).encode() for message in conversation.messages)
    file.write(b"</section>\n")


def _article(message: ChatMessage) -> str:
    time = f"<time>{minute(message.created_at)}</time>" if message.created_at else ""
    parts = "".join(map(_part, parts_of(message)))
    return (
        f'<article class="{message.role.value}">\n'
        f"<h3><span>{role_name(message)}</span>{time}</h3>\n{parts}</article>\n"
    )


def _part(part: Part) -> str:
    text = html.escape(part.text)
    if part.kind == "media":
        if part.data_url and _IMAGE.fullmatch(part.data_url):
            return f'<img src="{part.data_url}" alt="{text}">\n'
        return f'<p class="text">[{text}]</p>\n'
    if part.kind == "text":
        return f'<div class="text">{text}</div>\n'
    labels = {"call": "Tool call", "result": "Result", "thinking": "Thinking"}
    name = f": {part.name}" if part.name else ""
    label = html.escape(labels[part.kind] + name)
    return f"<details><summary>{label}</summary><pre>{text}</pre></details>\n"
