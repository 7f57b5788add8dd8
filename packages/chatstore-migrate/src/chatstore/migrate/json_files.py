"""Read conversations from JSON files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chatstore.core import CorruptStoreError


class JSONFile:
    """Reads a JSON file: one conversation as a list, or an object with a list per key."""

    def __init__(
        self, path: str | os.PathLike[str], *, key: str | None = None, field: str | None = None
    ) -> None:
        """Read the file.

        Args:
            path: The file.
            key: The key of the conversation if the file is one list; by default the file's name
                without its suffix.
            field: If the file is an object that has this field, the lists are in its value.

        Raises:
            FileNotFoundError: The file does not exist.
            CorruptStoreError: The file is neither a list of messages nor an object of lists.

        """
        data = Path(path).read_bytes()
        try:
            content = json.loads(data.decode())
            if isinstance(content, str):  # JSON text within JSON, as some programs write it
                content = json.loads(content)
        except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
            raise CorruptStoreError(
                f"{os.fspath(path)}: not JSON in UTF-8, or nested too deeply"
            ) from error
        if isinstance(content, dict) and field in content:
            content = content[field]
        if isinstance(content, list):
            content = {Path(path).stem if key is None else key: content}
        if not isinstance(content, dict) or not all(
            isinstance(messages, list) for messages in content.values()
        ):
            raise CorruptStoreError(
                f"{os.fspath(path)}: neither a list of messages nor an object of lists by key"
            )
        self._lists: dict[str, list[Any]] = content

    def keys(self) -> Iterable[str]:
        """Return the keys of the conversations that have messages."""
        return [key for key, messages in self._lists.items() if messages]

    def items(self, key: str) -> Iterable[Any]:
        """Return the messages of a conversation as JSON values, oldest first."""
        return self._lists[key]
