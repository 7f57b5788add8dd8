"""Receipts: a JSON file with what was erased, and a signature over it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from chatstore.cli.erasure.signing import SigningKey
from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode

FORMAT = "chatstore-erasure/1"


def write_receipt(path: Path, body: dict[str, Any], key: SigningKey) -> None:
    """Write a signed receipt; the file appears as a whole."""
    signature = {"algorithm": key.algorithm, "value": key.sign(_canonical(body))}
    text = json.dumps({"receipt": body, "signature": signature}, indent=2) + "\n"
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_receipt(path: Path, key: SigningKey) -> dict[str, Any]:
    """Return what a receipt says, if its signature was made with the key.

    Raises:
        CommandError: It is not a receipt, was changed, or was signed with another key.

    """
    body, algorithm, value = _read(path)
    if algorithm != key.algorithm:
        raise CommandError(f"{path} was signed with {algorithm[:20]}, not with {key.algorithm}")
    if not key.verifies(_canonical(body), value):
        raise CommandError(
            f"{path}: the signature does not match: the receipt was changed, or signed with "
            "another key"
        )
    return body


def _read(path: Path) -> tuple[dict[str, Any], str, str]:
    """Return the body, the algorithm and the signature of a receipt."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        body, signature = document["receipt"], document["signature"]
        if body["format"] == FORMAT:
            return dict(body), str(signature["algorithm"]), str(signature["value"])
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", ExitCode.USAGE) from None
    except (ValueError, KeyError, TypeError):
        pass
    raise CommandError(f"{path} is not a receipt of `chatstore erase`")


def _canonical(body: Any) -> bytes:
    """Return the bytes that are signed: JSON in ASCII, with sorted names and without spaces."""
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
