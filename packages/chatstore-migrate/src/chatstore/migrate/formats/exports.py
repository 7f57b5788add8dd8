"""Data exports of ChatGPT and Claude: a zip file, or the ``conversations.json`` in it."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, BinaryIO

import ijson

from chatstore.migrate.formats.damaged import DamagedFileError

_ZIP = b"PK\x03\x04"
# Large exports of ChatGPT are split into conversations-000.json, conversations-001.json, ….
_MEMBER = re.compile(r"(.*/)?conversations(-\d+)?\.json")


def is_zip(file: BinaryIO) -> bool:
    """Return whether a file is a zip file; leave it at its beginning."""
    file.seek(0)
    start = file.read(len(_ZIP))
    file.seek(0)
    return start == _ZIP


def read_export(file: BinaryIO) -> Iterator[dict[str, Any]]:
    """Return the conversations of an export as JSON objects; one at a time is in memory.

    Raises:
        DamagedFileError: The file is cut short, or has no ``conversations.json``.

    """
    try:
        if not is_zip(file):
            yield from _items(file)
            return
        with zipfile.ZipFile(file) as archive:
            names = sorted(filter(_MEMBER.fullmatch, archive.namelist()))
            if not names:
                raise DamagedFileError("the zip file contains no conversations.json")
            for name in names:
                with archive.open(name) as member:
                    yield from _items(member)
    except ijson.JSONError:
        reason = "conversations.json is cut short, or is not JSON"
    except (zipfile.BadZipFile, zlib.error, EOFError):
        reason = "the zip file is cut short or damaged"
    except UnicodeDecodeError:
        reason = "conversations.json is not UTF-8"
    else:
        return
    raise DamagedFileError(f"{reason}; download the export again")


def _items(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    for item in ijson.items(file, "item", use_float=True):
        if isinstance(item, dict):
            yield item
