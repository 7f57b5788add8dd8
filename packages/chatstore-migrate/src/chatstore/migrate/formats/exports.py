"""Data exports of ChatGPT and Claude: a zip file, or the ``conversations.json`` in it."""

from __future__ import annotations

import lzma
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
_MAX_DEPTH = 200  # of nested values; the parser of stored messages accepts no more
_MAX_RATIO = 200  # of a file to its compressed size; JSON text has about 10
_SMALL = 100_000_000  # bytes; smaller files may have any ratio


def is_zip(file: BinaryIO) -> bool:
    """Return whether a file is a zip file; leave it at its beginning."""
    file.seek(0)
    start = file.read(len(_ZIP))
    file.seek(0)
    return start == _ZIP


def read_export(file: BinaryIO) -> Iterator[dict[str, Any]]:
    """Return the conversations of an export as JSON objects; one at a time is in memory.

    Raises:
        DamagedFileError: The file is cut short, encrypted or compressed too much, or has no
            ``conversations.json``; or its values are not objects, or nested too deeply.

    """
    try:
        if not is_zip(file):
            yield from _items(file)
            return
        yield from _zipped_items(file)
    except ijson.JSONError:
        reason = "conversations.json is cut short, or is not JSON"
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError):
        reason = "the zip file is cut short or damaged"
    except RuntimeError:  # NotImplementedError is one, too
        reason = "the zip file is encrypted, or its compression is not known"
    except OSError as error:
        if error.errno is not None:
            raise
        reason = "the zip file is damaged"  # bz2 raises this
    except UnicodeDecodeError:
        reason = "conversations.json is not UTF-8"
    else:
        return
    raise DamagedFileError(f"{reason}; download the export again")


def _zipped_items(file: BinaryIO) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(file) as archive:
        names = sorted(filter(_MEMBER.fullmatch, archive.namelist()))
        if not names:
            raise DamagedFileError("the zip file contains no conversations.json")
        for name in names:
            _check_ratio(archive.getinfo(name))
            with archive.open(name) as member:
                yield from _items(member)


def _check_ratio(member: zipfile.ZipInfo) -> None:
    # zipfile reads no more than the size that the file claims.
    if member.file_size > max(_SMALL, _MAX_RATIO * member.compress_size):
        raise DamagedFileError(
            f"conversations.json is {member.file_size:,} bytes, compressed to "
            f"{member.compress_size:,}: exports are never so small; download the export again"
        )


def _items(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Read the objects of a list.

    Not with ``ijson.items``, whose paths need the square of the depth in memory.
    """
    depth, builder = 0, ijson.ObjectBuilder()
    for event, value in ijson.basic_parse(file, use_float=True):
        is_start = event in {"start_map", "start_array"}
        if depth == 0 and event == "start_map":
            raise DamagedFileError("conversations.json is not a list; download the export again")
        depth -= event in {"end_map", "end_array"}
        is_item = depth > 0
        if is_item:
            builder.event(event, value)
        depth += is_start
        if depth > _MAX_DEPTH:
            raise DamagedFileError(
                f"conversations.json has values nested more than {_MAX_DEPTH} levels deep; "
                "download the export again"
            )
        if is_item and depth == 1:  # the item is complete
            if not isinstance(builder.value, dict):
                raise DamagedFileError(
                    "conversations.json has a conversation that is not an object; "
                    "download the export again"
                )
            yield builder.value
            builder = ijson.ObjectBuilder()
