"""``Journal``: what a run is about to erase, on disk before it is erased."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from chatstore.core import Conversation


@dataclass(frozen=True)
class Entry:
    """A conversation as it was.

    Attributes:
        key: Its key.
        revision: Its revision; identifies the entry within the journal.
        messages: The number of its messages.
        damaged: How many of them cannot be read.
        sha256: The digest of its record and its messages, as `chatstore.migrate` computes it.
        created_at: When it began.
        updated_at: When it was last written.

    """

    key: str
    revision: str
    messages: int
    damaged: int
    sha256: str
    created_at: str
    updated_at: str


class Journal:
    """A file of JSON lines; each is on disk when a method returns.

    Attributes:
        started_at: When the first run began.

    """

    def __init__(self, path: Path, *, owner: str, store: str, now: str) -> None:
        """Open the journal of an erasure, or begin it.

        Raises:
            CommandError: The file belongs to another erasure.

        """
        self._path = path
        self._entries: list[Entry] = []
        self._erased_at: dict[tuple[str, str], str] = {}
        header = {"owner": owner, "store": store}
        lines = _read_lines(path)
        self.started_at = now
        is_new = not lines
        if not is_new:
            first = lines.pop(0)
            self.started_at = str(first.pop("started_at", now))
            if first != header:
                raise CommandError(
                    f"{path} belongs to the erasure of another owner or in another store; choose "
                    "another receipt",
                    ExitCode.USAGE,
                )
        self._file = path.open("a", encoding="utf-8")
        if path.stat().st_size:
            self._file.write("\n")  # behind a line that a killed run did not finish
        if is_new:
            self._write({**header, "started_at": now})
        for line in lines:
            self._remember(line)

    def __enter__(self) -> Self:
        """Return the journal; leaving the block closes the file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def add(self, entry: Entry) -> None:
        """Note a conversation that is about to be erased."""
        self._entries.append(entry)
        self._write(asdict(entry))

    def note_erased(self, entry: Entry, now: str) -> None:
        """Note that a conversation was erased."""
        self._erased_at[entry.key, entry.revision] = now
        self._write({"erased": [entry.key, entry.revision], "at": now})

    @property
    def keys(self) -> list[str]:
        """The keys of all entries."""
        return list(dict.fromkeys(entry.key for entry in self._entries))

    def erased(self, now: str, present: list[Conversation]) -> list[dict[str, Any]]:
        """Return what was erased, once no conversation of the journal is left.

        An entry whose run was killed before it noted the deletion counts, unless a later entry has
        the same key, or the conversation got another owner: then it was still there.

        Args:
            now: The time for entries without one.
            present: The conversations that have the journal's keys now.

        """
        newest = {entry.key: entry.revision for entry in self._entries}
        remaining = {(one.key, one.created_at.isoformat()) for one in present}
        result: dict[tuple[str, str], dict[str, Any]] = {}
        for entry in self._entries:
            place = entry.key, entry.revision
            is_gone = (
                newest[entry.key] == entry.revision
                and (entry.key, entry.created_at) not in remaining
            )
            if place in self._erased_at or is_gone:
                result[place] = {**asdict(entry), "erased_at": self._erased_at.get(place, now)}
        return list(result.values())

    def delete(self) -> None:
        """Delete the file: the receipt has everything."""
        self._path.unlink()

    def _remember(self, line: dict[str, Any]) -> None:
        if "erased" in line:
            key, revision = line["erased"]
            self._erased_at[key, revision] = line["at"]
        else:
            self._entries.append(Entry(**line))

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the complete lines; one that a killed run did not finish was never acted on."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines
