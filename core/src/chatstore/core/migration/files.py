"""Conversations in JSON files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chatstore.core.errors import CorruptStoreError


class JSONFile:
    """A JSON file: one conversation as a list, or an object of lists by key."""

    def __init__(
        self, path: str | os.PathLike[str], *, key: str | None = None, field: str | None = None
    ) -> None:
        """Read the file.

        Args:
            path: The file.
            key: The conversation's key, where the file is one list; by default the file's name
                without its suffix.
            field: The field of the object that holds the lists by key, where there is one.

        Raises:
            FileNotFoundError: There is no such file.
            CorruptStoreError: The file is of another form.

        """
        text = Path(path).read_text(encoding="utf-8")
        try:
            found = json.loads(text)
            if isinstance(found, str):  # JSON within JSON, as some wrote it
                found = json.loads(found)
        except ValueError as error:
            raise CorruptStoreError(f"{os.fspath(path)}: no JSON") from error
        if isinstance(found, dict) and field in found:
            found = found[field]
        if isinstance(found, list):
            found = {Path(path).stem if key is None else key: found}
        if not isinstance(found, dict) or not all(isinstance(v, list) for v in found.values()):
            raise CorruptStoreError(
                f"{os.fspath(path)}: neither a list of messages nor lists by key"
            )
        self._lists: dict[str, list[Any]] = found

    def keys(self) -> Iterable[str]:
        """Return the keys of the conversations that have messages."""
        return [key for key, messages in self._lists.items() if messages]

    def items(self, key: str) -> Iterable[Any]:
        """Return the messages, oldest first."""
        return self._lists[key]
