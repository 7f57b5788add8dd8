"""``chatstore show``: print a conversation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from chatstore.cli.amounts import counted
from chatstore.cli.arguments import Json, Key, Url
from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode
from chatstore.cli.output import flush, print_json
from chatstore.cli.stores import open_existing, require_conversation

if TYPE_CHECKING:
    from chatstore.cli.folding import Folding
    from chatstore.cli.following import Follower
    from chatstore.cli.transcript import Transcript
    from chatstore.core import ChatMessage, ChatStore, Conversation, CorruptMessageError


def show(
    key: Key,
    url: Url = None,
    *,
    last: Annotated[
        int | None, typer.Option("--last", metavar="N", min=1, help="Only the newest N messages.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Print tools' arguments and results whole.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")
    ] = False,
    json: Json = False,
) -> None:
    """Print a conversation like a chat, with the results of tools under their calls."""
    with open_existing(url) as store:
        conversation = require_conversation(store, key)
        damaged: list[int] = []
        messages = _messages(store, key, last, damaged)
        if json:
            _show_json(store, key, messages, follow=follow)
        else:
            _show_chat(store, conversation, messages, full=full, follow=follow)
    if damaged:
        raise CommandError(
            f"{counted(len(damaged), 'damaged message')} left out, at the positions "
            f"{', '.join(map(str, damaged[:10]))}",
            ExitCode.SETUP,
        )


def _messages(
    store: ChatStore, key: str, last: int | None, damaged: list[int]
) -> Iterable[ChatMessage]:
    """Return messages, oldest first; note the positions of those that cannot be read."""

    def skip(error: CorruptMessageError) -> None:
        damaged.append(error.position)

    if last is None:
        return store.iter_messages(key, on_corrupt=skip)
    newest_first = store.iter_messages(key, reverse=True, on_corrupt=skip)
    return reversed(list(islice(newest_first, last)))


def _show_chat(
    store: ChatStore,
    conversation: Conversation,
    messages: Iterable[ChatMessage],
    *,
    full: bool,
    follow: bool,
) -> None:
    from chatstore.cli.folding import Folding
    from chatstore.cli.transcript import Transcript

    transcript, folding = Transcript(full=full), Folding()
    transcript.print_record(conversation)
    newest: deque[ChatMessage] = deque(maxlen=1)
    for message in messages:
        newest.append(message)
        for entry in folding.add(message):
            transcript.print_entry(entry)
    if follow:
        _follow_chat(_follower(store, conversation.key, newest), transcript, folding)
    for entry in folding.flush():
        transcript.print_entry(entry)


def _follow_chat(follower: Follower, transcript: Transcript, folding: Folding) -> None:
    from chatstore.cli.following import Appended, Grown, Removed

    for event in follower.events():
        match event:
            case Appended(message):
                entries = folding.add(message)
            case _:
                entries = folding.flush()
        for entry in entries:
            transcript.print_entry(entry)
        if isinstance(event, Grown):
            transcript.print_addition(event.text)
        elif isinstance(event, Removed):
            transcript.print_notice("Messages at the end were removed or replaced.")
        flush()
    transcript.print_notice("The conversation was deleted.")


def _show_json(
    store: ChatStore, key: str, messages: Iterable[ChatMessage], *, follow: bool
) -> None:
    newest: deque[ChatMessage] = deque(maxlen=1)
    for message in messages:
        newest.append(message)
        print_json(message.model_dump(mode="json"))
    if follow:
        for message in _written(_follower(store, key, newest)):
            print_json(message.model_dump(mode="json"))
            flush()


def _written(follower: Follower) -> Iterator[ChatMessage]:
    """Yield new messages, and the last one again as it grows."""
    from chatstore.cli.following import Appended, Grown

    for event in follower.events():
        if isinstance(event, Appended | Grown):
            yield event.message


def _follower(store: ChatStore, key: str, newest: Iterable[ChatMessage]) -> Follower:
    from chatstore.cli.following import Follower

    flush()
    follower = Follower(store, key)
    for message in newest:
        follower.start_after(message)
    return follower
