"""``chatstore erase``: erase everything of an owner, with a signed receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatstore.cli.amounts import counted
from chatstore.cli.arguments import Json, Url, Yes
from chatstore.cli.clean import one_line
from chatstore.cli.confirming import confirm
from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode
from chatstore.cli.output import print_json, print_text
from chatstore.cli.progress import progress
from chatstore.cli.stores import open_existing

if TYPE_CHECKING:
    from chatstore.cli.erasure.signing import SigningKey
    from chatstore.core import ChatStore


def erase(
    url: Url = None,
    *,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="OWNER", help="Whose conversations.")
    ] = None,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", metavar="FILE", help="Where to write the receipt.")
    ] = None,
    signing_key: Annotated[
        Path | None,
        typer.Option(
            "--signing-key",
            metavar="FILE",
            help="An Ed25519 key in PEM, or at least 32 random bytes for HMAC-SHA256.",
        ),
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option(
            "--verify", metavar="RECEIPT", help="Erase nothing: verify the signature of a receipt."
        ),
    ] = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Erase all conversations of an owner, prove that none is left, and sign a receipt.

    A run that was killed is continued by the same command.
    """
    from chatstore.cli.erasure.signing import load_key

    key = load_key(_required(signing_key, "--signing-key FILE"))
    if verify is not None:
        _verify(verify, key, json=json)
        return
    path = _required(receipt, "--receipt FILE")
    if not owner:
        raise CommandError("whose conversations? Give --owner OWNER", ExitCode.USAGE)
    if path.exists():
        raise CommandError(f"{path} exists already; choose another receipt", ExitCode.USAGE)
    key.sign(b"")  # refuse a public key before anything is erased
    with open_existing(url) as store:
        body = _erase(store, owner, path, key, yes=yes)
    _print(body, path, json=json)


def _erase(
    store: ChatStore, owner: str, path: Path, key: SigningKey, *, yes: bool
) -> dict[str, Any]:
    from chatstore.cli.erasure.erasing import erase_all, now
    from chatstore.cli.erasure.journal import Journal
    from chatstore.cli.erasure.receipt import write_receipt

    lengths = [conversation.length for conversation in store.iter_conversations(owner=owner)]
    amount = f"{counted(len(lengths), 'conversation')} with {counted(sum(lengths), 'message')}"
    confirm(f"Erase {amount} of the owner {owner} in {store.server}?", yes=yes)
    part = path.with_name(f"{path.name}.part")
    with (
        Journal(part, owner=owner, store=store.server, now=now()) as journal,
        progress("Erasing", "conversations", len(lengths)) as advance,
    ):
        body = erase_all(store, owner, journal, advance)
        write_receipt(path, body, key)
        journal.delete()
    return body


def _verify(path: Path, key: SigningKey, *, json: bool) -> None:
    from chatstore.cli.erasure.receipt import read_receipt

    body = read_receipt(path, key)
    if json:
        print_json({"valid": True, **_summary(body)})
    else:
        print_text(("The receipt is valid. ", "green"), _sentence(body))


def _print(body: dict[str, Any], path: Path, *, json: bool) -> None:
    if json:
        print_json({"receipt": str(path), **_summary(body)})
    else:
        print_text(f"{_sentence(body)} The receipt is {one_line(str(path))}.")


def _summary(body: dict[str, Any]) -> dict[str, Any]:
    names = ("owner", "store", "started_at", "verified_at", "conversations", "messages")
    return {name: body[name] for name in names}


def _sentence(body: dict[str, Any]) -> str:
    amount = (
        f"{counted(body['conversations'], 'conversation')} with "
        f"{counted(body['messages'], 'message')}"
    )
    return one_line(
        f"{amount} of the owner {body['owner']} in {body['store']} erased; at "
        f"{body['verified_at']} none was left."
    )


def _required(path: Path | None, option: str) -> Path:
    if path is None:
        raise CommandError(f"the option {option} is missing", ExitCode.USAGE)
    return path
