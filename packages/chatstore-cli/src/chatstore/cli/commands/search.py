"""``chatstore search``: find a text in titles and messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from chatstore.cli.amounts import counted
from chatstore.cli.arguments import Json, Limit, Owner, Prefix, Url
from chatstore.cli.clean import one_line
from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode
from chatstore.cli.listing import conversations
from chatstore.cli.output import on_terminal, print_json, print_text, write
from chatstore.cli.progress import Advance, progress
from chatstore.cli.stores import open_existing
from chatstore.cli.times import local_time

if TYPE_CHECKING:
    from chatstore.core import ChatStore, CorruptMessageError

_CONTEXT = 40  # characters on each side of a hit


@dataclass(frozen=True)
class Hit:
    """The first occurrence in a title or a message.

    Attributes:
        key: The conversation.
        role: The message's role, or ``"title"``.
        message_id: The message's id; ``None`` for a title.
        time: When it was written.
        before: The text in front of the occurrence.
        text: The occurrence.
        after: The text behind it.

    """

    key: str
    role: str
    message_id: str | None
    time: datetime | None
    before: str
    text: str
    after: str


def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for.")],
    url: Url = None,
    *,
    owner: Owner = None,
    prefix: Prefix = "",
    case: Annotated[bool, typer.Option("--case", help="Distinguish upper and lower case.")] = False,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Find a text in titles, messages, and the arguments and results of tools."""
    if not text:
        raise CommandError("the text to look for is empty", ExitCode.USAGE)
    pattern = re.compile(re.escape(text), 0 if case else re.IGNORECASE)
    number = 0
    damaged: list[int] = []
    with open_existing(url) as store:
        selected = [
            _Selected(item.key, item.title or "", item.updated_at, item.length)
            for item in conversations(store, owner=owner, prefix=prefix)
        ]
        total = sum(item.length for item in selected)
        with progress("Searching", "messages", total) as advance:
            for hit in islice(_hits(store, selected, pattern, advance, damaged), limit):
                number += 1
                _print(hit, json=json)
    if damaged:
        raise CommandError(
            f"{counted(len(damaged), 'damaged message')} left out; `chatstore show` names them",
            ExitCode.SETUP,
        )
    if number == 0:
        raise typer.Exit(ExitCode.FAILED)


class _Selected(NamedTuple):
    """What is remembered of a conversation: its metadata may be large."""

    key: str
    title: str
    updated_at: datetime
    length: int


def _hits(
    store: ChatStore,
    selected: list[_Selected],
    pattern: re.Pattern[str],
    advance: Advance,
    damaged: list[int],
) -> Iterator[Hit]:
    for item in selected:
        match = pattern.search(item.title)
        if match:
            yield _hit(item.key, "title", None, item.updated_at, match)
        yield from _hits_in_messages(store, item.key, pattern, advance, damaged)


def _hits_in_messages(
    store: ChatStore, key: str, pattern: re.Pattern[str], advance: Advance, damaged: list[int]
) -> Iterator[Hit]:
    """Yield the hits of a conversation; note the positions of messages that cannot be read."""
    from chatstore.cli.message_text import text_of_message
    from chatstore.core import ConversationChangedError

    def skip(error: CorruptMessageError) -> None:
        damaged.append(error.position)

    try:
        for message in store.iter_messages(key, on_corrupt=skip):
            match = pattern.search(text_of_message(message))
            if match:
                yield _hit(key, message.role.value, message.id, message.created_at, match)
            advance(1)
    except ConversationChangedError:
        print_text(f"{one_line(key)} changed while it was read; search it again", stderr=True)


def _hit(
    key: str, role: str, message_id: str | None, time: datetime | None, match: re.Match[str]
) -> Hit:
    begin, end = match.span()
    before = match.string[max(0, begin - _CONTEXT) : begin]
    after = match.string[end : end + _CONTEXT]
    return Hit(key, role, message_id, time, before, match.group(), after)


def _print(hit: Hit, *, json: bool) -> None:
    if json:
        print_json(_to_json(hit))
        return
    time = "" if hit.time is None else local_time(hit.time)
    before, text, after = (_squeezed(part) for part in (hit.before, hit.text, hit.after))
    if on_terminal():
        print_text((one_line(hit.key), "bold"), (f"  {hit.role}  {time}", "dim"))
        print_text(before, (text, "bold black on yellow"), after, indent=2)
    else:
        write("\t".join([one_line(hit.key), hit.role, time, before + text + after]) + "\n")


def _squeezed(text: str) -> str:
    return one_line(re.sub(r"\s+", " ", text))


def _to_json(hit: Hit) -> dict[str, Any]:
    return {
        "key": hit.key,
        "role": hit.role,
        "id": hit.message_id,
        "time": None if hit.time is None else hit.time.isoformat(),
        "text": hit.before + hit.text + hit.after,
    }
